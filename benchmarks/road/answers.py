"""The bytes on the wire: what the pretend provider answers, and what the caller asks.

Everything is fixed, so that an answer can be checked byte by byte while the load runs.
"""

from dataclasses import dataclass

import msgspec

KEY = "bench-key-0123456789abcdef"
MODEL = "bench"
UPSTREAM_MODEL = "bench-model"
DONE = b"data: [DONE]\n\n"

_WORDS = (
    "A gateway stands between many callers and many models and should cost next to nothing "
    "while it checks keys, keeps limits, counts tokens and chooses who answers."
)


@dataclass(frozen=True, slots=True)
class Stream:
    """A streamed answer: its events, `[DONE]` not counted, each a complete frame."""

    events: tuple[bytes, ...]

    @property
    def frames(self) -> tuple[bytes, ...]:
        return (*self.events, DONE)

    @property
    def body(self) -> bytes:
        return b"".join(self.frames)


def completion() -> bytes:
    """Build a chat completion of about 1 KB."""
    message = {
        "role": "assistant",
        "content": " ".join([_WORDS] * 4)[:640],
        "refusal": None,
        "annotations": [],
    }
    answer = {
        "id": "chatcmpl-bench0000000000000000000001",
        "object": "chat.completion",
        "created": 1760000000,
        "model": UPSTREAM_MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(),
        "service_tier": "default",
        "system_fingerprint": "fp_bench",
    }
    return msgspec.json.encode(answer)


def stream(events: int) -> Stream:
    """Build an answer of that many events: role, content, finish and usage; one is content only."""
    if events == 1:
        return Stream((_chunk({"role": "assistant", "content": "hello"}, finish="stop"),))
    content = [_chunk({"content": f" word{index:04d}"}) for index in range(events - 3)]
    first = _chunk({"role": "assistant", "content": "", "refusal": None})
    last = _chunk({}, finish="stop")
    usage = _frame({**_envelope(), "choices": [], "usage": _usage()})
    return Stream((first, *content, last, usage))


def question(*, streamed: bool) -> bytes:
    """Build the caller's body of about 1 KB.

    The streamed one asks for usage, so that the answer must arrive byte for byte.
    """
    body: dict[str, object] = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer briefly."},
            {"role": "user", "content": " ".join([_WORDS] * 5)[:790]},
        ],
        "temperature": 0.7,
        "max_tokens": 256,
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body)


def messages_question(*, streamed: bool) -> bytes:
    """Build the same question in Anthropic's words."""
    body: dict[str, object] = {
        "model": MODEL,
        "system": "You are a helpful assistant. Answer briefly.",
        "messages": [{"role": "user", "content": " ".join([_WORDS] * 5)[:790]}],
        "temperature": 0.7,
        "max_tokens": 256,
    }
    if streamed:
        body["stream"] = True
    return msgspec.json.encode(body)


def http_request(body: bytes, *, path: str = "/v1/chat/completions") -> bytes:
    """Wrap a body into the HTTP request that the Python clients send."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _envelope() -> dict[str, object]:
    return {
        "id": "chatcmpl-bench0000000000000000000001",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": UPSTREAM_MODEL,
        "system_fingerprint": "fp_bench",
    }


def _chunk(delta: dict[str, object], *, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _frame({**_envelope(), "choices": [choice]})


def _frame(event: dict[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _usage() -> dict[str, object]:
    return {
        "prompt_tokens": 180,
        "completion_tokens": 98,
        "total_tokens": 278,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
