"""The one door that renders an error.

Status and body are the caller's dialect's; the headers tell every SDK whether to try again.
"""

from __future__ import annotations

import math

from antiphon.dialects.base import Dialect
from antiphon.errors import AntiphonError, Kind, MethodNotAllowed
from antiphon.server.asgi import JSON, Headers, Send, answer

_LONGEST_WAIT = 60.0
"""Seconds. OpenAI's SDK gives up over 120, Anthropic's sleeps for as long as it is told. Whoever
is told not to try again by itself hears the truth."""


def error_headers(error: AntiphonError) -> Headers:
    """The headers of an error answer, but for its id."""
    headers: Headers = [JSON]
    if error.retry_after is not None:
        wait = error.retry_after
        if error.should_retry is not False:
            wait = min(wait, _LONGEST_WAIT)
        headers.append((b"retry-after", b"%d" % math.ceil(wait)))
        headers.append((b"retry-after-ms", b"%d" % math.ceil(wait * 1000)))
    if error.should_retry is not None:
        headers.append((b"x-should-retry", b"true" if error.should_retry else b"false"))
    if error.error_kind is Kind.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    return headers


async def answer_error(
    send: Send, dialect: Dialect, error: AntiphonError, headers: Headers, request_id: str
) -> None:
    """Send an error in the caller's dialect."""
    body = dialect.encode_error(error, request_id=request_id)
    await answer(send, dialect.status_of(error), headers + error_headers(error), body)
