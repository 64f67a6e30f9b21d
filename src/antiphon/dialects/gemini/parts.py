"""Parts of a content, both ways.

A seal (`thoughtSignature`) stands on the part behind the thought that it seals; in the model it
is the seal of that thought, or a thought without words before the part. So it goes through every
other dialect, and is written on the part behind it again. Seals of other dialects stand on the
thought itself, where clients keep them with it. A part that the model has no word for is kept
whole, its seal with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import Json, Written, wrong
from antiphon.dialects.gemini.calls import Calls, write_call, write_result
from antiphon.dialects.gemini.fields import DIALECT, Fields, is_own, written
from antiphon.dialects.gemini.media import read_medium, write_medium
from antiphon.dialects.gemini.seals import PLACEHOLDER, is_native, read_seal, write_seal
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
from antiphon.model.seals import is_valid_at

Block = Written | msgspec.Raw
"""A part on its way out."""

_OBJECTS: Final = ("functionCall", "functionResponse", "inlineData", "fileData")
_ALONE: Final = "alone"
"""Marks a seal that came on a part without words, and not on the part behind it."""


class Reader:
    """Reads the parts of one content after the other.

    Args:
        calls: The calls of the conversation, for ids that are not told.
        model: Who says it, where it is a reply: a seal is then the model's own. In a request it
            may be one that was wrapped for its caller.
    """

    def __init__(self, calls: Calls, model: str | None = None) -> None:
        self._calls = calls
        self._model = model

    def read(self, items: Sequence[Json], path: str) -> tuple[Part, ...]:
        """All parts of a content."""
        parts: list[Part] = []
        for at, raw in enumerate(items):
            self._read(raw, f"{path}[{at}]", parts)
        return tuple(parts)

    def read_on(self, before: Sequence[Part], items: Sequence[Json], path: str) -> tuple[Part, ...]:
        """The parts of an answer that is told in several contents: one text where it is one."""
        parts = list(before)
        for at, raw in enumerate(items):
            self._read(raw, f"{path}[{at}]", parts)
            if len(parts) > 1 and len(parts) > len(before):
                parts[-2:] = _one(parts[-2], parts[-1])
        return tuple(parts)

    def _read(self, raw: Json, path: str, parts: list[Part]) -> None:
        fields = Fields.parse(raw, path)
        if self._model is None:
            _check(fields)
        seal = fields.text("thoughtSignature") if fields.begins("thoughtSignature", b'"') else None
        thought = fields.flag("thought") if fields.begins("thought", b"t") else False
        if thought and fields.begins("text", b'"'):
            self._think(fields.text("text") or "", seal, parts, fields.extra())
            return
        part: Part | None = None
        if fields.begins("text", b'"'):
            text = fields.text("text") or ""
            extra = fields.extra()
            if seal and not text and extra is None:
                self._seal(seal, parts, Extra(DIALECT, {_ALONE: msgspec.Raw(b"true")}))
                return
            part = Text(text, extra=extra)
        elif not thought and fields.begins("functionCall", b"{"):
            part = self._calls.read_call(fields)
        elif not thought and fields.begins("functionResponse", b"{"):
            part = self._calls.read_result(fields)
        elif not thought and "videoMetadata" not in fields:
            part = read_medium(fields)
        if part is None:
            parts.append(Opaque(DIALECT, msgspec.Raw(raw)))
            return
        if seal:
            self._seal(seal, parts)
        parts.append(part)

    def _think(self, text: str, seal: str | None, parts: list[Part], extra: Extra | None) -> None:
        found = self._sealed(seal) if seal else Reasoning()
        if seal and not found.sealed and extra is None:
            # A stream tells a thought in pieces, and the seal over all of them last.
            while parts and isinstance(last := parts[-1], Reasoning) and last.signature is None:
                text, extra = last.text + text, last.extra
                parts.pop()
        origin = found.origin
        if origin is None and self._model is None:
            # Said by Gemini, without a seal: it may go back there, and nowhere else.
            origin = Origin(DIALECT)
        if found.sealed and text:
            found = msgspec.structs.replace(found, summary=(text,), extra=extra)
        else:
            found = msgspec.structs.replace(found, text=text, origin=origin, extra=extra)
        parts.append(found)

    def _seal(self, seal: str, parts: list[Part], extra: Extra | None = None) -> None:
        last = parts[-1] if parts else None
        found = self._sealed(seal)
        if isinstance(last, Reasoning) and last.signature is None and last.text:
            parts[-1] = msgspec.structs.replace(
                last,
                signature=found.signature,
                origin=found.origin,
                sealed=found.sealed,
                extra=extra if last.extra is None else last.extra,
            )
        else:
            parts.append(msgspec.structs.replace(found, extra=extra))

    def _sealed(self, seal: str) -> Reasoning:
        if self._model is None:
            return read_seal(seal)
        return Reasoning(signature=seal, origin=Origin(DIALECT, self._model))


class Writer:
    """Writes the parts of one turn.

    Args:
        names: The names of the tools that were called, by the ids of the calls.
        scope: Where a seal must come from to be written.
        to_caller: What is written is a reply: every seal is, wrapped where it is foreign.
        stands_in: Calls without a seal get one that stands in for it.
        shows: Results of tools may hold pictures.
    """

    def __init__(
        self,
        names: dict[str, str],
        *,
        scope: str = "",
        to_caller: bool = False,
        stands_in: bool = False,
        shows: bool = True,
    ) -> None:
        self._names = names
        self._scope = scope
        self._to_caller = to_caller
        self._stands_in = stands_in
        self._shows = shows
        self._out: list[Block] = []
        self._pending: str | None = None
        self._called = False

    def write(self, parts: Sequence[Part]) -> list[Block]:
        """The parts."""
        for part in parts:
            if isinstance(part, Reasoning):
                self._think(part)
            elif isinstance(part, Opaque):
                if part.dialect == DIALECT:
                    self._flush()
                    self._out.append(part.payload)
            else:
                self._say(part)
        self._flush()
        return self._out

    def _think(self, part: Reasoning) -> None:
        text = part.text or "\n\n".join(part.summary)
        native = is_native(part)
        if self._to_caller:
            seal = write_seal(part)
        elif native and (part.signature is None or is_valid_at(part, DIALECT, self._scope)):
            seal = part.signature
        else:
            return
        if not native:
            self._flush()
            if text or seal is not None:
                out = {"text": text, "thought": True, "thoughtSignature": seal}
                self._out.append(written(out, None))
            return
        if text or (seal is None and not self._to_caller):
            self._flush()
            extra = part.extra if not _is_alone(part.extra) else None
            self._out.append(written({"text": text, "thought": True}, extra))
        if seal is not None:
            self._flush()
            self._pending = seal
            if _is_alone(part.extra):
                self._flush()

    def _say(self, part: Part) -> None:
        rest: list[Block] = []
        match part:
            case Text():
                out = written({"text": part.text}, part.extra)
            case Refusal():
                out: Written = {"text": part.text}
            case ToolCall():
                out = written({"functionCall": write_call(part)}, part.extra)
                if self._pending is None and self._stands_in and not self._called:
                    self._pending = PLACEHOLDER
                self._called = True
            case ToolResult():
                out, rest = write_result(part, self._names, shows=self._shows)
            case Image() | Audio() | File():
                out = written(write_medium(part), part.extra)
            case _:
                return
        if self._pending is not None and "thoughtSignature" not in out:
            out["thoughtSignature"] = self._pending
            self._pending = None
        self._out += (out, *rest)

    def _flush(self) -> None:
        """A seal with no part behind it has one of its own."""
        if self._pending is not None:
            self._out.append({"text": "", "thoughtSignature": self._pending})
            self._pending = None


def _check(fields: Fields) -> None:
    """See that what is known has its type; what a provider says is taken as it is.

    Raises:
        MalformedBody: It has another.
    """
    if "text" in fields and not fields.begins("text", b'"'):
        raise wrong(f"{fields.path}.text", "a string")
    for name in _OBJECTS:
        if name in fields and not fields.begins(name, b"{"):
            raise wrong(f"{fields.path}.{name}", "an object")


def _is_alone(extra: Extra | None) -> bool:
    return is_own(extra) and extra is not None and _ALONE in extra.members


def _one(first: Part, second: Part) -> tuple[Part, ...]:
    """Two parts of one answer: one, where the second goes on with the first."""
    if second == Text(""):
        return (first,)
    match first, second:
        case Text(extra=None), Text(extra=None):
            return (Text(first.text + second.text),)
        case Reasoning(signature=None, extra=None), Reasoning(signature=None, extra=None):
            return (msgspec.structs.replace(first, text=first.text + second.text),)
        case _:
            return (first, second)
