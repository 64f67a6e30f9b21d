"""Whom the transport trusts, and what it says when it does not."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from antiphon.errors import ConnectFailed, UpstreamBroken
from antiphon.providers.transport import Origin
from tests.transport.conftest import Bench
from tests.transport.hostile import (
    STREAM_HEAD,
    Peer,
    Server,
    chunk,
    chunked,
    says,
    says_and_closes,
    sized,
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def https(server: Server, *, host: str = "127.0.0.1", **options: str) -> Origin:
    return Origin("https", host, server.origin.port, **options)


async def refused(bench: Bench, origin: Origin) -> ConnectFailed:
    with pytest.raises(ConnectFailed) as caught:
        await bench.transport.send(bench.call(origin))
    assert caught.value.code == "tls_error"
    await bench.until(lambda: bench.transport.open == 0)
    return caught.value


async def test_a_trusted_server(bench: Bench, authority: trustme.CA, ca_file: str) -> None:
    server = await bench.serve(
        says(sized(), chunked(b"hel", b"lo")), ssl=serving(authority, "127.0.0.1")
    )
    for stream in (False, True):
        call = bench.call(https(server, ca_file=ca_file), b"x" * 300_000, stream=stream)
        answer = await bench.transport.send(call)
        await answer.head()
        assert await answer.whole() == b"hello"
    assert server.connections == 1
    assert bench.transport.idle == 1


async def test_a_server_of_an_unknown_authority(bench: Bench, authority: trustme.CA) -> None:
    server = await bench.serve(says(sized()), ssl=serving(authority, "127.0.0.1"))
    error = await refused(bench, https(server))
    assert "not to be trusted" in error.message
    assert "issuer" in error.message


async def test_a_server_of_another_name(bench: Bench, authority: trustme.CA, ca_file: str) -> None:
    server = await bench.serve(says(sized()), ssl=serving(authority, "models.example"))
    error = await refused(bench, https(server, ca_file=ca_file))
    assert "mismatch" in error.message
    assert "127.0.0.1" not in error.message


async def test_a_name_may_be_given(bench: Bench, authority: trustme.CA, ca_file: str) -> None:
    asked: list[str | None] = []
    context = serving(authority, "models.example")
    context.sni_callback = lambda _sock, name, _context: asked.append(name)  # type: ignore[assignment]
    server = await bench.serve(says(sized()), ssl=context)
    origin = https(server, ca_file=ca_file, server_name="models.example")
    answer = await bench.transport.send(bench.call(origin))
    await answer.head()
    assert await answer.whole() == b"hello"
    assert asked == ["models.example"]


async def test_a_server_without_tls(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await bench.serve(handler)
    error = await refused(bench, https(server))
    assert "handshake failed" in error.message


@pytest.mark.parametrize("reset", [False, True], ids=["eof", "rst"])
async def test_a_server_that_leaves_during_the_handshake(bench: Bench, reset: bool) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.read(1)
        if reset:
            peer.reset()

    server = await bench.serve(handler)
    error = await refused(bench, https(server))
    assert "handshake failed" in error.message


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_ca_file_that_is_none(bench: Bench, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    server = await bench.serve(says(sized()))
    error = await refused(bench, https(server, ca_file=str(path)))
    assert "CA file" in error.message
    assert server.connections == 0


async def test_contexts_are_made_once_per_ca_file(
    bench: Bench, authority: trustme.CA, ca_file: str
) -> None:
    trust = bench.transport._trust
    assert trust.context(ca_file) is trust.context(ca_file)
    assert trust.context(None) is trust.context(None) is not trust.context(ca_file)
    for context in (trust.context(None), trust.context(ca_file)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


@pytest.mark.parametrize(
    ("answer", "reset", "code"),
    [
        (b"", False, "closed"),
        (sized()[:-1], False, "truncated"),
        (chunked(b"hello")[:-5], False, "truncated"),
        (sized()[:-1], True, "reset"),
    ],
)
async def test_faults_inside_tls(
    bench: Bench, authority: trustme.CA, ca_file: str, answer: bytes, reset: bool, code: str
) -> None:
    server = await bench.serve(
        says_and_closes(answer, reset=reset), ssl=serving(authority, "127.0.0.1")
    )
    got = await bench.transport.send(bench.call(https(server, ca_file=ca_file)))
    with pytest.raises(UpstreamBroken) as caught:
        await got.whole()
    assert caught.value.code == code


async def test_back_pressure_inside_tls(bench: Bench, authority: trustme.CA, ca_file: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD)
        for _ in range(100):
            peer.writer.write(chunk(b"x" * 65536))
            await peer.writer.drain()
        await peer.say(b"0\r\n\r\n")
        await peer.left()

    server = await bench.serve(handler, ssl=serving(authority, "127.0.0.1"))
    call = bench.call(https(server, ca_file=ca_file), stream=True)
    answer = await bench.transport.send(call)
    await bench.until(lambda: answer._held)
    before = answer._unread
    await asyncio.sleep(0.05)
    assert answer._unread <= before + 512 * 1024
    total = 0
    while piece := await answer.read():
        total += len(piece)
    assert total == 100 * 65536
    assert bench.transport.idle == 1


async def test_giving_up_inside_tls_is_noticed_at_once(
    bench: Bench, authority: trustme.CA, ca_file: str
) -> None:
    left = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD + chunk(b"data: 1\n\n"))
        await peer.left()
        left.set()

    server = await bench.serve(handler, ssl=serving(authority, "127.0.0.1"))
    answer = await bench.transport.send(bench.call(https(server, ca_file=ca_file), stream=True))
    assert await answer.read() == b"data: 1\n\n"
    answer.close()
    await asyncio.wait_for(left.wait(), 1)
