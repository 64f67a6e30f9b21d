"""Nothing is left behind: no socket, no timer, no task, whatever happened before."""

from __future__ import annotations

import asyncio
import gc
import random
from pathlib import Path

import pytest

from antiphon.errors import UpstreamError
from antiphon.providers.transport import Answer, Call, Origin
from tests.transport.conftest import Bench, Timers
from tests.transport.hostile import STREAM_HEAD, Peer, chunk, chunked, sized

ANSWERS = (
    sized(),
    sized(b"x" * 300_000),
    chunked(b"data: 1\n\n", b"data: 2\n\n"),
    sized(extra=b"Connection: close\r\n"),
    sized()[:-1],
    b"HTTP/1.1 200 OK\r\n\r\nuntil closed",
    STREAM_HEAD + chunk(b"data: 1\n\n"),
    b"garbage\r\n\r\n",
    sized() + b"more",
    b"",
)


class Chaos:
    """A server and its callers, each doing one thing out of many, by a seeded die."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.dice = random.Random(seed)
        self.outcomes: set[str] = set()

    async def handler(self, peer: Peer) -> None:
        dice = self.dice
        while await peer.request():
            answer = dice.choice(ANSWERS)
            cut = dice.choice((len(answer), len(answer) // 2))
            await peer.say(answer[:cut], answer[cut:])
            await asyncio.sleep(dice.choice((0, 0, 0.003)))
            match dice.choice(("keep", "keep", "keep", "keep", "close", "reset", "stall")):
                case "close":
                    return
                case "reset":
                    peer.reset()
                    return
                case "stall":
                    await asyncio.sleep(0.02)
                case _:
                    pass

    async def one(self, origins: list[Origin]) -> None:
        dice = self.dice
        call = self.bench.call(
            dice.choice(origins),
            b"x" * dice.choice((10, 10, 10, 20_000, 2_000_000)),
            stream=dice.random() < 0.5,
            connect=dice.choice((1.0, 1.0, 0.001)),
            first_byte=0.05,
            idle=0.03,
            total=dice.choice((0.2, 0.2, 0.01)),
        )
        task = asyncio.ensure_future(self._read(call, dice.choice(("read", "whole", "leave"))))
        if dice.random() < 0.3:
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.005)))
            task.cancel()
        try:
            await task
            self.outcomes.add("ok")
        except UpstreamError as error:
            self.outcomes.add(error.code)
        except asyncio.CancelledError:
            self.outcomes.add("cancelled")

    async def _read(self, call: Call, how: str) -> None:
        answer = await self.bench.transport.send(call)
        try:
            await answer.head(patience=self.dice.choice((None, 0.001)))
            if how == "whole":
                await answer.whole()
            elif how == "read":
                while await answer.read():
                    pass
        finally:
            answer.close()


async def run(bench: Bench, timers: Timers, *, calls: int, seed: int) -> set[str]:
    bench.bind(connections_per_origin=8, idle_per_origin=5, queue=20, idle_seconds=5)
    chaos = Chaos(bench, seed)
    server = await bench.serve(chaos.handler)
    nobody = await bench.serve(chaos.handler)
    await nobody.aclose()
    tls = Origin("https", "127.0.0.1", server.origin.port)
    origins = [server.origin] * 8 + [nobody.origin, tls]
    tasks = len(asyncio.all_tasks())
    sockets = open_sockets()
    for _ in range(calls // 20):
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(chaos.one(origins))
        assert bench.transport.open <= 16
    await bench.transport.aclose()
    await bench.until(lambda: len(asyncio.all_tasks()) == tasks)
    await bench.until(lambda: open_sockets() == sockets)
    assert bench.transport.open == bench.transport.idle == 0
    assert all(pool._opening == 0 for pool in bench.transport._pools.values())
    assert not any(pool._waiters for pool in bench.transport._pools.values())
    await bench.until(lambda: timers.left == 0)
    return chaos.outcomes


async def test_nothing_is_left_behind(bench: Bench, timers: Timers) -> None:
    outcomes = await run(bench, timers, calls=300, seed=11)
    assert {"ok", "cancelled"} <= outcomes
    assert len(outcomes) > 5, "the die fell on too few of its sides"


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_left_behind_at_length(bench: Bench, timers: Timers, seed: int) -> None:
    await run(bench, timers, calls=1000, seed=seed)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_read_answer_is_forgotten(bench: Bench, stream: bool) -> None:
    """At once, by its references alone: the garbage collector has nothing to do."""

    async def handler(peer: Peer) -> None:
        while await peer.request():
            await peer.say(chunked(b"x" * 100_000))

    server = await bench.serve(handler)
    before = answers()
    gc.disable()
    try:
        for _ in range(5):
            answer = await bench.transport.send(bench.call(server, stream=stream))
            await answer.head()
            await answer.whole()
            del answer
        assert answers() == before
    finally:
        gc.enable()


async def test_an_answer_that_is_dropped_unread_ends_with_its_deadline(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.left()

    server = await bench.serve(handler)
    answer: Answer | None = await bench.transport.send(bench.call(server, total=0.05))
    del answer
    assert bench.transport.open == 1
    await bench.until(lambda: bench.transport.open == 0)


def answers() -> int:
    return sum(isinstance(thing, Answer) for thing in gc.get_objects())


def open_sockets() -> int:
    return sum(
        str(entry.readlink()).startswith("socket:")
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink()
    )


async def test_the_error_of_a_whole_answer_does_not_hold_it(bench: Bench) -> None:
    """Error, traceback and answer hold each other until the collector comes round."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(sized(b"x" * 3_000_000)[:-1])

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server))
    with pytest.raises(UpstreamError) as caught:
        await answer.whole()
    assert caught.value.code == "truncated"
    assert sum(map(len, answer._parts)) == 0
