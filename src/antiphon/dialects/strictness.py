"""Schemas of answers in both of OpenAI's dialects: what strict mode demands, and what is refused.

Strict mode keeps to a schema without exception, and refuses schemas that leave anything open. Who
asks in a dialect that knows no other way is given it where the schema is such already: to close a
schema, or to demand what it leaves to the model, would be to ask for another answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.model.needs import IN_WORDS, Loss
from antiphon.model.request import Output
from antiphon.schemas.parts import parts, read
from antiphon.schemas.shapes import Json, items, members

_STRICT: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
    | {"$ref", "$defs", "definitions", "description", "title", "pattern", "minimum", "maximum"}
    | {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}
)
_MOST_PARTS: Final = 500


def schema_loss(schema: msgspec.Raw, target: Target) -> Loss | None:
    """What becomes of it: OpenAI itself refuses what is no object; others are not so strict."""
    if not schema or not target.original:
        return None
    return None if read(schema).get("type") == "object" else IN_WORDS


def strict_of(output: Output, target: Target) -> bool | None:
    """`strict`, as it was said, or as a caller of another dialect can have it."""
    if output.strict is not None or output.name is not None or not target.original:
        return output.strict
    schema = read(output.schema)
    is_strict = schema.get("type") == "object" and all(_are_strict(schema))
    return True if is_strict else None


def _are_strict(schema: Json) -> Iterator[bool]:
    for count, part in enumerate(parts(schema)):
        yield count < _MOST_PARTS and _STRICT.issuperset(part) and _is_closed(part)


def _is_closed(part: Json) -> bool:
    if part.get("type") != "object" and "properties" not in part:
        return True
    named = members(part.get("properties"))
    return part.get("additionalProperties") is False and {*named} <= {*items(part.get("required"))}
