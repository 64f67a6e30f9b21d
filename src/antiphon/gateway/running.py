"""A request that is still under way, as far as it has come."""

from __future__ import annotations

from antiphon.clock import Clock
from antiphon.errors import UpstreamRefused
from antiphon.model.usage import Usage
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.recording import overhead
from antiphon.usage.journal.record import Outcome
from antiphon.usage.ledger.facts import (
    AttemptFacts,
    RequestFacts,
    total_usage,
    usage_words,
    worst_charge,
)
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.times import told_exactly

_RUNNING = "running"
_NOTHING = Usage()


def is_over(exchange: Exchange) -> bool:
    """Whether nothing can change any more of what is written down of an exchange."""
    attempts = exchange.attempts
    return exchange.complete or exchange.outcome is not None or bool(attempts and attempts[-1].last)


def running_facts(exchange: Exchange, clock: Clock) -> RequestFacts:
    """What is known of an exchange by now."""
    now, principal, payload = clock.monotonic(), exchange.principal, exchange.payload
    started, first_token = exchange.started, exchange.first_token_at
    cached = exchange.cached
    attempts = tuple(
        _attempt(each, number, started, now) for number, each in enumerate(exchange.attempts, 1)
    )
    return RequestFacts(
        id=exchange.id,
        state=_RUNNING,
        route=exchange.plan.alias if exchange.plan else payload.model,
        dialect=payload.dialect.name,
        dialects=tuple(dict.fromkeys(each.dialect for each in attempts)),
        stream=payload.stream,
        status=None,
        outcome=_RUNNING,
        error=None,
        cache=cached.word if cached is not None and cached.is_given else "none",
        degraded=exchange.degraded,
        started=told_exactly(int((clock.now() - (now - started)) * 1e6)),
        ended=None,
        duration_ms=_millis(now - started),
        first_token_ms=_millis(first_token - started) if first_token else None,
        overhead_ms=_millis(overhead(exchange, now)),
        warnings=tuple(exchange.warnings),
        key_id=principal.key_id,
        team=principal.team,
        department=principal.department,
        user=principal.user,
        usage=total_usage([each.usage for each in attempts]),
        cost_usd=dollars(sum(each.cost for each in exchange.attempts)),
        charge=worst_charge([each.charge for each in attempts]),
        attempts=attempts,
    )


def _attempt(attempt: Attempt, number: int, started: float, now: float) -> AttemptFacts:
    deployment, sent, error = attempt.deployment, attempt.sent_at, attempt.error
    rates, first_byte = deployment.rates, attempt.first_byte_at
    return AttemptFacts(
        number=number,
        provider=deployment.provider,
        model=deployment.model,
        dialect=attempt.face.dialect.name,
        outcome=_outcome(attempt),
        code=error.code if error is not None else "",
        offset_ms=_millis(sent - started),
        first_byte_ms=_millis(first_byte - sent) if first_byte else None,
        duration_ms=_millis((attempt.ended_at or now) - sent),
        stop="",
        usage=usage_words(attempt.usage or _NOTHING),
        cost_usd=dollars(attempt.cost),
        charge=attempt.charge.value,
        price=rates.version,
        reserved_usd=None,
    )


def _outcome(attempt: Attempt) -> str:
    if attempt.error is not None:
        refused = isinstance(attempt.error, UpstreamRefused)
        return (Outcome.REFUSED if refused else Outcome.FAILED).value
    return Outcome.OK.value if attempt.last else _RUNNING


def _millis(seconds: float) -> float:
    return round(max(seconds, 0.0) * 1000, 3)
