"""One run: four providers in bad weather, a gateway before them, and its callers."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final

import httpx2
from msgspec import Struct

from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Latency, SimulatorSpec
from antiphon.simulator.received import Received
from tests.chaos.callers import ROUTE, Answer, ask, question
from tests.chaos.weather import NUMBER, REPLACED, USUAL, WIRES, Shares, Weather
from tests.kills.audit import Audit
from tests.kills.children import Nursery

DIALECTS: Final = {
    "amber": "openai_chat",
    "beryl": "anthropic_messages",
    "coral": "openai_responses",
    "delta": "gemini",
}
GOES_ON: Final = frozenset({"amber", "beryl"})
"""Who can go on with an answer that was begun."""
PAIRS: Final = (("amber", "coral"), ("beryl", "delta"), ("amber", "delta"), ("beryl", "coral"))
"""Who is down together, in turn: always one of the two is left who can go on with a stream."""
DEADLINE: Final = 30.0
"""Seconds of a request in all."""
PERIOD, DOWN = 60.0, 10.0
"""Seconds from one outage to the next, and how long one is; times the scale."""
OPEN_FOR: Final = 60.0
"""Seconds that a breaker stays open; times the scale."""
ADMIN: Final = "ak-admin-0123456789abcdef0123456789abcdef"
_KEYS: Final = 8
_REPLACED_AFTER: Final = 0.5
_PACED: Final = Latency(first_token=0.005, tokens_per_second=4000)
"""A word is a write of its own, so that a fault in the middle strikes behind words."""
_SHORT, _EVERY = 0.004, 8
"""Shorter pauses than this pass, but for each eighth: the machine has other work."""
_TIMEOUTS: Final = {"connect": 1, "first_byte": 2, "idle": 2, "total": 6}


class Chaos(Struct, frozen=True):
    """What a run is made of.

    Attributes:
        scale: Of all times that are given for 60 seconds: 0.25 has an outage of 2.5 s in every 15.
        rate: Requests a second.
        patience: Of the time-outs towards providers.
        shares: How bad the weather is.
        apart: The gateway is a process of its own.
    """

    requests: int = 20_000
    seed: int = 7
    scale: float = 0.25
    rate: float = 80.0
    patience: float = 1.0
    shares: Shares = USUAL
    apart: bool = True


class Record(Struct):
    """What happened.

    Attributes:
        received: By request: what the providers were asked, in its order, and who was.
        rows: The attempts of the ledger.
        unanswered: Requests of which the ledger says that they had no attempt.
        left: What was still there at the end, in words.
    """

    chaos: Chaos
    answers: list[Answer] = []
    received: dict[int, list[tuple[str, Received]]] = {}
    rows: list[dict[str, object]] = []
    unanswered: set[str] = set()
    left: list[str] = []
    seconds: float = 0.0
    outages: int = 0


async def run(chaos: Chaos, folder: Path, say: Callable[[str], None]) -> Record:
    """Let it happen."""
    record = Record(chaos)
    keys = Keys(folder / "keys")
    specs = [
        SimulatorSpec(
            name=name,
            port=port,
            seed=chaos.seed,
            latency=_PACED,
            keep=1 << 20,
            refuse_for=0.1,
            prefill="trailing" if name in GOES_ON else "never",
        )
        for name, port in zip(DIALECTS, _ports(), strict=False)
    ]
    async with Fleet(specs, sleep=Pauses()) as fleet:
        for name, simulator in fleet.items():
            wire = WIRES[DIALECTS[name]]
            simulator.rules = Weather(chaos.seed, name, wire, chaos.shares, keys.struck)
        settings = configuration(fleet, folder, keys, chaos)
        gateway = apart if chaos.apart else within
        async with gateway(settings, folder, record) as address:
            await _weathered(chaos, fleet, address, record, say)
        running = {name: each.running for name, each in fleet.items() if each.running}
        open_ = {name: each.open_connections for name, each in fleet.items()}
        if running or any(open_.values()):
            record.left.append(f"at the providers: replies {running}, connections {open_}")
        record.received = _by_request(fleet)
    with closing(Audit(folder)) as audit:
        if behind := audit.left_behind():
            record.left.append(f"journals that were not shipped: {behind}")
        proof = audit.prove()
        if proof.difference or (proof.pending, proof.open, proof.damage) != (0, 0, 0):
            record.left.append(f"the proof of the ledger: {proof}")
        record.rows = audit.rows()
        found = audit.select("SELECT request_id FROM unanswered")
        record.unanswered = {str(row["request_id"]) for row in found}
    return record


class Pauses:
    """How the pauses of answers pass."""

    def __init__(self) -> None:
        self._short = 0

    async def __call__(self, seconds: float) -> None:
        if seconds < _SHORT:
            self._short += 1
            if self._short % _EVERY:
                return
        await asyncio.sleep(max(seconds, 0.002))


async def _weathered(
    chaos: Chaos, fleet: Fleet, address: str, record: Record, say: Callable[[str], None]
) -> None:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    patience = DEADLINE + 15
    begun = time.monotonic()
    async with (
        httpx2.AsyncClient(
            base_url=address, timeout=patience, limits=limits, verify=False
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        outages = group.create_task(_outages(fleet, chaos, record))
        asking: set[asyncio.Task[None]] = set()
        for number in range(chaos.requests):
            due = begun + number / chaos.rate
            await asyncio.sleep(max(due - time.monotonic(), 0))
            while len(asking) >= 400:
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            task = group.create_task(_asked(client, chaos.seed, number, record))
            asking.add(task)
            task.add_done_callback(asking.discard)
            if number and number % 1000 == 0:
                true = sum(each.is_true for each in record.answers)
                say(f"{number} asked in {time.monotonic() - begun:.0f} s, {true} true answers")
        while asking:
            await asyncio.wait(asking)
        outages.cancel()
    record.seconds = time.monotonic() - begun


async def _asked(client: httpx2.AsyncClient, seed: int, number: int, record: Record) -> None:
    record.answers.append(await ask(client, question(seed, number)))


async def _outages(fleet: Fleet, chaos: Chaos, record: Record) -> None:
    """Two are down together, and the next two in the next period."""
    period, down = PERIOD * chaos.scale, DOWN * chaos.scale
    begun = time.monotonic()
    while True:
        pair = [fleet[name] for name in PAIRS[record.outages % len(PAIRS)]]
        until = begun + record.outages * period + down
        record.outages += 1
        try:
            while (left := until - time.monotonic()) > 0:
                for each in pair:
                    # A fault of the door may have opened it again.
                    if each.state().listening:
                        each.refuse()
                await asyncio.sleep(min(left, 0.02))
        finally:
            for each in pair:
                await each.start()
        await asyncio.sleep(max(begun + record.outages * period - time.monotonic(), 0))


def _ports() -> Iterator[int]:
    """Ports that no connection is given while their owner is down."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(20_000, 32_000)
        with closing(socket.socket()) as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            yield port


def _by_request(fleet: Fleet) -> dict[int, list[tuple[str, Received]]]:
    found: dict[int, list[tuple[str, Received]]] = defaultdict(list)
    for name, simulator in fleet.items():
        for each in simulator.received:
            if number := NUMBER.search(each.body.decode("utf-8", "replace")):
                found[int(number[1])].append((name, each))
    for calls in found.values():
        calls.sort(key=lambda call: call[1].at)
    return dict(found)


class Keys:
    """The keys of all providers, and the operator who replaces those that are of no use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}
        self._written = 0
        folder.mkdir()

    def of(self, provider: str) -> list[str]:
        paths = [self._folder / f"{provider}-{number}" for number in range(_KEYS)]
        for path in paths:
            self._write(path)
        return [str(path) for path in paths]

    def struck(self, fault: str, received: Received) -> None:
        """A provider's fault is due; some leave a key that is of no use."""
        if fault in REPLACED:
            key = _key_in(received)
            asyncio.get_running_loop().call_later(_REPLACED_AFTER, self._replace, key)

    def _replace(self, key: str) -> None:
        if path := self._paths.pop(key, None):
            self._write(path)

    def _write(self, path: Path) -> None:
        self._written += 1
        key = f"sk-{path.name}-{self._written:08}"
        self._paths[key] = path
        half = path.with_suffix(".new")
        half.write_text(key)
        half.replace(path)


def _key_in(received: Received) -> str:
    for name in (b"x-api-key", b"x-goog-api-key", b"authorization"):
        if value := received.header(name):
            return value.decode().removeprefix("Bearer ")
    return ""


def configuration(fleet: Fleet, folder: Path, keys: Keys, chaos: Chaos) -> dict[str, object]:
    """One name, four deployments, all defaults but for the times."""
    return {
        "server": {"port": 0, "drain_seconds": 2},
        "auth": {"admin_key": ADMIN, "required": False},
        "storage": {"data_dir": str(folder)},
        "providers": {
            name: {
                "dialect": DIALECTS[name],
                "base_url": each.base_url,
                "api_key_file": keys.of(name),
                "timeouts": {part: each * chaos.patience for part, each in _TIMEOUTS.items()},
                "models": {"sim-small": {"prefill": name in GOES_ON}},
            }
            for name, each in fleet.items()
        },
        "models": {
            ROUTE: {
                "deployments": [f"{name}/sim-small" for name in fleet],
                "strategy": "weighted",
                "deadline": DEADLINE,
                "breaker": {"failures": 5, "open_for": OPEN_FOR * chaos.scale},
            }
        },
    }


@asynccontextmanager
async def within(settings: dict[str, object], folder: Path, record: Record) -> AsyncIterator[str]:
    """A gateway of this process: its own lists are looked at."""
    before = asyncio.all_tasks()
    async with Antiphon(load(settings, environ={})) as gateway, serving(gateway) as address:
        own = asyncio.all_tasks() - before
        yield address
        await _until(lambda: not gateway.pipeline.live)
        if gateway.pipeline.live:
            record.left.append(f"{len(gateway.pipeline.live)} requests under way")
        await _until(lambda: len(asyncio.all_tasks() - before - own) == 0, 3)
        await _looked_at(address, record)
    if still := [each for each in asyncio.all_tasks() - before if not each.done()]:
        record.left.append(f"tasks: {still}")


@asynccontextmanager
async def apart(settings: dict[str, object], folder: Path, record: Record) -> AsyncIterator[str]:
    """A gateway that is a process of its own, as `antiphon serve` is."""
    nursery = Nursery()
    try:
        child = nursery.start(folder, config=settings)
        address = await child.ready()
        yield address
        await _looked_at(address, record)
        status = await child.stops()
        if status:
            record.left.append(f"the gateway ended with status {status}")
    finally:
        nursery.close()


_NONE_OF: Final = ("antiphon_inflight", "antiphon_journal_open_attempts")


async def _looked_at(address: str, record: Record) -> None:
    """What its metrics say is under way, where nobody asks any more."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with httpx2.AsyncClient(base_url=address, verify=False, headers=headers) as client:
        found: dict[str, float] = {}
        for _ in range(100):
            answer = await client.get("/metrics")
            answer.raise_for_status()
            lines = [each.rsplit(" ", 1) for each in answer.text.splitlines() if each[0] != "#"]
            found = {name: float(value) for name, value in lines if name.startswith(_NONE_OF)}
            busy = [
                float(value)
                for name, value in lines
                if name.startswith("antiphon_upstream_connections") and "idle" not in name
            ]
            found["connections in use"] = sum(busy)
            if not any(found.values()):
                return
            await asyncio.sleep(0.05)
    record.left.append(f"the gateway's own figures: {found}")


async def _until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
