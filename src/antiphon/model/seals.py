"""Seals over thought, on their way through callers of another dialect.

A provider seals thought (a signature, encrypted content), and refuses a seal that is not its own.
A caller of another dialect has a place for a seal, but not for where it is from. So it is given
both in one text, and gives them back with the conversation: the seal is unwrapped, goes to where
it is valid, and is left out everywhere else. A caller can make such a text up, as it can make up a
provider's own: it is the provider who checks it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from antiphon.model.parts import Origin, Reasoning

MARK: Final = "antiphon1."
"""What every wrapped seal begins with."""


class _Wrapped(msgspec.Struct, array_like=True):
    dialect: str
    model: str
    scope: str
    sealed: bool
    signature: str
    size: int = 0


_WRITE: Final = msgspec.msgpack.Encoder()
_READ: Final = msgspec.msgpack.Decoder(_Wrapped)


def wrapped(thought: Reasoning, dialect: str) -> str | None:
    """What a caller of `dialect` is given as the seal over a thought; None where it has none.

    A seal of the caller's own dialect is given as it is.
    """
    origin, signature = thought.origin, thought.signature
    if signature is None or origin is None or origin.dialect == dialect:
        return signature
    return wrap(origin, signature, sealed=thought.sealed)


def wrap(origin: Origin, signature: str, *, sealed: bool = False, size: int = 0) -> str:
    """A seal and where it is from, in one text; `size` is of its thought, in characters."""
    inner = _Wrapped(origin.dialect, origin.model, origin.scope, sealed, signature, size)
    return MARK + base64.urlsafe_b64encode(_WRITE.encode(inner)).decode()


def unwrapped(text: str, dialect: str) -> Reasoning:
    """The seal that a caller of `dialect` gave back, and its origin, as a thought without text.

    What was not wrapped is the dialect's own; what was wrapped and is broken is no seal at all.
    """
    if not text.startswith(MARK):
        return Reasoning(signature=text, origin=Origin(dialect))
    return measured(text)[0]


def measured(text: str) -> tuple[Reasoning, int]:
    """A wrapped seal, as a thought without text, and the size that was said of its thought."""
    try:
        inner = _READ.decode(base64.urlsafe_b64decode(text.removeprefix(MARK)))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return Reasoning(), 0
    origin = Origin(inner.dialect, inner.model, inner.scope)
    thought = Reasoning(signature=inner.signature or None, origin=origin, sealed=inner.sealed)
    return thought, inner.size


def is_valid_at(thought: Reasoning, dialect: str, scope: str) -> bool:
    """Whether a provider of this dialect and scope may be given the seal over a thought."""
    origin = thought.origin
    if thought.signature is None or origin is None or origin.dialect != dialect:
        return False
    return not origin.scope or not scope or origin.scope == scope
