"""What goes out and what comes back, when both sides behave."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest

from antiphon.errors import UpstreamBroken, UpstreamError
from antiphon.providers.transport import Head, Origin
from tests.transport.conftest import Bench
from tests.transport.hostile import STREAM_HEAD, Peer, chunk, chunked, says, says_and_closes, sized

SSE = (b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n")


async def test_the_request_is_the_callers_bytes_and_a_length(bench: Bench) -> None:
    heard: list[bytes] = []

    async def handler(peer: Peer) -> None:
        while request := await peer.request():
            heard.append(request)
            await peer.say(sized())

    server = await bench.serve(handler)
    for body in (b'{"a": 1}', b"", b"x" * 100_000):
        assert await bench.whole(server, body) == b"hello"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n"
    assert heard == [head % 8 + b'{"a": 1}', head % 0, head % 100_000 + b"x" * 100_000]
    assert server.connections == 1


async def test_the_head_of_an_answer(bench: Bench) -> None:
    server = await bench.serve(says(sized(extra=b"X-Request-ID: r1\r\nX-Request-Id: r2\r\n")))
    answer = await bench.transport.send(bench.call(server))
    head = await answer.head()
    assert head == Head(
        200,
        (
            (b"content-type", b"application/json"),
            (b"x-request-id", b"r1"),
            (b"x-request-id", b"r2"),
            (b"content-length", b"5"),
        ),
    )
    assert head.get(b"x-request-id") == b"r1"
    assert head.get(b"x-other") is None
    assert await answer.head() is head


@pytest.mark.parametrize(
    "answer",
    [
        sized(b"".join(SSE)),
        chunked(*SSE),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"".join(SSE),
        b"HTTP/1.0 200 OK\r\n\r\n" + b"".join(SSE),
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 46\r\n\r\n" + b"".join(SSE),
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        + chunked(*SSE),
        chunked(*SSE).replace(b"0\r\n\r\n", b"0\r\nX-Trailer: late\r\n\r\n"),
        sized(b"".join(SSE), extra=b"Connection: close\r\n"),
    ],
    ids=["sized", "chunked", "until-close", "1.0", "1.0-kept", "interim", "trailer", "close"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("step", [0, 7])
async def test_every_framing_gives_the_same_body(
    bench: Bench, answer: bytes, stream: bool, step: int
) -> None:
    pieces = [answer[i : i + step] for i in range(0, len(answer), step)] if step else [answer]

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(*pieces)
        peer.close()

    server = await bench.serve(handler)
    got = await bench.transport.send(bench.call(server, stream=stream))
    head = await got.head()
    assert head is not None
    assert head.status == 200
    assert head.get(b"link") is None
    body = b""
    while piece := await got.read():
        body += piece
    assert body == b"".join(SSE)
    assert await got.read() == b""
    assert await got.whole() == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_statuses_that_have_no_body(bench: Bench, status: str) -> None:
    silent = f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode()
    server = await bench.serve(says(silent, sized()))
    answer = await bench.transport.send(bench.call(server))
    head = await answer.head()
    assert head is not None
    assert head.status == int(status[:3])
    assert await answer.whole() == b""
    assert answer.first_byte_at > 0
    assert await bench.whole(server) == b"hello"
    assert server.connections == 1


async def test_an_empty_body_is_an_answer(bench: Bench) -> None:
    server = await bench.serve(says(sized(b""), chunked()))
    assert await bench.whole(server) == b""
    assert await bench.whole(server) == b""


async def test_what_is_printed_holds_no_key_and_no_content(bench: Bench) -> None:
    server = await bench.serve(says(sized(b"a secret answer", extra=b"X-Key: secret\r\n")))
    plain = bench.call(server, b"a secret question")
    call = msgspec.structs.replace(plain, head=plain.head + b"authorization: Bearer secret\r\n")
    answer = await bench.transport.send(call)
    assert "waiting" in repr(answer)
    await answer.head()
    for shown in (repr(call), str(call), repr(answer), f"{answer}"):
        assert "secret" not in shown
        assert server.origin.authority in shown


async def test_a_redirect_is_an_answer(bench: Bench) -> None:
    async def never(peer: Peer) -> None:
        raise AssertionError("the redirect was followed")

    elsewhere = await bench.serve(never)
    location = f"Location: http://{elsewhere.origin.authority}/\r\n".encode()
    server = await bench.serve(says(sized(b"", status="307 Temporary Redirect", extra=location)))
    answer = await bench.transport.send(bench.call(server))
    head = await answer.head()
    assert head is not None
    assert head.status == 307
    assert elsewhere.connections == 0


async def test_no_proxy_is_taken_from_the_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = await bench.serve(says(sized()))
    assert await bench.whole(server) == b"hello"


async def test_a_stream_is_read_as_it_comes(bench: Bench) -> None:
    turns: asyncio.Queue[bytes] = asyncio.Queue()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD)
        while piece := await turns.get():
            await peer.say(chunk(piece))
        await peer.say(b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    assert (head := await answer.head()) is not None
    assert head.status == 200
    assert answer.first_byte_at == 0
    for piece in SSE:
        turns.put_nowait(piece)
        assert await answer.read() == piece
    assert answer.first_byte_at >= answer.sent_at > 0
    turns.put_nowait(b"")
    assert await answer.read() == b""
    assert bench.transport.idle == 1


async def test_what_came_between_two_reads_is_one_piece(bench: Bench) -> None:
    server = await bench.serve(says(chunked(*SSE)))
    answer = await bench.transport.send(bench.call(server, stream=True))
    await answer.head()
    await bench.until(lambda: bench.transport.idle == 1)
    assert await answer.read() == b"".join(SSE)
    assert await answer.read() == b""


async def test_the_rest_of_a_stream_can_be_had_whole(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD, chunk(b"first "))
        await asyncio.sleep(0.01)
        await peer.say(*(chunk(b"%d " % n) for n in range(5)), b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    assert await answer.read() == b"first "
    assert await answer.whole() == b"0 1 2 3 4 "


async def test_two_readers_at_once_are_a_mistake(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_error_of(answer.head()))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one task"):
            await answer.read()
        answer.close()
    assert isinstance(first.result(), UpstreamBroken)


async def test_connections_send_at_once_and_are_probed(bench: Bench) -> None:
    """TCP_NODELAY and SO_KEEPALIVE, seen on the socket itself."""
    server = await bench.serve(says(sized()))
    await bench.whole(server)
    (pool,) = bench.transport._pools.values()
    (connection,) = pool._idle
    sock = connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_a_closing_server_ends_a_sized_answer_properly(bench: Bench) -> None:
    server = await bench.serve(says_and_closes(sized()))
    for _ in range(5):
        assert await bench.whole(server) == b"hello"
        await asyncio.sleep(0.005)
    assert server.connections == 5
    assert bench.transport.reused == 0


class TestOrigin:
    @pytest.mark.parametrize(
        ("url", "origin", "authority"),
        [
            (
                "https://API.Example.com/v1",
                Origin("https", "api.example.com", 443),
                "api.example.com",
            ),
            ("http://localhost:8000", Origin("http", "localhost", 8000), "localhost:8000"),
            ("http://[::1]:81/v1/", Origin("http", "::1", 81), "[::1]:81"),
            ("http://127.0.0.1", Origin("http", "127.0.0.1", 80), "127.0.0.1"),
            (
                "https://bücher.example",
                Origin("https", "xn--bcher-kva.example", 443),
                "xn--bcher-kva.example",
            ),
        ],
    )
    def test_it_is_read_from_a_base_url(self, url: str, origin: Origin, authority: str) -> None:
        assert Origin.parse(url) == origin
        assert hash(Origin.parse(url)) == hash(origin)
        assert origin.authority == authority

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://a/",
            "a.example/v1",
            "https://",
            "https://user:secret@a.example",
            "https://a.example/?key=1",
            "https://a.example:0/",
            "https://a.example:99999/",
            "https://a..example\u00fc/",
        ],
    )
    def test_what_is_no_place_to_send_to_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r".") as caught:
            Origin.parse(url)
        assert "secret" not in str(caught.value)


async def _error_of(awaitable: object) -> UpstreamError | None:
    try:
        await awaitable  # type: ignore[misc]
    except UpstreamError as error:
        return error
    return None
