"""Who is faster waits for who is slower, in both directions, and memory stays flat meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.errors import UpstreamTimeout
from antiphon.providers.transport.answer import HIGH_WATER
from tests.transport.conftest import Bench
from tests.transport.hostile import STREAM_HEAD, Peer, chunk, sized

PIECE = b"x" * 65536
MUCH = 400
ONE_READ = 256 * 1024
"""The most that a loop reads from a socket at once."""


async def firehose(peer: Peer) -> None:
    await peer.request()
    await peer.say(STREAM_HEAD)
    for _ in range(MUCH):
        peer.writer.write(chunk(PIECE))
        await peer.writer.drain()
    await peer.say(b"0\r\n\r\n")
    await peer.left()


async def test_a_slow_reader_holds_the_upstream_back(bench: Bench) -> None:
    server = await bench.serve(firehose)
    answer = await bench.transport.send(bench.call(server, stream=True, idle=0.05))
    await answer.head()
    await bench.until(lambda: answer._held)
    before = answer._unread
    await asyncio.sleep(0.15)
    assert answer._unread == before <= HIGH_WATER + ONE_READ, "and the idle deadline kept silent"
    total = 0
    largest = 0
    while piece := await answer.read():
        total += len(piece)
        largest = max(largest, len(piece))
    assert total == len(PIECE) * MUCH
    assert largest <= HIGH_WATER + ONE_READ
    assert bench.transport.idle == 1


async def test_after_the_pause_silence_counts_again(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD + chunk(PIECE * 2))
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True, idle=0.05))
    await bench.until(lambda: answer._held)
    await asyncio.sleep(0.1)
    with pytest.raises(UpstreamTimeout) as caught:  # noqa: PT012  the loop is the point
        while await answer.read():
            pass
    assert caught.value.code == "idle_timeout"


async def test_the_total_counts_even_then(bench: Bench) -> None:
    server = await bench.serve(firehose)
    answer = await bench.transport.send(bench.call(server, stream=True, total=0.1))
    await bench.until(lambda: answer._held)
    await bench.until(lambda: bench.transport.open == 0)
    assert await answer.read()
    with pytest.raises(UpstreamTimeout) as caught:
        await answer.read()
    assert caught.value.code == "total_timeout"


async def test_a_held_stream_can_be_had_whole(bench: Bench) -> None:
    server = await bench.serve(firehose)
    answer = await bench.transport.send(bench.call(server, stream=True))
    await bench.until(lambda: answer._held)
    assert len(await answer.whole()) == len(PIECE) * MUCH


async def test_a_held_stream_can_be_given_up(bench: Bench) -> None:
    server = await bench.serve(firehose)
    answer = await bench.transport.send(bench.call(server, stream=True))
    await bench.until(lambda: answer._held)
    answer.close()
    await bench.until(lambda: bench.transport.open == 0)


async def test_an_end_behind_a_pause_is_seen_after_it(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n" + PIECE * 10)
        peer.close()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    await bench.until(lambda: answer._held)
    total = 0
    while piece := await answer.read():
        total += len(piece)
    assert total == len(PIECE) * 10


async def test_a_large_request_is_sent_when_it_has_left(bench: Bench) -> None:
    go = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await go.wait()
        assert len(await peer.request()) > 30_000_000
        await peer.say(sized())
        await peer.left()

    server = await bench.serve(handler)
    task = asyncio.ensure_future(bench.transport.send(bench.call(server, b"x" * 30_000_000)))
    await asyncio.sleep(0.05)
    assert not task.done()
    go.set()
    answer = await task
    assert await answer.whole() == b"hello"
    assert bench.transport.idle == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_request_that_nobody_reads_has_its_deadline(bench: Bench, stream: bool) -> None:
    async def handler(peer: Peer) -> None:
        await asyncio.sleep(5)

    server = await bench.serve(handler)
    call = bench.call(server, b"x" * 30_000_000, stream=stream, total=0.05)
    answer = await bench.transport.send(call)
    with pytest.raises(UpstreamTimeout) as caught:
        await answer.head()
    assert caught.value.code == "total_timeout"


async def test_an_answer_may_begin_before_the_request_is_read(bench: Bench) -> None:
    """The caller hears it at once; the rest of the request follows or not, as the upstream likes."""

    async def handler(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(STREAM_HEAD + chunk(b"early "))
        await peer.reader.readexactly(30_000_000)
        await peer.say(chunk(b"late"), b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, b"x" * 30_000_000, stream=True))
    assert await answer.read() == b"early "
    assert await answer.read() == b"late"
    assert await answer.read() == b""
    assert bench.transport.idle == 1
