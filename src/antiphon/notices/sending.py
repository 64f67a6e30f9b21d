"""Deliveries under way, while there are any: claimed, tried, and settled.

Loads the HTTP library, so `courier` imports it late.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random  # noqa: TID251  the type
from typing import Protocol

from antiphon.clock import Clock
from antiphon.egress.client import Egress
from antiphon.egress.config import EgressSettings
from antiphon.egress.resolver import Resolver
from antiphon.egress.webhooks.delivery import Outcome, Schedule, State, Verdict
from antiphon.egress.webhooks.sender import Endpoint, Webhooks
from antiphon.errors import CallerError, StorageFailed
from antiphon.notices.config import WebhookSettings
from antiphon.notices.deliveries import Claim, Deliveries

_MOST, _MOST_EACH = 32, 4
"""Attempts at once: in all, and to one webhook, so that a slow one leaves places to the others."""
_EVERY = 1.0
_MARGIN = 10.0
"""Seconds that a claim lasts beyond the longest attempt."""
_SCHEDULE = Schedule()
_log = logging.getLogger("antiphon.notices")


class Sender(Protocol):
    """On whose behalf, and with what; see `courier.Courier`."""

    webhooks: Mapping[str, WebhookSettings]
    egress: EgressSettings
    deliveries: Deliveries
    clock: Clock
    random: Random
    resolver: Callable[[], Resolver] | None
    attempts: Counter[str]
    given_up: int


class Sending:
    """Runs until nothing is due and nothing is under way.

    Attributes:
        held: Claims whose outcome is not kept yet.
    """

    def __init__(self, sender: Sender) -> None:
        self.held: list[Claim] = []
        self._sender = sender
        self._settings = (sender.webhooks, sender.egress)
        self._endpoints = {
            name: Endpoint(each.url, each.secret) for name, each in sender.webhooks.items()
        }
        self._busy: Counter[str] = Counter()

    async def run(self, more: asyncio.Event) -> None:
        """Send, until the settings are others; what is under way by then goes as it began.

        Args:
            more: Set when there may be something new.

        Raises:
            StorageFailed: What is due cannot be read.
        """
        sender = self._sender
        resolver = None if sender.resolver is None else sender.resolver()
        door = Egress(sender.egress, resolver=resolver)
        async with door as egress, asyncio.TaskGroup() as group:
            hooks = Webhooks(egress, sender.clock)
            while True:
                more.clear()
                try:
                    claims = await asyncio.to_thread(self._claim)
                except StorageFailed as error:
                    # What is under way is not broken off for it.
                    _log.error("Deliveries cannot be claimed: %s", error.message)
                    return
                for claim in claims:
                    self._busy[claim.webhook] += 1
                    group.create_task(self._deliver(hooks, claim, more))
                if not self.held:
                    return
                try:
                    async with asyncio.timeout(_EVERY):
                        await more.wait()
                except TimeoutError:
                    continue

    def _claim(self) -> list[Claim]:
        """Take as much as there are places for; on a thread."""
        deliveries, claims = self._sender.deliveries, list[Claim]()
        if (self._sender.webhooks, self._sender.egress) != self._settings:
            return claims
        seconds = self._sender.egress.total_seconds + _MARGIN
        for name in deliveries.waiting():
            places = min(_MOST_EACH - self._busy[name], _MOST - len(self.held))
            if name in self._endpoints and places > 0:
                found = deliveries.claim(name, places, seconds=seconds)
                self.held += found
                claims += found
        return claims

    async def _deliver(self, hooks: Webhooks, claim: Claim, more: asyncio.Event) -> None:
        try:
            outcome = await hooks.attempt(self._endpoints[claim.webhook], claim.message)
        except CallerError as error:  # it is over the bounds of the door
            outcome = Outcome(Verdict.NEVER, message=error.message, reason=error.message)
        try:
            await asyncio.to_thread(self._settle, claim, outcome)
        except StorageFailed as error:
            _log.error("The outcome of %s cannot be kept: %s", claim.id, error.message)
        finally:
            self._busy[claim.webhook] -= 1
            more.set()

    def _settle(self, claim: Claim, outcome: Outcome) -> None:
        """Keep what an attempt came to; on a thread."""
        sender = self._sender
        now = sender.clock.now()
        after = claim.delivery.after(outcome, _SCHEDULE, now=now, random=sender.random)
        # From here on it is not to be released: what was tried is not as it was.
        self.held.remove(claim)
        sender.attempts[outcome.verdict.value] += 1
        if not sender.deliveries.settle(claim, after, status=outcome.status):
            return
        words = (claim.type, claim.id, claim.webhook)
        if after.state is State.DELIVERED:
            _log.info("%s (%s) was taken by webhook %s", *words)
        elif after.state is State.PENDING:
            told = "%s (%s) was not taken by webhook %s, and is tried again: %s"
            _log.warning(told, *words, outcome.reason)
        else:
            sender.given_up += 1
            _log.error("%s (%s) to webhook %s is given up: %s", *words, outcome.reason)
