"""What a stream that broke says: that it was gone on with, or what of it was given.

Clients accept members that they do not know: the official ones keep them beside the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.errors import AntiphonError

MEMBER: Final = "antiphon"
"""The member of the last event in which we say what its dialect has no word for."""
MOST_PARTIAL: Final = 32 * 1024
"""Bytes of text that an error event holds: there are clients that take no longer lines."""
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


def partial(error: AntiphonError) -> dict[str, object]:
    """The text that a caller was given before the error, or its size where it is too long."""
    if not error.partial:
        return {}
    size = len(error.partial.encode())
    return {"partial": error.partial} if size <= MOST_PARTIAL else {"partial_size": size}
