"""The request's log line: JSON for machines, a short line for people.

It is rendered beside the road. It holds ids, names, times and counts; never content, never a key,
never a person's name. What came from outside (a model's name, say) cannot begin another line or
steer a terminal: JSON escapes it, and the text form leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec.structs import astuple

from antiphon.model.usage import Usage
from antiphon.telemetry.report import AttemptReport, RequestReport
from antiphon.telemetry.words import OK

Render = Callable[[RequestReport], bytes]
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Controls, separators of lines, and marks that turn the direction of writing."""
_BILLION = 1e9
_NO_FAILURE = (OK, "cancelled")
_CALLERS, _LEFT = 400, 499


class Failed(msgspec.Struct, frozen=True):
    """An attempt that gave no answer, as it stands in the JSON form."""

    provider: str
    model: str
    code: str
    ms: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The members of the JSON form, in their order; `null` says nothing."""

    time: str
    level: str
    event: str = "request"
    request_id: str
    route: str | None
    provider: str | None
    model: str | None
    dialects: list[str]
    stream: bool
    status: int
    kind: str = msgspec.field(name="class")
    code: str | None
    attempts: int
    failed: list[Failed]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    reasoning_tokens: int
    cost_usd: float
    ttft_ms: float | None
    duration_ms: float
    overhead_ms: float
    key_id: str | None
    team: str | None
    department: str | None
    subject: str | None
    charge: str | None
    warnings: tuple[str, ...]
    cache: str | None
    degraded: str | None
    structured: str | None
    trace_id: str | None


def level_of(report: RequestReport) -> str:
    """`error` where we or the providers failed, `warning` where it was hard, else `info`."""
    if report.failed:
        return "error"
    if len(report.attempts) > 1 or report.degraded or _CALLERS <= report.status < _LEFT:
        return "warning"
    return "info"


def failed_of(report: RequestReport) -> Sequence[AttemptReport]:
    """The attempts that gave no answer."""
    return [each for each in report.attempts if each.word not in _NO_FAILURE]


def json_line(report: RequestReport) -> bytes:
    """One line for machines."""
    last = report.attempts[-1] if report.attempts else None
    usage, cost = _spent(report)
    line = Line(
        time=stamp(report.ended_at),
        level=level_of(report),
        request_id=report.request,
        route=report.route or None,
        provider=last.provider if last else None,
        model=last.model if last else None,
        dialects=[each for each in (report.heard, report.spoken) if each],
        stream=report.stream,
        status=report.status,
        kind=report.kind,
        code=report.word or None,
        attempts=len(report.attempts),
        failed=[
            Failed(each.provider, each.model, each.word, each.total / 1000)
            for each in failed_of(report)
        ],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=cost / _BILLION,
        ttft_ms=report.first_token / 1000 if report.first_token else None,
        duration_ms=report.total / 1000,
        overhead_ms=report.overhead / 1000,
        key_id=report.key_id or None,
        team=report.team or None,
        department=report.department or None,
        subject=report.subject or None,
        charge=last.charge if last else None,
        warnings=report.warnings,
        cache=report.cached or None,
        degraded=report.degraded or None,
        structured=report.structured or None,
        trace_id=report.trace.id if report.trace else None,
    )
    return harmless(_encode(line)) + b"\n"


def text_line(report: RequestReport) -> bytes:
    """One line for people."""
    last = report.attempts[-1] if report.attempts else None
    usage, cost = _spent(report)
    words = [stamp(report.ended_at)[11:23], level_of(report).upper(), report.request]
    if last is not None:
        words += [report.route, "->", f"{last.provider}/{last.model}"]
    elif report.cached:
        words.append(report.route)
    words += [str(report.status), report.kind]
    if report.word and report.word != report.kind:
        words.append(f"({report.word})")
    if report.cached:
        words.append(f"cache {report.cached}")
    if report.degraded:
        words.append(f"degraded {report.degraded}")
    if len(report.attempts) > 1:
        words.append(f"{len(report.attempts)} attempts")
        words += [
            f"[{each.provider}/{each.model} {each.word} {each.total / 1000:.0f} ms]"
            for each in failed_of(report)
        ]
    if last is not None:
        words.append(f"{usage.input_total}+{usage.output_total} tokens")
        words += [f"${cost / _BILLION:.6f}"] if cost else []
    if report.first_token:
        words.append(f"first {report.first_token / 1000:.0f} ms")
    words.append(f"{report.total / 1000:.0f} ms")
    words += [each for each in (report.key_id, report.team) if each]
    return plain(" ".join(words)).encode(errors="replace") + b"\n"


def plain(text: str) -> str:
    """The text without what could begin a line or steer a terminal."""
    return _STEERING.sub("", text)


def harmless(line: bytes) -> bytes:
    """A line of JSON in which nothing but its own braces and quotes has a meaning."""
    if line.isascii() and b"\x7f" not in line:
        return line
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()


def stamp(micros: int) -> str:
    """A time as RFC 3339, with milliseconds."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{rest // 1000:03d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _spent(report: RequestReport) -> tuple[Usage, int]:
    """Tokens and billionths of a dollar of all attempts together."""
    attempts = report.attempts
    if len(attempts) == 1:
        return attempts[0].usage, attempts[0].cost
    words = [sum(each) for each in zip(*(astuple(each.usage) for each in attempts), strict=True)]
    return Usage(*words), sum(each.cost for each in attempts)


_encode = msgspec.json.Encoder().encode
