"""Deliveries, for those who may look at them: within their organisation, or all for the admin."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from antiphon.access.audit import Act, enter
from antiphon.access.roles import Scope
from antiphon.access.walls import Actor, is_root, not_found
from antiphon.clock import Clock
from antiphon.errors import Forbidden
from antiphon.notices import deliveries
from antiphon.notices.config import TEST, WebhookSettings
from antiphon.notices.deliveries import Entry
from antiphon.notices.event import Event
from antiphon.notices.shown import DeliveryFacts, Wanted, page_of, shown
from antiphon.storage.database import Database


class NoticeDesk:
    """Deliveries of one organisation, or of all, as one actor may see and change them.

    Args:
        database: With the tables of notices and of access.
        webhooks: By the names of the configuration.
        actor: Who.
        organisation: Whose deliveries; None for all, and the gateway's own. It is the actor's to
            enter.
        clock: Where time comes from.
        send: Called when there is something to send.

    Raises:
        Forbidden: The actor may see none.
    """

    def __init__(
        self,
        database: Database,
        webhooks: Mapping[str, WebhookSettings],
        actor: Actor,
        organisation: str | None,
        *,
        clock: Clock,
        send: Callable[[], None],
    ) -> None:
        self._root = is_root(actor)
        if not self._root:
            _need(actor, Scope.READ)
            if actor.team or organisation is None or organisation != actor.organisation:
                raise Forbidden("This key may not see the notices of an organisation.")
        self._database = database
        self._actor = actor
        self._organisation = organisation
        self._clock = clock
        self._send = send
        self._webhooks = {
            name: each
            for name, each in webhooks.items()
            if organisation is None or each.organisation == organisation
        }

    def list(self, wanted: Wanted) -> tuple[list[DeliveryFacts], str | None]:
        """A page, and the cursor of the next one.

        Raises:
            InvalidRequest: The limit or the cursor is none.
        """
        with self._database.reading() as connection:
            return page_of(connection, wanted._replace(organisation=self._organisation))

    def show(self, delivery: str) -> DeliveryFacts:
        """One delivery.

        Raises:
            PathNotFound: There is none.
        """
        with self._database.reading() as connection:
            return shown(connection, delivery, self._organisation)

    def retry(self, delivery: str) -> DeliveryFacts:
        """Have one sent again as if it were new; its receiver gets the same id.

        One that is being sent right now is left as it is.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may only look.
        """
        with self._database.writing() as connection:
            found = shown(connection, delivery, self._organisation)
            self._need_to_change()
            at = self._now()
            if deliveries.begin_anew(connection, delivery, at=at):
                act = Act("notice.retry", delivery, found.organisation)
                enter(connection, self._actor, act, at=at)
            after = shown(connection, delivery, self._organisation)
        self._send()
        return after

    def test(self, webhook: str | None = None) -> list[DeliveryFacts]:
        """Send a notice that says nothing, to see whether it arrives.

        Args:
            webhook: To which; None for all.

        Raises:
            PathNotFound: There is no such webhook, or none at all.
            Forbidden: The actor may only look.
        """
        self._need_to_change()
        chosen = {name: each for name, each in self._webhooks.items() if webhook in {None, name}}
        if not chosen:
            raise not_found("webhook")
        at, nonce = self._clock.now(), secrets.token_hex(8)
        entries: list[Entry] = []
        for name, each in chosen.items():
            data: dict[str, object] = {"webhook": name, "organisation": each.organisation}
            event = Event(TEST, each.organisation, (name, nonce), data, at)
            entries.append(Entry(name, each.organisation, event.type, event.message()))
        with self._database.writing() as connection:
            made = deliveries.enter(connection, entries, at=int(at * 1e6))
            for delivery, entry in zip(made, entries, strict=True):
                act = Act("notice.test", delivery, entry.organisation)
                enter(connection, self._actor, act, at=int(at * 1e6))
            facts = [shown(connection, delivery, self._organisation) for delivery in made]
        self._send()
        return facts

    def _need_to_change(self) -> None:
        if not self._root:
            _need(self._actor, Scope.MANAGE)

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)


def _need(actor: Actor, scope: Scope) -> None:
    if scope.value not in actor.scopes:
        raise Forbidden(f"This key may not do that: it lacks {scope.value!r}.")
