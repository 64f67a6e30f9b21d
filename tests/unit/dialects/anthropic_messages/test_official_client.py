"""The official client reads what we write, and raises what it should."""

import anthropic
import pytest
from hypothesis import given, settings

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import (
    AntiphonError,
    Disposition,
    Exhausted,
    FailedAttempt,
    Kind,
    UpstreamBroken,
    UpstreamRefused,
)
from antiphon.model.events import StreamEvent
from antiphon.model.fold import fold
from antiphon.model.parts import Text, ToolCall
from tests.unit.dialects.anthropic_messages import strategies
from tests.unit.dialects.anthropic_messages.client import client_of, streamed, whole
from tests.unit.dialects.openai_chat.strategies import streams as chat_streams


def write(events: list[StreamEvent]) -> bytes:
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in events)


def test_a_stream() -> None:
    message = streamed(write(strategies.EXAMPLE))
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]
    assert message.content[0].signature == "c2VhbA=="
    assert message.content[2].text == "é中\u2028b"
    assert [block.input for block in message.content[3:]] == [{"a": 1}, {}]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 9)


@settings(max_examples=25)
@given(strategies.streams())
def test_every_stream_is_what_the_whole_reply_is(events: list[StreamEvent]) -> None:
    heard = streamed(write(events))
    read = whole(ANTHROPIC_MESSAGES.encode_reply(fold(events)))
    dumped = [message.model_dump(exclude={"content"}) for message in (heard, read)]
    assert dumped[0]["usage"] == dumped[1]["usage"]
    assert heard.stop_reason == read.stop_reason
    texts = [
        [block.model_dump(exclude_none=True) for block in message.content]
        for message in (heard, read)
    ]
    assert texts[0] == texts[1]


@settings(max_examples=25)
@given(chat_streams())
def test_streams_of_another_dialect(events: list[StreamEvent]) -> None:
    """Interleaved calls, thought without a seal, arguments that are no JSON, two choices."""
    heard = streamed(write(events))
    turn = fold(events).choices[0].turn
    assert "".join(block.text for block in heard.content if block.type == "text") == "".join(
        part.text for part in turn.parts if isinstance(part, Text)
    ) + "".join(part.text for part in turn.parts if type(part).__name__ == "Refusal")
    calls = [part for part in turn.parts if isinstance(part, ToolCall)]
    used = [block for block in heard.content if block.type == "tool_use"]
    assert [block.name for block in used] == [call.name for call in calls]
    assert all(isinstance(block.input, dict) for block in used)
    thoughts = [block for block in heard.content if block.type == "thinking"]
    assert all(block.signature.startswith("antiphon1.") for block in thoughts)


def test_a_whole_reply_of_another_dialect() -> None:
    reply = OPENAI_CHAT.decode_reply(
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt","choices":[{'
        b'"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"Hm","tool_ca'
        b'lls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\\"a\\": 1}"}}'
        b']},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total'
        b'_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reas'
        b'oning_tokens":2}}}'
    )
    message = whole(ANTHROPIC_MESSAGES.encode_reply(reply))
    assert message.id == "msg_chatcmpl-1"
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {"a": 1}
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (6, 4, 5)
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 2


RAISED = {
    Kind.BAD_REQUEST: anthropic.BadRequestError,
    Kind.UNSUPPORTED_PARAMETER: anthropic.BadRequestError,
    Kind.CONTEXT_TOO_LONG: anthropic.BadRequestError,
    Kind.UNAUTHENTICATED: anthropic.AuthenticationError,
    Kind.FORBIDDEN: anthropic.PermissionDeniedError,
    Kind.NOT_FOUND: anthropic.NotFoundError,
    Kind.MODEL_NOT_FOUND: anthropic.NotFoundError,
    Kind.MODEL_UNPRICED: anthropic.PermissionDeniedError,
    Kind.BUDGET_EXCEEDED: anthropic.APIStatusError,
    Kind.METHOD_NOT_ALLOWED: anthropic.APIStatusError,
    Kind.CONFLICT: anthropic.ConflictError,
    Kind.KEY_REUSED: anthropic.UnprocessableEntityError,
    Kind.TOO_LARGE: anthropic.RequestTooLargeError,
    Kind.CONTENT_FILTER: anthropic.BadRequestError,
    Kind.RATE_LIMITED: anthropic.RateLimitError,
    Kind.QUOTA_EXHAUSTED: anthropic.RateLimitError,
    Kind.OVERLOADED: anthropic.OverloadedError,
    Kind.TIMEOUT: anthropic.DeadlineExceededError,
    Kind.REQUEST_TIMEOUT: anthropic.APIStatusError,
    Kind.UPSTREAM: anthropic.InternalServerError,
    Kind.UPSTREAM_AUTH: anthropic.InternalServerError,
    Kind.CLIENT_CLOSED: anthropic.APIStatusError,
    Kind.INTERNAL: anthropic.InternalServerError,
}


def error_of(kind: Kind) -> AntiphonError:
    return UpstreamRefused("It failed.", kind=kind, disposition=Disposition.TRANSIENT, code="x")


@pytest.mark.parametrize("kind", Kind)
def test_errors(kind: Kind) -> None:
    error = error_of(kind)
    body = ANTHROPIC_MESSAGES.encode_error(error, request_id="req_1")
    with pytest.raises(RAISED[kind]) as raised:
        client_of(body, status=ANTHROPIC_MESSAGES.status_of(error)).messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
        )
    assert "It failed." in raised.value.message
    assert raised.value.body["request_id"] == "req_1"
    assert raised.value.type == raised.value.body["error"]["type"]


def test_a_status_of_its_own() -> None:
    assert ANTHROPIC_MESSAGES.status_of(error_of(Kind.OVERLOADED)) == 529
    assert ANTHROPIC_MESSAGES.status_of(error_of(Kind.TIMEOUT)) == 504


def test_an_error_inside_a_stream() -> None:
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    begun = b"".join(encoder.feed(event) for event in strategies.EXAMPLE[:9])
    error = error_of(Kind.OVERLOADED)
    failed = ANTHROPIC_MESSAGES.encode_stream_error(error, request_id="req_1")
    with pytest.raises(anthropic.APIStatusError) as raised:
        streamed(begun + failed)
    assert raised.value.type == "overloaded_error"


def test_every_attempt_is_told() -> None:
    error = Exhausted(
        "All failed.",
        kind=Kind.UPSTREAM,
        attempts=[FailedAttempt("a/m", UpstreamBroken("It broke.", code="truncated"), 0.25)],
    )
    with pytest.raises(anthropic.InternalServerError) as raised:
        client_of(
            ANTHROPIC_MESSAGES.encode_error(error, request_id="r"), status=502
        ).messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}])
    attempts = raised.value.body["error"]["attempts"]
    assert attempts == [
        {"deployment": "a/m", "code": "truncated", "message": "It broke.", "latency_ms": 250}
    ]


def test_heartbeats_are_nothing_to_the_client() -> None:
    frames = write(strategies.EXAMPLE).split(b"\n\n")[:-1]
    beats = b"".join(frame + b"\n\n" + ANTHROPIC_MESSAGES.heartbeat for frame in frames)
    assert streamed(beats) == streamed(write(strategies.EXAMPLE))
