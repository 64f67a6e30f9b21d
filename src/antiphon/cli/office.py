"""Where administration is done from the command line: at a gateway, or at the database itself.

A command asks the management API. Where a gateway serves at the configured address, it is the one
that answers. Where none does, the same API answers in this process, over the configured database:
the same code, the same words and the same JSON, and the audit says `cli` in place of `api`. A
gateway that has the database open all the same sees within a second what was changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NoReturn, TypeAlias

import httpx2
import msgspec

from antiphon.cli.finding import find_gateway
from antiphon.cli.naming import id_of
from antiphon.cli.output import fail, looping
from antiphon.cli.reach import KEY_VARIABLE, Reach
from antiphon.clock import SystemClock
from antiphon.config.load import Loaded, load
from antiphon.errors import ConfigurationError
from antiphon.gateway.books import SCHEMAS
from antiphon.leases.tables import SCHEMA as LEASES
from antiphon.leases.tables import VERSIONS
from antiphon.server.api_actor import DatabaseFront
from antiphon.server.management import create_administration
from antiphon.storage.address import address_of, file_of
from antiphon.storage.database import Database, Readable, open_to_read

Facts: TypeAlias = dict[str, object]
"""An object, as the API tells it."""

_UNKNOWN, _WRONG = 401, 400
_PAGE = 500
_facts = msgspec.json.Decoder(Facts)
_rows = msgspec.json.Decoder(list[Facts])


class _Problem(msgspec.Struct):
    detail: str = ""


class _Page(msgspec.Struct):
    data: list[Facts]
    next_cursor: str | None


class Office:
    """Administration that can be asked.

    Args:
        client: Carries what is asked.
        runner: Of the loop that the client belongs to.
        where: The address or the file, for people.
    """

    def __init__(self, client: httpx2.AsyncClient, runner: asyncio.Runner, *, where: str) -> None:
        self.where = where
        self._client = client
        self._runner = runner
        self._query: Mapping[str, str] = {}

    def enter(self, organisation: str) -> None:
        """Ask from now on for what is of this organisation, by its name or its id."""
        self._query = {"organisation": id_of(self, "organisations", organisation)}

    def get(self, path: str, **query: object) -> Facts:
        """What is there; what cannot be had ends the command."""
        return _facts.decode(self._ask("GET", path, query=query))

    def all(self, path: str) -> list[Facts]:
        """What is there, where it is a list without pages."""
        return _rows.decode(self._ask("GET", path))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Facts:
        """Make something, or have something done to it."""
        return _facts.decode(self._ask("POST", path, body))

    def patch(self, path: str, body: Mapping[str, object]) -> Facts:
        """Change something."""
        return _facts.decode(self._ask("PATCH", path, body))

    def put(self, path: str, body: Mapping[str, object]) -> Facts:
        """Have something be so."""
        return _facts.decode(self._ask("PUT", path, body))

    def delete(self, path: str, **query: object) -> Facts:
        """Remove something."""
        return _facts.decode(self._ask("DELETE", path, query=query))

    def each(self, path: str, *, most: int | None = None, **query: object) -> Iterator[Facts]:
        """Everything in a list, or so many of it, whatever the pages are."""
        left = most
        while left is None or left > 0:
            limit = _PAGE if left is None else min(left, _PAGE)
            answer = self._ask("GET", path, query={**query, "limit": limit})
            page = msgspec.json.decode(answer, type=_Page)
            yield from page.data
            if page.next_cursor is None:
                return
            left = None if left is None else left - len(page.data)
            query["cursor"] = page.next_cursor

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, object] | None = None,
    ) -> bytes:
        told = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in (query or {}).items()
            if value is not None
        }
        try:
            content = None if body is None else msgspec.json.encode(body)
            request = self._client.build_request(
                method,
                path,
                params={**self._query, **told},
                content=content,
                headers={} if content is None else {"content-type": "application/json"},
            )
        except UnicodeEncodeError:
            # What a shell hands over may be no text.
            fail("an argument is not text in UTF-8", 2)
        try:
            response = self._runner.run(self._client.send(request))
        except httpx2.HTTPError as error:
            fail(f"{self.where} does not answer: {error or type(error).__name__}")
        if not response.is_success:
            self._fail(response.status_code, response.content)
        return response.content

    def _fail(self, status: int, content: bytes) -> NoReturn:
        said = _message_of(content) or f"it answered {status}"
        if status == _UNKNOWN:
            said += (
                f"\n  {self.where} does not know this key: set {KEY_VARIABLE} to its admin key, or "
                "change its database with --offline"
            )
        fail(said, 2 if status == _WRONG else 1)


@contextmanager
def open_office(reach: Reach, *, makes: bool = False, served: str = "") -> Generator[Office]:
    """What administers here; ends the command where nothing does.

    Args:
        reach: Where it is to be done.
        makes: Whether a database is made where there is none yet.
        served: Why only a gateway can be asked; empty where the database will do.
    """
    if reach.offline and served:
        fail(f"--offline: {served}", 2)
    if reach.offline and reach.url is not None:
        fail("--offline and --url: choose one", 2)
    loaded = _loaded(reach)
    with looping() as runner, find_gateway(reach, loaded, runner) as found:
        if found is not None:
            client, where = found
            yield _entered(Office(client, runner, where=where), reach)
            return
        if served:
            fail(f"no gateway serves here: {served}")
        with _database(loaded, makes=makes) as (database, where), _leases(loaded) as leases:
            front = DatabaseFront(database, loaded.settings, clock=SystemClock(), leases=leases)
            app = create_administration(front)
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app), base_url="http://antiphon.invalid"
            )
            yield _entered(Office(client, runner, where=where), reach)


def _loaded(reach: Reach) -> Loaded:
    """The configuration; of one with mistakes nothing is needed where the address was said."""
    try:
        return load(reach.config)
    except ConfigurationError:
        if reach.url is None:
            raise
        return load({"providers": {}}, environ={})


def _entered(office: Office, reach: Reach) -> Office:
    if reach.organisation:
        office.enter(reach.organisation)
    return office


@contextmanager
def _database(loaded: Loaded, *, makes: bool) -> Generator[tuple[Database, str]]:
    url = loaded.settings.storage.database_url
    path = file_of(url)
    if not makes and not path.exists():
        fail(f"{path}: there is no database yet; `antiphon serve` makes it")
    database = Database(url, SCHEMAS)
    try:
        yield database, str(path)
    finally:
        database.close()


@contextmanager
def _leases(loaded: Loaded) -> Generator[Readable | None]:
    """What is spent of budgets; None where there never were any."""
    file = loaded.settings.storage.leases_file
    if not file.exists():
        yield None
        return
    leases = open_to_read(address_of(file), [LEASES], versions=VERSIONS)
    try:
        yield leases
    finally:
        leases.close()


def _message_of(content: bytes) -> str:
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(content, type=_Problem).detail
    return ""
