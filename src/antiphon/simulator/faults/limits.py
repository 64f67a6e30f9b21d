"""Refusals that may pass: a limit or an overload, and a hint of every kind when to come again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.answers import complaining
from antiphon.simulator.faults.fault import Damage, Fault

_RATE_LIMITED: Final = Problem(
    429,
    "Rate limit reached for requests. Please try again in 1s.",
    type="requests",
    code="rate_limit_exceeded",
)
_OVERLOADED: Final = Problem(
    503, "The engine is overloaded.", type="server_error", code="server_is_overloaded"
)
_OVERLOADED_529: Final = Problem(529, "Overloaded", type="overloaded_error")
_PAST: Final = (b"retry-after", b"Thu, 01 Jan 2026 00:00:00 GMT")
# As in every answer, it is the beginning of 2026: no clock is asked.
_NOW: Final = (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")
_LATER: Final = (b"retry-after", b"Thu, 01 Jan 2026 00:00:30 GMT")


def _limited(*headers: tuple[bytes, bytes]) -> Damage:
    return complaining(_RATE_LIMITED, headers)


LIMIT_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "rate-limited": Fault(
            "429 with `Retry-After: 1`",
            _limited((b"retry-after", b"1")),
            "asks another deployment at once; alone, waits as long and asks again, or passes the "
            "hint on",
        ),
        "rate-limited-ms": Fault(
            "429 with `retry-after-ms: 50`",
            _limited((b"retry-after-ms", b"50")),
            "reads milliseconds, and tells callers that know only seconds a whole one",
        ),
        "rate-limited-long": Fault(
            "429 with `Retry-After: 3600`",
            _limited((b"retry-after", b"3600")),
            "never keeps a caller waiting so long; the hint that it passes on is bounded",
        ),
        "rate-limited-date": Fault(
            "429 with a date that has passed as `Retry-After`",
            _limited(_PAST),
            "takes it for no hint: neither a negative wait nor a retry storm",
        ),
        "rate-limited-later": Fault(
            "429 with a date half a minute after the answer's own `Date` as `Retry-After`",
            _limited(_NOW, _LATER),
            "reads it against the answer's `Date`, not its own clock, and tells callers seconds",
        ),
        "rate-limited-year": Fault(
            "429 with `Retry-After: 31536000`, a year",
            _limited((b"retry-after", b"31536000")),
            "does not wait, does not forget the deployment for a year, and bounds the hint",
        ),
        "rate-limited-negative": Fault(
            "429 with `Retry-After: -5`",
            _limited((b"retry-after", b"-5")),
            "takes it for no hint",
        ),
        "rate-limited-garbage": Fault(
            "429 with `Retry-After: soon`",
            _limited((b"retry-after", b"soon")),
            "takes it for no hint, and fails over as with any other 429",
        ),
        "rate-limited-ms-huge": Fault(
            "429 with `retry-after-ms: 1000000000000000000`",
            _limited((b"retry-after-ms", b"1000000000000000000")),
            "neither overflows nor waits; the hint that it passes on is bounded",
        ),
        "rate-limited-bare": Fault(
            "429 without a hint when to come again",
            _limited(),
            "backs off by itself, and invents no hint",
        ),
        "no-retry": Fault(
            "429 with `x-should-retry: false`",
            _limited((b"x-should-retry", b"false")),
            "does not ask this deployment again for the same request, and tells the caller so",
        ),
        "overloaded": Fault(
            "503 `server_is_overloaded` with `Retry-After: 1`",
            complaining(_OVERLOADED, ((b"retry-after", b"1"),)),
            "asks another deployment; alone, says 503 with the hint",
        ),
        "overloaded-529": Fault(
            "529 `overloaded_error`, as Anthropic says it",
            complaining(_OVERLOADED_529),
            "knows the status, and says 503, which callers understand",
        ),
    }
)
