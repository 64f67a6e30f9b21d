"""R11. Callers who read a kilobyte a second, and callers who never finish their sentence."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.campaign.process import MIB, Process
from tests.kills.callers import ask, request_for
from tests.kills.children import Nursery
from tests.kills.workload import configuration, providers

pytestmark = pytest.mark.campaign
READERS, STREAM_TOKENS = 50, 60_000
"""So many tokens are a stream of more than ten megabytes."""
PER_READER = MIB
"""Bytes. The aim is a quarter: what came in one read of the event loop, at most 250 KiB, is kept
once on its way out and once on its way in."""
PER_SPEAKER = 256 * 1024
SLOW, BOUND = 200, 10
"""Callers of each kind, and the seconds that the gateway gives a head, and here a body too."""


async def narrow(host: str, port: int) -> socket.socket:
    """A connection that takes as little as the kernel lets it."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await loop.sock_connect(sock, (host, port))
    return sock


@contextmanager
def closed(sockets: list[socket.socket]) -> Iterator[None]:
    try:
        yield
    finally:
        for sock in sockets:
            sock.close()


async def test_slow_readers(nursery: Nursery, tmp_path: Path, say: Callable[[str], None]):
    loop = asyncio.get_running_loop()
    async with providers() as fleet:
        child = nursery.start(tmp_path, config=configuration(fleet, tmp_path))
        address = await child.ready()
        host, port = address.removeprefix("http://").split(":")
        process = Process(await child.pid())
        for number in range(50):  # so that what is made once is there
            assert (await ask(address, f"two/warm-{number}", stream=True)).answered
        before = process.memory
        sockets: list[socket.socket] = []
        with closed(sockets):
            for number in range(READERS):
                sock = await narrow(host, int(port))
                sockets.append(sock)
                text = f"[tokens: {STREAM_TOKENS}]"
                await loop.sock_sendall(
                    sock, request_for(f"one/slow-{number}", stream=True, text=text)
                )
            got = [0] * READERS
            async with process.watched():
                for turn in range(12):
                    for index, sock in enumerate(sockets):
                        piece = await loop.sock_recv(sock, 1024)
                        assert piece, "a reader who was only slow was dropped"
                        got[index] += len(piece)
                    assert (await ask(address, f"two/beside-{turn}", patience=5)).answered
                    await asyncio.sleep(1)
            grown = process.highest - before
            one = fleet["one"]
            assert one.open_connections == READERS, "the provider was read to its end"
        say(f"{READERS} slow readers: {grown // READERS >> 10} KiB of memory each")
        assert grown < READERS * PER_READER
        async with asyncio.timeout(10):
            await one.until(lambda one: one.open_connections == 0)
        assert await child.stops() == 0


async def test_heads_and_bodies_that_never_end(
    nursery: Nursery, tmp_path: Path, say: Callable[[str], None]
):
    """A byte a second; others are served, and everybody is shown the door in time."""
    async with providers() as fleet:
        deadlines = {"headers": BOUND, "body": BOUND}
        config = configuration(fleet, tmp_path, server={"deadlines": deadlines})
        child = nursery.start(tmp_path, config=config)
        address = await child.ready()
        process = Process(await child.pid())
        assert (await ask(address, "two/warm")).answered
        before, descriptors = process.memory, process.descriptors
        whole = request_for("one/never", stream=False, text="x" * 500)
        end = whole.index(b"\r\n\r\n") + 4
        async with asyncio.TaskGroup() as group, process.watched():
            callers = [
                group.create_task(dripping(address, whole, at))
                for at in (20, end + 10)
                for _ in range(SLOW)
            ]
            # Everybody who has not been answered by then waits for ever.
            async with asyncio.timeout(BOUND * 2 + 5):
                served = 0
                while not all(caller.done() for caller in callers):
                    assert (await ask(address, f"two/beside-{served}", patience=5)).answered
                    served += 1
                    await asyncio.sleep(0.2)
        answers = [caller.result() for caller in callers]
        assert all(not each or each.startswith(b"HTTP/1.1 408 ") for each in answers)
        assert served > BOUND
        assert fleet["one"].requests == 0
        async with asyncio.timeout(5):
            while process.descriptors > descriptors + 5:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        grown = process.highest - before
        say(f"{2 * SLOW} who never end: {grown / MIB:.1f} MiB together, {served} served beside")
        assert grown < 2 * SLOW * PER_SPEAKER
        assert await child.stops() == 0


async def dripping(address: str, whole: bytes, at: int) -> bytes:
    """What somebody is told who sends a byte a second after the first few."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def drip() -> None:
        with contextlib.suppress(OSError):
            writer.write(whole[:at])
            for byte in whole[at:]:
                await asyncio.sleep(1)
                writer.write(bytes([byte]))

    task = asyncio.ensure_future(drip())
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        task.cancel()
        writer.transport.abort()
