"""Looking requests up: one by its id, and pages of those that ended last.

A page is a place in the order of ends, so requests that arrive meanwhile move nothing: the next
page goes on behind the last one. Both kinds of ends, an attempt that was the last one and a
request that none answered, are read by their own index and merged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    RowMapping,
    Select,
    Table,
    case,
    literal,
    or_,
    select,
    tuple_,
)

from antiphon.errors import STATUS, Kind
from antiphon.usage.journal.record import Outcome
from antiphon.usage.ledger.facts import RequestFacts, is_whole, request_facts
from antiphon.usage.ledger.scope import Scope
from antiphon.usage.ledger.tables import attempts, decisions, people, unanswered

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
_PLACE = re.compile(r"([0-9]{1,18})-(.+)", re.ASCII)
_LEFT = STATUS[Kind.CLIENT_CLOSED]
_CLASS = 100
"""Statuses of a class."""

Condition: TypeAlias = ColumnElement[bool]


class Place(NamedTuple):
    """A place in the order of requests, from the newest to the oldest.

    Attributes:
        ended_at: Microseconds since 1970.
        request_id: Of the request that stands there.
    """

    ended_at: int
    request_id: str

    def text(self) -> str:
        """What a caller gives back to go on from here."""
        return f"{self.ended_at}-{self.request_id}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read what `text` wrote.

        Raises:
            ValueError: It is something else.
        """
        found = _PLACE.fullmatch(text)
        if found is None or not is_request_id(found[2]):
            raise ValueError("is not a place that a page gave")
        return cls(int(found[1]), found[2])


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests are meant; what is left out matches all.

    Attributes:
        route: The name in the configuration.
        provider: One of its attempts went there.
        model: The same, as `MODEL` or `PROVIDER/MODEL`.
        outcome: `ok`, `failed`, `cancelled` or `lost`.
        status: 404, or 400 to 499 as its first and last.
        key: The id of the key.
        user: The name behind the key, or its subject id.
        since: From this end on, in microseconds since 1970.
        until: Before this end.
        errors: Only those that were not answered whole.
    """

    route: str | None = None
    provider: str | None = None
    model: str | None = None
    outcome: str | None = None
    status: tuple[int, int] | None = None
    key: str | None = None
    team: str | None = None
    user: str | None = None
    since: int | None = None
    until: int | None = None
    errors: bool = False


class Found(NamedTuple):
    """A request, and whether the ledger holds all of it.

    Attributes:
        decision: Why it went where it went, as whoever decided wrote it; empty where nobody did.
    """

    facts: RequestFacts
    whole: bool
    decision: bytes = b""


class Page(NamedTuple):
    """Requests, the newest first, and where the next page begins."""

    requests: Sequence[RequestFacts]
    after: Place | None


def is_request_id(text: str) -> bool:
    """Whether a text could be the id of a request."""
    return _ID.fullmatch(text) is not None


def parse_status(text: str) -> tuple[int, int]:
    """The first and the last status that are meant by `404` or `4xx`.

    Raises:
        ValueError: It is neither.
    """
    if re.fullmatch(r"[1-5][0-9]{2}", text, re.ASCII):
        return int(text), int(text)
    if re.fullmatch(r"[1-5]xx", text, re.ASCII):
        first = int(text[0]) * _CLASS
        return first, first + _CLASS - 1
    raise ValueError("must be a status such as 404, or a class such as 4xx")


def find_request(connection: Connection, request_id: str, scope: Scope) -> Found | None:
    """A request by its id; None where there is none in the scope."""
    if not is_request_id(request_id):
        return None
    found = _read(connection, [request_id], scope).get(request_id)
    if found is None:
        return None
    query = select(decisions.c.decision).where(decisions.c.request_id == request_id)
    return found._replace(decision=connection.execute(query).scalar() or b"")


def page_of(
    connection: Connection,
    filters: Filters,
    scope: Scope,
    *,
    before: Place | None = None,
    limit: int,
) -> Page:
    """Requests that have ended, the newest first.

    Args:
        connection: Where to look.
        filters: Which are meant.
        scope: Which may be seen.
        before: The place behind which the page begins; None begins at the newest.
        limit: The most requests of the page.
    """
    ends = [
        Place(*row)
        for end in (_ANSWERED, _UNANSWERED)
        for row in connection.execute(_newest(end, filters, scope, before, limit + 1))
    ]
    places = sorted(set(ends), reverse=True)
    shown = places[:limit]
    found = _read(connection, [place.request_id for place in shown], scope)
    requests = [found[each.request_id].facts for each in shown if each.request_id in found]
    return Page(requests, shown[-1] if len(places) > limit else None)


def chosen(
    connection: Connection, request_ids: Sequence[str], filters: Filters, scope: Scope
) -> Mapping[str, Found]:
    """Those of the requests that have ended and are meant."""
    meant = [
        row.request_id
        for end in (_ANSWERED, _UNANSWERED)
        for row in connection.execute(
            select(end.request_id).where(
                end.request_id.in_(request_ids), *_conditions(end, filters, scope)
            )
        )
    ]
    return _read(connection, meant, scope)


class _Ends(NamedTuple):
    """One of the two tables in which requests end, by what is asked of both."""

    request_id: ColumnElement[str]
    ended_at: ColumnElement[int]
    key_id: ColumnElement[str]
    team: ColumnElement[str]
    subject_id: ColumnElement[str]
    alias: ColumnElement[str]
    outcome: ColumnElement[str]
    status: ColumnElement[int]
    is_end: Condition


_KNOWN = [(attempts.c.error_code == kind.value, literal(STATUS[kind])) for kind in Kind]
_ANSWERED = _Ends(
    attempts.c.request_id,
    attempts.c.ended_at,
    attempts.c.key_id,
    attempts.c.team,
    attempts.c.subject_id,
    attempts.c.alias,
    attempts.c.outcome,
    case((attempts.c.outcome == Outcome.OK.value, literal(200)), *_KNOWN, else_=literal(0)),
    attempts.c.last.is_(True),
)
_UNANSWERED = _Ends(
    unanswered.c.request_id,
    unanswered.c.ended_at,
    unanswered.c.key_id,
    unanswered.c.team,
    unanswered.c.subject_id,
    unanswered.c.alias,
    case(
        (unanswered.c.status == _LEFT, literal(Outcome.CANCELLED.value)),
        else_=literal(Outcome.FAILED.value),
    ),
    unanswered.c.status,
    literal(True),  # noqa: FBT003  the value
)


def _newest(
    end: _Ends, filters: Filters, scope: Scope, before: Place | None, limit: int
) -> Select[int, str]:
    query = select(end.ended_at, end.request_id).where(
        end.is_end, *_conditions(end, filters, scope)
    )
    if before is not None:
        # The first condition follows from the second; by it the index is entered at the place.
        query = query.where(
            end.ended_at <= before.ended_at,
            tuple_(end.ended_at, end.request_id) < tuple_(*before),
        )
    return query.order_by(end.ended_at.desc(), end.request_id.desc()).limit(limit)


def _conditions(end: _Ends, filters: Filters, scope: Scope) -> Iterable[Condition]:
    yield from scope.walls(end.key_id, end.subject_id)
    texts = (
        (end.alias, filters.route),
        (end.outcome, filters.outcome),
        (end.key_id, filters.key),
        (end.team, filters.team),
    )
    for column, wanted in texts:
        if wanted is not None:
            yield column == wanted
    if filters.status is not None:
        yield end.status.between(*filters.status)
    if filters.since is not None:
        yield end.ended_at >= filters.since
    if filters.until is not None:
        yield end.ended_at < filters.until
    if filters.errors:
        yield end.outcome != Outcome.OK.value
    if filters.user is not None:
        named = select(people.c.id).where(people.c.name == filters.user)
        yield or_(end.subject_id == filters.user, end.subject_id.in_(named))
    if filters.provider is not None or filters.model is not None:
        yield _went_to(end, filters.provider, filters.model)


def _went_to(end: _Ends, provider: str | None, model: str | None) -> Condition:
    """One of the attempts went to a provider, or a model, or that model of that provider."""
    tried = attempts.alias("tried")
    query = select(tried.c.number).where(tried.c.request_id == end.request_id)
    if provider is not None:
        query = query.where(tried.c.provider == provider)
    if model is not None:
        full = tried.c.provider + "/" + tried.c.model
        query = query.where(or_(tried.c.model == model, full == model))
    return query.exists()


def _read(connection: Connection, request_ids: Sequence[str], scope: Scope) -> dict[str, Found]:
    """All there is of these requests."""
    tried: dict[str, list[RowMapping]] = {}
    user: Label[str | None] = people.c.name.label("user")
    rows = connection.execute(
        select(attempts, user)
        .outerjoin(people, people.c.id == attempts.c.subject_id)
        .where(attempts.c.request_id.in_(request_ids), *_own(attempts, scope))
        .order_by(attempts.c.request_id, attempts.c.attempt)
    ).mappings()
    for row in rows:
        tried.setdefault(row["request_id"], []).append(row)
    others = connection.execute(
        select(unanswered, user)
        .outerjoin(people, people.c.id == unanswered.c.subject_id)
        .where(unanswered.c.request_id.in_(request_ids), *_own(unanswered, scope))
    ).mappings()
    ended = {row["request_id"]: row for row in others}
    found: dict[str, Found] = {}
    for request_id in request_ids:
        own, end = tried.get(request_id, []), ended.get(request_id)
        facts = request_facts(request_id, own, end)
        if facts is not None:
            found[request_id] = Found(facts, is_whole(own, end))
    return found


def _own(table: Table, scope: Scope) -> Iterable[Condition]:
    return scope.walls(table.c.key_id, table.c.subject_id)
