"""What limits cost on the road: setups as in `hot_cases`."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.clock import SystemClock
from antiphon.limits.config import LimitSettings, LimitsSettings, QueueSettings, compiled
from antiphon.limits.limit import Scope
from antiphon.limits.limits import Limits
from antiphon.limits.path import Demand
from antiphon.limits.taken import Taken
from antiphon.model.principal import Principal

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_PLENTY = 10**15
_BOB = Principal(key_id="key-b", team="web", user="bob", subject="sub_b")
_DEMAND = Demand(1, 300, 40_000, 1, 1200, 160_000)


def _limits(*rules: LimitSettings) -> Limits:
    queue = QueueSettings()
    made = [limit for each in rules for limit in compiled(each, queue=queue)]
    return Limits(LimitsSettings(), made, clock=SystemClock())


def _caller() -> Timed:
    """`limits`: four limits of a caller found, taken and settled."""
    limits = _limits(
        LimitSettings(scope=Scope.KEY, requests=_PLENTY, tokens=_PLENTY),
        LimitSettings(scope=Scope.TEAM, tokens=_PLENTY, per="hour"),
        LimitSettings(scope=Scope.ALIAS, concurrency=_PLENTY, when_full="queue"),
    )

    def request() -> None:
        now = limits.now()
        made = limits.take(limits.path(_BOB, "fast", now), _DEMAND, now)
        assert isinstance(made, Taken)
        limits.settle(made, 280, 37_000, limits.now())

    return request


def _attempt() -> Timed:
    """`limits`: three limits of a provider found, taken and settled."""
    limits = _limits(
        LimitSettings(scope=Scope.PROVIDER, requests=_PLENTY, tokens=_PLENTY, concurrency=_PLENTY)
    )

    def attempt() -> None:
        now = limits.now()
        path = limits.place("openai", "openai/gpt", "", lambda _: ())
        made = limits.take(path, _DEMAND, now)
        assert isinstance(made, Taken)
        limits.settle(made, 280, 37_000, limits.now())

    return attempt


def limits_cases() -> dict[str, Setup]:
    return {"limits.four_of_a_caller": _caller, "limits.three_of_a_provider": _attempt}
