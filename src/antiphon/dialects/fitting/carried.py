"""Ids of calls that a caller's dialect refuses, carried through it in ids that it takes.

A caller may be answered by any provider, and gives the conversation back to any other, its own
bytes to one of its own dialect. So what it is given must be legal and unique there. Its provider
gets back the id that it gave: some models know a call by it (`functions.bash:0`).
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from typing import Final

_MARK: Final = "antiphon1_"
_SHORTENED: Final = re.compile(r"[^a-zA-Z0-9_-]")


def carried(call_id: str, legal: re.Pattern[str], taken: Collection[str]) -> str:
    """An id that is legal and not taken; the same one where it is both already."""
    new, times = call_id, 0
    while new in taken or not legal.fullmatch(new):
        inner = f"{times}:{call_id}".encode(errors="replace")
        new = _MARK + urlsafe_b64encode(inner).decode().rstrip("=")
        if not legal.fullmatch(new):
            # Too long: the provider's own id is lost.
            new = f"call_{_SHORTENED.sub('', call_id)[:24]}_{times}"
        times += 1
    return new


def uncarried(call_id: str) -> str:
    """The id that the provider gave."""
    while call_id.startswith(_MARK):
        inner = call_id[len(_MARK) :]
        try:
            text = urlsafe_b64decode(inner + "=" * (-len(inner) % 4)).decode()
        except (binascii.Error, ValueError):
            break
        times, found, own = text.partition(":")
        if not found or not times.isdecimal():
            break
        call_id = own
    return call_id
