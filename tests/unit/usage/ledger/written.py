"""Writing a ledger as the shipper does, from rows that a test makes up."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.storage.database import Database
from antiphon.usage.journal.record import Closed, Opened
from antiphon.usage.ledger.ledger import MOST_ROWS, Ledger
from antiphon.usage.ledger.rows import Row, checksum_of, closed_row, content_of
from antiphon.usage.ledger.tables import SCHEMA, WORDS
from antiphon.usage.ledger.tally import Tally

HOUR = 3_600_000_000
DAY = 24 * HOUR
NOON = 1_790_000_000 // 86_400 * DAY + 12 * HOUR
"""Noon of a day in 2026."""


class FakeClock:
    """A clock that tests move."""

    def __init__(self, now: float = NOON / 1e6) -> None:
        self.at = now
        self.running = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.running

    def pass_by(self, seconds: float) -> None:
        self.at += seconds
        self.running += seconds


def row(
    owner: str = "one",
    segment: int = 1,
    position: int = 64,
    *,
    ended_at: int = NOON,
    key_id: str = "static-1",
    team: str = "web",
    department: str = "sales",
    subject: str = "",
    alias: str = "fast",
    provider: str = "lab",
    model: str = "tiny",
    outcome: str = "ok",
    charge: str = "reported",
    cost: int = 7,
    total: int = 1_000,
    usage: Sequence[int] = (),
) -> Row:
    """A row with its checksum."""
    request = f"req_{owner}_{segment}_{position}"
    opened = Opened(
        *(request, 1, ended_at - total, key_id, team, department, subject, alias, provider, model),
        *("openai_chat", "openai_chat", False, 10, 10, 1_000, "v1"),
    )
    counts = (*usage, *[0] * (len(WORDS) - len(usage)))
    closed = Closed(
        *(position - 8, request, 1, key_id, provider, model, ended_at, outcome, "", charge, True),
        *(counts, cost, 0, total, 0, total, 0, "stop", ()),
    )
    made = closed_row(owner, segment, position, opened, closed)
    return (*made, checksum_of(content_of(made)))


def opened_ledger(path: object, clock: FakeClock | None = None) -> Ledger:
    database = Database(f"sqlite:///{path}", [SCHEMA, ACCESS])
    return Ledger(database, clock=clock or FakeClock())


def write(ledger: Ledger, owner: str, segment: int, rows: Sequence[Row]) -> None:
    for begin in range(0, len(rows), MOST_ROWS):
        ledger.write(
            owner, segment, rows=rows[begin : begin + MOST_ROWS], unanswered_rows=[], shipped=1
        )


def finish(ledger: Ledger, owner: str, segment: int, rows: Sequence[Row]) -> None:
    tally = Tally()
    tally.add(rows, [content_of(each[:-1]) for each in rows])
    ledger.finish(owner, segment, tally)


def ship(ledger: Ledger, rows: Sequence[Row], owner: str = "one", segment: int = 1) -> None:
    """A whole segment."""
    write(ledger, owner, segment, rows)
    finish(ledger, owner, segment, rows)
