"""The arguments of a call where a dialect wants an object, and not its text."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.model.parts import CallKind

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_object(text: str) -> bool:
    """Whether a text is one whole JSON object."""
    try:
        _OBJECT.decode(text)
    except UNREADABLE:
        return False
    return True


def write_object(text: str, kind: CallKind) -> msgspec.Raw | Written:
    """The model's own text where it is an object, else an object around it."""
    if kind is CallKind.CUSTOM:
        return {"input": text}
    if not text.strip():
        return msgspec.Raw(b"{}")
    return msgspec.Raw(text.encode()) if is_object(text) else {"_raw": text}
