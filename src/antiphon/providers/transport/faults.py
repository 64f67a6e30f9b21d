"""The errors that several parts of the transport raise, each said once.

No message holds a header, a key or a body: it names a bound, a deadline or a rule of HTTP.
"""

from __future__ import annotations

from antiphon.errors import UpstreamBroken, UpstreamTimeout
from antiphon.providers.transport.call import Timeouts


def garbage(error: Exception) -> UpstreamBroken:
    """What came is not HTTP; the parser's reason names a rule, never what was received."""
    broken = UpstreamBroken(f"What came is not HTTP: {error}.", code="bad_http")
    broken.__cause__ = error
    return broken


def oversized(bound: int) -> UpstreamBroken:
    """The head, or a run of bytes that brings no body, is over the bound."""
    return UpstreamBroken(
        f"The head of the answer is larger than {bound} bytes.", code="headers_too_large"
    )


def reset(error: Exception) -> UpstreamBroken:
    """The network or the other side broke the connection."""
    broken = UpstreamBroken("The connection was reset.", code="reset")
    broken.__cause__ = error
    return broken


def closing() -> UpstreamBroken:
    """A call met a transport at its end."""
    return UpstreamBroken("The gateway is closing its connections.", code="transport_closed")


def out_of_time() -> UpstreamTimeout:
    """The total deadline passed."""
    return UpstreamTimeout("The time for the whole call is over.", code="total_timeout")


def silence(timeouts: Timeouts, *, begun: bool) -> UpstreamTimeout:
    """Nothing came for too long, before or after the body began."""
    if begun:
        return UpstreamTimeout(f"Nothing more came for {timeouts.idle:g} s.", code="idle_timeout")
    return UpstreamTimeout(
        f"No answer began within {timeouts.first_byte:g} s.", code="first_byte_timeout"
    )
