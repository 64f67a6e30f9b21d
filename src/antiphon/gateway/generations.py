"""Which configurations requests still go by, and what goes with the last of them.

A request finishes on the snapshot that it began with, and holds it. Once nobody holds any snapshot
of a generation, what only that generation had is dropped: counts of its routes and deployments,
connections to addresses that nobody asks any more.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeVar

from antiphon.pipeline.plan import Life, Snapshot
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Origin
from antiphon.telemetry.gone import Gone

_T = TypeVar("_T")


class Names(NamedTuple):
    """What a generation has.

    Attributes:
        routes: The names under which requests are counted.
        deployments: As `provider/model`.
        providers: Their names.
        origins: Where they are.
    """

    routes: AbstractSet[str]
    deployments: AbstractSet[str]
    providers: AbstractSet[str]
    origins: AbstractSet[Origin]


def names_of(snapshot: Snapshot, providers: Mapping[str, Provider]) -> Names:
    """What a snapshot has, of what the configuration names."""
    plans = snapshot.plans.values()
    return Names(
        routes=frozenset(plan.alias for plan in plans),
        deployments=frozenset(each.name for plan in plans for each in plan.deployments),
        providers=frozenset(providers),
        origins=frozenset(each.address.origin for each in providers.values()),
    )


class Generations:
    """Those in use; belongs to the event loop.

    Args:
        part: Told what is gone, and which origins are there still.
    """

    def __init__(self, part: Callable[[Gone, AbstractSet[Origin]], None]) -> None:
        self._part = part
        self._names: dict[int, Names] = {}
        self._held: dict[int, set[weakref.ref[Life]]] = {}

    @property
    def alive(self) -> tuple[int, ...]:
        """Their numbers; the last is the one in force."""
        return tuple(sorted(self._held))

    def begin(self, snapshot: Snapshot, names: Names) -> None:
        """A snapshot is in force from now on; there may be several of a generation."""
        soon = asyncio.get_running_loop().call_soon_threadsafe
        number = snapshot.generation

        def ended(reference: weakref.ref[Life]) -> None:
            # On whatever thread let go of it last.
            with suppress(RuntimeError):  # the loop is closed
                soon(partial(self._ended, number, reference))

        self._names[number] = names
        self._held.setdefault(number, set()).add(weakref.ref(snapshot.life, ended))

    def _ended(self, number: int, reference: weakref.ref[Life]) -> None:
        held = self._held[number]
        held.discard(reference)
        if held:
            return
        del self._held[number]
        former, there = self._names.pop(number), self._names.values()
        gone = Gone(
            former.routes - _all(each.routes for each in there),
            former.deployments - _all(each.deployments for each in there),
            former.providers - _all(each.providers for each in there),
        )
        self._part(gone, _all(each.origins for each in there))


def _all(sets: Iterable[AbstractSet[_T]]) -> AbstractSet[_T]:
    return frozenset(chain.from_iterable(sets))
