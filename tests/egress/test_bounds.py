"""Answers that are too much, too slow, too small for what they hold, or none."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from antiphon.egress.client import Outgoing
from antiphon.egress.errors import AnswerTooLarge, BrokenAnswer, EgressTimeout
from tests.egress.conftest import OPEN, Bench
from tests.egress.servers import Visit, says, sized

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MIB = 1024 * 1024


def gzipped(body: bytes, *, name: str = "gzip") -> bytes:
    return sized(body, extra=f"Content-Encoding: {name}\r\n")


async def endless(visit: Visit) -> None:
    await visit.say(CHUNKED)
    while True:
        await visit.say(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


async def padded(visit: Visit) -> None:
    """A gzip header whose file name never ends: nothing comes out of it."""
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    await visit.say(b"\x1f\x8b\x08\x08\0\0\0\0\0\0")
    while True:
        await visit.say(b"n" * 0x10000)


async def dripping(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await visit.say(b"x")
        await asyncio.sleep(0.01)


async def silent(visit: Visit) -> None:
    await visit.left()


async def told_and_silent(visit: Visit) -> None:
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await visit.left()


@pytest.mark.parametrize("handler", [endless, padded, says(sized(b"x" * 1001))])
async def test_more_than_the_bound(bench: Bench, handler) -> None:
    server = await bench.serve(handler)
    door = await bench.door(server, max_response_bytes=1000)
    with pytest.raises(AnswerTooLarge):
        await door.get(f"http://{OPEN}:{server.port}/")


@pytest.mark.parametrize("body", [b"", b"x" * 1000])
async def test_up_to_the_bound(bench: Bench, body: bytes) -> None:
    plain = await bench.serve(says(sized(body)))
    packed = await bench.serve(says(gzipped(gzip.compress(body))))
    chunked = await bench.serve(
        says(CHUNKED + (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n")
    )
    door = await bench.door(plain, packed, chunked, max_response_bytes=1000)
    for server in (plain, packed, chunked):
        answer = await door.get(f"http://{OPEN}:{server.port}/")
        assert answer.body == body
    with pytest.raises(AnswerTooLarge):
        await door.get(f"http://{OPEN}:{plain.port}/", max_bytes=len(body) - 1)


async def test_a_bomb(bench: Bench) -> None:
    """Sixty-four megabytes of nothing, in sixty-four kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * MIB) for _ in range(64)) + packer.flush()
    assert len(bomb) < 70_000
    server = await bench.serve(says(gzipped(bomb)))
    door = await bench.door(server)
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge):
            await door.get(f"http://{OPEN}:{server.port}/", max_bytes=MIB)
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


async def test_members_one_after_another(bench: Bench) -> None:
    server = await bench.serve(says(gzipped(gzip.compress(b"one ") + gzip.compress(b"two"))))
    many = await bench.serve(says(gzipped(gzip.compress(b"x" * 100) * 11)))
    door = await bench.door(server, many, max_response_bytes=1000)
    answer = await door.get(f"http://{OPEN}:{server.port}/")
    assert answer.body == b"one two"
    assert answer.get("content-encoding") is answer.get("content-length") is None
    with pytest.raises(AnswerTooLarge):
        await door.get(f"http://{OPEN}:{many.port}/")


@pytest.mark.parametrize(
    "answer",
    [
        gzipped(b"no gzip"),
        gzipped(gzip.compress(b"cut" * 100, mtime=0)[:-10]),
        gzipped(gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), name="gzip, gzip"),
        gzipped(b"x", name="br"),
        gzipped(b"x", name="zstd"),
        gzipped(zlib.compress(b"x"), name="deflate"),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"+PONG\r\n\r\n",
        b"\r\n\r\n",
    ],
)
async def test_what_is_no_answer(bench: Bench, answer: bytes) -> None:
    server = await bench.serve(says(answer))
    door = await bench.door(server)
    with pytest.raises(BrokenAnswer) as caught:
        await door.get(f"http://{OPEN}:{server.port}/")
    assert "SSH" not in caught.value.message
    assert len(caught.value.reason) <= 300


async def test_an_answer_that_is_cut_short(bench: Bench) -> None:
    async def cut(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    server = await bench.serve(cut)
    door = await bench.door(server)
    with pytest.raises(BrokenAnswer):
        await door.get(f"http://{OPEN}:{server.port}/")


@pytest.mark.parametrize(
    ("handler", "settings"),
    [
        (silent, {"idle_seconds": 0.1}),
        (told_and_silent, {"idle_seconds": 0.1}),
        (dripping, {"total_seconds": 0.3}),
        (silent, {"total_seconds": 0.1}),
    ],
)
async def test_what_takes_too_long(bench: Bench, handler, settings: dict[str, float]) -> None:
    server = await bench.serve(handler)
    door = await bench.door(server, **settings)
    with pytest.raises(EgressTimeout):
        await door.get(f"http://{OPEN}:{server.port}/")


async def test_more_at_once_than_there_are_connections(bench: Bench) -> None:
    server = await bench.serve(silent)
    door = await bench.door(server, connections=1, total_seconds=0.2)
    asked = [door.get(f"http://{OPEN}:{server.port}/") for _ in range(3)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in told] == [EgressTimeout] * 3
    assert server.most_at_once == 1


async def test_places_are_given_back(bench: Bench) -> None:
    """After each kind of failure the one connection there is serves again."""
    servers = [
        await bench.serve(handler)
        for handler in (endless, silent, says(b"nonsense\r\n\r\n"), says(gzipped(b"no gzip")))
    ]
    good = await bench.serve(says(sized()))
    door = await bench.door(good, *servers, connections=1, idle_seconds=0.1)
    for server in servers:
        with pytest.raises((AnswerTooLarge, EgressTimeout, BrokenAnswer)):
            await door.get(f"http://{OPEN}:{server.port}/")
        assert (await door.get(f"http://{OPEN}:{good.port}/")).status == 200


async def test_a_caller_who_leaves(bench: Bench) -> None:
    server = await bench.serve(silent)
    good = await bench.serve(says(sized()))
    door = await bench.door(server, good, connections=1)
    asking = asyncio.ensure_future(door.get(f"http://{OPEN}:{server.port}/"))
    while not server.visits:  # noqa: ASYNC110  nobody tells a test when it does
        await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await door.get(f"http://{OPEN}:{good.port}/")).status == 200


@pytest.mark.parametrize("handler", [endless, told_and_silent, says(gzipped(b"no gzip"))])
async def test_a_body_that_nobody_wants_is_not_read(bench: Bench, handler) -> None:
    server = await bench.serve(handler)
    door = await bench.door(server)
    answer = await door.post(f"http://{OPEN}:{server.port}/", b"{}", read=False)
    assert (answer.status, answer.body) == (200, b"")


async def test_a_head(bench: Bench) -> None:
    server = await bench.serve(says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"))
    door = await bench.door(server)
    answer = await door.request(Outgoing(url=f"http://{OPEN}:{server.port}/", method="HEAD"))
    assert answer.get("content-length") == "99999999"
