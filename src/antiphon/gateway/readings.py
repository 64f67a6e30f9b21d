"""What a scrape reads of a gateway beside its counters: what is under way, and its books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from antiphon.cache.statistics import Tally
from antiphon.clock import Clock
from antiphon.gateway.books import Books
from antiphon.gateway.generations import Generations
from antiphon.gateway.reload import Reloading
from antiphon.gateway.reporting import Reporting
from antiphon.pipeline.phases import Pipeline
from antiphon.providers.deployment import Deployment
from antiphon.providers.transport import Transport
from antiphon.resilience.breaker import State, state_of
from antiphon.telemetry.series import Reading
from antiphon.usage.captures.taking import Captures

_BREAKERS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class Readable(Protocol):
    """A gateway, as far as it is read here."""

    pipeline: Pipeline
    transport: Transport
    books: Books | None
    captures: Captures
    reporting: Reporting | None
    reloading: Reloading
    generations: Generations
    clock: Clock

    def deployments(self) -> Sequence[Deployment]:
        """Everything that stands behind a name, once."""
        ...

    @property
    def generation(self) -> int:
        """Of the configuration in force."""
        ...

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """Of the routes with a cache."""
        ...


def readings(gateway: Readable) -> Sequence[Reading]:
    """Present values; those of the books are zero while there are none."""

    def of_books(read: Callable[[Books], float]) -> Callable[[], float]:
        return lambda: read(gateway.books) if gateway.books is not None else 0

    def connections() -> dict[str, float]:
        idle = gateway.transport.idle
        return {"idle": idle, "busy": gateway.transport.open - idle}

    def removed() -> dict[str, float]:
        memory = gateway.pipeline.caching.memory.statistics()
        return {"room": memory.evicted, "age": memory.expired, "order": memory.dropped}

    def not_stored() -> dict[str, float]:
        found: dict[str, float] = {}
        for tally in gateway.tallies.values():
            for reason, count in tally.not_stored.items():
                found[reason] = found.get(reason, 0) + count
        return found

    def dropped() -> dict[str, float]:
        return dict(gateway.reporting.dropped) if gateway.reporting is not None else {}

    def shares() -> dict[str, float]:
        return {} if gateway.books is None else gateway.books.treasury.shares()

    def sent() -> dict[str, float]:
        return {} if gateway.books is None else dict(gateway.books.noticing.courier.attempts)

    def breakers() -> dict[tuple[str, ...], float]:
        now = gateway.clock.monotonic()
        return {
            (each.provider, each.model): _BREAKERS[state_of(each.health, now)]
            for each in gateway.deployments()
        }

    def changes() -> dict[tuple[str, ...], float]:
        return {
            (each.provider, each.model, to): count
            for each in gateway.deployments()
            for to, count in each.health.changes.items()
        }

    return [
        Reading("antiphon_inflight", "Requests under way.", lambda: len(gateway.pipeline.live)),
        Reading(
            "antiphon_upstream_connections",
            "Connections to providers.",
            connections,
            label="state",
        ),
        Reading(
            "antiphon_breaker_state",
            "The breaker of each deployment of a route: 0 closed, 1 half open, 2 open.",
            breakers,
            label=("provider", "model"),
        ),
        Reading(
            "antiphon_breaker_changes_total",
            "How often it came into a state: `open`, `half_open` or `closed`.",
            changes,
            label=("provider", "model", "to"),
            kind="counter",
        ),
        Reading(
            "antiphon_cache_entries",
            "Answers that are stored.",
            lambda: len(gateway.pipeline.caching.memory),
        ),
        Reading(
            "antiphon_cache_bytes",
            "What they take.",
            lambda: gateway.pipeline.caching.memory.bytes,
        ),
        Reading(
            "antiphon_cache_removed_total",
            "Stored answers that were removed, and why: others needed the `room`, their `age`, or "
            "somebody's `order`.",
            removed,
            label="why",
            kind="counter",
        ),
        Reading(
            "antiphon_cache_not_stored_total",
            "Answers on routes with a cache that were not stored, and why.",
            not_stored,
            label="why",
            kind="counter",
        ),
        Reading(
            "antiphon_cache_calls_open",
            "Calls on routes with a cache that are under way.",
            lambda: len(gateway.pipeline.caching.flights),
        ),
        Reading(
            "antiphon_budget_used_ratio",
            "The share used of each budget that is configured by name, from 0 to 1 and beyond.",
            shares,
            label="budget",
        ),
        Reading(
            "antiphon_leases_up",
            "1 while money can be leased, or none is.",
            of_books(lambda books: 0 if books.treasury.trouble else 1),
        ),
        Reading(
            "antiphon_captures_dropped_total",
            "Captures that were dropped: there was no room for them to wait to be written.",
            lambda: gateway.captures.dropped,
            kind="counter",
        ),
        Reading(
            "antiphon_journal_open_attempts",
            "Attempts that are written as begun and not as ended.",
            of_books(lambda books: books.journal.open_attempts),
        ),
        Reading(
            "antiphon_journal_bytes",
            "Bytes of this process's journal that are not yet let go of by the ledger.",
            of_books(lambda books: books.journal.bytes_used),
        ),
        Reading(
            "antiphon_journal_adopted_total",
            "Journals of dead processes that were shipped to their end.",
            of_books(lambda books: books.shipper.adoption.adopted),
            kind="counter",
        ),
        Reading(
            "antiphon_journal_lost_attempts_total",
            "Attempts in them that nobody ended; each is charged its bound.",
            of_books(lambda books: books.shipper.adoption.lost),
            kind="counter",
        ),
        Reading(
            "antiphon_journal_damaged_total",
            "Stretches in them that could not be read.",
            of_books(lambda books: books.shipper.adoption.damaged),
            kind="counter",
        ),
        Reading(
            "antiphon_ledger_shipped_total",
            "Attempts that this process has written into the ledger.",
            of_books(lambda books: books.shipper.shipped),
            kind="counter",
        ),
        Reading(
            "antiphon_ledger_up",
            "1 while the ledger can be written.",
            of_books(lambda books: 0 if books.shipper.trouble else 1),
        ),
        Reading(
            "antiphon_webhook_attempts_total",
            "Attempts of this process to deliver a notice: `taken`, tried `again` later, `never` "
            "since its address is forbidden, `gone` since its receiver wants none.",
            sent,
            label="verdict",
            kind="counter",
        ),
        Reading(
            "antiphon_webhook_given_up_total",
            "Notices that this process will not try to deliver any more.",
            of_books(lambda books: books.noticing.courier.given_up),
            kind="counter",
        ),
        Reading(
            "antiphon_notices_dropped_total",
            "Events of which nobody is told: there was no room for them to wait to be written.",
            of_books(lambda books: books.noticing.notices.dropped),
            kind="counter",
        ),
        Reading(
            "antiphon_config_generation",
            "The number of the configuration in force.",
            lambda: gateway.generation,
        ),
        Reading(
            "antiphon_config_generations",
            "Configurations that requests go by: one, and those of requests that began before.",
            lambda: len(gateway.generations.alive),
        ),
        Reading(
            "antiphon_config_loaded_timestamp_seconds",
            "When the configuration in force was loaded, in seconds since 1970.",
            lambda: gateway.reloading.loaded_at,
        ),
        Reading(
            "antiphon_config_up",
            "1 while the configuration could be loaded the last time that it was tried.",
            lambda: 0 if gateway.reloading.error else 1,
        ),
        Reading(
            "antiphon_config_reloads_total",
            "Times that it was loaded again: it had `changed`, it was the `same`, or it was "
            "`refused`.",
            lambda: {name: float(count) for name, count in gateway.reloading.outcomes.items()},
            label="outcome",
            kind="counter",
        ),
        Reading(
            "antiphon_reports_dropped_total",
            "Requests whose line or span was lost: by the road's queue, the log, the collector.",
            dropped,
            label="at",
            kind="counter",
        ),
    ]
