"""Errors for callers, written: the table of kinds, in Anthropic's words.

The official client chooses its exception by the status, and reads the type for what comes inside
a stream. `code` and `param` stand beside them, where OpenAI's client looks for them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.fields import written
from antiphon.dialects.continued import partial
from antiphon.dialects.exhaustion import told_of
from antiphon.dialects.fields import Written
from antiphon.errors import AntiphonError, Exhausted, Kind

TYPES: Final[dict[Kind, str]] = {
    Kind.BAD_REQUEST: "invalid_request_error",
    Kind.UNSUPPORTED_PARAMETER: "invalid_request_error",
    Kind.CONTEXT_TOO_LONG: "invalid_request_error",
    Kind.UNAUTHENTICATED: "authentication_error",
    Kind.FORBIDDEN: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.MODEL_NOT_FOUND: "not_found_error",
    Kind.MODEL_UNPRICED: "permission_error",
    Kind.BUDGET_EXCEEDED: "billing_error",
    Kind.METHOD_NOT_ALLOWED: "invalid_request_error",
    Kind.CONFLICT: "invalid_request_error",
    Kind.KEY_REUSED: "invalid_request_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.CONTENT_FILTER: "invalid_request_error",
    Kind.RATE_LIMITED: "rate_limit_error",
    Kind.QUOTA_EXHAUSTED: "rate_limit_error",
    Kind.OVERLOADED: "overloaded_error",
    Kind.TIMEOUT: "timeout_error",
    Kind.REQUEST_TIMEOUT: "timeout_error",
    Kind.UPSTREAM: "api_error",
    Kind.UPSTREAM_AUTH: "api_error",
    Kind.CLIENT_CLOSED: "api_error",
    Kind.INTERNAL: "api_error",
}
STATUSES: Final = {Kind.OVERLOADED: 529}
"""Where Anthropic's status is another than everybody's."""

_TOO_LONG: Final = "prompt is too long"
"""How clients of this dialect know that they must make the conversation shorter."""


def write_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(
        written({"type": "error", "error": _describe(error), "request_id": request_id or None})
    )


def write_stream_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The event that ends a stream that failed; the official client raises on it."""
    return b"event: error\ndata: %b\n\n" % write_error(error, request_id=request_id)


def status_of(error: AntiphonError) -> int:
    """The HTTP status of an error."""
    return STATUSES.get(error.error_kind, error.status)


def _describe(error: AntiphonError) -> Written:
    kind, message = error.error_kind, error.message
    if kind is Kind.CONTEXT_TOO_LONG and _TOO_LONG not in message.lower():
        message = f"{_TOO_LONG}: {message}"
    out: Written = {"type": TYPES[kind], "message": message, "code": kind.value}
    out["param"] = error.param
    out |= partial(error)
    if isinstance(error, Exhausted):
        out.update(told_of(error))
    return written(out)
