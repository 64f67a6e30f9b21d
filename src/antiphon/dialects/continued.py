"""How a stream says that it broke and was gone on with: in passing, and once more at its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

MEMBER: Final = "antiphon"
"""The member of the last event in which we say what its dialect has no word for."""
_UNFIT: Final = re.compile(r"[^!-~]")


def continued_note(by: str) -> bytes:
    """A comment between two server-sent events, which every client passes over."""
    return b": antiphon-continued by=%b\n\n" % _UNFIT.sub("?", by).encode()


def continued(by: Sequence[str]) -> dict[str, list[str]]:
    """What the last event says: the deployments that went on, in their order."""
    return {"continued": [*by]}


def continued_member(by: Sequence[str]) -> bytes:
    """The same as a member of a JSON object."""
    return b'"%b":%b' % (MEMBER.encode(), msgspec.json.encode(continued(by)))
