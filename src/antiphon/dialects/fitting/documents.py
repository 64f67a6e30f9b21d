"""Documents, for dialects in which they say less of themselves.

A title and a context are meant for the model, and so is the text of a document that is nothing
but text: where the target has no place for them, they are text of whoever shows the document.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from antiphon.dialects.contract import Traits
from antiphon.dialects.fitting.turns import Turns
from antiphon.model.parts import File, Part, Text, ToolResult

_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/yaml")
_SUFFIXES: Final = {"": "pdf", "text/plain": "txt", "text/markdown": "md"}


def titled(turns: Turns, traits: Traits) -> Turns:
    """The turns with documents as the dialect takes them; the same object where there are none."""
    if not any(_holds(part) for turn in turns for part in turn.parts):
        return turns
    return tuple(
        msgspec.structs.replace(
            turn, parts=tuple(each for part in turn.parts for each in _shown(part, traits))
        )
        for turn in turns
    )


def only_texts(turns: Turns) -> bool:
    """Whether every document is text, so that none is left where documents are text."""
    shown = (
        each
        for turn in turns
        for part in turn.parts
        for each in (part.parts if isinstance(part, ToolResult) else (part,))
    )
    return all(_text_of(each) is not None for each in shown if isinstance(each, File))


def _holds(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(isinstance(given, File) for given in part.parts)
    return isinstance(part, File)


def _shown(part: Part, traits: Traits) -> tuple[Part, ...]:
    match part:
        case File():
            return _document(part, traits)
        case ToolResult():
            inner = (
                each
                for given in part.parts
                for each in (_document(given, traits) if isinstance(given, File) else (given,))
            )
            return (msgspec.structs.replace(part, parts=tuple(inner)),)
        case _:
            return (part,)


def _document(part: File, traits: Traits) -> tuple[Text | File, ...]:
    text = None if traits.text_files else _text_of(part)
    if text is not None:
        return (Text(_told(part, text), cache=part.cache),)
    if traits.titles:
        return (part,)
    name = part.filename
    if name is None and part.blob.data is not None:
        kind = part.blob.media_type
        suffix = _SUFFIXES.get(kind) or kind.rpartition("/")[2]
        name = part.title or "document"
        name = name if name.endswith(f".{suffix}") else f"{name}.{suffix}"
    named = msgspec.structs.replace(part, filename=name, title=None, context=None)
    if part.context is None and (part.title is None or name is not None):
        return (named,)
    return Text(_told(part, "")), named


def _told(part: File, text: str) -> str:
    title = part.title or part.filename
    lines = [
        "<document>",
        f"Title: {title}" if title else "",
        f"Context: {part.context}" if part.context else "",
        text,
        "</document>",
    ]
    return "\n".join(line for line in lines if line)


def _text_of(part: File) -> str | None:
    blob = part.blob
    if blob.data is None or not blob.media_type.startswith(_TEXTUAL):
        return None
    try:
        return base64.b64decode(blob.data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
