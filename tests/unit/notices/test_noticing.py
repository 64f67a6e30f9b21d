"""Notices in a gateway that ends."""

from __future__ import annotations

from antiphon.config.load import load
from antiphon.egress.webhooks.signing import new_webhook_secret
from antiphon.gateway.noticing import Noticing
from antiphon.notices.event import Event
from tests.unit.notices.conftest import Store


def test_what_services_tell_while_they_are_stopped_is_kept(store: Store) -> None:
    hook = {"url": "https://hooks.example.com/", "secret": new_webhook_secret()}
    settings = load({"notices": {"webhooks": {"ops": hook}}, "providers": {}}, environ={}).settings
    noticing = Noticing(settings, store.database, clock=store.clock)
    assert [each.name for each in noticing.services] == ["notices", "webhooks"]
    noticing.notices.tell(Event("budget.warning", "org_a", ("1",), {}, 1.0))
    noticing.close()
    assert [each.webhook for each in store.all()] == ["ops"]
