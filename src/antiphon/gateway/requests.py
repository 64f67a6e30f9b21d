"""What happened to a request: read from the ledger, and from what is still under way.

Whoever has an answer can ask for it at once: what this process has written is shipped first. The
database is read on a thread, so that the road goes on while a disk is slow.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from antiphon.errors import PathNotFound, StorageFailed
from antiphon.gateway.books import Books
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.running import is_over, running_facts
from antiphon.model.principal import Principal
from antiphon.pipeline.deciding import decision_of
from antiphon.pipeline.exchange import Exchange
from antiphon.routing.decision import Decision
from antiphon.routing.kept import decision
from antiphon.usage.captures.store import CaptureFacts
from antiphon.usage.ledger.facts import RequestFacts
from antiphon.usage.ledger.lookup import (
    Filters,
    Found,
    Page,
    Place,
    find_request,
    is_request_id,
    page_of,
)
from antiphon.usage.ledger.scope import EVERYTHING, Scope

_PATIENCE = 2.0
"""Seconds for the shipper, and for an answer that is on its last bytes."""
_LOOK = 0.01
_SHOWN = 100


class Listed(NamedTuple):
    """A page of requests.

    Attributes:
        page: What the ledger holds.
        behind: What was done last is not in it yet.
    """

    page: Page
    behind: bool


class Told(NamedTuple):
    """A request.

    Attributes:
        decision: Why it went where it went; None where there was nothing to decide.
    """

    facts: RequestFacts
    decision: Decision | None


class Requests:
    """Answers questions about the requests of one gateway."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def find(self, request_id: str, scope: Scope) -> Told:
        """A request by its id.

        Raises:
            PathNotFound: There is none in the scope.
            StorageFailed: The ledger cannot be read, or does not hold it yet.
        """
        if not is_request_id(request_id):
            raise _unknown(request_id)
        exchange = await self._live(request_id, scope)
        if exchange is not None:
            if not is_over(exchange):
                return self._running(exchange)
            await self._left(exchange)
        books = self._books()
        found = await asyncio.to_thread(_find, books, request_id, scope)
        if found is None or not found.whole:
            flushed = await asyncio.to_thread(books.shipper.flush, _PATIENCE)
            found = await asyncio.to_thread(_find, books, request_id, scope)
            if exchange in self._gateway.pipeline.live and (found is None or not found.whole):
                return self._running(exchange)
            if found is None and not flushed:
                raise _behind(books)
        if found is None:
            raise _unknown(request_id)
        return Told(found.facts, decision(found.decision))

    async def content(self, request_id: str) -> CaptureFacts | None:
        """What was kept of its content, or None; for whoever may see everything.

        Raises:
            StorageFailed: The file cannot be read.
        """
        books = self._books()
        if books.captures is None:
            return None
        exchange = await self._live(request_id, EVERYTHING)
        if exchange is not None and is_over(exchange):
            await self._left(exchange)
        await asyncio.to_thread(books.shipper.flush, _PATIENCE)
        return await asyncio.to_thread(books.captures.read, request_id)

    async def page(
        self, filters: Filters, scope: Scope, *, before: Place | None, limit: int
    ) -> Listed:
        """Requests that have ended, the newest first.

        Raises:
            StorageFailed: The ledger cannot be read.
        """
        books = self._books()
        behind = before is None and not await asyncio.to_thread(books.shipper.flush, _PATIENCE)

        def read() -> Page:
            with books.database.reading() as connection:
                return page_of(connection, filters, scope, before=before, limit=limit)

        return Listed(await asyncio.to_thread(read), behind)

    def _running(self, exchange: Exchange) -> Told:
        return Told(running_facts(exchange, self._gateway.clock), decision_of(exchange))

    async def _live(self, request_id: str, scope: Scope) -> Exchange | None:
        live = self._gateway.pipeline.live
        found = next((each for each in live if each.id == request_id), None)
        if found is None or scope is EVERYTHING:
            return found
        sees = await asyncio.to_thread(_sees, self._books(), scope, found.principal)
        return found if sees else None

    async def _left(self, exchange: Exchange) -> None:
        """Wait until an exchange that is over is written down, which its last bytes may delay."""
        for _ in range(int(_PATIENCE / _LOOK)):
            if exchange not in self._gateway.pipeline.live:
                return
            await asyncio.sleep(_LOOK)

    def _books(self) -> Books:
        books = self._gateway.books
        if books is None:
            raise StorageFailed("the gateway was not started", code="unavailable")
        return books


def _find(books: Books, request_id: str, scope: Scope) -> Found | None:
    with books.database.reading() as connection:
        return find_request(connection, request_id, scope)


def _sees(books: Books, scope: Scope, principal: Principal) -> bool:
    with books.database.reading() as connection:
        return scope.sees(connection, principal.key_id, principal.subject)


def _unknown(request_id: str) -> PathNotFound:
    return PathNotFound(f"No request is known here by the id {request_id[:_SHOWN]!r}.")


def _behind(books: Books) -> StorageFailed:
    told = books.shipper.trouble or "it has much to do"
    return StorageFailed(f"the ledger is behind: {told}", code="behind", retry_after=1)
