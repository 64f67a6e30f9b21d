"""The suite for providers: every check, by name, with what it costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Final

import msgspec
from typing_extensions import override

from antiphon.testing.compliance.findings import (
    CheckFailed,
    Findings,
    Outcome,
    Result,
)
from antiphon.testing.compliance.provider import answers, beside, refusals, tools
from antiphon.testing.compliance.provider.live import Live, Place
from antiphon.testing.compliance.provider.questions import FEW, MOST

Run = Callable[[Live, Findings], Awaitable[None]]


class Cost(msgspec.Struct, frozen=True):
    """The most that a check costs.

    Attributes:
        requests: Calls.
        prompt: Tokens asked, about.
        answer: Tokens answered, at most.
    """

    requests: int
    prompt: int
    answer: int

    def __add__(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(
            self.requests + other.requests,
            self.prompt + other.prompt,
            self.answer + other.answer,
        )


def _answers(count: int, *, prompt: int = 50) -> Cost:
    return Cost(count, count * prompt, count * MOST)


CHECKS: Final[dict[str, tuple[Run, Cost]]] = {
    "answers.whole": (answers.whole, _answers(1)),
    "answers.streamed": (answers.streamed, _answers(1)),
    "answers.conversation": (answers.conversation, _answers(1)),
    "answers.characters": (answers.characters, _answers(2)),
    "answers.large": (answers.large, _answers(1, prompt=6000)),
    "answers.stop": (answers.stop, _answers(2)),
    "answers.length": (answers.length, Cost(1, 50, FEW)),
    "answers.usage": (answers.usage, _answers(2)),
    "answers.cancelled": (answers.cancelled, _answers(2)),
    "tools.auto": (tools.auto, _answers(2, prompt=200)),
    "tools.forced": (tools.forced, _answers(1, prompt=200)),
    "tools.streamed": (tools.streamed, _answers(1, prompt=200)),
    "tools.parallel": (tools.parallel, _answers(3, prompt=300)),
    "output.schema": (tools.schema, _answers(1, prompt=100)),
    "output.json": (tools.json, _answers(1, prompt=100)),
    "refusals.model": (refusals.model, Cost(1, 0, 0)),
    "refusals.key": (refusals.key, Cost(1, 0, 0)),
    "refusals.body": (refusals.body, Cost(7, 50, MOST)),
    "beside.models": (beside.models, Cost(1, 0, 0)),
    "beside.counted": (beside.counted, Cost(2, 50, MOST)),
    "beside.vectors": (beside.vectors, Cost(1, 20, 0)),
}
"""What each proves is the first line of its docstring."""


class ProviderCheck:
    """One check of a provider; await it in a test, or await `run()` for its result.

    Attributes:
        name: `answers.whole`.
        proves: What holds where it is passed.
        cost: The most that it costs.
    """

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self._run, self.cost = CHECKS[name]
        self.proves = (self._run.__doc__ or "").partition("\n")[0]
        self._place = place

    async def run(self) -> Result:
        """What comes of it; raises nothing of what is tested."""
        found = Findings()
        with found.trying(self.name):
            found.tried -= 1
            async with Live(self._place) as live:
                await self._run(live, found)
        return found.result(self.name, self.proves)

    async def __call__(self) -> Result:
        """Run it.

        Raises:
            CheckFailed: It failed.
        """
        result = await self.run()
        if result.outcome is Outcome.FAILED:
            raise CheckFailed(result)
        return result

    @override
    def __repr__(self) -> str:
        return self.name


def provider_checks(place: Place, only: Collection[str] = ()) -> list[ProviderCheck]:
    """The checks of a provider, to be awaited one by one.

    Raises:
        ValueError: The address is none, or no header can carry the key.
    """
    Live(place)
    return [ProviderCheck(name, place) for name in CHECKS if not only or name in only]


def cost_of(checks: Collection[ProviderCheck]) -> Cost:
    """The most that these checks cost together."""
    total = Cost(0, 0, 0)
    for check in checks:
        total += check.cost
    return total
