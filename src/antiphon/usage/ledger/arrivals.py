"""Requests as they come into the ledger, each once.

What arrives is told by the number of its row, not by its time: a request that took an hour, or
that lay in a dead process's journal, arrives late with an early end. Numbers only grow, unless the
rows with the highest ones are deleted: then the next row takes the same number again. So it is
remembered which requests stood last; where they are gone, the place of an older one counts, and
where none of them is left, everything that ended since the beginning and was not given yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, literal_column, select

from antiphon.usage.ledger.facts import RequestFacts
from antiphon.usage.ledger.lookup import Filters, chosen
from antiphon.usage.ledger.scope import Scope
from antiphon.usage.ledger.tables import attempts, unanswered

_AT_ONCE = 200
"""Requests that are read at once."""
_ANCHORS = 256
_REMEMBERED = 20_000
"""Requests of which it is known that they were given."""
_PATIENCE = 20
"""Looks at a request that lacks one of its attempts, before it is given without."""


class Arrivals:
    """Follows a ledger; each `next` gives what has come in.

    Args:
        filters: Which requests are meant.
        scope: Which may be seen.
        begun_at: Microseconds since 1970: now.
    """

    def __init__(self, filters: Filters, scope: Scope, *, begun_at: int) -> None:
        self._filters = filters
        self._scope = scope
        # SQLite counts the rows of every table, also of one whose key is a text.
        self._tails = (
            _Tail(attempts.c.number, attempts.c.request_id, attempts.c.ended_at, begun_at),
            _Tail(
                literal_column("unanswered.rowid"),
                unanswered.c.request_id,
                unanswered.c.ended_at,
                begun_at,
            ),
        )
        self._given: dict[str, None] = {}
        self._waiting: dict[str, int] = {}

    def skip(self, connection: Connection) -> None:
        """Begin behind what is there now."""
        for tail in self._tails:
            tail.skip(connection)

    def next(self, connection: Connection) -> Sequence[RequestFacts]:
        """What came in since, the oldest end first; empty where nothing did."""
        arrived = [each for tail in self._tails for each in tail.read(connection)]
        wanted = [each for each in {*self._waiting, *arrived} if each not in self._given]
        found = chosen(connection, wanted, self._filters, self._scope)
        ready: list[RequestFacts] = []
        waiting: dict[str, int] = {}
        for request_id, each in found.items():
            looks = self._waiting.get(request_id, 0)
            if each.whole or looks >= _PATIENCE:
                ready.append(each.facts)
                self._give(request_id)
            else:
                waiting[request_id] = looks + 1
        self._waiting = waiting
        return sorted(ready, key=lambda facts: (facts.ended or "", facts.id))

    def _give(self, request_id: str) -> None:
        self._given[request_id] = None
        if len(self._given) > _REMEMBERED:
            del self._given[next(iter(self._given))]


class _Anchor(NamedTuple):
    number: int
    request_id: str


class _Tail:
    """The end of one table, by the numbers of its rows."""

    def __init__(
        self,
        number: ColumnElement[int],
        request_id: ColumnElement[str],
        ended_at: ColumnElement[int],
        begun_at: int,
    ) -> None:
        self._number = number
        self._request_id = request_id
        self._ended_at = ended_at
        self._begun_at = begun_at
        self._anchors: deque[_Anchor] = deque(maxlen=_ANCHORS)
        self._lost = False

    def skip(self, connection: Connection) -> None:
        """Begin behind the rows that are there."""
        newest = (
            select(self._number, self._request_id).order_by(self._number.desc()).limit(_ANCHORS)
        )
        self._anchors.extend(_Anchor(*row) for row in reversed(connection.execute(newest).all()))

    def read(self, connection: Connection) -> list[str]:
        """The requests of the next rows."""
        query = select(self._number, self._request_id)
        if self._holds(connection):
            query = query.where(self._number > self._anchors[-1].number)
        elif self._lost:
            query = query.where(self._ended_at >= self._begun_at)
        rows = connection.execute(query.order_by(self._number).limit(_AT_ONCE)).all()
        self._anchors.extend(_Anchor(*row) for row in rows)
        return [request_id for _, request_id in rows]

    def _holds(self, connection: Connection) -> bool:
        """Go back to the last row that still stands where it stood; False if none does."""
        while self._anchors:
            anchor = self._anchors[-1]
            found = connection.execute(
                select(self._request_id).where(self._number == anchor.number)
            ).scalar()
            if found == anchor.request_id:
                return True
            self._anchors.pop()
            self._lost = not self._anchors
        return False
