"""What went wrong, in words that nobody outside chooses.

Labels of metrics, `error.type` of spans and the log line take these. A provider's own code is not
among them: what a provider writes, it could write a key into, or a new word every time.
"""

from __future__ import annotations

import enum

from antiphon.errors import (
    AntiphonError,
    ConnectFailed,
    Exhausted,
    Kind,
    NotAnAnswer,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
)

OK = "ok"
"""The word for what went well."""
_LATE = frozenset({Kind.TIMEOUT, Kind.REQUEST_TIMEOUT})


class Fault(enum.StrEnum):
    """The four sorts of failure that people tell apart."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    API = "api"
    """The provider answered, with an error or with what is no answer."""
    OTHER = "other"


def word_of(error: AntiphonError) -> str:
    """The word for an error: the transport's own code, else the kind."""
    if isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused):
        return error.code
    return error.error_kind.value


def fault_of(error: AntiphonError) -> Fault:
    """The sort of an error; for a request whose every attempt failed, that of the last one."""
    if isinstance(error, Exhausted) and error.attempts:
        return fault_of(error.attempts[-1].error)
    if error.error_kind in _LATE:
        return Fault.TIMEOUT
    if isinstance(error, ConnectFailed | UpstreamBroken):
        return Fault.CONNECTION
    if isinstance(error, UpstreamRefused | NotAnAnswer):
        return Fault.API
    return Fault.OTHER
