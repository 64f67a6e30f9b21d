"""The same work again and again: every kind of end that an attempt can have."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from antiphon.simulator import Fleet, Simulator, SimulatorSpec
from tests.kills.callers import Told, ask

ROUNDS = 8
ADMIN = "ak-admin-0123456789abcdef0123456789abcdef"
SEGMENT = 5200
"""Bytes: a handful of attempts, so that segments are filled, shipped and taken away."""


def configuration(
    fleet: Fleet, folder: Path, **sections: Mapping[str, object]
) -> dict[str, object]:
    """Every name passes through; a few fall back from one provider to the next."""
    return {
        "server": {"port": 0, "drain_seconds": 1, **sections.pop("server", {})},
        "auth": {"admin_key": ADMIN},
        "storage": {"data_dir": str(folder), **sections.pop("storage", {})},
        "providers": {
            name: {
                "dialect": "openai_chat",
                "base_url": each.base_url,
                "api_key": "sk-upstream",
            }
            for name, each in fleet.items()
        },
        "models": {
            **{
                f"pair-{number}": [
                    f"one/pair-{number}+fault:server-error",
                    f"two/pair-{number}",
                ]
                for number in range(ROUNDS)
            },
            "*": {"passthrough": True},
        },
        **sections,
    }


@asynccontextmanager
async def providers() -> AsyncIterator[Fleet]:
    specs = [
        SimulatorSpec(name=name, seed=seed, keep=1 << 20)
        for seed, name in enumerate(("one", "two"))
    ]
    async with Fleet(specs) as fleet:
        yield fleet


async def fixed(address: str, told: list[Told]) -> None:
    """Ends early where the gateway is gone."""
    for number in range(ROUNDS):
        told.append(await ask(address, f"one/plain-{number}"))
        told.append(await ask(address, f"one/stream-{number}", stream=True))
        told.append(await ask(address, f"pair-{number}", stream=number % 2 == 0))
        if not told[-1].status:
            return
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(ask(address, f"two/beside-{number}")),
                group.create_task(
                    ask(
                        address,
                        f"one/left-{number}+fault:stall-inside",
                        stream=True,
                        leave_after=number % 2,
                    )
                ),
                group.create_task(ask(address, f"two/beside-stream-{number}", stream=True)),
            ]
        told += [task.result() for task in tasks]
        told.append(await ask(address, f"two/refused-{number}+fault:bad-request"))
        told.append(await ask(address, f"nobody/nothing-{number}"))


class Crowd:
    """Callers who ask without end, each for another thing every time."""

    def __init__(self, address: str, size: int, prefix: str = "r") -> None:
        self.told: list[Told] = []
        self._address = address
        self._size = size
        self._prefix = prefix
        self._numbers = itertools.count()

    async def run(self) -> None:
        """Until the gateway is gone."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._size):
                group.create_task(self._one())

    async def _one(self) -> None:
        while True:
            number = next(self._numbers)
            provider = ("one", "two")[number % 2]
            name = f"{provider}/{self._prefix}-{number}"
            match number % 8:
                case 0 | 1:
                    told = await ask(self._address, name)
                case 2 | 3 | 4:
                    told = await ask(self._address, name, stream=True)
                case 5:
                    told = await ask(self._address, name, stream=True, leave_after=number % 4)
                case 6:
                    told = await ask(self._address, f"{name}+fault:rate-limited-long")
                case _:
                    told = await ask(self._address, f"{name}+fault:truncated", stream=True)
            self.told.append(told)
            if not told.status and not told.left:
                return


def seen(fleet: Fleet) -> list[Simulator]:
    return list(fleet.values())
