"""What must be true of the books after any kill, once somebody has adopted what is left."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from antiphon.clock import SystemClock
from antiphon.simulator import Simulator
from antiphon.storage.database import Database
from antiphon.usage.adoption import Adoption
from antiphon.usage.journal.folder import owners
from antiphon.usage.journal.journal import nowhere
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.prove import Proof, prove
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.ledger.tables import SCHEMA as LEDGER
from tests.kills.callers import Told

OUTCOMES = {"ok", "refused", "failed", "cancelled", "lost"}


class Audit:
    """The books of one folder.

    Args:
        folder: As `storage.data_dir`.
        journal: The journals' folder, where it is another.
        database: The database, where it is elsewhere.
    """

    def __init__(
        self, folder: Path, *, journal: Path | None = None, database: Path | None = None
    ) -> None:
        self.journal = journal or folder / "journal"
        self.path = database or folder / "antiphon.db"
        self._database: Database | None = None

    @property
    def database(self) -> Database:
        if self._database is None:
            self._database = Database(f"sqlite:///{self.path}", [SCHEMA, LEDGER])
        return self._database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def prove(self) -> Proof:
        return prove(self.database, self.journal)

    def proves(self) -> Proof:
        """There is no difference; also while journals of the dead are still there."""
        proof = self.prove()
        assert proof.difference == "", proof.difference
        return proof

    def adopt(self) -> Adoption:
        """What any next process would do."""
        ledger = Ledger(self.database, clock=SystemClock())
        adoption = Adoption(self.journal, ledger, seam=nowhere)
        adoption.adopt()
        assert not adoption.strangers, adoption.strangers
        assert not adoption.damaged
        return adoption

    def left_behind(self) -> list[str]:
        """Journals that nobody has shipped yet."""
        return [each.name for each in owners(self.journal)]

    async def until_shipped(self, alive: int, seconds: float = 20) -> None:
        """Until there are journals of the living only."""
        async with asyncio.timeout(seconds):
            while len(self.left_behind()) > alive:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def rows(self, what: str = "*") -> list[dict[str, object]]:
        return self.select(f"SELECT {what} FROM attempts")

    def select(self, statement: str) -> list[dict[str, object]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(statement)]

    def balances(self, told: Iterable[Told], providers: Iterable[Simulator]) -> Counter[str]:
        """Nothing lost, nothing doubled; gives the outcomes."""
        assert self.left_behind() == []
        proof = self.proves()
        assert (proof.pending, proof.open, proof.damage) == (0, 0, 0)
        rows = self.rows()
        _each_once(rows)
        _what_was_read(told, rows, {row["request_id"] for row in self.select(_REFUSALS)})
        _what_was_asked(providers, rows)
        self._sums(rows)
        return Counter(row["outcome"] for row in rows)

    def _sums(self, rows: list[dict[str, object]]) -> None:
        words = ("input_tokens", "output_tokens", "cost")
        for table in ("usage_hourly", "usage_daily"):
            chosen = ", ".join(f"coalesce(sum({word}), 0) AS {word}" for word in words)
            (sums,) = self.select(
                f"SELECT coalesce(sum(attempts), 0) AS attempts, {chosen} FROM {table}"
            )
            assert sums == {
                "attempts": len(rows),
                **{word: sum(row[word] for row in rows) for word in words},
            }, table


_REFUSALS = "SELECT request_id FROM unanswered"


def _each_once(rows: list[dict[str, object]]) -> None:
    doubled = Counter((row["request_id"], row["attempt"]) for row in rows)
    assert max(doubled.values(), default=1) == 1, doubled.most_common(3)
    for row in rows:
        assert row["outcome"] in OUTCOMES
        assert row["total"] >= 0
        assert row["overhead"] >= 0
        assert row["ended_at"] >= row["started_at"]


def _what_was_read(
    told: Iterable[Told], rows: list[dict[str, object]], unanswered: set[object]
) -> None:
    """Who has read an answer to its end has a row that says so, with the same figures."""
    by_request: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_request.setdefault(row["request_id"], []).append(row)
    for one in told:
        found = sorted(by_request.get(one.request, []), key=lambda row: row["attempt"])
        if one.answered:
            assert [row["outcome"] for row in found[-1:]] == ["ok"], (one, found)
            assert [row["attempt"] for row in found] == list(range(1, len(found) + 1))
            assert all(row["outcome"] != "ok" for row in found[:-1])
            last = found[-1]
            if one.usage is not None:
                assert last["charge"] == "reported"
                assert last["input_tokens"] == one.usage["prompt_tokens"]
                assert last["output_tokens"] == one.usage["completion_tokens"]
        elif one.whole:
            assert found or one.request in unanswered, one


def _what_was_asked(providers: Iterable[Simulator], rows: list[dict[str, object]]) -> None:
    """What a provider was asked for has a row, and each has one of its own.

    The tests ask for another model each time, so that a call can be told from its row.
    """
    written = Counter((row["provider"], row["model"]) for row in rows)
    for provider in providers:
        asked = Counter(
            (provider.name, msgspec.json.decode(each.body)["model"])
            for each in provider.received
            if each.method == "POST"
        )
        for call, times in asked.items():
            assert written[call] >= times, f"{call} was asked {times} times"
