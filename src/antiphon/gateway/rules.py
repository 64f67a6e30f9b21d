"""Which fact makes the gateway degraded or unhealthy: one table, and nothing beside it.

Pure: facts in, values out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from antiphon.gateway.health import (
    AccountingHealth,
    Breaker,
    BreakerState,
    DatabaseHealth,
    Facts,
    Health,
    HealthDetail,
    JournalHealth,
    LagFigures,
    LlmHealth,
    Performance,
    ProcessHealth,
    Status,
    UpstreamHealth,
)

BEHIND_AFTER = 60.0
"""Seconds that finished attempts may wait for the ledger."""

_STATES: Sequence[BreakerState] = ("open", "half_open")
"""What is told of all breakers together: the worst."""

Part = Literal["gateway", "llm", "journal", "database"]
Holds = Callable[[Facts], bool]


class Rule(NamedTuple):
    """What a fact makes of the status.

    Attributes:
        code: Stands in `reasons`.
        part: Whose status it is, besides the gateway's.
        status: What it is while the rule holds, if no other says worse.
        holds: Whether it does.
    """

    code: str
    part: Part
    status: Status
    holds: Holds


def _of_journal(holds: Callable[[JournalHealth], object]) -> Holds:
    def judge(facts: Facts) -> bool:
        return facts.journal is not None and bool(holds(facts.journal))

    return judge


def _of_database(holds: Callable[[DatabaseHealth], object]) -> Holds:
    def judge(facts: Facts) -> bool:
        return facts.database is not None and bool(holds(facts.database))

    return judge


def _is_old(lag: LagFigures) -> bool:
    return lag.oldest_s > BEHIND_AFTER


def _draining(facts: Facts) -> bool:
    return facts.draining


def _not_started(facts: Facts) -> bool:
    return facts.journal is None


def _configuration_refused(facts: Facts) -> bool:
    return bool(facts.config.error)


def _service_failed(facts: Facts) -> bool:
    return any(each.status == "failed" for each in facts.services.values())


def _some_sick(facts: Facts) -> bool:
    return not _all_sick(facts) and any(each.status == "unhealthy" for each in facts.upstreams)


def _all_sick(facts: Facts) -> bool:
    sick = [each.status == "unhealthy" for each in facts.upstreams]
    return bool(sick) and all(sick)


def _some_doubtful(facts: Facts) -> bool:
    return any(
        each.put_last is not None or each.circuit_breaker.state == "half_open"
        for each in facts.upstreams
    )


def _probe_failed(facts: Facts) -> bool:
    return any(each.probe is not None and each.probe.error for each in facts.upstreams)


RULES: Sequence[Rule] = (
    Rule("draining", "gateway", "unhealthy", _draining),
    Rule("not_started", "journal", "unhealthy", _not_started),
    Rule("journal_blocked", "journal", "unhealthy", _of_journal(lambda it: not it.takes_new)),
    Rule(
        "journal_tight", "journal", "degraded", _of_journal(lambda it: it.takes_new and it.trouble)
    ),
    Rule("journal_damaged", "journal", "degraded", _of_journal(lambda it: it.damaged)),
    Rule("journals_left_alone", "journal", "degraded", _of_journal(lambda it: it.strangers)),
    Rule("ledger_unwritable", "database", "degraded", _of_database(lambda it: it.trouble)),
    Rule("ledger_behind", "database", "degraded", _of_database(lambda it: _is_old(it.lag))),
    Rule("ledger_differs", "database", "degraded", _of_database(lambda it: it.differing)),
    # A restart would fail: what serves now is what the file said before.
    Rule("configuration_refused", "gateway", "degraded", _configuration_refused),
    Rule("service_failed", "gateway", "degraded", _service_failed),
    Rule("upstreams_sick", "llm", "unhealthy", _all_sick),
    Rule("upstream_sick", "llm", "degraded", _some_sick),
    Rule("upstream_doubtful", "llm", "degraded", _some_doubtful),
    Rule("probe_failed", "llm", "degraded", _probe_failed),
)
"""All that can be amiss. Where several rules hold, the worst of them counts."""


def sum_up(facts: Facts) -> Health:
    """What anybody may be told."""
    return _summed(facts, _holding(facts))


def in_full(
    facts: Facts, *, performance: Performance, process: ProcessHealth, database_bytes: int | None
) -> HealthDetail:
    """What the admin is told."""
    rules = _holding(facts)
    health = _summed(facts, rules)
    database, journal = facts.database, facts.journal
    return HealthDetail(
        status=health.status,
        version=health.version,
        reasons=tuple(rule.code for rule in rules),
        llm=health.llm,
        accounting=health.accounting,
        upstreams=facts.upstreams,
        database=database
        and replace(database, status=_worst(_about(rules, "database")), size_bytes=database_bytes),
        journal=journal and replace(journal, status=_worst(_about(rules, "journal"))),
        services=facts.services,
        config=facts.config,
        performance=performance,
        process=process,
    )


def _holding(facts: Facts) -> Sequence[Rule]:
    return [rule for rule in RULES if rule.holds(facts)]


def _about(rules: Iterable[Rule], *parts: Part) -> Iterable[Rule]:
    return (rule for rule in rules if rule.part in parts)


def _worst(rules: Iterable[Rule]) -> Status:
    worst: Status = "healthy"
    for rule in rules:
        if rule.status == "unhealthy":
            return rule.status
        worst = rule.status
    return worst


def _summed(facts: Facts, rules: Sequence[Rule]) -> Health:
    return Health(
        status=_worst(rules),
        version=facts.version,
        llm=_llm(facts, _worst(_about(rules, "llm"))),
        accounting=AccountingHealth(_worst(_about(rules, "journal", "database"))),
    )


def _llm(facts: Facts, status: Status) -> LlmHealth:
    breakers = [each.circuit_breaker for each in facts.upstreams]
    return LlmHealth(
        status=status,
        latency_ms=max(map(_latency, facts.upstreams), default=0.0) or None,
        models_available=facts.models,
        circuit_breaker_state=_state(breakers),
        circuit_breaker_failures=max((it.failures for it in breakers), default=0),
    )


def _state(breakers: Iterable[Breaker]) -> BreakerState:
    found = {it.state for it in breakers}
    for state in _STATES:
        if state in found:
            return state
    return "closed"


def _latency(upstream: UpstreamHealth) -> float:
    return 0.0 if upstream.status == "unhealthy" else upstream.latency_ms or 0.0
