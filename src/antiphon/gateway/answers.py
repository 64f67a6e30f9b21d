"""The stored answers of a gateway: how they stand, and their removal by people.

They belong to the event loop of the process, as does all that is here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.access.audit import Act, enter
from antiphon.access.walls import Actor
from antiphon.cache.entry import Entry
from antiphon.cache.statistics import FlightStatistics, MemoryStatistics, Tally
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import HOME
from antiphon.storage.database import Database


class RouteFigures(msgspec.Struct, frozen=True):
    """What became of the requests of one route, since the start.

    Attributes:
        name: Of the route; `*` for names that pass through.
        hits: Answered from memory.
        misses: Looked for in vain, those included that then shared a call or got a stale answer.
        skipped: Not looked for: the caller said `no-cache`, or the request has no key.
        shared: Answered by a call that another request paid for.
        stale: Answered from memory after its time, because no provider answered.
        stored: Answers put into memory.
        not_stored: Answers that were not, by the reason.
    """

    name: str
    hits: int
    misses: int
    skipped: int
    shared: int
    stale: int
    stored: int
    not_stored: Mapping[str, int]


class CacheFigures(msgspec.Struct, frozen=True):
    """How the answers of this process stand.

    Attributes:
        memory: What is stored, and what was removed.
        calls: How calls were shared.
        routes: Those with a cache, by name.
    """

    memory: MemoryStatistics
    calls: FlightStatistics
    routes: tuple[RouteFigures, ...]


class Chosen(msgspec.Struct, frozen=True):
    """Which answers are meant: those for which all that is said here is so.

    Attributes:
        alias: Of the route.
        organisation: Id of the tenant for whom an answer was made.
        team: Of the key.
        user: Id of the person.
        key: Id of the key.
    """

    alias: str | None = None
    organisation: str | None = None
    team: str | None = None
    user: str | None = None
    key: str | None = None

    def fits(self, entry: Entry) -> bool:
        """Whether an answer is meant."""
        tenant = entry.tenant
        if self.alias not in {None, entry.alias}:
            return False
        if tenant is None:
            return self == Chosen(alias=self.alias)
        return (
            self.organisation in {None, tenant.organisation}
            and self.team in {None, tenant.team}
            and self.user in {None, tenant.user}
            and self.key in {None, tenant.key_id}
        )


def cache_figures(gateway: Antiphon) -> CacheFigures:
    """How the answers stand."""
    caching = gateway.pipeline.caching
    return CacheFigures(
        caching.memory.statistics(),
        msgspec.structs.replace(caching.flights.statistics),
        tuple(_route(name, tally) for name, tally in sorted(gateway.tallies.items())),
    )


def chosen_by(gateway: Antiphon, chosen: Chosen) -> Chosen:
    """The same with the id of a person who was named.

    By name only those are known here who have a key of the configuration.
    """
    books = gateway.books
    if chosen.user is None or books is None:
        return chosen
    return msgspec.structs.replace(chosen, user=books.subjects.get(chosen.user, chosen.user))


def note_clearing(database: Database, actor: Actor, chosen: Chosen, *, at: int) -> None:
    """Enter into the audit that answers are removed; before they are.

    Raises:
        StorageFailed: It cannot be entered, so it must not be done.
    """
    said = {name: value for name, value in msgspec.structs.asdict(chosen).items() if value}
    act = Act("cache.clear", chosen.alias or "*", chosen.organisation or HOME, details=said)
    with database.writing() as connection:
        enter(connection, actor, act, at=at)


def clear_cache(gateway: Antiphon, chosen: Chosen) -> int:
    """Remove answers; how many there were.

    A call that is under way is stored when it ends, though it was begun before.
    """
    return gateway.pipeline.caching.memory.drop(None if chosen == Chosen() else chosen.fits)


def _route(name: str, tally: Tally) -> RouteFigures:
    return RouteFigures(
        name,
        hits=tally.hits,
        misses=tally.misses,
        skipped=tally.skipped,
        shared=tally.shared,
        stale=tally.stale,
        stored=tally.stored,
        not_stored=dict(tally.not_stored),
    )
