"""Schemas of functions and answers: Google's own (OpenAPI) or JSON Schema, read as the same."""

from typing import Final

import msgspec

from antiphon.simulator.gemini.shapes import Object
from antiphon.simulator.schema_json import AnySchema, Schema, schema_from

_TYPES: Final = ("", "string", "number", "integer", "boolean", "array", "object", "null")
_COUNTS: Final = frozenset({
    *("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"),
})  # fmt: skip
"""Whole numbers of 64 bits, which protobuf writes as texts."""


def schema_of(own: Object | None, standard: object) -> AnySchema:
    """The schema in either spelling; without one any object fits.

    Raises:
        msgspec.ValidationError: A keyword has a value of the wrong type.
    """
    if standard is not None:
        return schema_from(msgspec.json.encode(standard))
    if own is None:
        return Schema(type="object")
    return schema_from(msgspec.json.encode(_standard(own)))


def type_of(value: object) -> object:
    """A type in JSON Schema's words; protobuf takes the number of one as well."""
    if isinstance(value, int):
        return _TYPES[value] if 0 < value < len(_TYPES) else value
    return value.lower() if isinstance(value, str) else value


def _standard(own: Object) -> Object:
    """Google's schema as JSON Schema: types in small letters, counts as numbers."""
    standard: Object = {}
    for name, value in own.items():
        match name:
            case "type":
                standard[name] = type_of(value)
            case "items":
                standard[name] = _standard(msgspec.convert(value, dict[str, object]))
            case "anyOf":
                options = msgspec.convert(value, list[dict[str, object]])
                standard[name] = [_standard(each) for each in options]
            case "properties":
                members = msgspec.convert(value, dict[str, dict[str, object]])
                standard[name] = {key: _standard(each) for key, each in members.items()}
            case _ if name in _COUNTS:
                standard[name] = msgspec.convert(value, int, strict=False)
            case _:
                standard[name] = value
    return standard
