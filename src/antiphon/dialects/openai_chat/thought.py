"""Sealed thought of other dialects, on its way through callers of this one.

A message has no place for a seal. `reasoning_details`, which OpenRouter brought into use, is what
clients that keep thought know, and send back with the message that it came in: it holds the seals,
wrapped, in their order. The text that a seal is over stands in `reasoning_content`, of all seals
in one text; each seal tells how much of it is its own. Whoever drops either loses nothing but the
thought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.dialects.openai_chat.fields import Fields
from antiphon.model.parts import Origin, Reasoning
from antiphon.model.seals import MARK, measured, wrap

DETAILS: Final = "reasoning_details"

JOINT: Final = "\n\n"
"""Between the thoughts of a whole answer."""


class _Detail(msgspec.Struct, gc=False):
    data: str | None = None


_DETAIL = msgspec.json.Decoder(_Detail)


def shown(thought: Reasoning) -> str:
    """The text of a thought, or what was told of it in summary."""
    return thought.text or JOINT.join(thought.summary)


def write_details(thoughts: Sequence[Reasoning]) -> list[Written]:
    """The seals of a whole answer; empty where no thought is sealed."""
    out: list[Written] = []
    for thought in thoughts:
        origin, seal = thought.origin, thought.signature
        if origin is not None and seal is not None:
            size = len(shown(thought))
            out.append(write_detail(len(out), origin, seal, sealed=thought.sealed, size=size))
    return out


def write_detail(at: int, origin: Origin, signature: str, *, sealed: bool, size: int) -> Written:
    """One seal, over the next `size` characters of the thought.

    Every one has an `index`, because clients put a stream together by it.
    """
    data = wrap(origin, signature, sealed=sealed, size=size)
    return {
        "type": "reasoning.encrypted",
        "data": data,
        "id": f"thought_{at}",
        "format": "unknown",
        "index": at,
    }


def read_details(fields: Fields) -> list[tuple[Reasoning, int]]:
    """Take the seals that came back, and the sizes of their thoughts; all else is left."""
    if not fields.begins(DETAILS, b"["):
        return []
    items = fields.items(DETAILS)
    seals = [_read_detail(item) for item in items]
    left = [item for item, seal in zip(items, seals, strict=True) if not seal]
    if left:
        fields.keep(DETAILS, msgspec.json.encode(left))
    return [measured(seal) for seal in seals if seal]


def _read_detail(raw: Json) -> str:
    """The wrapped seal in a detail; empty where it has none."""
    try:
        data = _DETAIL.decode(raw).data or ""
    except UNREADABLE:
        return ""
    return data if data.startswith(MARK) else ""


def thoughts_of(told: Reasoning, seals: Sequence[tuple[Reasoning, int]]) -> list[Reasoning]:
    """The thoughts that the seals are over, with their texts.

    A text that was changed on its way cannot be cut: it is the first thought's, and the provider
    will say what it holds of that.

    Args:
        told: The text of all thoughts; empty where the caller did not send it back.
        seals: What `read_details` took.
    """
    text = told.text
    sizes = [size for _, size in seals]
    joint = next((each for each in ("", JOINT) if _whole(sizes, each) == len(text)), None)
    if len(seals) == 1 or joint is None:
        sizes, joint = [len(text)] + [0] * (len(seals) - 1), ""
    thoughts: list[Reasoning] = []
    at = 0
    for (thought, _), size in zip(seals, sizes, strict=True):
        own = text[at : at + size]
        spelling = told.spelling if own else None
        thoughts.append(msgspec.structs.replace(thought, text=own, spelling=spelling))
        at += size + len(joint) if size else 0
    return thoughts


def _whole(sizes: Sequence[int], joint: str) -> int:
    told = [size for size in sizes if size]
    return sum(told) + len(joint) * max(len(told) - 1, 0)
