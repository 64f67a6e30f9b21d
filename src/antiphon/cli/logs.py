"""`antiphon logs`: what happened, read from the database of the configuration.

The database is only looked at: a running gateway is neither needed nor disturbed. What a request
has done is found there once it was shipped, a moment after its end.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from os import O_WRONLY, devnull, dup2
from os import open as open_file
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from antiphon.cli.deciding import decision_lines
from antiphon.cli.output import fail, remark
from antiphon.cli.paper import Paper, clean, clean_lines, pause
from antiphon.cli.waterfall import duration, local, money, tokens, verdict, waterfall
from antiphon.clock import Clock, SystemClock
from antiphon.config.load import load
from antiphon.config.storage import StorageSettings
from antiphon.errors import InvalidRequest, StorageFailed
from antiphon.routing.kept import decision
from antiphon.storage.database import open_to_read
from antiphon.usage.captures.store import CaptureFacts, Side, look_at_captures, read_capture
from antiphon.usage.ledger.arrivals import Arrivals
from antiphon.usage.ledger.facts import RequestFacts
from antiphon.usage.ledger.lookup import Filters, Found, find_request, page_of, parse_status
from antiphon.usage.ledger.scope import EVERYTHING
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.ledger.times import since as time_since

_POLL_SECONDS = 0.5
_LOOK_SECONDS, _LOOKS = 0.1, 15
"""A request that has just ended may not have been shipped yet."""
_PAGE = 200
_PASSING = frozenset({"absent", "locked", "unavailable"})
"""What may pass while one follows."""
_OUTCOMES = ("ok", "failed", "cancelled", "lost")
_MOST_ROUTE, _MOST_NAME, _MOST_VERDICT = 24, 40, 32


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as it was written."""

    route: str | None
    provider: str | None
    model: str | None
    outcome: str | None
    status: str | None
    key: str | None
    team: str | None
    user: str | None
    since: str | None
    errors: bool

    def filters(self, clock: Clock) -> Filters:
        """In the words of the ledger; whoever asks wrongly is told so."""
        try:
            status = None if self.status is None else parse_status(self.status)
        except ValueError as error:
            fail(f"--status {error}", 2)
        try:
            since = None if self.since is None else time_since(self.since, clock.now(), "--since")
        except InvalidRequest as error:
            fail(error.message, 2)
        if self.outcome is not None and self.outcome not in _OUTCOMES:
            fail(f"--outcome must be one of {', '.join(_OUTCOMES)}", 2)
        return Filters(
            route=_plain(self.route),
            provider=_plain(self.provider),
            model=_plain(self.model),
            outcome=self.outcome,
            status=status,
            key=_plain(self.key),
            team=_plain(self.team),
            user=_plain(self.user),
            since=since,
            errors=self.errors,
        )


def logs_command(
    request_id: str | None,
    wanted: Wanted,
    *,
    follow: bool,
    count: int,
    content: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Print what is asked for; ends quietly where nobody reads it any more."""
    if request_id is None and content:
        fail("--content belongs to the id of a request", 2)
    if request_id is not None and follow:
        fail("--follow lists requests as they come; it takes no id", 2)
    logs = _Logs(load(config).settings.storage, SystemClock(), as_json=as_json)
    try:
        if request_id is not None:
            logs.one(request_id, content=content)
        elif follow:
            logs.follow(wanted.filters(logs.clock), count)
        else:
            logs.last(wanted.filters(logs.clock), count)
    except BrokenPipeError:
        # What is left in the buffer must not fail a second time when the process ends.
        dup2(open_file(devnull, O_WRONLY), sys.stdout.fileno())


class _Logs:
    def __init__(self, storage: StorageSettings, clock: Clock, *, as_json: bool) -> None:
        self.clock = clock
        self._storage = storage
        self._as_json = as_json
        self._paper = Paper()
        self._columns = _Columns(self._paper)

    def last(self, filters: Filters, count: int) -> None:
        """The last requests, the newest at the end."""
        try:
            with self._reading() as connection:
                found = list(_newest(connection, filters, count))
        except StorageFailed as error:
            fail(error.message)
        self._list(found[::-1])

    def follow(self, filters: Filters, count: int) -> None:
        """The last requests, and then each that comes."""
        arrivals = Arrivals(filters, EVERYTHING, begun_at=int(self.clock.now() * 1e6))
        trouble = ""
        try:
            with self._reading() as connection:
                arrivals.skip(connection)
                found = list(_newest(connection, filters, count))
            self._list(found[::-1])
        except StorageFailed as error:
            trouble = self._passing(error, trouble)
        while True:
            come: Sequence[RequestFacts] = ()
            try:
                with self._reading() as connection:
                    come = arrivals.next(connection)
                trouble = ""
            except StorageFailed as error:
                trouble = self._passing(error, trouble)
            self._list(come)
            pause(0 if come else _POLL_SECONDS)

    def one(self, request_id: str, *, content: bool) -> None:
        """One request, drawn."""
        found = self._found(request_id)
        kept = self._kept(request_id) if content else None
        made = decision(found.decision)
        if self._as_json:
            told = msgspec.to_builtins(found.facts)
            told["decision"] = msgspec.to_builtins(made)
            if content:
                told["capture"] = msgspec.to_builtins(kept)
            self._paper.write(msgspec.json.encode(told).decode())
            return
        for line in waterfall(found.facts, self._paper):
            self._paper.write(line)
        if made is not None:
            for line in decision_lines(made):
                self._paper.write(line)
        if content:
            for line in _content(kept):
                self._paper.write(line)

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        """One look: nothing is held between two of them, and a new file is seen."""
        database = open_to_read(self._storage.database_url, [SCHEMA])
        try:
            with database.reading() as connection:
                yield connection
        finally:
            database.close()

    def _found(self, request_id: str) -> Found:
        found: Found | None = None
        for look in range(_LOOKS):
            try:
                with self._reading() as connection:
                    found = find_request(connection, request_id, EVERYTHING)
            except StorageFailed as error:
                fail(error.message)
            if found is not None and found.whole:
                return found
            if look < _LOOKS - 1:
                pause(_LOOK_SECONDS)
        if found is None:
            fail(
                f"no request {clean(request_id)!r} is in the ledger; one that still runs is known "
                "to its gateway alone: GET /api/v1/requests/ID"
            )
        return found

    def _kept(self, request_id: str) -> CaptureFacts | None:
        file = self._storage.captures_file
        if not file.exists():
            return None
        try:
            with closing(look_at_captures(file)) as kept, kept.reading() as connection:
                return read_capture(connection, request_id)
        except StorageFailed as error:
            fail(error.message)

    def _list(self, found: Sequence[RequestFacts]) -> None:
        if self._as_json:
            for facts in found:
                self._paper.write(msgspec.json.encode(facts).decode())
            return
        self._columns.fit(found)
        for facts in found:
            self._paper.write(self._columns.line(facts))

    def _passing(self, error: StorageFailed, before: str) -> str:
        """Say what hinders, once; what will not pass ends the command."""
        if error.code not in _PASSING:
            fail(error.message)
        if error.code != before:
            remark(f"antiphon: {error.message}; waiting")
        return error.code


class _Columns:
    """Lines whose columns stand below each other; a column only grows."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._widths = [0] * 5

    def fit(self, found: Sequence[RequestFacts]) -> None:
        """Make room for these."""
        for facts in found:
            lengths = map(len, self._cells(facts))
            self._widths = [max(*pair) for pair in zip(self._widths, lengths, strict=True)]

    def line(self, facts: RequestFacts) -> str:
        """A request in a line."""
        route, name, end, used, cost = self._cells(facts)
        routes, names, ends, uses, costs = self._widths
        when = local(facts.ended or facts.started)
        return (
            f"{when}  {facts.id}  {route:<{routes}}  {name:<{names}}  {end:<{ends}}  "
            f"{used:>{uses}}  {cost:>{costs}}  {duration(facts.duration_ms):>8}"
        )

    def _cells(self, facts: RequestFacts) -> tuple[str, str, str, str, str]:
        cut = self._paper.cut
        asked, said = tokens(facts)
        name = "-" if facts.cache == "none" else f"cache/{facts.cache}"
        if facts.attempts:
            last = facts.attempts[-1]
            name = cut(clean(f"{last.provider}/{last.model}"), _MOST_NAME)
            if len(facts.attempts) > 1:
                name += f" +{len(facts.attempts) - 1}"
        if facts.degraded:
            name += f" > {facts.degraded}"
        return (
            cut(clean(facts.route), _MOST_ROUTE),
            name,
            cut(verdict(facts), _MOST_VERDICT),
            f"{asked}+{said} tokens",
            money(facts.cost_usd),
        )


def _newest(connection: Connection, filters: Filters, count: int) -> Iterator[RequestFacts]:
    before = None
    while count > 0:
        page = page_of(connection, filters, EVERYTHING, before=before, limit=min(count, _PAGE))
        yield from page.requests
        count -= _PAGE
        before = page.after
        if before is None:
            return


def _content(kept: CaptureFacts | None) -> Iterator[str]:
    yield ""
    if kept is None:
        yield "  content   nothing was kept"
        return
    yield f"  content   {kept.level}"
    yield msgspec.json.format(msgspec.json.encode(kept.summary), indent=2).decode()
    yield from _side("request", kept.request)
    yield from _side("answer", kept.answer)


def _side(name: str, side: Side | None) -> Iterator[str]:
    if side is None:
        return
    cut = f", the first {len(side.text.encode())} shown" if side.cut else ""
    yield ""
    yield f"  {name}: {side.size} bytes{cut}"
    yield clean_lines(side.text)
    if side.cut:
        yield f"  [cut: {side.size} bytes in all]"


def _plain(text: str | None) -> str | None:
    """An argument that is not UTF-8 reaches us as lone surrogates, which nothing can hold."""
    return None if text is None else text.encode(errors="replace").decode()
