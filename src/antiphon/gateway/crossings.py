"""What is told of budgets: that a share of one is reached, or that it is used up.

No person is named: the books know people by ids, and so do these events.
"""

from __future__ import annotations

from decimal import Decimal

from antiphon.notices.config import EventType
from antiphon.notices.event import Event
from antiphon.usage.budgets.budget import Scope
from antiphon.usage.budgets.budgets import Waiting
from antiphon.usage.budgets.purse import Purse
from antiphon.usage.budgets.sharing import Crossing
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.times import told

_WHOLE = 1000
_MILLE = Decimal(1000)
_NAMED = frozenset({Scope.TEAM, Scope.DEPARTMENT})
"""Scopes whose names are no person's."""


def event_of(crossing: Crossing, *, at: float) -> Event:
    """The event of a share of a budget that was reached; of all of it, that it is exceeded.

    Args:
        crossing: What was reached.
        at: When, in seconds since 1970.
    """
    kind = EventType.WARNING if crossing.share < _WHOLE else EventType.EXCEEDED
    return _event(kind, crossing, at)


def exceeded(purse: Purse[Waiting], *, at: float) -> Event:
    """The event of a budget that is used up; the same for each request that is refused for it."""
    return _event(EventType.EXCEEDED, Crossing(purse, _WHOLE), at)


def _event(kind: EventType, crossing: Crossing, at: float) -> Event:
    purse, share = crossing
    pot, budget = purse.pot, purse.budget
    # Pots are walled by organisation; a budget may be for each of them.
    organisation, _, name = pot.name.partition("/")
    name = name or organisation
    about = ("budget", budget.scope.value, name, budget.per, pot.period, str(share))
    whose = {"scope": budget.scope.value, "id": name, "per": budget.per}
    if budget.scope in _NAMED:
        whose["name"] = purse.label
    return Event(
        kind.value,
        organisation,
        about,
        {
            "organisation": organisation,
            "budget": whose,
            "period": pot.period,
            "period_ends": None if budget.per == "total" else told(pot.ends),
            "share": str(share / _MILLE),
            "limit_usd": dollars(budget.limit),
            "spent_usd": dollars(purse.used),
        },
        at,
    )
