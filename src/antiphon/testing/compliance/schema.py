"""The schema of `canonical.json`, made from the model's own structs."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import inspect

from antiphon.model import events
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest

_EVENTS: Final = (
    events.Started,
    events.TextDelta,
    events.ReasoningDelta,
    events.ReasoningSealed,
    events.RefusalDelta,
    events.ToolCallStarted,
    events.ToolCallDelta,
    events.PartEnded,
    events.LogprobsDelta,
    events.Finished,
    events.UsageReported,
    events.Ended,
    events.OpaqueEvent,
)


Schema = dict[str, object]
_PLAIN: Final[dict[type, str]] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
}


class CanonicalError(msgspec.Struct, frozen=True):
    """A refusal, as the gateway understands it.

    Attributes:
        kind: `errors.Kind`.
        disposition: `errors.Disposition`: what it says about trying again.
        code: The provider's own code.
        param: The member at fault.
        retry_after: Seconds.
    """

    kind: str
    disposition: str
    code: str
    message: str
    param: str | None
    retry_after: float | None


def canonical_schema() -> bytes:
    """JSON Schema of `canonical.json`, with a line end."""
    named = _Named()
    told = [_event(shape.__name__, named.of(inspect.type_info(shape))) for shape in _EVENTS]
    told.append(_event("StreamFailed", named.of(inspect.type_info(CanonicalError))))
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "canonical.json of a golden case",
        "type": "object",
        "properties": {
            "request": named.of(inspect.type_info(ChatRequest)),
            "reply": named.of(inspect.type_info(ChatReply)),
            "error": named.of(inspect.type_info(CanonicalError)),
            "events": {"type": "array", "items": {"anyOf": told}},
        },
        "additionalProperties": False,
        "$defs": dict(sorted(named.definitions.items())),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def _event(name: str, shape: Schema) -> Schema:
    return {"type": "array", "prefixItems": [{"const": name}, shape], "minItems": 2, "maxItems": 2}


class _Named:
    """Schemas of types; those of structs and enumerations stand once, by name.

    msgspec's own writer stumbles over members whose default is raw JSON.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, shape: inspect.Type) -> Schema:
        """The schema of a type; raw JSON of a dialect may be anything."""
        schema: Schema = {}
        match shape:
            case inspect.StructType() | inspect.EnumType():
                schema = self._named(shape)
            case inspect.UnionType():
                schema = {"anyOf": [self.of(each) for each in shape.types]}
            case inspect.VarTupleType() | inspect.ListType():
                schema = {"type": "array", "items": self.of(shape.item_type)}
            case inspect.DictType():
                schema = {"type": "object", "additionalProperties": self.of(shape.value_type)}
            case inspect.LiteralType():
                schema = {"enum": list(shape.values)}
            case inspect.BytesType():
                schema = {"type": "string", "contentEncoding": "base64"}
            case _:
                for kind, name in _PLAIN.items():
                    if isinstance(shape, kind):
                        schema = {"type": name}
        return schema

    def _named(self, shape: inspect.StructType | inspect.EnumType) -> Schema:
        name = shape.cls.__name__
        if name not in self.definitions:
            if isinstance(shape, inspect.EnumType):
                schema: Schema = {"enum": [each.value for each in shape.cls]}
            else:
                schema = self._struct(shape)
            said = (shape.cls.__doc__ or "").partition("\n")[0]
            self.definitions[name] = {"description": said, **schema}
        return {"$ref": f"#/$defs/{name}"}

    def _struct(self, shape: inspect.StructType) -> Schema:
        members = {each.encode_name: self.of(each.type) for each in shape.fields}
        must = [each.encode_name for each in shape.fields if each.required]
        if shape.tag_field is not None:
            members = {shape.tag_field: {"const": shape.tag}, **members}
            must = [shape.tag_field, *must]
        return {
            "type": "object",
            "properties": members,
            "required": must,
            "additionalProperties": False,
        }
