"""Books of account in a folder, with time that is moved and figures that are made up."""

from __future__ import annotations

from pathlib import Path

import msgspec

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.model.usage import Usage
from antiphon.storage.database import Database
from antiphon.usage.journal.journal import Entry, Journal, Seam, nowhere
from antiphon.usage.journal.record import Charge, Closed, Opened, Outcome, Unanswered
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.prove import Proof, prove
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.shipper import Shipper

START = 1_790_000_000_000_000
"""Microseconds since 1970."""


class StillClock:
    """Time stands still unless it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return START / 1e6 + self.time


def opened(number: int = 1, **changes: object) -> Opened:
    record = Opened(
        request=f"req_{number:08x}",
        attempt=1,
        started_at=START + number * 1_000_000,
        key_id="static-1",
        team="web",
        department="sales",
        subject="sub_1",
        alias="fast",
        provider="lab",
        model="tiny",
        heard="openai_chat",
        spoken="openai_chat",
        stream=False,
        input_bound=1000,
        output_bound=500,
        cost_bound=7_000,
        price="book 1",
    )
    return msgspec.structs.replace(record, **changes)


def closed(entry: Entry, number: int = 1, **changes: object) -> Closed:
    record = Closed(
        opened=entry[1],
        request=f"req_{number:08x}",
        attempt=1,
        key_id="static-1",
        provider="lab",
        model="tiny",
        ended_at=START + number * 1_000_000 + 2000,
        outcome=Outcome.OK.value,
        code="",
        charge=Charge.REPORTED.value,
        last=True,
        usage=msgspec.structs.astuple(Usage(input_tokens=number, output_tokens=2)),
        cost=number * 10,
        first_byte=1000,
        total=2000,
        first_token=0,
        request_total=2100,
        overhead=100,
        stop="stop",
        warnings=(),
    )
    return msgspec.structs.replace(record, **changes)


def unanswered(number: int = 1) -> Unanswered:
    return Unanswered(
        request=f"req_u{number:07x}",
        at=START + number,
        key_id="static-1",
        team="web",
        department="sales",
        subject="",
        alias="fast",
        heard="openai_chat",
        stream=False,
        status=502,
        code="upstream",
        message="No deployment gave an answer.",
        attempts=0,
        total=10,
    )


class Office:
    """A database and a folder of journals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "journal"
        self.path = folder / "antiphon.db"
        self.clock = StillClock()
        self.database = Database(f"sqlite:///{self.path}", [SCHEMA, ACCESS])
        self.ledger = Ledger(self.database, clock=self.clock)

    def journal(
        self, segment_bytes: int = 8192, seam: Seam = nowhere, **options: object
    ) -> Journal:
        return Journal(
            self.folder,
            ledger=self.ledger.name,
            clock=self.clock,
            segment_bytes=segment_bytes,
            seam=seam,
            **options,  # type: ignore[arg-type]
        )

    def shipper(self, journal: Journal, seam: Seam = nowhere) -> Shipper:
        return Shipper(journal, self.ledger, clock=self.clock, seam=seam)

    def work(self, journal: Journal, numbers: range) -> None:
        """Attempts that open and close."""
        for number in numbers:
            entry = journal.open(opened(number))
            journal.close(entry, closed(entry, number))

    def prove(self, head: str = "") -> Proof:
        return prove(self.database, self.folder, head=head)

    def rows(self, what: str = "*", where: str = "1") -> list[tuple[object, ...]]:
        with self.database.reading() as connection:
            found = connection.exec_driver_sql(
                f"SELECT {what} FROM attempts WHERE {where} ORDER BY request_id, attempt"
            )
            return [tuple(row) for row in found]

    def sql(self, statement: str) -> None:
        with self.database.writing() as connection:
            connection.exec_driver_sql(statement)
