"""What goes through the model comes out as it went in; what is garbage is said to be."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Target
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE, Ollama
from antiphon.errors import CallerError, UpstreamBroken, UpstreamError, UpstreamRefused
from antiphon.model.events import Ended, Started, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.ollama import strategies


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def check_request(dialect: Ollama, body: dict[str, object]) -> None:
    request = dialect.decode_request(Members.parse(spelled(body)))
    written = dialect.encode_request(request, Target(request.model))
    assert json.loads(written.encode()) == body
    assert dialect.decode_request(written) == request
    stored = msgspec.json.decode(msgspec.json.encode(request), type=ChatRequest)
    assert dialect.encode_request(stored, Target(request.model)).encode() == written.encode()


@given(strategies.REQUESTS)
def test_requests(body: dict[str, object]) -> None:
    check_request(OLLAMA, body)


@given(strategies.PROMPTS)
def test_prompts(body: dict[str, object]) -> None:
    check_request(OLLAMA_GENERATE, body)


@given(strategies.PROMPTS)
def test_a_prompt_is_asked_as_a_conversation(body: dict[str, object]) -> None:
    request = OLLAMA_GENERATE.decode_request(Members.parse(spelled(body)))
    asked = json.loads(OLLAMA.encode_request(request, Target(request.model)).encode())
    *system, said = asked.pop("messages")
    assert [each["content"] for each in system] == ([body["system"]] if "system" in body else [])
    assert (said["content"], said.get("images")) == (body["prompt"], body.get("images"))
    rest = {name: value for name, value in body.items() if name in asked}
    assert asked == rest
    assert body.keys() - asked.keys() <= {"system", "prompt", "images"}


@given(strategies.REPLIES)
def test_replies(body: dict[str, object]) -> None:
    reply = OLLAMA.decode_reply(spelled(body))
    facts = OLLAMA.inspect_reply(spelled(body))
    assert facts.usage == reply.usage
    assert reply.choices[0].stop is not None
    assert (facts.stop, facts.model) == (reply.choices[0].stop.reason, reply.model)
    written = OLLAMA.encode_reply(reply)
    said = body | ({"done_reason": "stop"} if body["done_reason"] == "reason_of_tomorrow" else {})
    assert json.loads(written) == said
    assert OLLAMA.encode_reply(OLLAMA.decode_reply(written)) == written
    stored = msgspec.json.decode(msgspec.json.encode(reply), type=ChatReply)
    assert OLLAMA.encode_reply(stored) == written


@given(strategies.REPLIES)
def test_replies_to_prompts(body: dict[str, object]) -> None:
    reply = OLLAMA.decode_reply(spelled(body))
    again = OLLAMA_GENERATE.decode_reply(OLLAMA_GENERATE.encode_reply(reply))
    assert again.choices[0].turn.parts == reply.choices[0].turn.parts
    assert (again.usage, again.created, again.id) == (reply.usage, reply.created, reply.id)


@given(
    strategies.streams(),
    st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
    st.sampled_from([OLLAMA, OLLAMA_GENERATE]),
    st.data(),
)
def test_streams(
    events: list[StreamEvent], line: bytes, dialect: Ollama, data: st.DataObject
) -> None:
    stream = write(events, dialect).replace(b"\n", line)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    chunks = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]
    heard = read(chunks)
    assert heard == events
    assert sum(isinstance(event, Started) for event in heard) == 1


def test_a_stream_cut_at_every_byte_is_the_same_stream() -> None:
    stream = write(strategies.EXAMPLE)
    assert read([stream]) == strategies.EXAMPLE
    whole = fold(strategies.EXAMPLE)
    assert fold(read([stream[at : at + 1] for at in range(len(stream))])) == whole
    for cut in range(len(stream) - 1):
        assert read([stream[:cut], stream[cut:]]) == strategies.EXAMPLE
        assert not any(isinstance(event, Ended) for event in read([stream[:cut]]))


def test_the_last_line_needs_no_end() -> None:
    stream = write(strategies.EXAMPLE).removesuffix(b"\n")
    splitter, decoder = OLLAMA.splitter(), OLLAMA.stream_decoder()
    frames = [*splitter.feed(stream), splitter.flush()]
    events = [event for frame in frames for event in decoder.feed(frame)]
    assert events == strategies.EXAMPLE


def write(events: list[StreamEvent], dialect: Ollama = OLLAMA) -> bytes:
    encoder = dialect.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in events)


def read(chunks: list[bytes]) -> list[StreamEvent]:
    splitter, decoder = OLLAMA.splitter(), OLLAMA.stream_decoder()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return [event for frame in frames for event in decoder.feed(frame)]


# ------------------------------------------------------------------ garbage

KNOWN = st.sampled_from(
    [
        *("model", "created_at", "message", "messages", "role", "content", "thinking", "images"),
        *("tool_calls", "function", "name", "arguments", "index", "id", "tool_name", "prompt"),
        *("response", "done", "done_reason", "prompt_eval_count", "eval_count", "error", "status"),
        *("format", "think", "options", "stop", "num_predict", "tools", "logprobs", "stream"),
    ]
)
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(["user", "assistant", "tool", "function", "2025-13-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=4),
    max_leaves=12,
)
GARBAGE = st.binary(max_size=30) | st.dictionaries(KNOWN, VALUES, max_size=6).map(spelled)


@given(
    GARBAGE,
    st.dictionaries(KNOWN, VALUES, max_size=5),
    st.sampled_from([OLLAMA, OLLAMA_GENERATE]),
)
def test_a_request_of_garbage_is_refused_or_read(
    body: bytes, members: dict[str, object], dialect: Ollama
) -> None:
    asked = spelled({"messages": [{"role": "user", "content": "a"}]} | members | {"model": "m"})
    for each in (body, asked):
        try:
            request = dialect.decode_request(Members.parse(each))
        except CallerError:
            continue
        written = dialect.encode_request(request, Target(request.model))
        again = dialect.encode_request(dialect.decode_request(written), Target(request.model))
        assert again.encode() == written.encode()


@given(GARBAGE)
def test_a_reply_of_garbage_is_none(body: bytes) -> None:
    try:
        reply = OLLAMA.decode_reply(body)
    except UpstreamError:
        return
    written = OLLAMA.encode_reply(reply)
    assert OLLAMA.encode_reply(OLLAMA.decode_reply(written)) == written


@given(st.lists(GARBAGE.map(lambda line: line + b"\n"), max_size=4))
def test_a_stream_of_garbage_is_broken_or_read(lines: list[bytes]) -> None:
    decoder, encoder = OLLAMA.stream_decoder(), OLLAMA.stream_encoder(include_usage=True)
    for line in lines:
        try:
            events = decoder.feed(line)
        except UpstreamBroken:
            return
        for event in events:
            if isinstance(event, StreamFailed):
                assert isinstance(event.error, UpstreamRefused)
            written = encoder.feed(event)
            assert not written or written.endswith(b"\n")


@given(st.integers(300, 599), GARBAGE)
def test_an_error_of_garbage_is_an_error(status: int, body: bytes) -> None:
    error = OLLAMA.decode_error(status, {}, body)
    assert isinstance(error, UpstreamRefused)
    told = json.loads(OLLAMA.encode_error(error, request_id="r"))
    assert isinstance(told["error"], str)
