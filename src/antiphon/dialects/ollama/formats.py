"""Schemas of answers of other dialects' callers, as the server turns them into grammars.

A pattern inside a schema, and a long bound of a text, make a grammar that the server cannot read:
it refuses the whole request. They are left out, and so is nothing else: what a grammar cannot say
is passed over there.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.needs import SOME_RULES, Loss
from antiphon.schemas.parts import parts, read, uses
from antiphon.schemas.shapes import Json, is_array, is_object

_LONG: Final = 500
_BOUNDS: Final = ("minLength", "maxLength")
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})
_VALUES: Final = frozenset({"enum", "const", "default", "examples"})
_UNSAID: Final = frozenset(
    {"pattern", "patternProperties", "not", "if", "then", "else", "uniqueItems", "contains"}
    | {"multipleOf", "propertyNames", "dependentRequired", "dependentSchemas"}
)


def as_grammar(schema: msgspec.Raw) -> msgspec.Raw:
    """A schema whose grammar can be read; the same one where it is so already."""
    found = read(schema)
    if not any(_breaks(part) for part in parts(found)):
        return schema
    try:
        return msgspec.Raw(msgspec.json.encode(_without(found)))
    except UNREADABLE:
        return schema


def schema_loss(schema: msgspec.Raw) -> Loss | None:
    """What becomes of it."""
    found = read(schema)
    lost = uses(found, _UNSAID) or any(_breaks(part) for part in parts(found))
    return SOME_RULES if lost else None


def _breaks(part: Json) -> bool:
    return "pattern" in part or any(_is_long(part.get(name)) for name in _BOUNDS)


def _is_long(bound: object) -> bool:
    return isinstance(bound, int | float) and bound > _LONG


def _without(node: object) -> object:
    """The schema without what breaks a grammar."""
    if is_array(node):
        return [_without(each) for each in node]
    if not is_object(node):
        return node
    return {
        name: _each(value) if name in _NAMED else value if name in _VALUES else _without(value)
        for name, value in node.items()
        if not (name == "pattern" or (name in _BOUNDS and _is_long(value)))
    }


def _each(named: object) -> object:
    return {n: _without(each) for n, each in named.items()} if is_object(named) else named
