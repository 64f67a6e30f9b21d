"""Which deadline speaks when, and that silence within one costs nothing."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.errors import UpstreamTimeout
from antiphon.providers.transport import Answer, Origin
from tests.transport.conftest import Bench, Timers
from tests.transport.hostile import STREAM_HEAD, Peer, chunk, chunked, says, sized

SOON = 0.05


async def silent(peer: Peer) -> None:
    await peer.left()


async def head_only(peer: Peer) -> None:
    await peer.request()
    await peer.say(STREAM_HEAD)
    await peer.left()


async def one_event(peer: Peer) -> None:
    await peer.request()
    await peer.say(STREAM_HEAD + chunk(b"data: 1\n\n"))
    await peer.left()


async def drip(peer: Peer) -> None:
    await peer.request()
    await peer.say(STREAM_HEAD)
    while True:
        await peer.say(chunk(b": ping\n\n"))
        await asyncio.sleep(SOON / 5)


async def to_the_end(answer: Answer) -> bytes:
    await answer.head()
    body = b""
    while piece := await answer.read():
        body += piece
    return body


@pytest.mark.parametrize(
    ("handler", "stream", "timeouts", "code"),
    [
        (silent, False, {"total": SOON}, "total_timeout"),
        (silent, True, {"total": SOON}, "total_timeout"),
        (silent, True, {"first_byte": SOON}, "first_byte_timeout"),
        (silent, False, {"first_byte": 0.001, "idle": 0.001, "total": SOON}, "total_timeout"),
        (head_only, True, {"first_byte": SOON}, "first_byte_timeout"),
        (head_only, True, {"first_byte": SOON, "idle": 0.001}, "first_byte_timeout"),
        (head_only, False, {"idle": 0.001, "total": SOON}, "total_timeout"),
        (one_event, True, {"idle": SOON}, "idle_timeout"),
        (one_event, False, {"idle": SOON}, "idle_timeout"),
        (drip, True, {"idle": SOON * 2, "total": SOON * 3}, "total_timeout"),
        (drip, False, {"idle": SOON * 2, "total": SOON * 3}, "total_timeout"),
    ],
)
async def test_each_deadline(
    bench: Bench, handler: object, stream: bool, timeouts: dict[str, float], code: str
) -> None:
    server = await bench.serve(handler)  # type: ignore[arg-type]
    answer = await bench.transport.send(bench.call(server, stream=stream, **timeouts))
    with pytest.raises(UpstreamTimeout) as caught:
        await to_the_end(answer)
    assert caught.value.code == code
    await bench.until(lambda: bench.transport.open == 0)


async def test_the_routes_deadline_is_a_total_too(bench: Bench) -> None:
    server = await bench.serve(silent)
    loop = asyncio.get_running_loop()
    answer = await bench.transport.send(bench.call(server, deadline=loop.time() + SOON))
    with pytest.raises(UpstreamTimeout) as caught:
        await answer.head()
    assert caught.value.code == "total_timeout"


async def test_a_deadline_that_has_passed_sends_nothing(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    await bench.whole(server)
    loop = asyncio.get_running_loop()
    with pytest.raises(UpstreamTimeout) as caught:
        await bench.transport.send(bench.call(server, deadline=loop.time() - 1))
    assert caught.value.code == "total_timeout"
    assert bench.transport.idle == 1


async def test_a_deadline_speaks_even_if_nobody_waits(bench: Bench) -> None:
    server = await bench.serve(one_event)
    answer = await bench.transport.send(bench.call(server, stream=True, idle=SOON))
    assert await answer.read()
    await bench.until(lambda: bench.transport.open == 0)
    with pytest.raises(UpstreamTimeout) as caught:
        await answer.read()
    assert caught.value.code == "idle_timeout"


async def test_what_was_received_is_read_before_the_deadline_is_told(bench: Bench) -> None:
    server = await bench.serve(one_event)
    answer = await bench.transport.send(bench.call(server, stream=True, idle=SOON))
    await bench.until(lambda: bench.transport.open == 0)
    assert (head := await answer.head()) is not None
    assert head.status == 200
    assert await answer.read() == b"data: 1\n\n"
    with pytest.raises(UpstreamTimeout):
        await answer.read()


async def test_a_slow_drip_is_not_idle(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD)
        for _ in range(20):
            await peer.say(chunk(b"x"))
            await asyncio.sleep(0.01)
        await peer.say(b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True, idle=0.15))
    assert await to_the_end(answer) == b"x" * 20


class TestConnecting:
    async def test_a_handshake_that_never_ends(self, bench: Bench) -> None:
        server = await bench.serve(silent)
        origin = Origin("https", "127.0.0.1", server.origin.port)
        with pytest.raises(UpstreamTimeout) as caught:
            await bench.transport.send(bench.call(origin, connect=SOON))
        assert caught.value.code == "connect_timeout"
        await bench.until(lambda: not any(p._opening for p in bench.transport._pools.values()))

    async def test_the_whole_call_may_end_first(self, bench: Bench) -> None:
        server = await bench.serve(silent)
        origin = Origin("https", "127.0.0.1", server.origin.port)
        with pytest.raises(UpstreamTimeout) as caught:
            await bench.transport.send(bench.call(origin, total=SOON))
        assert caught.value.code == "total_timeout"


class TestPatience:
    async def test_silence_is_told_and_nothing_is_lost(self, bench: Bench) -> None:
        go = asyncio.Event()

        async def handler(peer: Peer) -> None:
            await peer.request()
            await go.wait()
            go.clear()
            await peer.say(STREAM_HEAD)
            await go.wait()
            await peer.say(chunk(b"late"), b"0\r\n\r\n")
            await peer.left()

        server = await bench.serve(handler)
        answer = await bench.transport.send(bench.call(server, stream=True))
        for _ in range(3):
            assert await answer.head(patience=0.01) is None
        go.set()
        assert (head := await answer.head(patience=5)) is not None
        assert head.status == 200
        for _ in range(3):
            assert await answer.read(patience=0.01) is None
        go.set()
        assert await answer.read(patience=5) == b"late"
        assert await answer.read(patience=5) == b""
        assert bench.transport.idle == 1

    async def test_no_patience_at_all_tells_what_is_there(self, bench: Bench) -> None:
        server = await bench.serve(one_event)
        answer = await bench.transport.send(bench.call(server, stream=True))
        assert await answer.head(patience=0) is None
        await answer.head()
        assert await answer.read() == b"data: 1\n\n"
        assert await answer.read(patience=0) is None
        answer.close()

    async def test_patience_does_not_put_off_a_deadline(self, bench: Bench) -> None:
        server = await bench.serve(one_event)
        answer = await bench.transport.send(bench.call(server, stream=True, idle=SOON))
        assert await answer.read(patience=1) == b"data: 1\n\n"
        silences = 0
        with pytest.raises(UpstreamTimeout) as caught:  # noqa: PT012  the loop is the point
            while await answer.read(patience=0.01) is None:
                silences += 1
        assert caught.value.code == "idle_timeout"
        assert silences

    async def test_of_an_unstreamed_answer(self, bench: Bench) -> None:
        go = asyncio.Event()

        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.say(sized()[:-2])
            await go.wait()
            await peer.say(sized()[-2:])
            await peer.left()

        server = await bench.serve(handler)
        answer = await bench.transport.send(bench.call(server))
        assert await answer.head(patience=0.01) is None
        assert await answer.read(patience=0.01) is None
        go.set()
        assert (head := await answer.head(patience=5)) is not None
        assert head.status == 200
        assert await answer.read(patience=5) == b"hello"


class TestTimers:
    """A deadline per call, and yet no timer per call."""

    async def test_requests_on_a_pooled_connection_make_none(
        self, bench: Bench, timers: Timers
    ) -> None:
        server = await bench.serve(says(sized()))
        for _ in range(3):
            await bench.whole(server)
        before = timers.made
        for _ in range(50):
            await bench.whole(server)
        assert timers.made == before

    async def test_streams_with_heartbeats_make_one_each_at_most(
        self, bench: Bench, timers: Timers
    ) -> None:
        server = await bench.serve(says(chunked(*([b"data: 1\n\n"] * 50))))
        await bench.whole(server)
        before = timers.made
        for _ in range(10):
            answer = await bench.transport.send(bench.call(server, stream=True))
            await answer.head(patience=15)
            while await answer.read(patience=15):
                pass
        assert timers.made - before <= 10
