"""Calls of tools and their results, both ways.

Arguments and results are objects on this wire, and text in the model: the text that stood there,
byte for byte. A result is written as `{"output": text}`, or `{"error": text}`. Calls need no ids
there; those without one get one here, and a result without one answers the first call of its
tool that has no result yet.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.arguments import is_object, write_object
from antiphon.dialects.fields import Json, Written
from antiphon.dialects.gemini.fields import DIALECT, Fields, is_own, written
from antiphon.dialects.gemini.media import read_medium, write_medium
from antiphon.model.parts import (
    Audio,
    Extra,
    File,
    Image,
    Opaque,
    Text,
    ToolCall,
    ToolResult,
)

UNNAMED: Final = "unnamed_call_"
"""What the id of a call in a request begins with that has none there; it is not written."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WHOLE: Final = Extra(DIALECT, {})
"""Marks a result whose text is the whole object, and no member of it."""


class Calls:
    """The calls of one conversation, or of one reply.

    Args:
        prefix: What the id of a call begins with that has none.
    """

    def __init__(self, prefix: str = UNNAMED) -> None:
        self._prefix = prefix
        self._made = 0
        self._waiting: list[tuple[str, str]] = []

    def read_call(self, fields: Fields) -> ToolCall:
        """Take `functionCall`."""
        inner = Fields.parse(fields.raw("functionCall"), f"{fields.path}.functionCall")
        name = inner.text("name") or ""
        call_id = inner.text("id") or self._make()
        arguments = bytes(inner.raw_object("args")).decode() or "{}"
        self._waiting.append((name, call_id))
        if inner.left():
            fields.keep_rest_of("functionCall", inner)
        return ToolCall(call_id, name, arguments, extra=fields.extra())

    def read_result(self, fields: Fields) -> ToolResult:
        """Take `functionResponse`."""
        path = f"{fields.path}.functionResponse"
        inner = Fields.parse(fields.raw("functionResponse"), path)
        name, call_id = inner.text("name") or "", inner.text("id")
        said, failed, whole = _read_response(inner.raw_object("response"))
        shown = [
            _read_shown(raw, f"{path}.parts[{at}]") for at, raw in enumerate(inner.some("parts"))
        ]
        fields.keep_rest_of("functionResponse", inner)
        extra = fields.extra() or (_WHOLE if whole else None)
        parts = (Text(said), *shown) if said is not None else tuple(shown)
        answered = self._answered(name, call_id)
        return ToolResult(answered, parts, name=name or None, is_error=failed, extra=extra)

    def made_up(self) -> str:
        """The id of a call that has none."""
        return self._make()

    def _make(self) -> str:
        made, self._made = self._made, self._made + 1
        return f"{self._prefix}{made}"

    def _answered(self, name: str, call_id: str | None) -> str:
        for at, (called, waiting) in enumerate(self._waiting):
            if waiting == call_id or (call_id is None and called == name):
                del self._waiting[at]
                return waiting
        return call_id or self._make()


def write_call(call: ToolCall) -> Written:
    """A `functionCall`."""
    out: Written = {} if call.call_id.startswith(UNNAMED) else {"id": call.call_id or None}
    return {**out, "name": call.name, "args": write_object(call.arguments, call.kind)}


def write_result(
    result: ToolResult, names: dict[str, str], *, shows: bool
) -> tuple[Written, list[Written | msgspec.Raw]]:
    """A part with a `functionResponse`, and the parts behind it.

    Args:
        result: The result.
        names: Names of the tools, by the ids of their calls: every result must have one.
        shows: A result may hold pictures; they stand behind it else.
    """
    texts = [part.text for part in result.parts if isinstance(part, Text)]
    shown: list[Written | msgspec.Raw] = []
    for part in result.parts:
        if isinstance(part, Image | Audio | File):
            shown.append(written(write_medium(part), part.extra))
        elif isinstance(part, Opaque) and part.dialect == DIALECT:
            shown.append(part.payload)
    text = "\n".join(texts)
    response: object = {"error" if result.is_error else "output": text}
    if is_own(result.extra) and is_object(text):
        response = msgspec.Raw(text.encode())
    elif not texts and (is_own(result.extra) or (shown and shows)):
        response = {}
    out: Written = {} if result.call_id.startswith(UNNAMED) else {"id": result.call_id or None}
    out["name"] = result.name or names.get(result.call_id) or "unknown"
    out["response"] = response
    if shown and shows:
        out["parts"] = shown
    whole = written({"functionResponse": written(out)}, result.extra)
    return whole, [] if shows else shown


def _read_response(raw: msgspec.Raw) -> tuple[str | None, bool, bool]:
    """The text of a result, whether it tells a failure, and whether it is the whole object."""
    members = _OBJECT.decode(raw) if raw else {}
    if not members:
        return None, False, True
    if len(members) == 1:
        name, value = next(iter(members.items()))
        if name in {"output", "error"} and bytes(value)[:1] == b'"':
            text = msgspec.json.decode(value, type=str)
            if not is_object(text):
                return text, name == "error", False
    return bytes(raw).decode(), "error" in members and len(members) == 1, True


def _read_shown(raw: Json, path: str) -> Image | Audio | File | Opaque:
    fields = Fields.parse(raw, path)
    return read_medium(fields) or Opaque(DIALECT, msgspec.Raw(raw))
