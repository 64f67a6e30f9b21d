"""What goes through the model comes out as it went in; what is garbage is said to be."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.contract import Target
from antiphon.errors import CallerError, UpstreamBroken, UpstreamError, UpstreamRefused
from antiphon.model.events import Ended, Started, StreamEvent, StreamFailed, UsageReported
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.anthropic_messages import strategies


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@given(strategies.REQUESTS)
def test_requests(body: dict[str, object]) -> None:
    request = ANTHROPIC_MESSAGES.decode_request(Members.parse(spelled(body)))
    written = ANTHROPIC_MESSAGES.encode_request(request, Target(request.model))
    assert json.loads(written.encode()) == body
    assert ANTHROPIC_MESSAGES.decode_request(written) == request
    stored = msgspec.json.decode(msgspec.json.encode(request), type=ChatRequest)
    again = ANTHROPIC_MESSAGES.encode_request(stored, Target(request.model))
    assert again.encode() == written.encode()


@given(strategies.REPLIES)
def test_replies(body: dict[str, object]) -> None:
    reply = ANTHROPIC_MESSAGES.decode_reply(spelled(body))
    facts = ANTHROPIC_MESSAGES.inspect_reply(spelled(body))
    assert facts.usage == reply.usage
    assert reply.choices[0].stop is not None
    assert (facts.stop, facts.model) == (reply.choices[0].stop.reason, reply.model)
    written = ANTHROPIC_MESSAGES.encode_reply(reply)
    assert json.loads(written) == {"stop_sequence": None, **body}
    assert ANTHROPIC_MESSAGES.decode_reply(written) == reply
    stored = msgspec.json.decode(msgspec.json.encode(reply), type=ChatReply)
    assert ANTHROPIC_MESSAGES.encode_reply(stored) == written


@given(strategies.streams(), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_streams(events: list[StreamEvent], line: bytes, data: st.DataObject) -> None:
    stream = write(events).replace(b"\n", line)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    chunks = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]
    heard = read(chunks)
    assert fold(heard) == fold(events)
    assert without_usage(heard) == without_usage(events)
    assert sum(isinstance(event, Started) for event in heard) == 1


@given(strategies.streams())
def test_a_stream_without_names_of_events_is_the_same_stream(events: list[StreamEvent]) -> None:
    named = write(events)
    bare = b"".join(line + b"\n" for line in named.split(b"\n")[:-1] if line[:6] != b"event:")
    assert read([bare]) == read([named])


def test_a_stream_cut_at_every_byte_is_the_same_stream() -> None:
    stream = write(strategies.EXAMPLE)
    whole = read([stream])
    assert fold(whole) == fold(strategies.EXAMPLE)
    assert read([stream[at : at + 1] for at in range(len(stream))]) == whole
    for cut in range(len(stream)):
        assert read([stream[:cut], stream[cut:]]) == whole
        assert not any(isinstance(event, Ended) for event in read([stream[:cut]]))


def write(events: list[StreamEvent]) -> bytes:
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in events)


def read(chunks: list[bytes]) -> list[StreamEvent]:
    splitter, decoder = ANTHROPIC_MESSAGES.splitter(), ANTHROPIC_MESSAGES.stream_decoder()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return [event for frame in frames for event in decoder.feed(frame)]


def without_usage(events: list[StreamEvent]) -> list[StreamEvent]:
    return [event for event in events if not isinstance(event, UsageReported)]


# ------------------------------------------------------------------ garbage

KNOWN = st.sampled_from(
    [
        "id",
        "model",
        "type",
        "role",
        "content",
        "text",
        "thinking",
        "signature",
        "data",
        "name",
        "input",
        "tool_use_id",
        "is_error",
        "source",
        "media_type",
        "url",
        "file_id",
        "title",
        "citations",
        "cache_control",
        "ttl",
        "usage",
        "input_tokens",
        "output_tokens",
        "cache_creation",
        "iterations",
        "stop_reason",
        "stop_sequence",
        "index",
        "delta",
        "content_block",
        "message",
        "partial_json",
        "error",
        "code",
        "details",
        "error_code",
        "messages",
        "system",
        "max_tokens",
        "tools",
        "tool_choice",
        "input_schema",
        "disable_parallel_tool_use",
        "output_config",
        "effort",
        "format",
        "schema",
        "budget_tokens",
        "display",
        "metadata",
        "user_id",
        "service_tier",
        "stream",
        "stop_sequences",
        "temperature",
        "top_p",
    ]
)
KINDS = st.sampled_from(
    [
        "text",
        "image",
        "document",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "tool_result",
        "message",
        "base64",
        "url",
        "content",
        "user",
        "assistant",
        "system",
        "auto",
        "any",
        "tool",
        "none",
        "enabled",
        "adaptive",
        "disabled",
        "json_schema",
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "ping",
        "error",
        "text_delta",
        "input_json_delta",
        "thinking_delta",
        "signature_delta",
        "compaction",
        "x",
        "ephemeral",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | KINDS | st.just(""),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.tuples(st.dictionaries(KNOWN, VALUES, max_size=6), KINDS).map(
    lambda pair: {"type": pair[1], **pair[0]}
)
SPELLED = (OBJECTS | VALUES).map(spelled)
BAD_TEXT = SPELLED.map(
    lambda data: data.replace(b'"text"', b'"\xff\xe4"').replace(b'"x"', b'"\xf0\x9f"')
)
BYTES = st.binary(max_size=40) | SPELLED | BAD_TEXT


@given(
    st.lists(BYTES, min_size=1, max_size=4),
    st.sampled_from([b"", b"event: error\n", b": x\n", b"event: content_block_delta\n"]),
)
def test_frames_of_garbage(frames: list[bytes], before: bytes) -> None:
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    for data in frames:
        try:
            events = decoder.feed(before + b"data: " + data + b"\n\n")
        except UpstreamBroken:
            continue
        for event in events:
            if isinstance(event, StreamFailed):
                assert isinstance(event.error, UpstreamError)
            assert isinstance(encoder.feed(event), bytes)


@given(
    BYTES
    | st.tuples(OBJECTS, st.lists(OBJECTS, max_size=2)).map(
        lambda pair: spelled({**pair[0], "content": pair[1]})
    )
)
def test_a_reply_of_garbage(body: bytes) -> None:
    for readers in (ANTHROPIC_MESSAGES.inspect_reply, ANTHROPIC_MESSAGES.decode_reply):
        try:
            readers(body)
        except UpstreamError:
            continue


@given(
    st.tuples(
        OBJECTS,
        st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["user", "assistant", "system"]),
                    "content": st.lists(OBJECTS, max_size=3) | VALUES,
                }
            ),
            min_size=1,
            max_size=3,
        ),
    ).map(lambda pair: spelled({**pair[0], "model": "m", "max_tokens": 5, "messages": pair[1]}))
)
def test_a_request_of_garbage(body: bytes) -> None:
    try:
        request = ANTHROPIC_MESSAGES.decode_request(Members.parse(body))
    except CallerError:
        return
    written = ANTHROPIC_MESSAGES.encode_request(request, Target(request.model)).encode()
    assert json.loads(written)
    if json.loads(written)["messages"]:
        again = ANTHROPIC_MESSAGES.decode_request(Members.parse(written))
        twice = ANTHROPIC_MESSAGES.encode_request(again, Target(request.model)).encode()
        assert json.loads(twice) == json.loads(written)


@given(
    st.sampled_from([200, 302, 400, 401, 402, 403, 404, 413, 429, 500, 504, 529]),
    BYTES,
    st.dictionaries(
        st.sampled_from([b"retry-after", b"retry-after-ms", b"date"]), st.binary(max_size=12)
    ),
)
def test_an_error_of_garbage(status: int, body: bytes, headers: dict[bytes, bytes]) -> None:
    error = ANTHROPIC_MESSAGES.decode_error(status, headers, body)
    assert isinstance(error, UpstreamRefused)
    assert error.message
    assert error.retry_after is None or 0 <= error.retry_after <= 86400
    assert ANTHROPIC_MESSAGES.encode_error(error, request_id="r")
