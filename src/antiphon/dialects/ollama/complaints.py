"""Errors for callers, written: a text, as Ollama says it, and beside it what a program may ask.

The official client shows the text and looks at the status.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.continued import partial
from antiphon.dialects.exhaustion import told_of
from antiphon.dialects.fields import Written
from antiphon.dialects.ollama.fields import written
from antiphon.errors import AntiphonError, Exhausted, Kind
from antiphon.wire.ndjson import escaped

_TOO_LONG: Final = "exceeds the context length"
"""How a client knows that it must make the conversation shorter."""


def write_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The body of an error answer."""
    return msgspec.json.encode(_describe(error, request_id))


def write_stream_error(error: AntiphonError, *, request_id: str) -> bytes:
    """The line that ends a stream that failed; the official client raises on it."""
    return escaped(write_error(error, request_id=request_id)) + b"\n"


def _describe(error: AntiphonError, request_id: str) -> Written:
    kind, message = error.error_kind, error.message
    if kind is Kind.CONTEXT_TOO_LONG and _TOO_LONG not in message.lower():
        message = f"the input length {_TOO_LONG}: {message}"
    out: Written = {"error": message, "code": kind.value, "param": error.param, **partial(error)}
    if isinstance(error, Exhausted):
        out.update(told_of(error))
    return written({**out, "request_id": request_id or None})
