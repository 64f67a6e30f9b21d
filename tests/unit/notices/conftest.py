from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.egress.webhooks.message import compose, message_id
from antiphon.notices.deliveries import Deliveries, Entry
from antiphon.notices.shown import DeliveryFacts, Wanted, page_of
from antiphon.notices.tables import SCHEMA
from antiphon.storage.database import Database


class MovedClock:
    """Time stands still unless it is moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return self.time


class Store:
    """A database with deliveries, and time that is moved."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self.clock = MovedClock()
        self.database = Database(self.url, [ACCESS, SCHEMA])
        self.deliveries = Deliveries(self.database, clock=self.clock)

    def enter(self, *names: str, webhook: str = "ops", whose: str = "") -> list[str]:
        entries = [
            Entry(webhook, whose, "budget.warning", compose("budget.warning", {}, id=id_, at=1.0))
            for id_ in (message_id(name) for name in names)
        ]
        return self.deliveries.enter(entries)

    def all(self) -> list[DeliveryFacts]:
        with self.database.reading() as connection:
            return page_of(connection, Wanted(None, limit=500))[0]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "a.db")
    yield made
    made.database.close()
