"""Bodies that come compressed although nobody asked, and those that are bombs."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import UpstreamBroken
from antiphon.providers.transport.inflate import FREE_ALLOWANCE, Inflater
from tests.transport.conftest import Bench
from tests.transport.hostile import Peer, chunk, says, sized


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK = {
    b"gzip": gzip.compress,
    b"X-GZip ": gzip.compress,
    b"deflate": zlib.compress,
    b" Deflate": raw_deflate,
}
TEXT = b'data: {"choices": [{"delta": {"content": "hello"}}]}\n\n' * 40


@pytest.mark.parametrize("encoding", PACK)
@given(body=st.binary(max_size=3000), step=st.integers(1, 50))
def test_every_cut_gives_the_same_body(encoding: bytes, body: bytes, step: int) -> None:
    packed = PACK[encoding](body)
    inflater = Inflater(encoding)
    pieces = [inflater.feed(packed[i : i + step]) for i in range(0, len(packed), step)]
    inflater.end()
    assert b"".join(pieces) == body


@pytest.mark.parametrize("encoding", PACK)
def test_large_bodies_come_out_whole(encoding: bytes) -> None:
    body = random.Random(1).randbytes(500_000) + bytes(range(256)) * 4000
    inflater = Inflater(encoding)
    assert inflater.feed(PACK[encoding](body)) == body
    inflater.end()


def test_members_of_a_gzip_body_follow_each_other() -> None:
    inflater = Inflater(b"gzip")
    assert inflater.feed(gzip.compress(b"one ", mtime=0) + gzip.compress(b"two")) == b"one two"
    inflater.end()


def test_the_error_of_a_bomb_does_not_hold_it() -> None:
    """An error may live long, and its traceback with it."""
    with pytest.raises(UpstreamBroken) as caught:
        Inflater(b"gzip").feed(gzip.compress(bytes(64 << 20)))
    assert caught.value.code == "body_too_large"
    assert held_by(caught.value) < 1 << 20


def held_by(error: BaseException) -> int:
    """Bytes that the frames of a traceback hold."""
    total, trace = 0, error.__traceback__
    while trace is not None:
        for value in trace.tb_frame.f_locals.values():
            pieces = value if isinstance(value, list) else [value]
            total += sum(len(piece) for piece in pieces if isinstance(piece, bytes))
        trace = trace.tb_next
    return total


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"compress", b"\xff"])
def test_an_encoding_that_is_not_spoken(encoding: bytes) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        Inflater(encoding)
    assert caught.value.code == "bad_encoding"


@pytest.mark.parametrize("encoding", PACK)
@given(noise=st.binary(min_size=1, max_size=200))
def test_noise_never_raises_anything_else(encoding: bytes, noise: bytes) -> None:
    inflater = Inflater(encoding)
    try:
        inflater.feed(noise)
        inflater.end()
    except UpstreamBroken as error:
        assert error.code == "bad_encoding"  # noqa: PT017  most noise is, some is not


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        (b"gzip", b"plain text"),
        (b"gzip", gzip.compress(b"hello", mtime=0) + b"and more"),
        (b"deflate", zlib.compress(b"hello") + b"and more"),
        (b"gzip", gzip.compress(b"hello", mtime=0)[:-4] + b"\x00\x00\x00\x00"),
    ],
)
def test_what_does_not_inflate(encoding: bytes, data: bytes) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        Inflater(encoding).feed(data)
    assert caught.value.code == "bad_encoding"


def test_a_bomb_is_found_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    inflater = Inflater(b"gzip")
    with pytest.raises(UpstreamBroken) as caught:
        inflater.feed(bomb)
    assert caught.value.code == "body_too_large"
    assert inflater._told < FREE_ALLOWANCE + len(bomb) * 201


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_over_the_wire(bench: Bench, encoding: bytes, stream: bool) -> None:
    header = b"Content-Encoding: %b\r\n" % encoding
    server = await bench.serve(says(sized(PACK[encoding](TEXT), extra=header)))
    answer = await bench.transport.send(bench.call(server, stream=stream))
    head = await answer.head()
    assert head is not None
    assert head.get(b"content-encoding") is None
    assert head.get(b"content-length") is None
    assert head.get(b"content-type") == b"application/json"
    assert await answer.whole() == TEXT
    assert bench.transport.idle == 1


async def test_identity_is_no_encoding(bench: Bench) -> None:
    server = await bench.serve(says(sized(extra=b"Content-Encoding: identity\r\n")))
    answer = await bench.transport.send(bench.call(server))
    head = await answer.head()
    assert head is not None
    assert head.get(b"content-length") == b"5"
    assert await answer.whole() == b"hello"


async def test_a_compressed_stream_comes_event_by_event(bench: Bench) -> None:
    more = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        packer = zlib.compressobj(wbits=31)
        await peer.say(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(3):
            data = packer.compress(b"data: %d\n\n" % number) + packer.flush(zlib.Z_SYNC_FLUSH)
            await peer.say(chunk(data))
            await more.wait()
            more.clear()
        await peer.say(chunk(packer.flush()), b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    for number in range(3):
        assert await answer.read() == b"data: %d\n\n" % number
        more.set()
    assert await answer.read() == b""


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        (b"br", b"hello", "bad_encoding"),
        (b"gzip", b"hello", "bad_encoding"),
        (b"gzip", gzip.compress(TEXT)[:-9], "bad_encoding"),
        (b"gzip", gzip.compress(b"\0" * 20_000_000), "body_too_large"),
    ],
    ids=["unknown", "plain", "cut", "bomb"],
)
@pytest.mark.parametrize("framing", ["sized", "closing"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_faults(
    bench: Bench, encoding: bytes, body: bytes, code: str, framing: str, stream: bool
) -> None:
    header = b"Content-Encoding: %b\r\n" % encoding

    async def handler(peer: Peer) -> None:
        await peer.request()
        if framing == "sized":
            await peer.say(sized(body, extra=header))
        else:
            await peer.say(b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (header, body))
            peer.close()
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=stream))
    with pytest.raises(UpstreamBroken) as caught:
        await answer.whole()
    assert caught.value.code == code
    await bench.until(lambda: bench.transport.open == 0)


async def test_the_bound_of_a_body_is_that_of_the_inflated_one(bench: Bench) -> None:
    bench.bind(max_body_bytes=len(TEXT) - 1)
    packed = gzip.compress(TEXT)
    server = await bench.serve(says(sized(packed, extra=b"Content-Encoding: gzip\r\n")))
    answer = await bench.transport.send(bench.call(server))
    with pytest.raises(UpstreamBroken) as caught:
        await answer.head() and await answer.whole()
    assert caught.value.code == "body_too_large"
