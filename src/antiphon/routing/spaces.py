"""Which requests a rule can match, so that rules which never do are found before they are used.

All that rules can ask is laid out as dimensions, each with finitely many cells: a single value has
a cell for each value that some rule names and one for the others; a number has one for each piece
between bounds; whether a tag is there has two. A rule is then a union of boxes, each a set of
cells in some dimensions and everything in the others. A rule without a box contradicts itself; one
whose boxes the earlier rules cover is never reached, be it one of them or several together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from antiphon.model.ask import SENSITIVITIES
from antiphon.routing.conditions import OTHER, PRIORITIES
from antiphon.routing.config import (
    ANY_VALUE,
    RuleSettings,
    ShareBounds,
    TokenBounds,
    WhenSettings,
)

Box = Mapping[Hashable, frozenset[Hashable]]
"""Cells by dimension; a dimension that is not there is whole."""

_REST: Final = ("rest",)
_NONE: Final = ("none",)
_YES: Final = frozenset[Hashable]({True})
_NO: Final = frozenset[Hashable]({False})
_EITHER: Final = _YES | _NO
_WHOLE: Final[Mapping[str, frozenset[Hashable]]] = {
    "language": frozenset({"zh", "ja", "ko", OTHER}),
    "sensitivity": frozenset(SENSITIVITIES),
    "priority": frozenset(PRIORITIES),
}
_MOST_BOXES: Final = 2_000
"""Beyond that, rules are taken for reachable: nobody wrote them by hand."""


class Spaces:
    """The cells that the rules of a route make."""

    def __init__(self, rules: Sequence[RuleSettings]) -> None:
        whens = [rule.when for rule in rules]
        self._cells: dict[Hashable, frozenset[Hashable]] = {**_WHOLE}
        for when in whens:
            for name, values in _single(when):
                self._cells[name] = self._cells.get(name, frozenset({_REST})) | values
            for name, values in _named(when):
                self._cells[name] = self._cells.get(name, frozenset({_REST, _NONE})) | values
        self._cells["tokens"] = frozenset(_lengths(when.tokens for when in whens))
        self._cells["budget_used"] = frozenset(_shares(when.budget_used for when in whens))
        self._boxes = [self._boxed(when) for when in whens]

    def contradicts(self, index: int) -> bool:
        """Whether no request at all can match a rule."""
        return not self._boxes[index]

    def covered(self, index: int) -> Sequence[int]:
        """The earlier rules that leave nothing to this one; none if they leave something."""
        mine = self._boxes[index]
        for earlier in range(index):
            if not self._left(mine, [earlier]):
                return [earlier]
        together = [each for each in range(index) if self._meets(mine, each)]
        return () if self._left(mine, together) else together

    def _boxed(self, when: WhenSettings) -> Sequence[Box]:
        """What a rule matches, in boxes that do not meet."""
        box: dict[Hashable, frozenset[Hashable]] = dict(_single(when))
        for name, values in _named(when):
            box[name] = self._cells[name] - {_NONE} if ANY_VALUE in values else values
        if when.tokens is not None:
            box["tokens"] = frozenset(_within(self._cells["tokens"], when.tokens))
        if when.budget_used is not None:
            box["budget_used"] = frozenset(_within(self._cells["budget_used"], when.budget_used))
        if not all(box.values()):
            return ()
        boxes: list[Box] = [box]
        for values in (
            [("tag", each) for each in when.tags],
            [("need", each) for each in when.needs],
            [("message", each) for each in when.message],
        ):
            if values:
                boxes = [{**box, **piece} for box in boxes for piece in _any_of(values)]
        return boxes

    def _left(self, boxes: Sequence[Box], rules: Iterable[int]) -> Sequence[Box]:
        for rule in rules:
            for taken in self._boxes[rule]:
                boxes = [piece for box in boxes for piece in self._without(box, taken)]
                if len(boxes) > _MOST_BOXES:
                    return boxes
        return boxes

    def _meets(self, boxes: Sequence[Box], rule: int) -> bool:
        return any(
            all(box.get(name, cells) & cells for name, cells in taken.items())
            for box in boxes
            for taken in self._boxes[rule]
        )

    def _without(self, box: Box, taken: Box) -> Iterator[Box]:
        """A box less another, in pieces that do not meet."""
        left = dict(box)
        for name, cells in taken.items():
            here = left[name] if name in left else self._cells.get(name, _EITHER)
            if outside := here - cells:
                yield {**left, name: outside}
            if not here & cells:
                return
            left[name] = here & cells


def _single(when: WhenSettings) -> Iterator[tuple[str, frozenset[Hashable]]]:
    """What has one value, with those that it may have."""
    for name, values in (
        ("language", when.language),
        ("sensitivity", when.sensitivity),
        ("priority", when.priority),
        ("task", when.task),
        ("market", when.market),
        ("department", when.department),
        ("team", when.team),
        ("user", when.user),
    ):
        if values:
            yield name, frozenset(values)


def _named(when: WhenSettings) -> Iterator[tuple[Hashable, frozenset[Hashable]]]:
    for name, values in when.headers.items():
        yield ("header", name), frozenset(values)
    for name, values in when.metadata.items():
        yield ("metadata", name), frozenset(values)


def _any_of(names: Sequence[Hashable]) -> Iterator[Box]:
    """That one of these is there: each in turn, and none of those before it."""
    for number, name in enumerate(names):
        yield {**dict.fromkeys(names[:number], _NO), name: _YES}


def _lengths(all_bounds: Iterable[TokenBounds | None]) -> Iterator[float]:
    """The smallest whole number of each piece between bounds."""
    yield 0
    for bounds in all_bounds:
        if bounds is not None and bounds.over is not None:
            yield bounds.over + 1
        if bounds is not None and bounds.under is not None:
            yield bounds.under


def _shares(all_bounds: Iterable[ShareBounds | None]) -> Iterator[float]:
    """Each bound, and a number of each piece between bounds."""
    cuts = {0.0}
    for bounds in all_bounds:
        if bounds is not None:
            cuts |= {each for each in (bounds.over, bounds.under) if each is not None}
    ordered = sorted(cuts)
    yield from ordered
    yield ordered[-1] + 1
    yield from ((low + high) / 2 for low, high in pairwise(ordered))


def _within(cells: Iterable[Hashable], bounds: TokenBounds | ShareBounds) -> Iterator[Hashable]:
    for each in cells:
        if isinstance(each, int | float) and (
            (bounds.over is None or each > bounds.over)
            and (bounds.under is None or each < bounds.under)
        ):
            yield each
