"""Faults that wait for a request: armed by a test, a plan or the control API.

Whoever cannot change what a caller sends, because a gateway stands in between, arms a rule here.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from antiphon.simulator.dice import Dice
from antiphon.simulator.received import Received

_Count = Annotated[int, Meta(ge=0)]


class Match(Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule means; what is left out matches all."""

    model: str | None = None
    path: str | None = None
    stream: bool | None = None
    contains: str | None = None
    """Text that stands in the body as it was sent."""
    headers: Mapping[str, str] = {}

    def fits(self, received: Received, *, model: str | None, stream: bool) -> bool:
        """Whether a request is meant."""
        return (
            self.model in {None, model}
            and self.path in {None, received.path}
            and self.stream in {None, stream}
            and (self.contains is None or self.contains.encode() in received.body)
            and all(
                received.header(name.lower().encode()) == value.encode()
                for name, value in self.headers.items()
            )
        )


class FaultRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault for requests to come."""

    fault: str
    count: _Count | None = None
    """How often it strikes; `None` is for ever."""
    after: _Count = 0
    """How many matching requests are let through first."""
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """How likely it strikes, decided by the simulator's seed."""
    match: Match = Match()


class ArmedRules:
    """The rules in force, in the order in which they were armed; the first that strikes wins."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._armed: list[_Armed] = []

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, rule: FaultRule) -> None:
        """Add a rule after the others."""
        self._armed.append(_Armed(rule, Dice(self._seed, "fault", len(self._armed), rule.fault)))

    def clear(self) -> None:
        """Forget all rules."""
        self._armed.clear()

    def strike(self, received: Received, *, model: str | None, stream: bool) -> str | None:
        """The fault that befalls this request, if one does."""
        for armed in self._armed:
            if armed.rule.match.fits(received, model=model, stream=stream) and armed.strikes():
                return armed.rule.fault
        return None

    def listed(self) -> list["RuleState"]:
        """Each rule and how often it has matched and struck."""
        return [RuleState(armed.rule, armed.matched, armed.struck) for armed in self._armed]


class RuleState(Struct, frozen=True):
    """A rule and what became of it."""

    rule: FaultRule
    matched: int
    struck: int


class _Armed:
    """A rule and its counts."""

    __slots__ = ("_dice", "matched", "rule", "struck")

    def __init__(self, rule: FaultRule, dice: Dice) -> None:
        self.rule = rule
        self.matched = 0
        self.struck = 0
        self._dice = dice

    def strikes(self) -> bool:
        self.matched += 1
        if self.matched <= self.rule.after:
            return False
        if self.rule.count is not None and self.struck >= self.rule.count:
            return False
        if self.rule.probability < 1 and self._dice.unit() >= self.rule.probability:
            return False
        self.struck += 1
        return True
