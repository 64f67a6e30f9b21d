"""Schemas of other dialects' callers, as the API takes them; and its own form as JSON Schema.

The API takes a part of JSON Schema. What it refuses is turned into what it takes: references are
put in place (a schema that holds itself is cut after two rounds), `const` is an `enum` of one,
open bounds are closed ones, `allOf` is one schema. The rest moves into the description, where
the model reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.dialects.gemini.shapes import array_of, is_array, is_map, map_of
from antiphon.model.needs import SOME_RULES, Loss
from antiphon.schemas.parts import is_recursive, read, uses

Schema = dict[str, object]

_READ: Final = msgspec.json.Decoder(dict[str, object])
_ROUNDS: Final = 2
_DEEPEST: Final = 32
_MOST: Final = 5000
"""Schemas in one, after references were put in place; what is beyond is open."""

_KEPT: Final = frozenset(
    {"type", "title", "description", "minItems", "maxItems", "minimum", "maximum"}
    | {"propertyOrdering"}
)
_FORMATS: Final = frozenset(
    {"date-time", "date", "time", "duration", "enum", "int32", "int64", "float", "double"}
)
_NOTED: Final = (
    "pattern",
    "minLength",
    "maxLength",
    "multipleOf",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "patternProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
)
_RULES: Final = frozenset(_NOTED) - {"default"}
_PRIMITIVE: Final = (str, int, float)


def adapted(schema: msgspec.Raw) -> msgspec.Raw:
    """A schema that the API takes; as it is where it cannot be read."""
    try:
        root = _READ.decode(schema)
        return msgspec.Raw(msgspec.json.encode(_Adapter(root).adapt(root)))
    except UNREADABLE:
        return schema


def schema_loss(schema: msgspec.Raw) -> Loss | None:
    """What becomes of it: what the API refuses is told to the model, recursion is cut."""
    found = read(schema)
    return SOME_RULES if uses(found, _RULES) or is_recursive(found) else None


def as_json_schema(schema: msgspec.Raw) -> msgspec.Raw:
    """The API's own form (`parameters`, `responseSchema`) as JSON Schema."""
    try:
        return msgspec.Raw(msgspec.json.encode(_plain(_READ.decode(schema), 0)))
    except UNREADABLE:
        return schema


# ------------------------------------------------------------------ to the API


class _Adapter:
    """Adapts one schema; `_left` bounds how much it may grow."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = _MOST

    def adapt(self, node: object, seen: tuple[str, ...] = (), depth: int = 0) -> Schema:
        self._left -= 1
        if not is_map(node) or depth > _DEEPEST or self._left < 0:
            return {}
        members: Schema = node
        members, seen = self._resolved(members, seen)
        members = self._united(members, seen)
        out: Schema = {name: value for name, value in members.items() if name in _KEPT}
        _close(members, out)
        _choose(members, out)
        self._descend(members, out, seen, depth + 1)
        _note(members, out)
        return out

    def _resolved(self, members: Schema, seen: tuple[str, ...]) -> tuple[Schema, tuple[str, ...]]:
        """The members, with what a reference names among them."""
        while isinstance(name := members.get("$ref"), str):
            rest = {each: value for each, value in members.items() if each != "$ref"}
            found = self._find(name)
            if found is None:
                return rest, seen
            if seen.count(name) >= _ROUNDS:
                kind = {"type": found["type"]} if "type" in found else {}
                return {**kind, **rest}, seen
            seen = (*seen, name)
            members = {**found, **rest}
        return members, seen

    def _find(self, name: str) -> Schema | None:
        found: object = self._root
        if not name.startswith("#"):
            return None
        for step in name[1:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if key:
                found = map_of(found).get(key)
        return map_of(found) if is_map(found) else None

    def _united(self, members: Schema, seen: tuple[str, ...]) -> Schema:
        """The members, with those of `allOf` among them."""
        every = members.get("allOf")
        if not is_array(every):
            return members
        whole: Schema = {}
        for each in [*array_of(every), {k: v for k, v in members.items() if k != "allOf"}]:
            one = self._united(self._resolved(map_of(each), seen)[0], seen)
            for name, value in one.items():
                before = whole.get(name)
                if name == "properties" and is_map(before):
                    whole[name] = {**map_of(before), **map_of(value)}
                elif name == "required" and is_array(before):
                    whole[name] = [*array_of(before), *array_of(value)]
                else:
                    whole[name] = value
        return whole

    def _descend(self, members: Schema, out: Schema, seen: tuple[str, ...], depth: int) -> None:
        inner = members.get("properties")
        if is_map(inner):
            named = map_of(inner)
            out["properties"] = {
                name: self.adapt(each, seen, depth) for name, each in named.items()
            }
            asked = [each for each in array_of(members.get("required")) if each in named]
            if asked:
                out["required"] = asked
        if is_map(members.get("items")):
            out["items"] = self.adapt(members["items"], seen, depth)
        if is_array(members.get("prefixItems")):
            out["prefixItems"] = [
                self.adapt(each, seen, depth) for each in array_of(members["prefixItems"])
            ]
        more = members.get("additionalProperties")
        if isinstance(more, bool):
            out["additionalProperties"] = more
        elif is_map(more):
            out["additionalProperties"] = self.adapt(more, seen, depth)
        choices = [*array_of(members.get("anyOf")), *array_of(members.get("oneOf"))]
        if choices:
            out["anyOf"] = [self.adapt(each, seen, depth) for each in choices]


def _close(members: Schema, out: Schema) -> None:
    """Open bounds as closed ones; of whole numbers the next one."""
    for name, bound, step in (
        ("exclusiveMinimum", "minimum", 1),
        ("exclusiveMaximum", "maximum", -1),
    ):
        limit = members.get(name)
        if limit is True:
            limit = members.get(bound)
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            continue
        whole = members.get("type") == "integer"
        out[bound] = limit + step if whole else limit


def _choose(members: Schema, out: Schema) -> None:
    """Types, null and the values of a choice."""
    values = [members["const"]] if "const" in members else array_of(members.get("enum"))
    nothing = members.get("nullable") is True or (None in values and len(values) > 1)
    told = [each for each in values if isinstance(each, _PRIMITIVE) and not isinstance(each, bool)]
    if values and len(told) < len([each for each in values if each is not None]):
        # It takes texts and numbers alone.
        listed = msgspec.json.encode(values).decode()
        said = out.get("description")
        out["description"] = f"{said} {{one of {listed}}}" if said else f"{{one of {listed}}}"
        if all(isinstance(each, bool) for each in values):
            out.setdefault("type", "boolean")
    elif told:
        out["enum"] = told
        out.setdefault("type", _type_of(told))
    kinds = out.get("type")
    several = [each for each in array_of(kinds) if each != "null"]
    if is_array(kinds):
        nothing = nothing or len(several) < len(array_of(kinds))
        out["type"] = several[0] if len(several) == 1 else several
        if not several:
            out["type"] = "null"
            nothing = False
    if nothing and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    elif nothing and several:
        out["type"] = [*several, "null"]
    kept = members.get("format")
    if kept in _FORMATS:
        out["format"] = kept


def _type_of(values: list[str | int | float]) -> str:
    if all(isinstance(each, str) for each in values):
        return "string"
    return "integer" if all(isinstance(each, int) for each in values) else "number"


def _note(members: Schema, out: Schema) -> None:
    """What the API refuses, told to the model."""
    told = [name for name in _NOTED if name in members]
    if "format" in members and "format" not in out:
        told.append("format")
    if not told:
        return
    notes = ", ".join(f"{name}: {msgspec.json.encode(members[name]).decode()}" for name in told)
    said = out.get("description")
    out["description"] = f"{said} {{{notes}}}" if isinstance(said, str) and said else f"{{{notes}}}"


# ------------------------------------------------------------------ from the API


def _plain(node: object, depth: int) -> object:
    if not is_map(node) or depth > _DEEPEST:
        return node
    out: Schema = {}
    for name, value in node.items():
        word = _SPELLED.get(name, name)
        if word == "type" and value in _UNSPECIFIED:
            continue
        if word not in _DROPPED:
            out[word] = _plain_member(word, value, depth + 1)
    if node.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    return out


def _plain_member(word: str, value: object, depth: int) -> object:
    if word == "type" and isinstance(value, str | int):
        # Some clients tell enums as numbers.
        return _NUMBERED.get(value, value) if isinstance(value, int) else value.lower()
    if word == "properties" and is_map(value):
        return {name: _plain(inner, depth) for name, inner in value.items()}
    if word in _INNER:
        return _plain(value, depth)
    if word in _LISTED and is_array(value):
        return [_plain(inner, depth) for inner in value]
    if word in _COUNTS and isinstance(value, str) and value.isdecimal():
        # 64 bit numbers are texts in Google's JSON.
        return int(value)
    return value


_NUMBERED: Final[Mapping[int, str]] = dict(
    enumerate(("string", "number", "integer", "boolean", "array", "object", "null"), 1)
)
_UNSPECIFIED: Final = ("TYPE_UNSPECIFIED", 0)
_DROPPED: Final = frozenset({"nullable", "propertyOrdering", "example"})
_INNER: Final = frozenset({"items", "additionalProperties"})
_LISTED: Final = frozenset({"anyOf", "oneOf", "prefixItems"})
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_SPELLED: Final[Mapping[str, str]] = {
    "any_of": "anyOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
    "prefix_items": "prefixItems",
}
