"""S1. Every decoder, at length: garbage is read, or refused in our words, and never more.

A line each in docs/operating/campaign.md; those of the journal, of HTTP and of the configuration
stand beside their own tests.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import AntiphonError, CallerError, UpstreamError
from antiphon.pipeline.relay import Relay
from antiphon.providers.transport.inflate import Inflater
from antiphon.wire.shallow import Members
from antiphon.wire.sse import FrameTooLong, Splitter, data_of, name_of
from tests.pipeline import anything
from tests.unit.dialects.openai_chat import strategies
from tests.unit.dialects.openai_chat.test_round_trips import BYTES, OBJECTS, SPELLED, feed, spelled

pytestmark = pytest.mark.campaign
length = settings(max_examples=3_000, deadline=None)
SEEDS = st.one_of(
    strategies.REQUESTS.map(spelled),
    strategies.REPLIES.map(spelled),
    SPELLED,
    BYTES,
)
PAIRS = [pytest.param(*pair, id="-on-".join(pair)) for pair in anything.PAIRS]
WHOLE = [anything.requests_of, anything.replies_of]
EDITS = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=5)


def edited(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for place, value in edits:
        if changed:
            changed[place % len(changed)] = value
    return bytes(changed)


@length
@given(SEEDS, EDITS)
def test_requests(data: bytes, edits: list[tuple[int, int]]):
    """What a caller sends: the members, the payload's few looks, the whole request."""
    try:
        members = Members.parse(edited(data, edits))
        payload = Payload(OPENAI_CHAT, members)
        assert payload.output_bound
        assert isinstance(payload.wants_usage, bool)
        payload.encode(Target("other"))
        OPENAI_CHAT.decode_request(members)
    except CallerError as error:
        OPENAI_CHAT.encode_error(error, request_id="req")


@length
@given(SEEDS, EDITS)
def test_replies(data: bytes, edits: list[tuple[int, int]]):
    """What a provider answers in one piece, its usage included."""
    body = edited(data, edits)
    for read in (OPENAI_CHAT.inspect_reply, OPENAI_CHAT.decode_reply):
        try:
            read(body)
        except UpstreamError as error:
            assert error.code  # noqa: PT017  most garbage is refused, some is an answer


@pytest.mark.parametrize("dialect", DIALECTS)
def test_garbage_in_every_dialect(dialect: str):
    """Bytes that were a request or a reply once, read as both."""

    @length
    @given(st.one_of(*(make(dialect) for make in WHOLE), SPELLED, BYTES), EDITS)
    def check(data: bytes, edits: list[tuple[int, int]]) -> None:
        body = edited(data, edits)
        anything.translated(dialect, dialect, body)
        anything.told(dialect, dialect, body)

    check()


@pytest.mark.parametrize(("heard", "spoken"), PAIRS)
def test_what_is_translated(heard: str, spoken: str):
    """Whatever is asked and answered between two dialects."""

    @settings(length, max_examples=1_000)
    @given(
        anything.requests_of(heard),
        anything.replies_of(spoken),
        anything.STRATEGIES[spoken].streams(),
        EDITS,
    )
    def check(asked: bytes, said: bytes, events: list, edits: list[tuple[int, int]]) -> None:
        anything.translated(heard, spoken, asked)
        anything.told(heard, spoken, said)
        anything.relayed(heard, spoken, events, edits)

    check()


ENVELOPES = OBJECTS.map(lambda error: spelled({"error": error, "type": "error"}))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_errors_of_every_dialect(dialect: str):
    @length
    @given(st.integers(-1, 1000), SEEDS | ENVELOPES)
    def check(status: int, body: bytes) -> None:
        error = DIALECTS[dialect].decode_error(status, {}, body)
        assert isinstance(error, UpstreamError)
        for heard in DIALECTS.values():
            assert anything.message_in(heard.encode_error(error, request_id="req"))
            assert 400 <= heard.status_of(error) < 600

    check()


@length
@given(
    st.integers(-1, 1000),
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-should-retry", "date"]),
        st.text(st.characters(codec="latin-1"), max_size=12)
        | st.integers(-(1 << 70), 1 << 70).map(str)
        | st.floats().map(str),
    ),
    SEEDS | OBJECTS.map(lambda error: spelled({"error": error})),
)
def test_errors(status: int, headers: dict[str, str], body: bytes):
    """Whatever comes with an error status is one of our errors, and can be told to a caller."""
    given_headers = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    error = OPENAI_CHAT.decode_error(status, given_headers, body)
    assert isinstance(error, UpstreamError)
    assert error.retry_after is None or error.retry_after >= 0
    told = json.loads(OPENAI_CHAT.encode_error(error, request_id="req"))
    assert told["error"]["message"]
    assert 400 <= OPENAI_CHAT.status_of(error) < 600


@length
@given(BYTES, st.sampled_from([b"", b"event: error\n", b": x\n", b"id: 1\r\n", b"\xef\xbb\xbf"]))
def test_frames(data: bytes, before: bytes):
    feed(before + b"data: " + data + b"\n\n")


LINES = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"data: ", b"data", b"event: x", b": c", b"\xef\xbb\xbf", b"[DONE]"]
    )
    | st.binary(max_size=12),
    max_size=30,
).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=8)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut for cut in cuts if 0 < cut < len(data)})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def said(frames: list[bytes]) -> list[bytes]:
    return [data for frame in frames if (data := data_of(frame)) is not None]


@length
@given(LINES, CUTS)
def test_splitting(stream: bytes, cuts: list[int]):
    """However it is cut, the frames are those of one piece, and no byte but a mark is lost."""
    at_once, cut = Splitter(), Splitter()
    frames = at_once.feed(stream)
    again = [frame for piece in pieces(stream, cuts) for frame in cut.feed(piece)]
    rest, rest_again = at_once.flush(), cut.flush()
    assert b"".join([*again, rest_again]) == b"".join([*frames, rest])
    # Where CR and CRLF mix, a cut between them may leave a blank frame more: it says nothing.
    assert said(again) == said(frames)
    for frame in frames:
        name_of(frame)


@length
@given(LINES, CUTS, st.integers(1, 40))
def test_a_splitter_with_a_bound(stream: bytes, cuts: list[int], bound: int):
    splitter = Splitter(bound=bound)
    try:
        for piece in pieces(stream, cuts):
            splitter.feed(piece)
    except FrameTooLong:
        return
    assert len(splitter.flush()) <= bound + 1


@length
@given(strategies.streams(), EDITS, CUTS, st.booleans())
def test_a_relay(
    events: list[object], edits: list[tuple[int, int]], cuts: list[int], wants_usage: bool
):
    """A stream that was changed anywhere: passed on, or left with a failure that says why."""
    encoder = OPENAI_CHAT.stream_encoder(include_usage=True)
    stream = edited(b"".join(encoder.feed(event) for event in events), edits)
    asked = {"model": "m", "messages": [1], "stream_options": {"include_usage": wants_usage}}
    relay = Relay(OPENAI_CHAT, Payload(OPENAI_CHAT, Members.parse(json.dumps(asked).encode())))
    for piece in pieces(stream, cuts):
        relay.feed(piece)
        if relay.failure is not None or relay.ended:
            break
    else:
        relay.finish()
    assert relay.ended or isinstance(relay.failure, AntiphonError)
    assert relay.said >= 0


@length
@given(st.sampled_from([b"gzip", b"deflate"]), st.binary(max_size=300), CUTS)
def test_inflating(encoding: bytes, noise: bytes, cuts: list[int]):
    inflater = Inflater(encoding)
    try:
        for piece in pieces(noise, cuts):
            inflater.feed(piece)
        inflater.end()
    except UpstreamError as error:
        assert error.code in {"bad_encoding", "body_too_large"}  # noqa: PT017
