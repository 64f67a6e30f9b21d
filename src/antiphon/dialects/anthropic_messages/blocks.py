"""Content blocks, both ways.

A block that the model has no word for is kept whole. The input of a tool is kept as the text that
stood there, byte for byte: what signs a conversation signs its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, is_own, written
from antiphon.dialects.anthropic_messages.sources import (
    read_cache,
    read_source,
    write_cache,
    write_source,
)
from antiphon.dialects.arguments import write_object
from antiphon.dialects.fields import Json, Written
from antiphon.errors import MalformedBody
from antiphon.model import seals
from antiphon.model.parts import (
    Audio,
    Extra,
    File,
    Image,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)

Block = Written | msgspec.Raw
"""A block on its way out."""

_UNHEARD: Final = "(a sound, which cannot be shown here)"


def read_content(fields: Fields, name: str = "content") -> tuple[Part, ...] | None:
    """The parts of a string or an array of blocks; None where it is absent or null."""
    content = fields.text_or_items(name)
    if content is None:
        return None
    if isinstance(content, str):
        return (Text(content),)
    path = f"{fields.path}.{name}" if fields.path else name
    return tuple(read_block(raw, f"{path}[{at}]") for at, raw in enumerate(content))


def read_block(raw: Json, path: str, model: str | None = None) -> Part:
    """One block; Opaque where the model has no word for it.

    Args:
        raw: The block.
        path: Its name in errors.
        model: Who says it, where it is part of a reply: a seal is then the model's own. In a
            request it may be one that was wrapped for its caller.
    """
    fields = Fields.parse(raw, path)
    kind = fields.text("type") or ""
    if kind in _THOUGHTS:
        return _read_thought(fields, kind, model)
    reader = _READERS.get(kind)
    part = reader(fields) if reader else None
    return Opaque(DIALECT, msgspec.Raw(raw)) if part is None else part


def write_content(parts: Iterable[Part]) -> str | list[Block]:
    """The content of a message: a string where it is one plain text; thought is left out."""
    return as_content([out for part in parts if (out := write_block(part)) is not None])


def as_content(blocks: list[Block]) -> str | list[Block]:
    """The blocks, or a string where they are one plain text."""
    match blocks:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
        case _:
            return blocks


def write_block(part: Part) -> Block | None:
    """A block; None for thought, and for what this dialect cannot say."""
    match part:
        case Text():
            return None if is_empty(part) else write_text(part)
        case ToolCall():
            out: Written = {"type": "tool_use", "id": part.call_id, "name": part.name}
            out["input"] = write_object(part.arguments, part.kind)
        case ToolResult():
            out = _write_result(part)
        case Image():
            out = {"type": "image", "source": write_source(part.blob, part.extra, "image/png")}
        case File():
            source = write_source(part.blob, part.extra, "application/pdf")
            title = part.title or part.filename
            out = {"type": "document", "source": source, "title": title, "context": part.context}
        case Refusal():
            return {"type": "text", "text": part.text} if part.text.strip() else None
        case Opaque():
            return part.payload if part.dialect == DIALECT else None
        case _:
            return None
    return written({**out, **write_cache(part.cache)}, part.extra)


def write_text(part: Text) -> Written:
    """A block of text."""
    out: Written = {"type": "text", "text": part.text}
    if part.annotations and is_own(part.extra):
        out["citations"] = [*part.annotations]
    return written({**out, **write_cache(part.cache)}, part.extra)


def is_plain(text: Text) -> bool:
    """Whether a text needs no object around it."""
    return text.cache is None and not is_own(text.extra)


def is_empty(text: Text) -> bool:
    """Whether a text is one that the API refuses: white space and nothing else."""
    return not text.text.strip()


# ------------------------------------------------------------------ reading

_THOUGHTS: Final = {"thinking": ("thinking", "signature"), "redacted_thinking": ("", "data")}


def _read_thought(fields: Fields, kind: str, model: str | None) -> Reasoning:
    shown, sealed_in = _THOUGHTS[kind]
    text, signature = (fields.text(shown) or "") if shown else "", fields.text(sealed_in)
    if not signature:
        thought = Reasoning()
    elif model is None:
        thought = seals.unwrapped(signature, DIALECT)
    else:
        thought = Reasoning(signature=signature, origin=Origin(DIALECT, model))
    cache, extra = read_cache(fields), fields.extra()
    if kind == "redacted_thinking":
        return msgspec.structs.replace(thought, sealed=True, cache=cache, extra=extra)
    if thought.sealed and text:
        # The thought itself is in the seal: what was shown of it was a summary.
        return msgspec.structs.replace(thought, summary=(text,), cache=cache, extra=extra)
    return msgspec.structs.replace(thought, text=text, cache=cache, extra=extra)


def _read_text(fields: Fields) -> Part | None:
    text = fields.text("text")
    if text is None:
        raise MalformedBody(f"'{fields.path}.text' is missing.", param=f"{fields.path}.text")
    cited = tuple(fields.items("citations")) if fields.begins("citations", b"[") else ()
    cache, extra = read_cache(fields), fields.extra()
    if cited and extra is None:
        extra = Extra(DIALECT, {})
    return Text(text, annotations=cited, cache=cache, extra=extra)


def _read_image(fields: Fields) -> Part | None:
    blob = read_source(fields)
    if blob is None:
        return None
    cache = read_cache(fields)
    return Image(blob, cache=cache, extra=fields.extra())


def _read_document(fields: Fields) -> Part | None:
    blob = read_source(fields)
    if blob is None:
        return None
    title, context, cache = fields.text("title"), fields.text("context"), read_cache(fields)
    return File(blob, title=title, context=context, cache=cache, extra=fields.extra())


def _read_call(fields: Fields) -> Part | None:
    call_id, name = fields.text("id") or "", fields.text("name") or ""
    # Other dialects take no text that is no JSON for it.
    arguments = bytes(fields.raw("input")).decode() or "{}"
    cache = read_cache(fields)
    return ToolCall(call_id, name, arguments, cache=cache, extra=fields.extra())


def _read_result(fields: Fields) -> Part | None:
    call_id, failed = fields.text("tool_use_id") or "", fields.flag("is_error") or False
    content = fields.text_or_items("content")
    parts: Sequence[Text | Image | Audio | File | Opaque]
    if isinstance(content, str):
        parts = (Text(content),)
    else:
        path = f"{fields.path}.content"
        parts = [_read_given(raw, f"{path}[{at}]") for at, raw in enumerate(content or ())]
    cache = read_cache(fields)
    return ToolResult(call_id, tuple(parts), is_error=failed, cache=cache, extra=fields.extra())


def _read_given(raw: Json, path: str) -> Text | Image | Audio | File | Opaque:
    """A block that a tool gave back."""
    part = read_block(raw, path)
    if isinstance(part, Text | Image | Audio | File | Opaque):
        return part
    return Opaque(DIALECT, msgspec.Raw(raw))


_READERS: Final[dict[str, Callable[[Fields], Part | None]]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "tool_use": _read_call,
    "tool_result": _read_result,
}


# ------------------------------------------------------------------ writing


def _write_result(result: ToolResult) -> Written:
    out: Written = {"type": "tool_result", "tool_use_id": result.call_id}
    shown = [Text(_UNHEARD) if isinstance(part, Audio) else part for part in result.parts]
    if len(shown) == 1 and isinstance(shown[0], Text) and is_plain(shown[0]):
        out["content"] = shown[0].text
    elif shown:
        out["content"] = write_content(shown)
    if result.is_error:
        out["is_error"] = True
    return out
