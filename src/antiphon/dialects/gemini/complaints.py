"""Errors, both ways: `{"error": {"code", "message", "status", "details"}}`.

Google's codes are statuses of HTTP, its words are those of gRPC. The details tell more: when a
retry may succeed (RetryInfo), which quota is used up (QuotaFailure), why a key is refused
(ErrorInfo). Answers to stream requests hold the same object in an array.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon.dialects.continued import partial
from antiphon.dialects.envelopes import Envelope, read_error, read_retry_after, refusal_of
from antiphon.dialects.exhaustion import told_of
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.gemini.fields import written
from antiphon.errors import AntiphonError, Exhausted, Kind, UpstreamRefused
from antiphon.model.parts import ABSENT

STATUSES: Final[dict[Kind, str]] = {
    Kind.BAD_REQUEST: "INVALID_ARGUMENT",
    Kind.UNSUPPORTED_PARAMETER: "INVALID_ARGUMENT",
    Kind.CONTEXT_TOO_LONG: "INVALID_ARGUMENT",
    Kind.UNAUTHENTICATED: "UNAUTHENTICATED",
    Kind.FORBIDDEN: "PERMISSION_DENIED",
    Kind.NOT_FOUND: "NOT_FOUND",
    Kind.MODEL_NOT_FOUND: "NOT_FOUND",
    Kind.MODEL_UNPRICED: "PERMISSION_DENIED",
    Kind.BUDGET_EXCEEDED: "FAILED_PRECONDITION",
    Kind.METHOD_NOT_ALLOWED: "UNIMPLEMENTED",
    Kind.CONFLICT: "ABORTED",
    Kind.KEY_REUSED: "INVALID_ARGUMENT",
    Kind.TOO_LARGE: "INVALID_ARGUMENT",
    Kind.CONTENT_FILTER: "INVALID_ARGUMENT",
    Kind.RATE_LIMITED: "RESOURCE_EXHAUSTED",
    Kind.QUOTA_EXHAUSTED: "RESOURCE_EXHAUSTED",
    Kind.OVERLOADED: "UNAVAILABLE",
    Kind.TIMEOUT: "DEADLINE_EXCEEDED",
    Kind.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    Kind.UPSTREAM: "INTERNAL",
    Kind.UPSTREAM_AUTH: "INTERNAL",
    Kind.CLIENT_CLOSED: "CANCELLED",
    Kind.INTERNAL: "INTERNAL",
}
"""The word of each kind."""

_TYPE: Final = "type.googleapis.com/google.rpc."
_DOMAIN: Final = "antiphon"
_DAY: Final = re.compile(r"per_?day|daily", re.IGNORECASE)
_MOST_WAIT: Final = 86_400.0
_TOO_LONG: Final = "exceeds the maximum number of tokens allowed"
"""How a client knows that it must make the conversation shorter: there is no word for it."""
_DEAD_QUOTA: Final = "insufficient_quota"
_BAD_KEYS: Final = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED"})


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str = ""
    quota_metric: str = ""
    field: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    type: str = msgspec.field(default="", name="@type")
    reason: str = ""
    retry_delay: str = ""
    violations: list[_Violation] = []
    field_violations: list[_Violation] = []


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = ABSENT


class _Body(msgspec.Struct):
    error: _Error


_BODY: Final = msgspec.json.Decoder(_Body)
_BODIES: Final = msgspec.json.Decoder(list[_Body])
_DETAILS: Final = msgspec.json.Decoder(list[_Detail])


def read_complaint(status: int, headers: Mapping[bytes, bytes], body: bytes) -> UpstreamRefused:
    """Read a provider's refusal."""
    error = _error_in(body)
    if error is None:
        return read_error(status, headers, body)
    refusal = _refusal_of(error, status, read_retry_after(headers))
    if headers.get(b"x-should-retry") == b"false":
        refusal.should_retry = False
    return refusal


def read_failure(body: bytes) -> UpstreamRefused | None:
    """The error that a body or a chunk with a success status tells; None where it tells none."""
    error = _error_in(body)
    return _refusal_of(error, 0, None) if error is not None else None


def write_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(
        written({"error": _describe(error), "request_id": request_id or None})
    )


def write_stream_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The chunk that ends a stream that failed; the official client raises on it."""
    return b"data: %b\n\n" % write_error(error, request_id=request_id)


# ------------------------------------------------------------------ reading


def _error_in(body: bytes) -> _Error | None:
    body = body.strip()
    try:
        if not body.startswith(b"["):
            return _BODY.decode(body).error
        every = _BODIES.decode(body)
    except UNREADABLE:
        return None
    return every[0].error if every else None


def _refusal_of(error: _Error, status: int, retry_after: float | None) -> UpstreamRefused:
    details = _details_of(error)
    told = error.code if isinstance(error.code, int) and 400 <= error.code < 600 else 0  # noqa: PLR2004
    word = error.status or ""
    code = word
    param: str | None = None
    for detail in details:
        if detail.type.endswith("ErrorInfo") and detail.reason in _BAD_KEYS:
            code = detail.reason
        elif detail.type.endswith("QuotaFailure") and any(map(_is_daily, detail.violations)):
            code = _DEAD_QUOTA
        elif detail.type.endswith("BadRequest"):
            param = next((each.field for each in detail.field_violations if each.field), param)
        elif detail.type.endswith("RetryInfo") and retry_after is None:
            retry_after = _seconds(detail.retry_delay)
    if code == _DEAD_QUOTA:
        # The delay that stands beside it is that of another limit.
        retry_after = None
    envelope = Envelope(error.message or "", code, word, param, told)
    refusal = refusal_of(envelope, status=status or told, retry_after=retry_after)
    if not status:
        refusal.upstream_status = told or None
    return refusal


def _details_of(error: _Error) -> list[_Detail]:
    try:
        return _DETAILS.decode(error.details) if error.details else []
    except UNREADABLE:
        return []


def _is_daily(violation: _Violation) -> bool:
    """A quota of a day is used up: no retry of today can succeed with this key."""
    return _DAY.search(f"{violation.quota_id} {violation.quota_metric}") is not None


def _seconds(text: str) -> float | None:
    """A duration as protobuf writes it: `37s`, `1.5s`."""
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        return None
    return min(seconds, _MOST_WAIT) if seconds >= 0 else None


# ------------------------------------------------------------------ writing


def status_of(error: AntiphonError) -> int:
    """The HTTP status of an error."""
    return error.status


def _describe(error: AntiphonError) -> Written:
    kind, message = error.error_kind, error.message
    if kind is Kind.CONTEXT_TOO_LONG and _TOO_LONG not in message:
        message = f"The input token count {_TOO_LONG}: {message}"
    about = written({"param": error.param, "kind": kind.value})
    details: list[Written] = [
        {
            "@type": f"{_TYPE}ErrorInfo",
            "reason": kind.value.upper(),
            "domain": _DOMAIN,
            "metadata": about,
        }
    ]
    if error.retry_after is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{error.retry_after:g}s"})
    out: Written = {
        "code": status_of(error),
        "message": message,
        "status": STATUSES[kind],
        "details": details,
        **partial(error),
    }
    if isinstance(error, Exhausted):
        out.update(told_of(error))
    return out
