"""JSON: values stay as they were written, the layout becomes two spaces a level."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from typing_extensions import override

from antiphon.cli.connecting.forms.base import Form, Settings, flat
from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members

_INDENT = 2


class _Json(Form):
    @override
    def merged(self, text: str | None, settings: Settings) -> str:
        raw = b"{}" if text is None else text.encode()
        if not raw.strip():
            raw = b"{}"
        return msgspec.json.format(_merged(raw, settings, ""), indent=_INDENT).decode() + "\n"

    @override
    def members(self, text: str) -> Mapping[str, object]:
        try:
            return dict(flat(msgspec.json.decode(text or "{}", type=dict[str, object])))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"it is no JSON object: {error}") from error


def _merged(raw: bytes, settings: Settings, where: str) -> bytes:
    try:
        found = Members.parse(raw).raws()
    except MalformedBody as error:
        raise ValueError(_problem(error, where)) from error
    for name, value in settings.items():
        match value:
            case None:
                found.pop(name, None)
            case str() | bool():
                found[name] = msgspec.Raw(msgspec.json.encode(value))
            case _:
                inside = bytes(found.get(name, b"{}"))
                found[name] = msgspec.Raw(_merged(inside, value, f"{where}{name}."))
    return msgspec.json.encode(found)


def _problem(error: MalformedBody, where: str) -> str:
    said = error.message.removeprefix("The body ").rstrip(".")
    return f"{where.rstrip('.') or 'it'} {said}"


JSON: Form = _Json()
