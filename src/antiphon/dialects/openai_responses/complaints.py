"""Errors for callers, written: the table of kinds, in OpenAI's words.

The official client chooses its exception by the status; by type and code a person, or a program,
tells what to do. Inside a stream two frames end the answer. The `error` event makes the official
clients raise: they look for an `error` member. The `response.failed` event is what Codex waits for,
and what a client reads that knows responses and no errors; its code comes from a list of its own.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.continued import partial
from antiphon.dialects.contract import Position
from antiphon.dialects.exhaustion import told_of
from antiphon.dialects.fields import Written
from antiphon.dialects.openai_responses.echo import response_of
from antiphon.dialects.openai_responses.fields import written
from antiphon.dialects.openai_responses.ids import response_id
from antiphon.errors import AntiphonError, Exhausted, Kind, UpstreamRefused

_WORDS: dict[Kind, tuple[str, str | None]] = {
    Kind.BAD_REQUEST: ("invalid_request_error", None),
    Kind.UNSUPPORTED_PARAMETER: ("invalid_request_error", "unsupported_parameter"),
    Kind.CONTEXT_TOO_LONG: ("invalid_request_error", "context_length_exceeded"),
    Kind.UNAUTHENTICATED: ("authentication_error", "invalid_api_key"),
    Kind.FORBIDDEN: ("permission_error", "permission_denied"),
    Kind.NOT_FOUND: ("invalid_request_error", "not_found"),
    Kind.MODEL_NOT_FOUND: ("invalid_request_error", "model_not_found"),
    Kind.MODEL_UNPRICED: ("permission_error", "model_unpriced"),
    Kind.BUDGET_EXCEEDED: ("insufficient_quota", "budget_exceeded"),
    Kind.METHOD_NOT_ALLOWED: ("invalid_request_error", "method_not_allowed"),
    Kind.CONFLICT: ("invalid_request_error", "conflict"),
    Kind.KEY_REUSED: ("invalid_request_error", "idempotency_key_reused"),
    Kind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    Kind.CONTENT_FILTER: ("invalid_request_error", "content_filter"),
    Kind.RATE_LIMITED: ("rate_limit_error", "rate_limit_exceeded"),
    Kind.QUOTA_EXHAUSTED: ("insufficient_quota", "insufficient_quota"),
    Kind.OVERLOADED: ("server_error", "server_is_overloaded"),
    Kind.TIMEOUT: ("timeout", "timeout"),
    Kind.REQUEST_TIMEOUT: ("timeout", "request_timeout"),
    Kind.UPSTREAM: ("server_error", "upstream_error"),
    Kind.UPSTREAM_AUTH: ("api_error", "upstream_auth"),
    Kind.CLIENT_CLOSED: ("client_closed", "client_closed"),
    Kind.INTERNAL: ("server_error", "internal_error"),
}

_THEIR_CODE = frozenset({Kind.BAD_REQUEST, Kind.UNSUPPORTED_PARAMETER, Kind.CONTENT_FILTER})
"""Kinds whose code the provider knows better."""

_FAILURES: dict[Kind, str] = {
    Kind.BAD_REQUEST: "invalid_prompt",
    Kind.UNSUPPORTED_PARAMETER: "invalid_prompt",
    Kind.CONTENT_FILTER: "invalid_prompt",
    Kind.TOO_LARGE: "invalid_prompt",
    Kind.CONTEXT_TOO_LONG: "context_length_exceeded",
    Kind.RATE_LIMITED: "rate_limit_exceeded",
    Kind.QUOTA_EXHAUSTED: "insufficient_quota",
    Kind.BUDGET_EXCEEDED: "insufficient_quota",
    Kind.OVERLOADED: "server_is_overloaded",
}
"""Codes of a failed response; all else is `server_error`, which is worth another try."""


def write_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(
        written({"error": _describe(error), "request_id": request_id or None})
    )


def write_stream_error(error: AntiphonError, *, request_id: str, position: Position) -> bytes:
    """The frames that end a stream that failed."""
    described = _describe(error)
    number = position.sequence + 1
    raised: Written = {
        "type": "error",
        "sequence_number": number,
        "code": described["code"] or described["type"],
        "message": error.message,
        "param": error.param,
        "error": described,
        "request_id": request_id,
    }
    failure = {
        "code": _FAILURES.get(error.error_kind, "server_error"),
        "message": _with_wait(error),
    }
    response = response_of({"status": "failed", "error": failure}, None)
    response["id"] = position.id or response_id(request_id)
    failed: Written = {
        "type": "response.failed",
        "sequence_number": number + 1,
        "response": response,
    }
    return b"event: error\ndata: %b\n\nevent: response.failed\ndata: %b\n\n" % (
        msgspec.json.encode(raised),
        msgspec.json.encode(failed),
    )


def _with_wait(error: AntiphonError) -> str:
    """The message, and how long to wait: inside a stream, Codex reads it from there."""
    if error.error_kind is not Kind.RATE_LIMITED or error.retry_after is None:
        return error.message
    return f"{error.message} Please try again in {error.retry_after:g}s."


def _describe(error: AntiphonError) -> Written:
    kind, code = _WORDS[error.error_kind]
    if isinstance(error, UpstreamRefused) and error.error_kind in _THEIR_CODE:
        code = code if error.code.startswith("http_") else error.code
    if error.error_kind is Kind.FORBIDDEN and error.param == "model":
        code = "model_not_allowed"
    out: Written = {"message": error.message, "type": kind, "param": error.param, "code": code}
    out |= partial(error)
    if isinstance(error, Exhausted):
        out.update(told_of(error))
    return out
