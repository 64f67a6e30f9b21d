"""What goes through the model comes out as it went in; what is garbage is said to be."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI, ArrayStream
from antiphon.dialects.gemini.fields import snake
from antiphon.errors import CallerError, UpstreamBroken, UpstreamError, UpstreamRefused
from antiphon.model.events import Ended, Started, StreamEvent, StreamFailed, UsageReported
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.gemini import strategies

OLD = "gemma-3-27b"
"""A model whose calls need no seal: nothing is added."""


def spelled(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@given(strategies.REQUESTS)
def test_requests(body: dict[str, object]) -> None:
    target = Target(OLD)
    parts = [part for content in body["contents"] for part in content["parts"]]
    if any("parts" in part.get("functionResponse", {}) for part in parts):
        # Only newer models are shown what a tool gave back, and their calls are sealed.
        target = Target("gemini-3-pro")
        for part in parts:
            if "functionCall" in part:
                part.setdefault("thoughtSignature", "c2VhbA==")
    body["model"] = target.model
    request = GEMINI.decode_request(Members.parse(spelled(body)))
    written = GEMINI.encode_request(request, target)
    assert json.loads(written.encode()) == body
    assert GEMINI.decode_request(written) == request
    stored = msgspec.json.decode(msgspec.json.encode(request), type=ChatRequest)
    assert GEMINI.encode_request(stored, target).encode() == written.encode()


@given(strategies.REQUESTS)
def test_requests_in_the_other_spelling(body: dict[str, object]) -> None:
    """A client of proto's spelling means the same."""
    other = Members.parse(spelled(snaked(body)))
    request = GEMINI.decode_request(Members.parse(spelled(body)))
    assert told(GEMINI.decode_request(other)) == told(request)


def snaked(value: object) -> object:
    """The same request as a client writes it that spells as protobuf does."""
    if isinstance(value, list):
        return [snaked(each) for each in value]
    if not isinstance(value, dict):
        return value
    verbatim = {"args", "response", "labels", "parameters", "parametersJsonSchema"}
    verbatim |= {"responseSchema", "responseJsonSchema"}
    out = {}
    for name, inner in value.items():
        new = name.startswith("xNews") or name == "partOfTomorrow"
        out[name if new else snake(name)] = inner if new or name in verbatim else snaked(inner)
    return out


def told(request: ChatRequest) -> bytes:
    """The request without what was kept unread, which keeps its spelling."""

    def plain(value: object) -> object:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, dict):
            skipped = {"extra", "payload"}
            return {name: plain(inner) for name, inner in value.items() if name not in skipped}
        return value

    return msgspec.json.encode(plain(json.loads(msgspec.json.encode(request))))


@given(strategies.REPLIES)
def test_replies(body: dict[str, object]) -> None:
    reply = GEMINI.decode_reply(spelled(body))
    facts = GEMINI.inspect_reply(spelled(body))
    assert facts.usage == reply.usage
    assert reply.choices[0].stop is not None
    assert (facts.stop, facts.model) == (reply.choices[0].stop.reason, reply.model)
    written = GEMINI.encode_reply(reply)
    assert GEMINI.decode_reply(written) == reply
    again = json.loads(written)
    for part in again["candidates"][0]["content"]["parts"]:
        if part.get("functionCall", {}).get("id", "").startswith("call_"):
            del part["functionCall"]["id"]
    assert again == body
    stored = msgspec.json.decode(msgspec.json.encode(reply), type=ChatReply)
    assert GEMINI.encode_reply(stored) == written


@given(strategies.streams(), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_streams(events: list[StreamEvent], line: bytes, data: st.DataObject) -> None:
    stream = write(events).replace(b"\n", line)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    chunks = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]
    heard = read(chunks)
    assert fold(heard) == fold(events)
    assert sum(isinstance(event, Started) for event in heard) == 1


@given(strategies.streams())
def test_a_stream_is_what_the_whole_reply_is(events: list[StreamEvent]) -> None:
    reply = fold(events)
    assert GEMINI.decode_reply(GEMINI.encode_reply(reply)).text == reply.text
    again = GEMINI.decode_reply(GEMINI.encode_reply(reply))
    assert again.usage == reply.usage
    assert again.choices[0].turn.tool_calls == reply.choices[0].turn.tool_calls
    assert again.choices[0].stop == reply.choices[0].stop


@given(strategies.streams())
def test_a_stream_as_an_array_is_the_same_stream(events: list[StreamEvent]) -> None:
    stream = write(events)
    array = ArrayStream()
    wrapped = array.feed(stream) + array.end()
    assert isinstance(json.loads(wrapped), list)
    assert read([wrapped]) == read([stream])


def test_an_array_is_passed_on_as_events() -> None:
    """To a caller who asked for events: line ends between its tokens end no event."""
    told = [{"candidates": [{"content": {"parts": [{"text": text}]}}]} for text in ("a\n", "b]")]
    for form in (json.dumps(told), json.dumps(told, indent=2), json.dumps(told[:1])[1:-1]):
        raw = form.replace("\n", "\r\n").encode()
        for size in (1, len(raw)):
            splitter = GEMINI.splitter()
            pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
            frames = [frame for piece in pieces for frame in splitter.feed(piece)]
            assert splitter.flush() == b""
            events = [frame.removeprefix(b"data: ") for frame in frames]
            assert [event[-2:] + event[:1] for event in events] == [b"\n\n{"] * len(events)
            assert [json.loads(event) for event in events] == told[: len(events)]
            assert not any(b"\n" in event[:-2] or b"\r" in event for event in events)


def test_half_an_array_is_an_event_that_cannot_be_read() -> None:
    splitter = GEMINI.splitter()
    assert splitter.feed(b'[{"candidates": [') == []
    assert splitter.flush()


def test_a_stream_cut_at_every_byte_is_the_same_stream() -> None:
    stream = write(strategies.EXAMPLE)
    array = ArrayStream()
    wrapped = array.feed(stream) + array.end()
    for form in (stream, wrapped):
        whole = read([form])
        assert fold(whole) == fold(strategies.EXAMPLE)
        assert read([form[at : at + 1] for at in range(len(form))]) == whole
        for cut in range(len(form)):
            assert read([form[:cut], form[cut:]]) == whole


def write(events: list[StreamEvent]) -> bytes:
    encoder = GEMINI.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in [*events, Ended()])


def read(chunks: list[bytes]) -> list[StreamEvent]:
    splitter, decoder = GEMINI.splitter(), GEMINI.stream_decoder()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    frames.append(splitter.flush())
    whole = b"".join(chunks).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not whole.startswith((b"[", b"{")):
        assert b"".join(frames).lstrip() == b"".join(chunks).lstrip()
    return [event for frame in frames for event in decoder.feed(frame)]


# ------------------------------------------------------------------ garbage


@given(strategies.JSON)
def test_any_json_as_a_request(value: object) -> None:
    body = value if isinstance(value, dict) else {"contents": value}
    read_or_refuse({"model": "m", **body})


@given(st.dictionaries(st.sampled_from(["role", "parts"]), strategies.JSON))
def test_any_json_as_a_content(content: dict[str, object]) -> None:
    read_or_refuse({"model": "m", "contents": [content]})


@given(
    st.sampled_from(["text", "functionCall", "functionResponse", "inlineData", "fileData"]),
    strategies.JSON,
)
def test_any_json_as_a_part(name: str, value: object) -> None:
    read_or_refuse({"model": "m", "contents": [{"parts": [{name: value}]}]})


@given(
    st.sampled_from(["tools", "toolConfig", "generationConfig", "systemInstruction"]),
    strategies.JSON,
)
def test_any_json_as_a_member(name: str, value: object) -> None:
    read_or_refuse({"model": "m", "contents": [{"parts": [{"text": "x"}]}], name: value})


def read_or_refuse(body: dict[str, object]) -> None:
    try:
        members = Members.parse(spelled(body))
        GEMINI.output_bound(members)
        request = GEMINI.decode_request(members)
    except CallerError:
        return
    assert json.loads(GEMINI.encode_request(request, Target("m")).encode())["model"] == "m"


@given(strategies.JSON)
def test_any_json_as_a_reply(value: object) -> None:
    for body in (value, {"candidates": value}, {"candidates": [{"content": value}]}):
        try:
            reply = GEMINI.decode_reply(spelled(body))
        except UpstreamError:
            continue
        json.loads(GEMINI.encode_reply(reply))


@given(st.binary(max_size=40), strategies.JSON)
def test_any_bytes_as_a_stream_or_an_error(raw: bytes, value: object) -> None:
    for body in (raw, spelled(value), b"data: " + spelled(value) + b"\n\n"):
        assert isinstance(GEMINI.decode_error(400, {}, body), UpstreamRefused)
        try:
            events = read([body])
        except UpstreamBroken:
            continue
        assert (
            not any(isinstance(event, UsageReported | StreamFailed) for event in events)
            or b"{" in body
        )
