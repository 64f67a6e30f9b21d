"""Schemas of answers, as the API takes them.

Every object of a schema must say that it holds nothing else; bounds of numbers, texts and arrays
are refused. What is refused moves into the description, where the model reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])

_REFUSED: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_NAMED: Final = ("properties", "$defs", "definitions")
"""Members whose members are schemas."""
_FEW: Final = (b"0", b"1")
_INNER: Final = ("items", "not", "additionalItems")
_LISTED: Final = ("anyOf", "allOf", "oneOf", "prefixItems")


def closed(schema: msgspec.Raw) -> msgspec.Raw:
    """The schema of another dialect's caller; as it is where it cannot be read."""
    try:
        return msgspec.Raw(msgspec.json.encode(_close(schema)))
    except UNREADABLE:
        return schema


def _close(raw: msgspec.Raw) -> object:
    if bytes(raw)[:1] != b"{":
        return raw
    out: dict[str, object] = {}
    noted: list[str] = []
    for name, value in _OBJECT.decode(raw).items():
        if name in _REFUSED or (name == "minItems" and bytes(value) not in _FEW):
            noted.append(f"{name}: {bytes(value).decode()}")
        elif name in _NAMED and bytes(value)[:1] == b"{":
            out[name] = {inner: _close(each) for inner, each in _OBJECT.decode(value).items()}
        elif name in _LISTED and bytes(value)[:1] == b"[":
            out[name] = [_close(each) for each in _ARRAY.decode(value)]
        elif name in _INNER:
            out[name] = _close(value)
        else:
            out[name] = value
    if "properties" in out or out.get("type") == msgspec.Raw(b'"object"'):
        out["additionalProperties"] = False
    if noted:
        out["description"] = _described(out.get("description"), noted)
    return out


def _described(said: object, noted: list[str]) -> str:
    told = f"{{{', '.join(noted)}}}"
    if isinstance(said, msgspec.Raw) and bytes(said)[:1] == b'"':
        return f"{msgspec.json.decode(said, type=str)} {told}".strip()
    return told
