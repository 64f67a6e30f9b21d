"""What each fact makes of the status; no parts, only facts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon.gateway.background import ServiceState
from antiphon.gateway.health import (
    Breaker,
    Concurrent,
    ConfigurationHealth,
    DatabaseHealth,
    Facts,
    HealthDetail,
    JournalHealth,
    KeyCounts,
    LagFigures,
    Performance,
    Probe,
    ProcessHealth,
    UpstreamHealth,
)
from antiphon.gateway.rules import BEHIND_AFTER, RULES, in_full, sum_up

UPSTREAM = UpstreamHealth(
    name="lab/tiny",
    provider="lab",
    model="tiny",
    status="healthy",
    latency_ms=None,
    latency_of=None,
    latency_at=None,
    circuit_breaker=Breaker("closed", 0),
    successes=0,
    failures=0,
    last_error=None,
    keys=KeyCounts(1, 0),
    probe=None,
    retires=None,
    successor=None,
)
SICK = replace(UPSTREAM, status="unhealthy", circuit_breaker=Breaker("open", 7))
DOUBTFUL = replace(UPSTREAM, status="degraded", circuit_breaker=Breaker("half_open", 7, 0.0))
UNSURE = replace(UPSTREAM, status="degraded", probe=Probe("models", 1.0, 2.0, error="It is gone."))
JOURNAL = JournalHealth(
    folder="journal",
    takes_new=True,
    trouble="",
    open_attempts=0,
    bytes=0,
    segments=1,
    adopted=0,
    lost=0,
    damaged=0,
    strangers={},
)
LAG = LagFigures(0, 0, 0.0)
DATABASE = DatabaseHealth(kind="sqlite", trouble="", shipped=0, differing=0, lag=LAG)
CONFIG = ConfigurationHealth(generation=1, source="antiphon.yaml", loaded_at=0.0)
WELL = Facts(
    version="1",
    draining=False,
    models=2,
    upstreams=(UPSTREAM, UPSTREAM),
    database=DATABASE,
    journal=JOURNAL,
    services={"shipper": ServiceState()},
    config=CONFIG,
)


def journal(**changes: object) -> Facts:
    return replace(WELL, journal=replace(JOURNAL, **changes))


def database(**changes: object) -> Facts:
    return replace(WELL, database=replace(DATABASE, **changes))


CASES: dict[str, tuple[Facts, str, str, str]] = {
    # what is so; the status of all, of the upstreams, of the accounting
    "draining": (replace(WELL, draining=True), "unhealthy", "healthy", "healthy"),
    "not_started": (
        replace(WELL, journal=None, database=None, services={}),
        *("unhealthy", "healthy", "unhealthy"),
    ),
    "journal_blocked": (
        journal(takes_new=False, trouble="full"),
        *("unhealthy", "healthy", "unhealthy"),
    ),
    "journal_tight": (journal(trouble="full"), "degraded", "healthy", "degraded"),
    "journal_damaged": (journal(damaged=1), "degraded", "healthy", "degraded"),
    "journals_left_alone": (journal(strangers={"a": "b"}), "degraded", "healthy", "degraded"),
    "ledger_unwritable": (database(trouble="locked"), "degraded", "healthy", "degraded"),
    "ledger_behind": (
        database(lag=LagFigures(1, 500, BEHIND_AFTER + 0.1)),
        *("degraded", "healthy", "degraded"),
    ),
    "ledger_differs": (database(differing=1), "degraded", "healthy", "degraded"),
    "configuration_refused": (
        replace(WELL, config=replace(CONFIG, error="The file has 1 mistake.")),
        *("degraded", "healthy", "healthy"),
    ),
    "service_failed": (
        replace(WELL, services={"shipper": ServiceState("failed", 3, "LookupError: x")}),
        *("degraded", "healthy", "healthy"),
    ),
    "upstreams_sick": (
        replace(WELL, upstreams=(SICK, SICK)),
        *("unhealthy", "unhealthy", "healthy"),
    ),
    "upstream_sick": (
        replace(WELL, upstreams=(SICK, UPSTREAM)),
        *("degraded", "degraded", "healthy"),
    ),
    "upstream_doubtful": (
        replace(WELL, upstreams=(UPSTREAM, DOUBTFUL)),
        *("degraded", "degraded", "healthy"),
    ),
    "probe_failed": (
        replace(WELL, upstreams=(UPSTREAM, UNSURE)),
        *("degraded", "degraded", "healthy"),
    ),
}


def full(facts: Facts) -> HealthDetail:
    performance = Performance(
        concurrency=Concurrent(0, 10, 0, 0),
        requests_per_second=0.0,
        tokens_per_second=0.0,
        errors={},
        aliases={},
        upstreams={},
    )
    process = ProcessHealth(1, 1.0, None, None, 0.0)
    return in_full(facts, performance=performance, process=process, database_bytes=7)


def test_every_rule_has_a_case():
    assert [rule.code for rule in RULES] == list(CASES)


@pytest.mark.parametrize("code", CASES)
def test_a_rule(code):
    facts, status, llm, accounting = CASES[code]
    health = sum_up(facts)
    assert (health.status, health.llm.status, health.accounting.status) == (status, llm, accounting)
    assert full(facts).reasons == (code,)
    assert full(facts).status == status


def test_all_is_well():
    found = full(WELL)
    assert (found.status, found.reasons) == ("healthy", ())
    assert (found.journal.status, found.database.status, found.database.size_bytes) == (
        *("healthy", "healthy"),
        7,
    )


def test_the_worst_of_several_counts():
    facts = replace(
        WELL, draining=True, upstreams=(SICK, UPSTREAM), journal=journal(damaged=1).journal
    )
    found = full(facts)
    assert found.reasons == ("draining", "journal_damaged", "upstream_sick")
    assert (found.status, found.llm.status) == ("unhealthy", "degraded")
    assert (found.journal.status, found.database.status) == ("degraded", "healthy")


def test_without_upstreams_nobody_is_sick():
    assert sum_up(replace(WELL, upstreams=())).status == "healthy"


def test_the_latency_is_that_of_the_slowest_who_is_well():
    upstreams = [
        replace(UPSTREAM, latency_ms=20.0),
        replace(UPSTREAM, latency_ms=45.23),
        replace(SICK, latency_ms=9000.0),
    ]
    llm = sum_up(replace(WELL, upstreams=tuple(upstreams))).llm
    assert llm.latency_ms == 45.23
    assert (llm.circuit_breaker_state, llm.circuit_breaker_failures) == ("open", 7)
    assert sum_up(replace(WELL, upstreams=(UPSTREAM, SICK))).llm.latency_ms is None


def test_what_is_exactly_at_the_bound_is_not_behind():
    assert sum_up(database(lag=LagFigures(1, 500, BEHIND_AFTER))).status == "healthy"
