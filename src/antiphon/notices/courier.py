"""Sends what is due, beside the road: on a thread and an event loop of its own.

A receiver that is slow, a name that nobody knows, a handshake: nothing of it is on the loop that
serves callers. The HTTP library is loaded with the first delivery. While nothing is due, one small
question a second goes to the database, since other processes enter deliveries too.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random, SystemRandom  # noqa: TID251  chance in waits

from antiphon.clock import Clock
from antiphon.egress.config import EgressSettings
from antiphon.egress.resolver import Resolver
from antiphon.egress.webhooks.delivery import Verdict
from antiphon.errors import StorageFailed
from antiphon.notices.config import NoticesSettings, WebhookSettings
from antiphon.notices.deliveries import Deliveries

EVERY = 1.0
"""Seconds between two looks whether something is due."""
_SWEEP_EVERY = 3600.0
_log = logging.getLogger("antiphon.notices")


class Courier:
    """Sends until it is stopped.

    Args:
        settings: The webhooks.
        egress: What may be reached.
        deliveries: Where they are kept.
        clock: For times and signatures.
        random: Chance in the waits.
        resolver: Makes what looks up names, on the loop that sends; the machine's unless given.

    Attributes:
        attempts: By what they came to: `taken`, `again`, `never`, `gone`.
        given_up: Deliveries that will not be tried again.
        trouble: Why the last look failed; empty where it did not.
    """

    name = "webhooks"

    def __init__(
        self,
        settings: NoticesSettings,
        egress: EgressSettings,
        deliveries: Deliveries,
        *,
        clock: Clock,
        random: Random | None = None,
        resolver: Callable[[], Resolver] | None = None,
    ) -> None:
        self.attempts: Counter[str] = Counter({each.value: 0 for each in Verdict})
        self.given_up = 0
        self.trouble = ""
        self.webhooks: Mapping[str, WebhookSettings] = settings.webhooks
        self.egress = egress
        self.deliveries = deliveries
        self.clock = clock
        self.random = random or SystemRandom()
        self.resolver = resolver
        self._keep_days = settings.keep_days
        self._sweep_at = clock.monotonic()
        self._wake = threading.Event()
        self._nudge: Callable[[], None] = _nobody
        self._cancel: Callable[[], object] = _nobody

    def adopt(self, settings: NoticesSettings, egress: EgressSettings) -> None:
        """Go by other settings from the next attempt on; from whatever thread."""
        self.webhooks, self.egress = settings.webhooks, egress
        self._keep_days = settings.keep_days
        self.wake()

    def wake(self) -> None:
        """Have it look now; from whatever thread."""
        self._wake.set()
        self._nudge()

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self._sweep()
                if self.deliveries.waiting().keys() & self.webhooks.keys():
                    self._send(stop)
                self.trouble = ""
            except StorageFailed as error:
                if not self.trouble:
                    _log.error("Deliveries cannot be read: %s", error.message)
                self.trouble = error.message
            if not stop.is_set():
                self._wake.wait(EVERY)

    def stop(self) -> None:
        """Have `run` look at `stop` now; attempts under way are broken off, and made again."""
        self._wake.set()
        self._cancel()

    def _send(self, stop: threading.Event) -> None:
        # Here, because the HTTP library takes long to load, and most gateways never need it.
        from antiphon.notices.sending import Sending  # noqa: PLC0415

        sending = Sending(self)

        async def send() -> None:
            loop, task, more = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
            assert task is not None
            self._nudge = _from_outside(loop, more.set)
            self._cancel = _from_outside(loop, task.cancel)
            # Whoever stopped before there was anything to cancel is seen here.
            if not stop.is_set():
                await sending.run(more)

        try:
            with suppress(asyncio.CancelledError), asyncio.Runner() as runner:
                runner.run(send())
        finally:
            self._nudge = self._cancel = _nobody
            if sending.held:
                self.deliveries.release(sending.held)

    def _sweep(self) -> None:
        now = self.clock.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP_EVERY
        ended, _ = self.deliveries.sweep(keep_days=self._keep_days, webhooks=list(self.webhooks))
        if ended:
            self.given_up += ended
            _log.error("Given up: %d deliveries to webhooks that are not configured", ended)


def _from_outside(
    loop: asyncio.AbstractEventLoop, call: Callable[[], object]
) -> Callable[[], None]:
    def called() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(call)

    return called


def _nobody() -> None:
    """Whom to call while nothing is sent."""
