"""Times as people write them, and as the ledger has them: microseconds since 1970, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from antiphon.errors import InvalidRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6}\d*)?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)
_FRACTION = re.compile(r"(\.\d{6})\d+")
_AGO = re.compile(r"(\d{1,6})([mhdw])", re.ASCII)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
SECOND = 1_000_000


def time_of(text: str, param: str) -> int:
    """A time as it was written: RFC 3339 or `YYYY-MM-DD`; UTC where it does not say.

    Raises:
        InvalidRequest: It is none, or lies before 1970 or behind 9999; names `param`.
    """
    if _FORM.fullmatch(text) is None:
        hint = "; a + is written %2B in an address" if re.search(r"\d \d\d:\d\d$", text) else ""
        raise InvalidRequest(
            f"{param} must be a time such as 2026-11-01 or 2026-11-01T09:30:00Z{hint}.", param=param
        )
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", text.upper()))
        at = (found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{param} is not a time that there is.", param=param) from None
    if at < timedelta(0):
        raise InvalidRequest(f"{param} lies before 1970.", param=param)
    return at // _MICROSECOND


def since(text: str, now: float, param: str) -> int:
    """A time, or how long ago: `15m`, `12h`, `7d`, `4w`.

    Args:
        text: As it was written.
        now: Seconds since 1970.
        param: What it is called where it was asked for.

    Raises:
        InvalidRequest: It is neither.
    """
    ago = _AGO.fullmatch(text)
    if ago is None:
        return time_of(text, param)
    return max(int(now * SECOND) - int(ago[1]) * (_UNITS[ago[2]] // _MICROSECOND), 0)


def told(at: int) -> str:
    """A time in RFC 3339, in UTC; with microseconds where there are any."""
    return _told(at, "auto")


def told_exactly(at: int) -> str:
    """A time in RFC 3339, in UTC, always with microseconds: such texts sort as the times do."""
    return _told(at, "microseconds")


def _told(at: int, precision: str) -> str:
    try:
        found = _EPOCH + at * _MICROSECOND
    except OverflowError:
        return str(at)
    return found.isoformat(timespec=precision).replace("+00:00", "Z")
