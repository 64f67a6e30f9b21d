"""Schemas of answers, as the API takes them.

Every object of a schema must say that it holds nothing else; bounds of numbers, texts and arrays
are refused, and so is what depends on something. What is refused moves into
the description, where the model reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.needs import IN_WORDS, SOME_RULES, Loss
from antiphon.schemas.parts import has_free_names, is_recursive, parts, read, uses

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
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
)
_TOLD: Final = frozenset(_REFUSED)
_NAMED: Final = ("properties", "$defs", "definitions")
"""Members whose members are schemas."""
_FEW: Final = (b"0", b"1")
_INNER: Final = ("items", "additionalItems")
_LISTED: Final = ("anyOf", "allOf", "oneOf", "prefixItems")


def closed(schema: msgspec.Raw) -> msgspec.Raw:
    """The schema of another dialect's caller; as it is where it cannot be read."""
    try:
        return msgspec.Raw(msgspec.json.encode(_close(schema)))
    except UNREADABLE:
        return schema


def schema_loss(schema: msgspec.Raw) -> Loss | None:
    """What becomes of it; names that are free, and schemas without an end, cannot be written."""
    found = read(schema)
    if has_free_names(found) or is_recursive(found):
        return IN_WORDS
    few = all(part.get("minItems") in {None, 0, 1} for part in parts(found))
    return None if few and not uses(found, _TOLD) else SOME_RULES


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
    if "oneOf" in out and "anyOf" not in out:
        out["anyOf"] = out.pop("oneOf")
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
