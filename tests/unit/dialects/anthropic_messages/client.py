"""The official client, in front of bytes that we wrote."""

import anthropic
import httpx2


def client_of(body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str):
    """A client whose every request is answered so."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        del request
        return httpx2.Response(status, content=body, headers={"content-type": kind, **headers})

    return anthropic.Anthropic(
        api_key="k",
        base_url="http://gateway.test",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )


def streamed(body: bytes) -> anthropic.types.Message:
    """What the client makes of a stream, all its checks included."""
    client = client_of(body, kind="text/event-stream")
    with client.messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        for _ in stream:
            pass
        return stream.get_final_message()


def whole(body: bytes) -> anthropic.types.Message:
    """What the client makes of a whole reply."""
    return client_of(body).messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
    )
