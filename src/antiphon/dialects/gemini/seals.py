"""Seals over thought (`thoughtSignature`), which are base64 on this wire.

A seal of another dialect, wrapped with where it is from, is written in base64 once more: clients
decode the member, and write it again in either alphabet of base64.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from antiphon.dialects.gemini.fields import DIALECT
from antiphon.model import seals
from antiphon.model.parts import Reasoning

MARK: Final = "YW50aXBob24xL"
"""What a wrapped seal begins with on this wire: `antiphon1.` in base64."""

PLACEHOLDER: Final = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""A seal over calls that no Gemini made: `skip_thought_signature_validator`, in base64."""

_UNSEALED: Final = re.compile(r"gemini-(?:pro|flash|ultra|1|2)(?![0-9])|gemma|learnlm|palm|bison")
_LATEST: Final = re.compile(r"-latest$")


def read_seal(text: str) -> Reasoning:
    """The seal that a caller gave back, and its origin, as a thought without text."""
    if text.startswith(MARK):
        try:
            text = base64.urlsafe_b64decode(_standard(text)).decode()
        except (binascii.Error, ValueError):
            return Reasoning()
    return seals.unwrapped(text, DIALECT)


def write_seal(thought: Reasoning) -> str | None:
    """What a caller is given as the seal over a thought; None where it has none."""
    seal = seals.wrapped(thought, DIALECT)
    if seal is not None and seal.startswith(seals.MARK):
        return base64.b64encode(seal.encode()).decode()
    return seal


def is_native(thought: Reasoning) -> bool:
    """Whether a seal is Gemini's own, which stands on the part behind the thought."""
    return thought.origin is not None and thought.origin.dialect == DIALECT


def wants_seals(model: str) -> bool:
    """Whether a model refuses calls that are not sealed: those from Gemini 3 on do."""
    name = model.rpartition("/")[2]
    return _LATEST.search(name) is not None or _UNSEALED.match(name) is None


def _standard(text: str) -> str:
    text = text.replace("+", "-").replace("/", "_").rstrip("=")
    return text + "=" * (-len(text) % 4)
