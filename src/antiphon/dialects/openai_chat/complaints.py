"""Errors for callers, written: the table of kinds, in OpenAI's words.

The official client chooses its exception by the status; by type and code a person, or a
program, tells what to do.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.continued import partial
from antiphon.dialects.exhaustion import told_of
from antiphon.dialects.fields import Written
from antiphon.dialects.openai_chat.fields import written
from antiphon.errors import AntiphonError, Exhausted, Kind, UpstreamRefused
from antiphon.wire.sse import frame_of

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
    Kind.OVERLOADED: ("server_error", "overloaded"),
    Kind.TIMEOUT: ("timeout", "timeout"),
    Kind.REQUEST_TIMEOUT: ("timeout", "request_timeout"),
    Kind.UPSTREAM: ("server_error", "upstream_error"),
    Kind.UPSTREAM_AUTH: ("api_error", "upstream_auth"),
    Kind.CLIENT_CLOSED: ("client_closed", "client_closed"),
    Kind.INTERNAL: ("server_error", "internal_error"),
}

_THEIR_CODE = frozenset({Kind.BAD_REQUEST, Kind.UNSUPPORTED_PARAMETER, Kind.CONTENT_FILTER})
"""Kinds whose code the provider knows better."""


def write_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(
        written({"error": _describe(error), "request_id": request_id or None})
    )


def write_stream_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The frame that ends a stream that failed.

    No `[DONE]` follows: the official client raises on the frame and reads no further, and to a
    client that does not know the frame `[DONE]` would say that half an answer is whole.
    """
    return frame_of(write_error(error, request_id=request_id))


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
