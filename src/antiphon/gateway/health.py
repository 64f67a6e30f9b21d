"""How the gateway does, as values: what is looked at, and what people are told.

`vitals` fills these in of what is known already, and `rules` says which of it is how bad. They go
out as JSON as they stand here, and into the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from antiphon.gateway.background import ServiceState
from antiphon.telemetry.windows import Figures

Status = Literal["healthy", "degraded", "unhealthy"]
BreakerState = Literal["closed", "open", "half_open"]
PutLast = Literal["outlier", "missed_probes"]


class LlmHealth(msgspec.Struct, frozen=True):
    """All upstreams, summed up.

    Attributes:
        status: `degraded` where one is failing, `unhealthy` where all are.
        latency_ms: Of the slowest that is well, at its last probe or answer; null before one.
        models_available: Names that can be asked for with a chance of an answer.
        circuit_breaker_state: `open` where that of any upstream is, else `half_open` likewise.
        circuit_breaker_failures: Failures in a row, of the upstream that has most.
    """

    status: Status
    latency_ms: float | None
    models_available: int
    circuit_breaker_state: BreakerState
    circuit_breaker_failures: int


class AccountingHealth(msgspec.Struct, frozen=True):
    """Whether what is done is written down.

    Attributes:
        status: `unhealthy` where nothing new can be, `degraded` where something is amiss.
    """

    status: Status


class Health(msgspec.Struct, frozen=True):
    """How the gateway does, without a name in it: for load balancers, and for anybody who asks.

    Attributes:
        status: `healthy`; `degraded`, which still serves; `unhealthy`, which does not.
    """

    status: Status
    version: str
    llm: LlmHealth
    accounting: AccountingHealth


class Breaker(msgspec.Struct, frozen=True):
    """Whether an upstream is asked.

    Attributes:
        state: `open` where it is left alone, `half_open` where one request may probe it.
        failures: In a row.
        seconds: Until a request may probe it; null where its breaker is closed.
    """

    state: BreakerState
    failures: int
    seconds: float | None = None


class LastError(msgspec.Struct, frozen=True):
    """What went wrong last.

    Attributes:
        at: Seconds since 1970.
    """

    code: str
    at: float


class KeyCounts(msgspec.Struct, frozen=True):
    """Keys of a provider.

    Attributes:
        dead: Refused by the provider, and set aside.
        resting: Of those that are live, how many it asked not to be shown for a while.
    """

    live: int
    dead: int
    resting: int = 0


class Probe(msgspec.Struct, frozen=True):
    """What came of asking a provider whether it is there.

    Attributes:
        asked: For its list of `models`, or for a `connection` only.
        at: Seconds since 1970.
        latency_ms: Until the answer, or the failure.
        models: How many it listed; null where it was not asked for them.
        error: What went wrong; empty where nothing did.
    """

    asked: Literal["models", "connection"]
    at: float
    latency_ms: float
    models: int | None = None
    error: str = ""


class UpstreamHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment of a route, or a provider that no route names.

    Attributes:
        status: `unhealthy` where its breaker is open or no key of it is live; `degraded` where
            its breaker is half open, where it is put last, or where its provider failed the last
            probe.
        model: Null for a provider that no route names.
        latency_ms: Of its last whole answer, or of the last probe if that was later.
        latency_of: Which of the two.
        latency_at: When that was, in seconds since 1970.
        put_last: Why it is asked after all others: it fails far more often than they do
            (`outlier`), or its provider missed too many probes.
        retires: The day on which the model is switched off, where that is known.
        successor: What its maker offers instead.
    """

    name: str
    provider: str
    model: str | None
    status: Status
    latency_ms: float | None
    latency_of: Literal["answer", "probe"] | None
    latency_at: float | None
    circuit_breaker: Breaker
    successes: int
    failures: int
    last_error: LastError | None
    put_last: PutLast | None = None
    keys: KeyCounts
    probe: Probe | None
    retires: str | None
    successor: str | None


class LagFigures(msgspec.Struct, frozen=True):
    """What the journal holds and the ledger does not.

    Attributes:
        attempts: That have ended.
        bytes: Of the journal.
        oldest_s: Seconds for which the oldest of it has waited, at most.
    """

    attempts: int
    bytes: int
    oldest_s: float


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, and the database that holds it.

    Attributes:
        kind: Such as `sqlite`.
        trouble: Why nothing can be written; empty where it can.
        shipped: Attempts written since the start.
        differing: Segments of the journal that the ledger holds otherwise.
        size_bytes: On disk, with what it keeps beside itself; null where the disk does not say.
    """

    kind: str
    trouble: str
    shipped: int
    differing: int
    lag: LagFigures
    size_bytes: int | None = None
    status: Status = "healthy"


class JournalHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The journal of this process, and what dead ones have left beside it.

    Attributes:
        folder: Of all journals.
        takes_new: Whether an attempt that came now could be written down.
        trouble: What is wrong with its disk; empty where nothing is.
        open_attempts: Under way.
        bytes: Of the segments that are not yet in the ledger.
        segments: How many those are.
        adopted: Journals of dead processes that were shipped.
        lost: Attempts in them that nobody had closed.
        damaged: Stretches of them that could not be read.
        strangers: Journals that are left alone, with the reason.
    """

    folder: str
    takes_new: bool
    trouble: str
    open_attempts: int
    bytes: int
    segments: int
    adopted: int
    lost: int
    damaged: int
    strangers: Mapping[str, str]
    status: Status = "healthy"


class Concurrent(msgspec.Struct, frozen=True):
    """Requests under way.

    Attributes:
        bound: The most that are admitted.
        peak: The most that there were at once.
        refused: How often there was no place.
    """

    live: int
    bound: int
    peak: int
    refused: int


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """How fast it goes.

    Attributes:
        errors: Of upstreams since the start, by kind.
        requests_per_second: Of all names together, over the last minute.
        tokens_per_second: As that.
        aliases: By the names that callers use.
        upstreams: By deployments.
    """

    concurrency: Concurrent
    requests_per_second: float
    tokens_per_second: float
    errors: Mapping[str, int]
    aliases: Mapping[str, Figures]
    upstreams: Mapping[str, Figures]


class ProcessHealth(msgspec.Struct, frozen=True):
    """The process; null is what this system does not tell.

    Attributes:
        loop_lag_ms: What a turn of the event loop took just now.
    """

    pid: int
    uptime_s: float
    rss_bytes: int | None
    open_files: int | None
    loop_lag_ms: float


class HealthDetail(msgspec.Struct, frozen=True, kw_only=True):
    """How the gateway does, in full: for whoever holds the admin key.

    Attributes:
        status: As `/health` says.
        reasons: The rules that hold: why the status is not `healthy`.
        redis: Null: none is spoken to yet.
    """

    status: Status
    version: str
    reasons: tuple[str, ...]
    llm: LlmHealth
    accounting: AccountingHealth
    upstreams: tuple[UpstreamHealth, ...]
    database: DatabaseHealth | None
    journal: JournalHealth | None
    services: Mapping[str, ServiceState]
    config: ConfigurationHealth
    redis: None = None
    performance: Performance
    process: ProcessHealth


class ConfigurationHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force, and what became of the last attempt to load another.

    Attributes:
        generation: Grows with each that is put into force.
        source: Where it is from.
        loaded_at: When it was, in seconds since 1970.
        generations: Of those that requests under way go by; the last is the one in force.
        error: Why the last attempt failed; empty where it did not. What is in force stays.
        mistakes: All that is wrong with the file, with lines.
        pending_restart: Settings that the file has otherwise, and that need a restart.
    """

    generation: int
    source: str
    loaded_at: float
    generations: tuple[int, ...] = ()
    error: str = ""
    mistakes: tuple[str, ...] = ()
    pending_restart: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules judge.

    Attributes:
        models: Names that can be asked for with a chance of an answer.
        database: None before the gateway was started.
        journal: As that.
    """

    version: str
    draining: bool
    models: int
    upstreams: tuple[UpstreamHealth, ...]
    database: DatabaseHealth | None
    journal: JournalHealth | None
    services: Mapping[str, ServiceState]
    config: ConfigurationHealth
