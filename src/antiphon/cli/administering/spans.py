"""Stretches of time, as people write them."""

from __future__ import annotations

import re

from antiphon.cli.output import fail

_SPAN = re.compile(r"(\d{1,9})([smhdw]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds_of(text: str, option: str) -> int:
    """The seconds of `90`, `90s`, `15m`, `12h`, `30d` or `52w`; anything else ends the command."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        fail(f"{option} takes a stretch of time such as 90s, 15m, 12h, 30d or 52w", 2)
    return int(found[1]) * _UNITS[found[2]]
