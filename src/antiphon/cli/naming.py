"""What people call something, and the id that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import quote

from antiphon.cli.output import fail

_ID = re.compile(r"[a-z]+_[a-z0-9]+", re.ASCII)


def path_of(kind: str, text: str) -> str:
    """The path of one thing of a kind, such as `teams`; whatever its id is, it stays one step."""
    return f"/api/v1/{kind}/{quote(text, safe='', errors='replace')}"


class Listing(Protocol):
    """Where things have names."""

    def each(self, path: str, *, most: int, name: str) -> Iterator[Mapping[str, object]]:
        """Those of this name."""
        ...


def id_of(asked: Listing, kind: str, text: str) -> str:
    """The id of what is called so; what looks like an id is one. Ends the command without one."""
    if not text or _ID.fullmatch(text):
        return text
    found = list(asked.each(f"/api/v1/{kind}", most=1, name=text))
    if not found:
        fail(f"there is no {kind.removesuffix('s')} named {text!r}")
    return str(found[0]["id"])
