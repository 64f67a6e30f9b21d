"""What goes through the model comes out as it went in; what is garbage is said to be."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import CallerError, UpstreamBroken, UpstreamError, UpstreamRefused
from antiphon.model.events import Ended, Started, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.openai_chat import strategies


def without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@given(strategies.REQUESTS)
def test_requests(body: dict[str, object]) -> None:
    request = OPENAI_CHAT.decode_request(Members.parse(spelled(body)))
    written = OPENAI_CHAT.encode_request(request, Target(request.model))
    assert json.loads(written.encode()) == body
    assert OPENAI_CHAT.decode_request(written) == request
    stored = msgspec.json.encode(request)
    assert (
        OPENAI_CHAT.encode_request(
            msgspec.json.decode(stored, type=ChatRequest), Target(request.model)
        ).encode()
        == written.encode()
    )


@given(strategies.REPLIES)
def test_replies(body: dict[str, object]) -> None:
    reply = OPENAI_CHAT.decode_reply(spelled(body))
    facts = OPENAI_CHAT.inspect_reply(spelled(body))
    assert facts.usage == reply.usage
    assert reply.choices[0].stop is not None
    assert (facts.stop, facts.model) == (reply.choices[0].stop.reason, reply.model)
    again = OPENAI_CHAT.decode_reply(OPENAI_CHAT.encode_reply(reply))
    if all(choice.stop is None or not choice.turn.tool_calls for choice in reply.choices):
        written = json.loads(OPENAI_CHAT.encode_reply(reply))
        for side in (written, body):
            side.pop("usage", None)
        assert without_nulls(written) == without_nulls(body)
        assert again == reply
    assert [choice.turn for choice in again.choices] == [choice.turn for choice in reply.choices]
    stored = msgspec.json.decode(msgspec.json.encode(reply), type=ChatReply)
    assert OPENAI_CHAT.encode_reply(stored) == OPENAI_CHAT.encode_reply(reply)


@given(strategies.streams(), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_streams(events: list[StreamEvent], line: bytes, data: st.DataObject) -> None:
    encoder = OPENAI_CHAT.stream_encoder(include_usage=True)
    stream = b"".join(encoder.feed(event) for event in events).replace(b"\n", line)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    chunks = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]
    heard = read(chunks)
    assert fold(heard) == fold(events)
    assert heard[0] == events[0]
    assert heard[-1] == Ended()
    assert sum(isinstance(event, Started) for event in heard) == 1


def test_a_stream_cut_at_every_byte_is_the_same_stream() -> None:
    encoder = OPENAI_CHAT.stream_encoder(include_usage=True)
    events = strategies.EXAMPLE
    stream = b"".join(encoder.feed(event) for event in events)
    whole = read([stream])
    assert fold(whole) == fold(events)
    assert read([stream[at : at + 1] for at in range(len(stream))]) == whole
    for cut in range(len(stream)):
        assert read([stream[:cut], stream[cut:]]) == whole


def read(chunks: list[bytes]) -> list[StreamEvent]:
    splitter, decoder = OPENAI_CHAT.splitter(), OPENAI_CHAT.stream_decoder()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return [event for frame in [*frames, splitter.flush()] for event in decoder.feed(frame)]


# ------------------------------------------------------------------ garbage

KNOWN = st.sampled_from(
    [
        "id",
        "model",
        "choices",
        "index",
        "delta",
        "message",
        "content",
        "role",
        "tool_calls",
        "function",
        "function_call",
        "custom",
        "name",
        "arguments",
        "input",
        "usage",
        "prompt_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "error",
        "code",
        "type",
        "detail",
        "object",
        "logprobs",
        "finish_reason",
        "messages",
        "tools",
        "tool_choice",
        "stream",
        "stream_options",
        "response_format",
        "json_schema",
        "text",
        "image_url",
        "url",
        "audio",
        "refusal",
        "reasoning",
        "thinking",
        "metadata",
        "raw",
        "param",
        "status",
        "x_groq",
        "annotations",
        "reasoning_content",
        "created",
        "cache_control",
        "ttl",
        "file",
        "file_data",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["text", "user", "assistant", "tool", "function", "error", "x", "", "auto", "thinking"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KNOWN, VALUES, max_size=6)
SPELLED = OBJECTS.map(spelled) | VALUES.map(spelled)
BAD_TEXT = SPELLED.map(
    lambda data: data.replace(b'"text"', b'"\xff\xe4"').replace(b'"x"', b'"\xf0\x9f"')
)
BYTES = st.binary(max_size=40) | SPELLED | BAD_TEXT


@given(BYTES, st.sampled_from([b"", b"event: error\n", b": x\n", b"id: 1\r\n"]))
def test_a_frame_of_garbage(data: bytes, before: bytes) -> None:
    feed(before + b"data: " + data + b"\n\n")


@given(OBJECTS, st.lists(OBJECTS, max_size=2), st.sampled_from([b"text", b"\xff"]))
def test_a_chunk_of_garbage(
    chunk: dict[str, object], choices: list[dict[str, object]], text: bytes
) -> None:
    data = spelled({**chunk, "choices": choices}).replace(b"text", text)
    feed(b"data: " + data + b"\n\n")


def feed(frame: bytes) -> None:
    decoder = OPENAI_CHAT.stream_decoder()
    for _ in range(2):
        try:
            events = decoder.feed(frame)
        except UpstreamBroken:
            continue
        assert all(
            isinstance(event.error, UpstreamError)
            for event in events
            if isinstance(event, StreamFailed)
        )
    assert isinstance(decoder.without_usage(frame), bytes)


@given(
    BYTES
    | st.tuples(OBJECTS, st.lists(OBJECTS, max_size=2)).map(
        lambda pair: spelled({**pair[0], "choices": pair[1]})
    )
)
def test_a_reply_of_garbage(body: bytes) -> None:
    for readers in (OPENAI_CHAT.inspect_reply, OPENAI_CHAT.decode_reply):
        try:
            readers(body)
        except UpstreamError:
            continue


@given(
    BYTES
    | st.tuples(OBJECTS, st.lists(OBJECTS, min_size=1, max_size=3)).map(
        lambda pair: spelled({**pair[0], "model": "m", "messages": pair[1]})
    )
)
def test_a_request_of_garbage(body: bytes) -> None:
    try:
        members = Members.parse(body)
        request = OPENAI_CHAT.decode_request(members)
    except CallerError:
        return
    written = OPENAI_CHAT.encode_request(request, Target(request.model))
    assert OPENAI_CHAT.decode_request(written) == request


@given(
    st.sampled_from([200, 302, 400, 401, 403, 404, 413, 422, 429, 500, 503, 529]),
    BYTES,
    st.dictionaries(
        st.sampled_from([b"retry-after", b"retry-after-ms", b"date"]), st.binary(max_size=12)
    ),
)
def test_an_error_of_garbage(status: int, body: bytes, headers: dict[bytes, bytes]) -> None:
    error = OPENAI_CHAT.decode_error(status, headers, body)
    assert isinstance(error, UpstreamRefused)
    assert error.message
    assert error.retry_after is None or 0 <= error.retry_after <= 86400
    assert OPENAI_CHAT.encode_error(error, request_id="r")
