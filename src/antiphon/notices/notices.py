"""The port to which events are told, and the service that keeps them.

`tell` is called on the event loop and waits for nothing: the event goes into a bounded queue, and a
thread writes it into the database at once. What finds no room is counted and logged. An event that
this process told already is passed over, so that whoever tells need not remember.

Hot path: `tell` is a look-up and an append; where no webhook wants the event, a comparison.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping

from antiphon.errors import BodyTooLarge, StorageFailed
from antiphon.notices.config import NoticesSettings, WebhookSettings
from antiphon.notices.deliveries import Deliveries, Entry
from antiphon.notices.event import Event

MOST_WAITING = 1000
"""Events that wait to be written."""
_MOST_TOLD = 4096
"""Events that this process remembers to have told."""
_BATCH = 50
_PAUSE = 1.0
"""Seconds until a database that failed is asked again."""
_log = logging.getLogger("antiphon.notices")


class Notices:
    """Takes events and keeps them; as a service, on a thread of its own.

    Args:
        settings: Who wants to know what.
        deliveries: Where it is kept.
        told: Called when there is something new to send.

    Attributes:
        dropped: Events that found no room.
        trouble: Why the last events could not be written; empty where they could.
    """

    name = "notices"

    def __init__(
        self, settings: NoticesSettings, deliveries: Deliveries, *, told: Callable[[], None]
    ) -> None:
        self.dropped = 0
        self.trouble = ""
        self._told = told
        self._webhooks: Mapping[str, WebhookSettings] = {}
        self._wanted = frozenset[str]()
        self.adopt(settings)
        self._waiting: deque[Event] = deque()
        self._known: dict[tuple[str, ...], None] = {}
        self._wake = threading.Event()
        self._deliveries = deliveries

    def adopt(self, settings: NoticesSettings) -> None:
        """Go by other webhooks from now on; an event that waits goes to those that are there."""
        self._webhooks = settings.webhooks
        self._wanted = frozenset(
            each.value for webhook in settings.webhooks.values() for each in webhook.events
        )

    @property
    def waiting(self) -> int:
        """Events that are not written yet."""
        return len(self._waiting)

    def tell(self, event: Event) -> bool:
        """Take an event, without waiting; whether it is new to this process and was taken."""
        if event.type not in self._wanted:
            return False
        identity, known = event.identity, self._known
        if identity in known:
            return False
        if len(self._waiting) >= MOST_WAITING:
            if not self.dropped:
                _log.error("Events are dropped: %d wait to be written", MOST_WAITING)
            self.dropped += 1
            return False
        if len(known) >= _MOST_TOLD:
            del known[next(iter(known))]
        known[identity] = None
        self._waiting.append(event)
        self._wake.set()
        return True

    def run(self, stop: threading.Event) -> None:
        """Write events until `stop` is set."""
        while not stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self.write():
                stop.wait(_PAUSE)
                self._wake.set()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._wake.set()

    def write(self) -> bool:
        """Write all that wait; False where the database does not take them."""
        waiting, deliveries = self._waiting, self._deliveries
        while waiting:
            batch = [waiting[index] for index in range(min(len(waiting), _BATCH))]
            try:
                new = deliveries.enter([each for event in batch for each in self._entries(event)])
            except StorageFailed as error:
                if not self.trouble:
                    _log.error("Events cannot be kept: %s", error.message)
                self.trouble = error.message
                return False
            self.trouble = ""
            # Only this thread takes any out; the event loop puts in at the other end.
            for _ in batch:
                waiting.popleft()
            if new:
                self._told()
        return True

    def _entries(self, event: Event) -> list[Entry]:
        """The event for each webhook that wants it."""
        wanting = {
            name: each.organisation
            for name, each in self._webhooks.items()
            if event.type in each.events and each.organisation in {"", event.organisation}
        }
        if not wanting:
            return []
        try:
            message = event.message()
        except BodyTooLarge as error:
            _log.error("An event of type %s is not told: %s", event.type, error.message)
            return []
        return [Entry(name, whose, event.type, message) for name, whose in wanting.items()]
