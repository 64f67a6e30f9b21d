"""Pools: who may answer a name, once the names in it are followed.

An entry without a slash is another model's name, and stands for all that stands behind that. A
name with a `*` takes whatever fits it; a `*` in its entries stands for the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from antiphon.pipeline.config import ANY, WILD, PoolEntry, RouteSettings, Target


class Member(NamedTuple):
    """A model at a provider, with its share of the work."""

    target: Target
    weight: float


class UnknownPool(Exception):
    """An entry names a model that is not there.

    Attributes:
        name: The model.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class PoolCycle(Exception):
    """Models that stand behind each other.

    Attributes:
        names: From the first back to itself.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(" -> ".join(names))
        self.names = tuple(names)


class Pools:
    """Follows names.

    Args:
        models: The routes, by their names.
    """

    __slots__ = ("_models", "_named")

    def __init__(self, models: Mapping[str, RouteSettings]) -> None:
        self._models = models
        self._named = {
            alias: name for name, route in models.items() for alias in (name, *route.aliases)
        }

    def of(self, name: str, entries: Iterable[PoolEntry], wild: str = "") -> Sequence[Member]:
        """Who may answer, each once, in the order of the entries.

        Args:
            name: The route that the entries stand in.
            entries: What it names.
            wild: What a `*` stands for.

        Raises:
            UnknownPool: An entry names a model that is not there.
            PoolCycle: An entry leads back to the route, or to itself.
        """
        found: dict[Target, Member] = {}
        for member in self._followed(entries, (name,), 1.0, wild):
            found.setdefault(member.target, member)
        return tuple(found.values())

    def _followed(
        self, entries: Iterable[PoolEntry], trail: tuple[str, ...], share: float, wild: str
    ) -> Iterator[Member]:
        for entry in entries:
            text = entry.model.replace(WILD, wild) if wild else entry.model
            if "/" in text:
                yield Member(Target.parse(text), entry.weight * share)
                continue
            name = self._named.get(text)
            if name is None or name == ANY:
                raise UnknownPool(text)
            if name in trail:
                raise PoolCycle((*trail[trail.index(name) :], name))
            inner = self._models[name].deployments
            yield from self._followed(inner, (*trail, name), entry.weight * share, "")


class Wild:
    """The names with a `*`, the one with the longest beginning first.

    Args:
        names: Those of the configuration; the ones without a `*`, and `*` alone, are left out.
    """

    __slots__ = ("_patterns",)

    def __init__(self, names: Iterable[str]) -> None:
        parts = [(name, *name.split(WILD, 1)) for name in names if WILD in name and name != ANY]
        self._patterns = sorted(parts, key=lambda each: (-len(each[1]), -len(each[2]), each[0]))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def find(self, model: str) -> tuple[str, str] | None:
        """The name that a model fits, and what its `*` stands for; None if it fits none."""
        for name, before, after in self._patterns:
            if (
                len(model) > len(before) + len(after)
                and model.startswith(before)
                and model.endswith(after)
            ):
                return name, model[len(before) : len(model) - len(after)]
        return None
