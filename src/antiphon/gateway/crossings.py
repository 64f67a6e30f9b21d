"""What is told of budgets: that a share of one is reached, or that it is used up.

No person is named: the books know people by ids, and so do these events.
"""

from __future__ import annotations

from decimal import Decimal

from antiphon.access.organisations import DEFAULT
from antiphon.notices.config import EventType
from antiphon.notices.event import Event
from antiphon.usage.budgets.budgets import Waiting
from antiphon.usage.budgets.purse import Purse
from antiphon.usage.budgets.sharing import Crossing
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.times import told

_WHOLE = 1000
_MILLE = Decimal(1000)


def event_of(crossing: Crossing, *, at: float, organisation: str = DEFAULT) -> Event:
    """The event of a share of a budget that was reached; of all of it, that it is exceeded.

    Args:
        crossing: What was reached.
        at: When, in seconds since 1970.
        organisation: Whose budget it is.
    """
    kind = EventType.WARNING if crossing.share < _WHOLE else EventType.EXCEEDED
    return _event(kind, crossing, at, organisation)


def exceeded(purse: Purse[Waiting], *, at: float, organisation: str = DEFAULT) -> Event:
    """The event of a budget that is used up; the same for each request that is refused for it."""
    return _event(EventType.EXCEEDED, Crossing(purse, _WHOLE), at, organisation)


def _event(kind: EventType, crossing: Crossing, at: float, organisation: str) -> Event:
    purse, share = crossing
    pot, budget = purse.pot, purse.budget
    about = ("budget", pot.scope, pot.name, budget.per, pot.period, str(share))
    return Event(
        kind.value,
        organisation,
        about,
        {
            "organisation": organisation,
            "budget": {"scope": pot.scope, "name": pot.name, "per": budget.per},
            "period": pot.period,
            "period_ends": None if budget.per == "total" else told(pot.ends),
            "share": str(share / _MILLE),
            "limit_usd": dollars(budget.limit),
            "spent_usd": dollars(purse.used),
        },
        at,
    )
