"""What is told of one request: its attempts in their order, and how it ended.

A request has no row of its own. It is put together from the rows of its attempts, of which the
last says how long all of it took; where no attempt answered, a row of `unanswered` says what the
caller was told instead. What was given from the cache has a row of no cost behind them, which is
no attempt: it says where the answer came from. Where a process died between two attempts, neither
is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import RowMapping

from antiphon.errors import STATUS, Kind
from antiphon.model.usage import Usage
from antiphon.usage.journal.record import CACHE, CANNED, DEGRADED, Charge, Outcome
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.tables import WORDS
from antiphon.usage.ledger.times import told_exactly

CHARGES = (Charge.NOTHING, Charge.REPORTED, Charge.ESTIMATED, Charge.ASSUMED)
"""From what is known best to what is known least: a request is as uncertain as its worst part."""
_ANSWERED = 200
_TOLD = {
    Outcome.CANCELLED: "The caller left before the answer was whole.",
    Outcome.LOST: "The process that served it died.",
}
_INTERRUPTED = "The gateway ended it."


class Failure(msgspec.Struct, frozen=True):
    """What a request failed with.

    Attributes:
        code: The kind of the error.
        message: What the caller was told.
    """

    code: str
    message: str


class AttemptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One call to one deployment.

    Attributes:
        number: Within the request, from 1.
        dialect: The provider's.
        outcome: `ok`, `refused`, `failed`, `cancelled`, `lost`, or `running`.
        code: What went wrong, in a word; empty where nothing did.
        offset_ms: From the request's start to the attempt's.
        first_byte_ms: From the attempt's start to its first byte; None if none came.
        duration_ms: From the attempt's start to its end.
        stop: Why the model stopped.
        cost_usd: In dollars, an exact decimal.
        charge: Where the figures come from.
        price: The version of the prices.
        reserved_usd: What it could cost at most, as it was written before it went out; None
            where that is not known yet.
    """

    number: int
    provider: str
    model: str
    dialect: str
    outcome: str
    code: str
    offset_ms: float
    first_byte_ms: float | None
    duration_ms: float
    stop: str
    usage: Mapping[str, int]
    cost_usd: str
    charge: str
    price: str
    reserved_usd: str | None


class RequestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        state: `running`; `finished`; or `unfinished`, where attempts are there but not how it
            ended: another process still runs it, or died between two attempts.
        route: The name in the configuration, `*` where it passed through; of a request for a
            model that does not exist, what was asked for.
        dialect: The caller's.
        dialects: The providers', each once.
        status: Of the answer, in HTTP's numbers; of a stream that broke, that of its error; None
            while it is not known.
        outcome: `ok`, `failed`, `cancelled`, `lost` or `running`; empty where it is unfinished.
        cache: `hit`, `stale` or `shared`, where the answer came from the cache, or of a call that
            another request paid for; `none` where it was made for this one.
        degraded: What stood in for an answer of the route's own deployments: `pool`, `stale` or
            `canned`; empty where nothing did.
        started: When its head was read; UTC.
        ended: When it was over, or None.
        first_token_ms: From the start to the first useful event of a stream, or None.
        overhead_ms: What no provider was waited for, pauses between attempts included.
        team, department: Whom it is charged to.
        user: Who stands behind the key, while the ledger knows the name.
        usage: Of all attempts together, in the usage words.
        charge: The least certain one of its attempts.
    """

    id: str
    state: str
    route: str
    dialect: str
    dialects: tuple[str, ...]
    stream: bool
    status: int | None
    outcome: str
    error: Failure | None
    cache: str
    degraded: str
    started: str
    ended: str | None
    duration_ms: float
    first_token_ms: float | None
    overhead_ms: float
    warnings: tuple[str, ...]
    key_id: str
    team: str
    department: str
    user: str
    usage: Mapping[str, int]
    cost_usd: str
    charge: str
    attempts: tuple[AttemptFacts, ...]


def request_facts(
    request_id: str, tried: Sequence[RowMapping], unanswered: RowMapping | None
) -> RequestFacts | None:
    """What the rows of a request say; None where there are none.

    Args:
        request_id: Of the request.
        tried: The rows of its attempts, in their order; each with `user`.
        unanswered: The row that says why it has no answer, with `user`.
    """
    if not tried and unanswered is None:
        return None
    end = _end(tried, unanswered)
    any_row = unanswered if unanswered is not None else tried[-1]
    asked = [row for row in tried if row["spoken"] != CACHE]
    first_token = max((row["first_token"] for row in tried), default=0)
    cost = sum(row["cost"] for row in tried)
    given = next((row["model"] for row in tried if row["spoken"] == CACHE), "none")
    warnings = _warnings(tried)
    return RequestFacts(
        id=request_id,
        state=end.state,
        route=any_row["alias"],
        dialect=any_row["heard"],
        dialects=tuple(dict.fromkeys(row["spoken"] for row in asked)),
        stream=bool(any_row["stream"]),
        status=end.status,
        outcome=end.outcome,
        error=end.error,
        cache=given if given != CANNED else "none",
        degraded=degraded_by(warnings),
        started=told_exactly(end.started),
        ended=told_exactly(end.started + end.total) if end.outcome else None,
        duration_ms=millis(end.total),
        first_token_ms=millis(first_token) if first_token else None,
        overhead_ms=millis(end.overhead),
        warnings=warnings,
        key_id=any_row["key_id"],
        team=any_row["team"],
        department=any_row["department"],
        user=any_row["user"] or "",
        usage=total_usage([_usage(row) for row in tried]),
        cost_usd=dollars(cost),
        charge=worst_charge([row["charge"] for row in tried]),
        attempts=tuple(_attempt(row, end.started) for row in asked),
    )


def degraded_by(warnings: Sequence[str]) -> str:
    """The step of the ladder that a request's answer came from; empty for none."""
    told = [each for each in warnings if each.startswith(DEGRADED)]
    return told[-1].removeprefix(DEGRADED).partition(" ")[0] if told else ""


def is_whole(tried: Sequence[RowMapping], unanswered: RowMapping | None) -> bool:
    """Whether the ledger holds all of a request: how it ended, and each of its attempts."""
    if unanswered is not None:
        return len(tried) >= unanswered["attempts"]
    return bool(tried) and bool(tried[-1]["last"]) and len(tried) >= tried[-1]["attempt"]


def millis(micros: int) -> float:
    """Milliseconds."""
    return micros / 1000


def total_usage(usages: Sequence[Mapping[str, int]]) -> Mapping[str, int]:
    """Added up, word by word."""
    return {word: sum(each[word] for each in usages) for word in WORDS}


def usage_words(usage: Usage) -> Mapping[str, int]:
    """Each word and its number, also where that is 0."""
    return dict(zip(WORDS, msgspec.structs.astuple(usage), strict=True))


def worst_charge(charges: Sequence[str]) -> str:
    """The least certain one."""
    return max(map(Charge, charges), key=CHARGES.index, default=Charge.NOTHING).value


class _End(msgspec.Struct, frozen=True):
    state: str
    status: int | None
    outcome: str
    error: Failure | None
    started: int
    total: int
    overhead: int


def _end(tried: Sequence[RowMapping], unanswered: RowMapping | None) -> _End:
    if unanswered is not None:
        total, status = unanswered["total"], unanswered["status"]
        waited = sum(row["total"] for row in tried)
        left = status == STATUS[Kind.CLIENT_CLOSED]
        return _End(
            "finished",
            status,
            (Outcome.CANCELLED if left else Outcome.FAILED).value,
            Failure(unanswered["error_code"], unanswered["message"]),
            unanswered["ended_at"] - total,
            total,
            max(total - waited, 0),
        )
    row = tried[-1]
    started = _started(tried)
    total = row["request_total"] or row["ended_at"] - started
    if not row["last"]:
        return _End("unfinished", None, "", None, started, total, row["overhead"])
    outcome, code = Outcome(row["outcome"]), row["error_code"]
    if outcome is Outcome.OK:
        return _End("finished", _ANSWERED, outcome.value, None, started, total, row["overhead"])
    told = _TOLD.get(outcome, _INTERRUPTED)
    if outcome is Outcome.CANCELLED and code != Kind.CLIENT_CLOSED:
        told = _INTERRUPTED
    status = STATUS[Kind(code)] if code in set(Kind) else None
    failure = Failure(code, told)
    return _End("finished", status, outcome.value, failure, started, total, row["overhead"])


def _started(tried: Sequence[RowMapping]) -> int:
    """When the request began: an attempt that ended says how long that was before."""
    first = tried[0]
    if first["request_total"]:
        return first["ended_at"] - first["request_total"]
    return first["started_at"]


def _attempt(row: RowMapping, started: int) -> AttemptFacts:
    total, first_byte = row["total"], row["first_byte"]
    # Both are monotonic, so a clock that was set in between moves no bar.
    offset = row["request_total"] - total if row["request_total"] else row["started_at"] - started
    return AttemptFacts(
        number=row["attempt"],
        provider=row["provider"],
        model=row["model"],
        dialect=row["spoken"],
        outcome=row["outcome"],
        code=row["error_code"],
        offset_ms=millis(max(offset, 0)),
        first_byte_ms=millis(first_byte) if first_byte else None,
        duration_ms=millis(total),
        stop=row["stop"],
        usage=_usage(row),
        cost_usd=dollars(row["cost"]),
        charge=row["charge"],
        price=row["price_version"],
        reserved_usd=dollars(row["cost_bound"]),
    )


def _usage(row: RowMapping) -> Mapping[str, int]:
    return {word: row[word] for word in WORDS}


def _warnings(tried: Sequence[RowMapping]) -> tuple[str, ...]:
    """Those of the last attempt, which has them all."""
    return tuple(tried[-1]["warnings"].split("\n")) if tried and tried[-1]["warnings"] else ()
