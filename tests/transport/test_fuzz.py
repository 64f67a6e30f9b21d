"""Answers cut, mutated and made up: the same body every time, or one typed error.

The fuzz feeds a connection directly, so that each cut falls where it was made; a smaller share of
it goes over sockets, where cuts fall where the kernel wants them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.clock import NEVER
from antiphon.errors import UpstreamBroken
from antiphon.providers.transport import Answer, Call, Origin, Timeouts
from antiphon.providers.transport.answer import Terms
from antiphon.providers.transport.connection import Connection
from tests.transport.conftest import Bench
from tests.transport.hostile import Peer, chunk, sized

CODES = {"bad_http", "truncated", "closed", "headers_too_large", "body_too_large", "bad_encoding"}
ORIGIN = Origin("http", "fuzz", 80)
BOUND = 4096


class Wire(asyncio.Transport):
    """A socket that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False
        self.reading = True

    def write(self, data: object) -> None:
        pass

    def writelines(self, list_of_data: object) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Fed:
    """One connection whose answers are fed to it, without a loop or a socket in between."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.released = 0
        self.wire = Wire()
        self.connection = Connection(self, loop, max_header_bytes=BOUND, now=loop.time)
        self.connection.connection_made(self.wire)

    def made(self, connection: Connection) -> None: ...

    def dropped(self, connection: Connection) -> None: ...

    def lost(self, connection: Connection) -> None: ...

    def release(self, connection: Connection) -> None:
        self.released += 1

    async def _again(self, answer: Answer) -> None:
        raise UpstreamBroken("stale", code="closed")

    def ask(self, *, stream: bool) -> Answer:
        terms = Terms(self.loop, self._again, 10_000_000, NEVER)
        call = Call(ORIGIN, b"POST / HTTP/1.1\r\n", b"", Timeouts(), stream)
        answer = Answer(call, terms, self.loop.time() + 600, not stream, 10_000_000)
        self.connection.send(answer, self.loop.time())
        return answer

    def feed(self, pieces: Iterable[bytes], *, eof: bool) -> None:
        for piece in pieces:
            if not self.wire.aborted:
                self.connection.data_received(piece)
        if eof and not self.wire.aborted:
            self.connection.eof_received()
        if self.wire.aborted:
            self.connection.connection_lost(None)

    def outcome(self, answer: Answer) -> tuple[int | None, bytes, str]:
        """Status, body and the code of the end, without ever waiting."""

        async def read() -> tuple[int | None, bytes, str]:
            status, body = None, b""
            try:
                head = await answer.head(patience=0)
                if head is None:
                    return None, b"", "pending"
                status = head.status
                while (piece := await answer.read(patience=0)) is not None:
                    if not piece:
                        return status, body, "ok"
                    body += piece
            except UpstreamBroken as error:
                return status, body, error.code
            return status, body, "pending"

        return self.loop.run_until_complete(read())


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


bodies = st.binary(max_size=300)
names = st.from_regex(rb"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True).map(lambda name: b"X-" + name)
values = st.from_regex(rb"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, int, bytes, bool]:
    """A proper answer: its bytes, status, body, and whether only closing ends it."""
    status = draw(st.sampled_from([200, 201, 400, 401, 404, 429, 500, 503]))
    body = draw(bodies)
    extra = b"".join(
        b"%b: %b\r\n" % pair for pair in draw(st.lists(st.tuples(names, values), max_size=4))
    )
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    framing = draw(st.sampled_from(["sized", "chunked", "closing"]))
    head = interim + b"HTTP/1.1 %d X\r\n" % status + extra
    if framing == "sized":
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, status, body, False
    if framing == "closing":
        return head + b"\r\n" + body, status, body, True
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if a < b]
    chunks = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, status, body, False


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    places = sorted({place for place in at if 0 < place < len(data)})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


bounded = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
campaign = settings(bounded, max_examples=20_000)


def check_cuts(
    loop: asyncio.AbstractEventLoop,
    answer: tuple[bytes, int, bytes, bool],
    places: list[int],
    stream: bool,
) -> None:
    raw, status, body, closing = answer
    fed = Fed(loop)
    for turn in range(1, 3):
        asked = fed.ask(stream=stream)
        fed.feed(cut(raw, places), eof=closing)
        assert fed.outcome(asked) == (status, body, "ok")
        if closing:
            break
        assert fed.released == turn


def check_truncated(loop: asyncio.AbstractEventLoop, raw: bytes, end: int, closing: bool) -> None:
    fed = Fed(loop)
    asked = fed.ask(stream=True)
    fed.feed([raw[:end]], eof=True)
    _, _, code = fed.outcome(asked)
    in_head = end < raw.rindex(b"\r\n\r\n") if closing else True
    assert code in ({"truncated", "closed"} if in_head else {"ok", "truncated"})
    assert not fed.released


def check_noise(loop: asyncio.AbstractEventLoop, raw: bytes, places: list[int]) -> None:
    for stream in (False, True):
        fed = Fed(loop)
        asked = fed.ask(stream=stream)
        fed.feed(cut(raw, places), eof=True)
        _, _, code = fed.outcome(asked)
        assert code in CODES | {"ok"}
        assert asked.over


places = st.lists(st.integers(0, 600), max_size=12)


@bounded
@given(answer=answers(), places=places, stream=st.booleans())
def test_cuts(
    loop: asyncio.AbstractEventLoop,
    answer: tuple[bytes, int, bytes, bool],
    places: list[int],
    stream: bool,
) -> None:
    check_cuts(loop, answer, places, stream)


@pytest.mark.campaign
@campaign
@given(answer=answers(), places=places, stream=st.booleans())
def test_cuts_at_length(
    loop: asyncio.AbstractEventLoop,
    answer: tuple[bytes, int, bytes, bool],
    places: list[int],
    stream: bool,
) -> None:
    check_cuts(loop, answer, places, stream)


SAMPLES = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 11\r\n\r\nhello\r\nyou\n",
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"6\r\nhello\r\r\n5;x=y\r\n\nyou\n\r\n0\r\nX-T: v\r\n\r\n"
    ),
)


@pytest.mark.parametrize("raw", SAMPLES, ids=["sized", "chunked"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_every_pair_of_cuts(loop: asyncio.AbstractEventLoop, raw: bytes, stream: bool) -> None:
    fed = Fed(loop)
    for first in range(len(raw)):
        for second in range(first, len(raw), 3):
            asked = fed.ask(stream=stream)
            fed.feed(cut(raw, (first, second)), eof=False)
            status, body, code = fed.outcome(asked)
            assert (status, code) == (200, "ok"), (first, second)
            assert body == b"hello\r\nyou\n", (first, second)


@pytest.mark.parametrize("raw", SAMPLES, ids=["sized", "chunked"])
def test_every_truncation(loop: asyncio.AbstractEventLoop, raw: bytes) -> None:
    for end in range(len(raw)):
        check_truncated(loop, raw, end, closing=False)


@bounded
@given(
    answer=answers(),
    edits=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=6),
    places=places,
)
def test_mutations(
    loop: asyncio.AbstractEventLoop,
    answer: tuple[bytes, int, bytes, bool],
    edits: list[tuple[int, int]],
    places: list[int],
) -> None:
    check_noise(loop, mutated(answer[0], edits), places)


@pytest.mark.campaign
@campaign
@given(
    answer=answers(),
    edits=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=6),
    places=places,
)
def test_mutations_at_length(
    loop: asyncio.AbstractEventLoop,
    answer: tuple[bytes, int, bytes, bool],
    edits: list[tuple[int, int]],
    places: list[int],
) -> None:
    check_noise(loop, mutated(answer[0], edits), places)


@bounded
@given(raw=st.binary(max_size=400), places=places)
def test_noise(loop: asyncio.AbstractEventLoop, raw: bytes, places: list[int]) -> None:
    check_noise(loop, raw, places)
    check_noise(loop, b"HTTP/1.1 200 OK\r\n" + raw, places)
    check_noise(loop, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + raw, places)


@bounded
@given(tail=st.binary(min_size=1, max_size=60), places=places)
def test_whatever_follows_an_answer_stays_out_of_it(
    loop: asyncio.AbstractEventLoop, tail: bytes, places: list[int]
) -> None:
    """Nor does the connection serve again, unless the tail is the blank lines HTTP tolerates."""
    fed = Fed(loop)
    asked = fed.ask(stream=False)
    fed.feed(cut(sized() + tail, places), eof=False)
    assert fed.outcome(asked) == (200, b"hello", "ok")
    assert fed.wire.aborted or not tail.strip(b"\r\n")


async def test_cuts_over_a_socket(bench: Bench) -> None:
    raw = SAMPLES[1]
    turn = 0

    async def handler(peer: Peer) -> None:
        nonlocal turn
        while await peer.request():
            turn += 1
            peer.writer.write(raw[:turn])
            await asyncio.sleep(0)
            await peer.say(raw[turn:])

    server = await bench.serve(handler)
    for _ in range(len(raw) - 1):
        assert await bench.whole(server) == b"hello\r\nyou\n"
    assert server.connections == 1


def mutated(raw: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(raw)
    for place, value in edits:
        changed[place % len(changed)] = value
    return bytes(changed)
