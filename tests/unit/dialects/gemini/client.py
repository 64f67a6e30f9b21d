"""The official client, in front of bytes that we wrote."""

import httpx2
import pytest

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")


def client_of(body: bytes, *, status: int = 200, kind: str = "application/json"):
    """A client whose every request is answered so; `asked` on it holds what it asked."""
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(status, content=body, headers={"content-type": kind})

    client = genai.Client(
        api_key="k",
        http_options=genai.types.HttpOptions(
            base_url="http://gateway.test",
            httpx_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
        ),
    )
    return client, asked


def streamed(body: bytes):
    """The chunks that the client makes of a stream."""
    client, _ = client_of(body, kind="text/event-stream")
    return list(client.models.generate_content_stream(model="m", contents="Hello"))


def whole(body: bytes):
    """What the client makes of a whole reply."""
    client, _ = client_of(body)
    return client.models.generate_content(model="m", contents="Hello")
