"""What is wrong with the rules of a route, beyond what each setting says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from antiphon.routing.config import ANY_VALUE, RuleSettings
from antiphon.routing.spaces import Spaces


class Mistake(NamedTuple):
    """Something wrong at a member of the rules.

    Attributes:
        path: From the list of rules on.
        message: What is wrong.
    """

    path: tuple[str | int, ...]
    message: str


def mistakes(rules: Sequence[RuleSettings]) -> Iterator[Mistake]:
    """What makes the rules of one route unusable, whoever it is that they name."""
    spaces = Spaces(rules)
    names: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if rule.name in names:
            message = f"rule {names[rule.name] + 1} has this name already"
            yield Mistake((index, "name"), message)
        names.setdefault(rule.name, index)
        yield from _use(index, rule)
        yield from _values(index, rule)
        if spaces.contradicts(index):
            yield Mistake((index, "when"), "contradicts itself: no request can ever match")
        elif taken := spaces.covered(index):
            yield Mistake((index, "when"), _never([rules[each].name for each in taken]))


def _use(index: int, rule: RuleSettings) -> Iterator[Mistake]:
    for number, entry in enumerate(rule.use):
        if entry in rule.use[:number]:
            yield Mistake((index, "use", number), "is named twice")


def _values(index: int, rule: RuleSettings) -> Iterator[Mistake]:
    for kind, named in (("headers", rule.when.headers), ("metadata", rule.when.metadata)):
        for name, values in named.items():
            if ANY_VALUE in values and len(values) > 1:
                message = f'"{ANY_VALUE}" is any value: leave out the others'
                yield Mistake((index, "when", kind, name), message)


def _never(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"can never match: whatever it would match, the rule {names[0]} matches before it"
    listed = ", ".join(names[:-1]) + " and " + names[-1]
    return f"can never match: the rules {listed} together match before it all that it would"
