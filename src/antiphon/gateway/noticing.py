"""Notices in the gateway: events are taken, kept in its database, and sent from there."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.gateway.background import Service
from antiphon.gateway.crossings import event_of, exceeded
from antiphon.notices.courier import Courier
from antiphon.notices.deliveries import Deliveries
from antiphon.notices.notices import Notices
from antiphon.storage.database import Database
from antiphon.usage.budgets.budgets import Waiting
from antiphon.usage.budgets.purse import Purse
from antiphon.usage.budgets.sharing import Crossing


class Noticing:
    """Opened with the books of a gateway, and closed with them.

    Args:
        settings: The webhooks, and what may be reached.
        database: With the table of deliveries.
        clock: Where time comes from.

    Attributes:
        notices: Takes events.
        courier: Who sends them; at rest where there are no webhooks.
        services: What runs on threads of its own; nothing while there never were webhooks.
    """

    def __init__(self, settings: Settings, database: Database, *, clock: Clock) -> None:
        kept = Deliveries(database, clock=clock)
        self.courier = Courier(settings.notices, settings.egress, kept, clock=clock)
        self.notices = Notices(settings.notices, kept, told=self.courier.wake)
        self.services: Sequence[Service] = (
            (self.notices, self.courier) if settings.notices.webhooks else ()
        )
        self._clock = clock

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self.notices.adopt(settings.notices)
        self.courier.adopt(settings.notices, settings.egress)
        if settings.notices.webhooks:
            self.services = (self.notices, self.courier)

    def crossed(self, crossing: Crossing) -> None:
        """Tell that a share of a budget was reached; on the event loop, without waiting."""
        self.notices.tell(event_of(crossing, at=self._clock.now()))

    def refused(self, purse: Purse[Waiting]) -> None:
        """Tell that requests are refused for a budget; on the event loop, without waiting.

        Not of one that has hardly begun: there a single request was too large.
        """
        if purse.budget.limit and purse.used >= purse.warn_from:
            self.notices.tell(exceeded(purse, at=self._clock.now()))

    def close(self) -> None:
        """Keep what services told last, while they were being stopped."""
        self.notices.write()
