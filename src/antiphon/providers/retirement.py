"""When a model's maker switches it off, and what to say of it.

The date is the maker's. Whoever else serves the model may keep it longer, and says so in the
configuration (`models.NAME.retires`); weights on one's own machines are switched off by nobody.
Nothing is ever replaced in silence: the successor is named, and a person decides.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from antiphon.providers.models import ModelFacts

SOON_DAYS = 60
"""Days before a model is switched off at which somebody should look at it."""


class Retirement(msgspec.Struct, frozen=True):
    """A model that has a last day.

    Attributes:
        day: As YYYY-MM-DD.
        days: Until then; below 0 where it is past.
        successor: What its maker offers instead; empty where that is not known.
    """

    day: str
    days: int
    successor: str

    @property
    def is_due(self) -> bool:
        """Whether somebody should look at it now."""
        return self.days <= SOON_DAYS

    @property
    def message(self) -> str:
        """What to say of the model, whose name stands before."""
        if self.days < 0:
            when = f"was to be switched off by its maker on {self.day}"
        else:
            when = f"is switched off by its maker on {self.day}, in {_days(self.days)}"
        return f"{when}; its maker offers {self.successor}" if self.successor else when


def retirement(facts: ModelFacts, *, now: float) -> Retirement | None:
    """When a model is switched off; None where no day is known.

    Args:
        facts: What is known of it.
        now: Seconds since 1970.
    """
    if not facts.retires:
        return None
    today = datetime.fromtimestamp(now, UTC).date()
    days = (date.fromisoformat(facts.retires) - today).days
    return Retirement(facts.retires, days, facts.successor)


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
