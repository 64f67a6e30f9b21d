"""What a hostile upstream does, and the one word that the caller hears for it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from antiphon.errors import ConnectFailed, UpstreamBroken, UpstreamError
from antiphon.providers.transport import Call, Origin
from tests.transport.conftest import Bench
from tests.transport.hostile import (
    STREAM_HEAD,
    Peer,
    chunk,
    chunked,
    says,
    says_and_closes,
    sized,
)

KEY = b"sk-secret-and-much-more"


async def failure(
    bench: Bench, server: object, *, stream: bool = False, **options: float
) -> UpstreamError:
    """The error that a call ends with, wherever it is raised."""
    call = bench.call(server, stream=stream, **options)  # type: ignore[arg-type]
    with pytest.raises(UpstreamError) as caught:
        await _to_the_end(bench, call)
    assert KEY.decode() not in str(caught.value)
    await asyncio.sleep(0)
    return caught.value


async def _to_the_end(bench: Bench, call: Call) -> None:
    answer = await bench.transport.send(call)
    await answer.head()
    while await answer.read():
        pass


GARBAGE = {
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "html": b"<html><body>hello</body></html>\r\n\r\n",
    "key": KEY + b"\r\n\r\n",
    "version": b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "status": b"HTTP/1.1 2OO OK\r\ncontent-length: 0\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\nno colon here\r\ncontent-length: 0\r\n\r\n",
    "header-name": b"HTTP/1.1 200 OK\r\na b: c\r\ncontent-length: 0\r\n\r\n",
    "nul": b"HTTP/1.1 200 OK\r\na: \x00\r\ncontent-length: 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\n a: b\r\ncontent-length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "length": b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
    "negative": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    "huge-length": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nhello",
    "two-lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "smuggled-length": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "smuggled-chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "transfer-gzip": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello",
    "transfer-both": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunk-size": STREAM_HEAD + b"zz\r\nhello\r\n",
    "chunk-huge": STREAM_HEAD + b"fffffffffffffffffff\r\nhello\r\n",
    "chunk-end": STREAM_HEAD + b"5\r\nhelloXX0\r\n\r\n",
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "upgrade-bare": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_is_not_http(bench: Bench, garbage: bytes, stream: bool) -> None:
    server = await bench.serve(says(garbage))
    error = await failure(bench, server, stream=stream)
    assert isinstance(error, UpstreamBroken)
    assert error.code == "bad_http"
    assert bench.transport.idle == 0


async def test_what_came_before_the_garbage_is_told_before_it(bench: Bench) -> None:
    server = await bench.serve(says(STREAM_HEAD + chunk(b"data: 1\n\n") + b"zz\r\n"))
    answer = await bench.transport.send(bench.call(server, stream=True))
    assert (head := await answer.head()) is not None
    assert head.status == 200
    assert await answer.read() == b"data: 1\n\n"
    with pytest.raises(UpstreamBroken) as caught:
        await answer.read()
    assert caught.value.code == "bad_http"
    with pytest.raises(UpstreamBroken):
        await answer.whole()


@pytest.mark.parametrize(
    ("answer", "reset", "code"),
    [
        (b"", False, "closed"),
        (b"", True, "reset"),
        (b"HTTP/1.1 20", False, "truncated"),
        (b"HTTP/1.1 20", True, "reset"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, "truncated"),
        (sized(b"hello")[:-1], False, "truncated"),
        (sized(b"hello")[:-5], False, "truncated"),
        (sized(b"hello")[:-1], True, "reset"),
        (chunked(b"hello")[:-1], False, "truncated"),
        (chunked(b"hello")[:-5], False, "truncated"),
        (STREAM_HEAD, False, "truncated"),
        (STREAM_HEAD, True, "reset"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", True, "reset"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_what_is_cut_short(
    bench: Bench, answer: bytes, reset: bool, code: str, stream: bool
) -> None:
    server = await bench.serve(says_and_closes(answer, reset=reset))
    error = await failure(bench, server, stream=stream)
    assert isinstance(error, UpstreamBroken)
    assert error.code == code
    assert server.connections == 1, "a fresh connection is never retried"


async def test_the_status_of_a_broken_answer_can_still_be_read(bench: Bench) -> None:
    server = await bench.serve(
        says_and_closes(sized(b"no such key", status="401 Unauthorized")[:-4])
    )
    answer = await bench.transport.send(bench.call(server))
    assert (head := await answer.head()) is not None
    assert head.status == 401
    with pytest.raises(UpstreamBroken):
        await answer.whole()


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 9000,
        b"HTTP/1.1 200 OK\r\n" + b"x: aaaaaaaaaaaa\r\n" * 600,
        b"HTTP/1.1 200 OK\r\n" + b"x: aaaaaaaaaaaa\r\n" * 600 + b"content-length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + b"a" * 9000,
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 600,
        STREAM_HEAD + b"5;" + b"a" * 9000,
        STREAM_HEAD + b"0\r\n" + b"x: aaaaaaaaaaaa\r\n" * 600,
        b"\r\n" * 6000,
    ],
    ids=["value", "many", "complete", "reason", "interim", "extension", "trailers", "blank"],
)
async def test_a_head_has_a_bound(bench: Bench, flood: bytes) -> None:
    bench.bind(max_header_bytes=8192)

    async def handler(peer: Peer) -> None:
        await peer.request()
        half = len(flood) // 2
        await peer.say(flood[:half], flood[half:])
        await peer.left()

    server = await bench.serve(handler)
    assert (await failure(bench, server)).code == "headers_too_large"


async def test_a_long_body_behind_a_head_within_the_bound(bench: Bench) -> None:
    bench.bind(max_header_bytes=200)
    server = await bench.serve(says(sized(b"x" * 50_000), chunked(*([b"y"] * 50_000))))
    assert await bench.whole(server) == b"x" * 50_000
    assert await bench.whole(server) == b"y" * 50_000


@pytest.mark.parametrize("answer", [sized(b"x" * 5000), chunked(*([b"x" * 100] * 50))])
async def test_a_body_has_a_bound(bench: Bench, answer: bytes) -> None:
    bench.bind(max_body_bytes=4999)
    server = await bench.serve(says(answer))
    assert (await failure(bench, server)).code == "body_too_large"
    bench.bind(max_body_bytes=5000)
    assert len(await bench.whole(server)) == 5000


async def test_an_endless_body_has_an_end(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD)
        while True:
            await peer.say(chunk(b"x" * 16384))

    bench.bind(max_body_bytes=1_000_000, max_stream_bytes=500_000)
    server = await bench.serve(handler)
    assert (await failure(bench, server)).code == "body_too_large"
    assert (await failure(bench, server, stream=True)).code == "body_too_large"
    answer = await bench.transport.send(bench.call(server, stream=True))
    assert await answer.read()
    with pytest.raises(UpstreamBroken) as caught:
        await answer.whole()
    assert caught.value.code == "body_too_large"


async def test_nobody_listens(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    await server.aclose()
    error = await failure(bench, server)
    assert isinstance(error, ConnectFailed)
    assert error.code == "connect_refused"
    assert bench.transport.open == 0


async def test_a_name_that_does_not_exist(bench: Bench) -> None:
    error = await failure(bench, Origin("http", "no-such-host.invalid", 80))
    assert isinstance(error, ConnectFailed)
    assert error.code == "dns_error"
    assert "no-such-host.invalid" not in error.message


async def test_a_name_that_cannot_exist(bench: Bench) -> None:
    error = await failure(bench, Origin("http", "a" * 70 + ".invalid", 80))
    assert isinstance(error, ConnectFailed)
    assert error.code == "dns_error"


async def test_a_name_with_several_addresses_tries_each(bench: Bench) -> None:
    """`localhost` is often ::1 first, where our server does not listen."""
    server = await bench.serve(says(sized()))
    origin = Origin("http", "localhost", server.origin.port)
    answer = await bench.transport.send(bench.call(origin))
    await answer.head()
    assert await answer.whole() == b"hello"


async def test_an_address_that_takes_no_connections(bench: Bench) -> None:
    error = await failure(bench, Origin("http", "255.255.255.255", 80))
    assert isinstance(error, ConnectFailed)
    assert error.code == "connect_failed"


async def test_a_server_that_speaks_first(bench: Bench) -> None:
    """Its greeting must not be taken for the answer."""

    async def handler(peer: Peer) -> None:
        await peer.say(sized(b"not yours"))
        await peer.left()

    server = await bench.serve(handler)
    body = b""
    with contextlib.suppress(UpstreamBroken):
        body = await bench.whole(server)
    assert body in {b"", b"not yours"}, "on their way at once, no one can tell them apart"
    assert bench.transport.idle <= 1
