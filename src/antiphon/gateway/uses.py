"""How much of budgets and limits is used, as far as this machine knows.

Of budgets that is what was reported to the store of leases, and what this process has spent and
reserved; of limits what this process has counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from antiphon.clock import Clock
from antiphon.leases.figures import Figures, figures
from antiphon.limits.figures import figures as limit_figures
from antiphon.limits.limit import Limit, Measure
from antiphon.limits.meters import Meters
from antiphon.storage.database import Readable
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.budgets import Waiting
from antiphon.usage.budgets.periods import ALWAYS, period_of
from antiphon.usage.budgets.purse import Purse

Purses: TypeAlias = Mapping[tuple[str, str, str], Purse[Waiting]]


NOBODY: Final[frozenset[str]] = frozenset()


class BudgetUse(NamedTuple):
    """What is used of one pot. Money in billionths of a dollar.

    Attributes:
        name: Whose it is: an id, or a word of the configuration.
        period: The present one.
        spent: In it.
        reserved: Held by processes and not spent.
        resets_at: When the next period begins, in microseconds since 1970; None for never.
    """

    name: str
    period: str
    spent: int
    reserved: int
    resets_at: int | None


class BudgetUses:
    """What is used of budgets.

    Args:
        leases: The store of all processes; None where nothing was ever leased.
        clock: Tells which period it is.
        purses: Of this process.
        owner: The name under which the store knows this process.
    """

    def __init__(
        self,
        leases: Readable | None,
        *,
        clock: Clock,
        purses: Purses | None = None,
        owner: str = "",
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._purses = purses or {}
        self._owner = owner

    def of(
        self,
        budget: Budget,
        organisation: str,
        names: Sequence[str],
        *,
        apart: frozenset[str] = NOBODY,
    ) -> list[BudgetUse]:
        """What is used of a budget in one organisation.

        Args:
            budget: As the road has it.
            organisation: The id of the tenant.
            names: Whose pots they are; empty for those of each.
            apart: Whose pots are not, where they are those of each.

        Raises:
            StorageFailed: The store cannot be read.
        """
        scope = budget.scope
        period = period_of(budget.per, int(self._clock.now() * 1e6), budget.zone)
        wall = "" if scope is Scope.ORGANISATION else f"{organisation}/"
        pots = [organisation] if not wall else [wall + name for name in names]
        found = {each.name: each for each in self._reported(scope, period.name, pots, wall)}
        for pot in (*pots, *self._own(scope, wall, period.name)):
            found.setdefault(pot, Figures(pot, 0, 0))
        uses: list[BudgetUse] = []
        for pot, (_, spent, held) in found.items():
            purse = self._purses.get((scope.value, pot, period.name))
            name = pot.removeprefix(wall)
            if name in apart or (pots and pot not in pots):
                continue
            mine, reserved = (0, 0) if purse is None else (purse.spent, max(purse.reserved, 0))
            ends = None if period.ends == ALWAYS else period.ends
            uses.append(BudgetUse(name, period.name, spent + mine, held + reserved, ends))
        if len(pots) > 1:
            # Of the names of one, those that nobody goes by say nothing.
            uses = [use for use in uses if use.spent or use.reserved] or uses[:1]
        return sorted(uses, key=lambda use: (-use.spent, use.name))

    def _reported(
        self, scope: str, period: str, pots: Sequence[str], wall: str
    ) -> Sequence[Figures]:
        if self._leases is None:
            return []
        with self._leases.reading() as connection:
            return figures(
                connection, scope, period, names=pots, beginning=wall, but_for=self._owner
            )

    def _own(self, scope: str, wall: str, period: str) -> list[str]:
        """The pots that this process spends from, which the store may not know yet."""
        return [
            name
            for kind, name, when in list(self._purses)
            if (kind, when) == (scope, period) and name.startswith(wall)
        ]


class LimitUse(NamedTuple):
    """What is counted of one measure of a limit.

    Attributes:
        name: Whose it is; empty where all share it.
        measure: What is counted.
        used: In the window that ends now; dollars in billionths.
        bound: The most.
        resets_at: When nothing is left of it, in microseconds since 1970; None where it is empty.
    """

    name: str
    measure: Measure
    used: int
    bound: int
    resets_at: int | None


class LimitUses:
    """What is counted of limits, in this process.

    Args:
        meters: Of the process; None where no gateway runs.
        clock: By which its windows slide.
    """

    def __init__(self, meters: Meters | None, *, clock: Clock) -> None:
        self._meters = meters
        self._clock = clock

    def of(self, limits: Iterable[Limit], organisation: str) -> list[LimitUse]:
        """What is counted in one organisation, for each measure."""
        if self._meters is None:
            return []
        now, wall = int(self._clock.monotonic() * 1e6), int(self._clock.now() * 1e6)
        return [
            LimitUse(
                name=each.name,
                measure=limit.measure,
                used=each.counted,
                bound=limit.bound,
                resets_at=wall + each.empties_at - now if each.empties_at > now else None,
            )
            for limit in limits
            for each in limit_figures(self._meters, limit, organisation, now)
        ]
