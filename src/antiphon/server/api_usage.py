"""`/api/v1/usage` and `/api/v1/ledger.csv`: what was used, and every attempt behind it.

The admin key sees all; any other key sees what it used itself.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from antiphon.errors import InvalidRequest, Overloaded
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.seeing import scope_of
from antiphon.server.caller import Caller
from antiphon.server.health import require_admin, require_key
from antiphon.storage.database import Readable
from antiphon.usage.ledger.export import export_csv
from antiphon.usage.ledger.queries import MOST_ROWS, pages, usage
from antiphon.usage.ledger.question import COLUMNS, Question, ask
from antiphon.usage.ledger.scope import EVERYTHING, Scope
from antiphon.usage.ledger.shown import answer_object, usage_csv
from antiphon.usage.ledger.times import time_of

_AT_ONCE = 4
"""Questions that are answered at the same time: the database has other readers, and one writer."""
_SHIPPED_WITHIN = 2.0
"""Seconds to wait for what was answered last to be in the ledger."""
_PATIENCE = 10.0
"""Seconds for which one more waits."""
_CSV = "text/csv"

_Values = Annotated[list[str], Field(default_factory=list)]


class PeriodQuery(BaseModel):
    """A stretch of time, as it is asked for."""

    model_config = ConfigDict(extra="forbid")

    begin: str | None = Field(
        default=None,
        alias="from",
        description="The first moment: RFC 3339 or YYYY-MM-DD; UTC where it does not say.",
        examples=["2026-11-01"],
    )
    end: str | None = Field(
        default=None,
        alias="to",
        description="The moment that is not asked for any more; a day is its midnight.",
        examples=["2026-12-01T00:00:00Z"],
    )

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Both in microseconds since 1970."""
        return (
            None if self.begin is None else time_of(self.begin, "from"),
            None if self.end is None else time_of(self.end, "to"),
        )


class UsageQuery(PeriodQuery):
    """What is asked of usage."""

    by: list[str] = Field(
        default=["model"],
        description="What to group by, in this order, with commas between: model, provider, "
        "alias, team, department, user, key, hour, day, month.",
    )
    model: _Values = Field(description="Only these models, as `MODEL` or `PROVIDER/MODEL`.")
    provider: _Values = Field(description="Only these providers.")
    alias: _Values = Field(description="Only what was asked for under these names.")
    team: _Values = Field(description="Only these teams.")
    department: _Values = Field(description="Only these departments.")
    user: _Values = Field(description="Only these people and applications.")
    key: _Values = Field(description="Only these keys, by their ids.")
    limit: int = Field(default=100, ge=1, le=MOST_ROWS, description="The most rows of the page.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before.")
    format: Literal["json", "csv"] | None = Field(
        default=None, description="In place of `Accept`; CSV is always the whole answer."
    )

    def question(self, scope: Scope) -> Question:
        """The question, checked.

        Raises:
            InvalidRequest: It cannot be answered.
        """
        start, end = self.bounds
        chosen = {word: getattr(self, word) for word in COLUMNS}
        return ask(self.by, scope, start=start, end=end, chosen=chosen)


class MeasuresView(BaseModel):
    """What was used; the usage words do not overlap."""

    attempts: int
    failures: int
    estimates: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_tokens: int
    input_total: int
    output_total: int
    cost_usd: str = Field(description="Exact, with nine decimals.")
    cost_billionths: int = Field(description="The same in billionths of a dollar.")
    duration_seconds: float


class UsageRowView(MeasuresView):
    """One group: only the words that were asked by are there."""

    model: str | None = None
    provider: str | None = None
    alias: str | None = None
    team: str | None = None
    department: str | None = None
    user: str | None = Field(default=None, description="By name, or by id where it was erased.")
    key: str | None = None
    hour: str | None = Field(default=None, description="A day where its hours are gone.")
    day: str | None = None
    month: str | None = None


class PeriodView(BaseModel):
    """From the first moment to the one behind the last; none is the beginning, or the end."""

    begin: str | None = Field(alias="from")
    end: str | None = Field(alias="to")


class UsageView(PeriodView):
    """A page of usage."""

    by: list[str]
    covered: PeriodView = Field(description="What is answered for.")
    notes: list[str] = Field(description="How that differs from what was asked.")
    rows: list[UsageRowView]
    totals: MeasuresView = Field(description="Of all pages.")
    next_cursor: str | None
    behind: bool = Field(description="What was done last is not in it: the database is behind.")


async def _seen(request: Request) -> Scope:
    gateway: Antiphon = request.app.state.gateway
    return scope_of(await require_key(gateway, Caller(request.scope["headers"])))


def add_usage(app: FastAPI, gateway: Antiphon) -> None:
    """Add the paths of usage and of the ledger."""
    ledger = _Ledger(gateway)

    async def admin(request: Request) -> None:
        await require_admin(gateway, Caller(request.scope["headers"]))

    @app.get(
        "/api/v1/usage",
        tags=["usage"],
        response_model=UsageView,
        response_model_exclude_unset=True,
        responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
    )
    def read_usage(
        request: Request,
        query: Annotated[UsageQuery, Query()],
        scope: Annotated[Scope, Depends(_seen)],
    ) -> Response | dict[str, object]:
        """What was used, by whatever it is asked by; a key sees its own use, or its tenant's."""
        question = query.question(scope)
        behind = query.cursor is None and not ledger.shipped()
        if not _wants_csv(request, query):
            with ledger.turn():
                page = usage(ledger.database, question, limit=query.limit, cursor=query.cursor)
            return {**answer_object(page), "behind": behind}
        for name in ("limit", "cursor"):
            if name in query.model_fields_set:
                raise InvalidRequest(f"{name} has no meaning for CSV, which is whole.", param=name)
        pieces = usage_csv(pages(ledger.database, question))
        return _streamed(ledger.each(pieces), "usage.csv")

    @app.get(
        "/api/v1/ledger.csv",
        tags=["usage"],
        dependencies=[Depends(admin)],
        response_class=Response,
        responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
    )
    def read_ledger(query: Annotated[PeriodQuery, Query()]) -> Response:
        """Every attempt that ended in a stretch of time, in the order of their ends."""
        start, end = query.bounds
        ask(["day"], EVERYTHING, start=start, end=end)
        pieces = export_csv(ledger.database, start, end)
        return _streamed(ledger.each(pieces), "ledger.csv")


class _Ledger:
    """The ledger, for a few readers at a time: none of them may keep the shipper waiting."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    @property
    def database(self) -> Readable:
        """Where it is.

        Raises:
            Overloaded: The gateway ends.
        """
        return self._gateway.open_books.database

    def shipped(self) -> bool:
        """Have what was answered so far in it; False where that takes too long.

        Raises:
            Overloaded: The gateway ends.
        """
        return self._gateway.open_books.shipper.flush(_SHIPPED_WITHIN)

    @contextmanager
    def turn(self) -> Generator[None]:
        """A reader's turn.

        Raises:
            Overloaded: Too many wait.
        """
        if not self._places.acquire(timeout=_PATIENCE):
            raise Overloaded("The ledger is being read by too many.", retry_after=1)
        try:
            yield
        finally:
            self._places.release()

    def each(self, pieces: Iterator[str]) -> Iterator[str]:
        """Pieces that are read from the database, each in its turn."""
        while True:
            with self.turn():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


def _wants_csv(request: Request, query: UsageQuery) -> bool:
    if query.format is not None:
        return query.format == "csv"
    accepted = request.headers.get("accept", "").lower()
    return _CSV in accepted and "json" not in accepted


def _streamed(pieces: Iterator[str], name: str) -> Response:
    # What cannot be read is told before the answer begins.
    first = next(pieces)
    return StreamingResponse(
        chain([first], pieces),
        media_type=f"{_CSV}; charset=utf-8; header=present",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
