"""What a schema uses, as far as a dialect must know it: its parts, words and references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.schemas.shapes import Json, is_array, is_object, items, members

_MOST: Final = 20_000
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_SINGLE: Final = (
    *("items", "additionalItems", "unevaluatedItems", "contains", "not", "if", "then", "else"),
    *("additionalProperties", "unevaluatedProperties", "propertyNames"),
)
_LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

NOTHING: Final[Json] = {}


def read(schema: msgspec.Raw) -> Json:
    """A schema as an object; without members where it is none."""
    try:
        return members(msgspec.json.decode(schema)) if schema else NOTHING
    except _UNREADABLE:
        return NOTHING


def parts(schema: Json) -> Iterator[Json]:
    """The schema and all schemas in it, each once; references are not followed."""
    stack: list[object] = [schema]
    for _ in range(_MOST):
        if not stack:
            return
        part = stack.pop()
        if is_object(part):
            yield part
            stack += inner(part)


def inner(part: Json) -> Iterator[object]:
    """The schemas that stand directly in one."""
    for name in _NAMED:
        yield from members(part.get(name)).values()
    for name in _SINGLE:
        if is_object(part.get(name)):
            yield part[name]
    for name in _LISTED:
        yield from items(part.get(name))


def uses(schema: Json, words: frozenset[str]) -> bool:
    """Whether any part of it uses one of these words."""
    return any(not words.isdisjoint(part) for part in parts(schema))


def has_free_names(schema: Json) -> bool:
    """Whether it asks for objects whose members have names that it does not say."""
    return any(
        "patternProperties" in part
        or is_object(part.get("additionalProperties"))
        or (part.get("additionalProperties") is True and not part.get("properties"))
        for part in parts(schema)
    )


def is_recursive(schema: Json) -> bool:
    """Whether a part of it refers to what it stands in."""
    done: set[int] = set()
    opened: set[int] = set()
    stack: list[tuple[object, bool]] = [(schema, False)]
    while stack:
        part, leaves = stack.pop()
        if leaves:
            opened.discard(id(part))
            done.add(id(part))
            continue
        if not is_object(part) or id(part) in done:
            continue
        if id(part) in opened:
            return True
        opened.add(id(part))
        stack.append((part, True))
        stack += [(each, False) for each in inner(part)]
        if isinstance(name := part.get("$ref"), str):
            stack.append((find(schema, name), False))
    return False


def find(schema: Json, reference: str) -> object:
    """What a reference inside the schema means; None where that is not in it."""
    if not reference.startswith("#"):
        return None
    found: object = schema
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if is_object(found):
            found = found.get(key)
        elif is_array(found) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
