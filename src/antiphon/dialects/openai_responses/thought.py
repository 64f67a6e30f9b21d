"""Items of thought, both ways.

An item holds a summary, or the thought itself (`content`), and a seal (`encrypted_content`).
Thought of another dialect comes to a caller with its seal wrapped; when the caller gives it back,
what it was shown as a summary is the thought again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.dialects.openai_responses.fields import DIALECT, OURS, Fields, is_ours, own, written
from antiphon.model.parts import Extra, Origin, Reasoning
from antiphon.model.seals import MARK, is_valid_at, unwrapped, wrap, wrapped

RAW: Final = "reasoning_text"
"""The spelling of thought that this dialect tells whole."""

JOINT: Final = "\n\n"


class _Piece(msgspec.Struct, gc=False):
    text: str | None = None


_PIECES = msgspec.json.Decoder(list[_Piece])


def read_reasoning(fields: Fields) -> Reasoning:
    """Take an item of thought; what is left of it is kept."""
    item_id, seal = fields.text("id"), fields.text("encrypted_content")
    summary = _read_pieces(fields, "summary")
    content = _read_pieces(fields, "content")
    text, extra = "".join(content), fields.extra() or OURS
    if len(content) > 1:
        pieces = [{"type": RAW, "text": piece} for piece in content]
        raw = msgspec.Raw(msgspec.json.encode(pieces))
        extra = Extra(DIALECT, {**extra.members, "content": raw})
    spelling = RAW if text else None
    if not seal:
        return Reasoning(text, summary, spelling=spelling, id=item_id, extra=extra)
    found = unwrapped(seal, DIALECT)
    origin = found.origin
    if origin is None or origin.dialect != DIALECT:
        # A seal from elsewhere, or a broken one: what was shown as a summary is the thought.
        text = text or JOINT.join(summary)
        return Reasoning(
            text, signature=found.signature, sealed=found.sealed, origin=origin, extra=extra
        )
    return Reasoning(
        text,
        summary,
        signature=found.signature,
        origin=origin,
        spelling=spelling,
        # A seal that came wrapped was given in an item of another name.
        id=None if seal.startswith(MARK) else item_id,
        extra=extra,
    )


def write_reasoning(thought: Reasoning, scope: str) -> Written | None:
    """The item for a provider; None where it would be refused."""
    origin = thought.origin
    if origin is not None and origin.dialect != DIALECT:
        return None
    if thought.signature is not None and not is_valid_at(thought, DIALECT, scope):
        return None
    if not is_ours(thought.extra):
        return _write_returned(thought)
    out: Written = {
        "type": "reasoning",
        "id": thought.id,
        "summary": [{"type": "summary_text", "text": text} for text in thought.summary],
        "encrypted_content": thought.signature,
    }
    if thought.text and "content" not in own(thought.extra):
        out["content"] = [{"type": RAW, "text": thought.text}]
    return written(out, thought.extra)


def _write_returned(thought: Reasoning) -> Written | None:
    """Thought that comes back from a caller of another dialect: only its seal says whose it is.

    Its item goes without an id, since a provider compares the id with the one inside the seal.
    """
    if thought.signature is None:
        return None
    summary = thought.summary or ((thought.text,) if thought.text else ())
    return {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "encrypted_content": thought.signature,
    }


def tell_reasoning(thought: Reasoning, item_id: str, *, summed: bool) -> Written:
    """The item for a caller.

    Args:
        thought: What was thought.
        item_id: Its id.
        summed: The caller asked for a summary: thought of another dialect is told as one.
    """
    content, summary = thought.text, thought.summary
    foreign = thought.spelling != RAW and not is_ours(thought.extra)
    if foreign and content and summed:
        content, summary = "", (content, *summary)
    out: Written = {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "encrypted_content": seal_of(thought, foreign=foreign),
    }
    if content and "content" not in own(thought.extra):
        out["content"] = [{"type": RAW, "text": content}]
    return written(out, thought.extra)


def seal_of(thought: Reasoning, *, foreign: bool) -> str | None:
    """The seal for a caller; thought of another dialect that has none is marked as such.

    A provider would refuse it, and what was told as a summary is none.
    """
    seal = wrapped(thought, DIALECT)
    if seal is None and foreign:
        return wrap(thought.origin or Origin(""), "")
    return seal


def is_foreign(raw: Json) -> bool:
    """Whether an input item is thought with a seal from elsewhere."""
    try:
        item = _SEALED.decode(raw)
    except UNREADABLE:
        return False
    return item.type == "reasoning" and (item.encrypted_content or "").startswith(MARK)


class _Sealed(msgspec.Struct, gc=False):
    type: str | None = None
    encrypted_content: str | None = None


_SEALED = msgspec.json.Decoder(_Sealed)


def _read_pieces(fields: Fields, name: str) -> tuple[str, ...]:
    """The texts of an array of pieces; what has another shape stays."""
    if not fields.begins(name, b"["):
        return ()
    raw = fields.raw(name)
    try:
        pieces = _PIECES.decode(raw)
    except UNREADABLE:
        fields.keep(name, raw)
        return ()
    return tuple(piece.text for piece in pieces if piece.text is not None)
