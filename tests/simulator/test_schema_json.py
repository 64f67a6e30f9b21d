"""Values that fit a schema, judged by a small checker of its own."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.simulator.dice import Dice
from antiphon.simulator.pattern_text import text_for
from antiphon.simulator.schema_json import fitting, schema_from

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["name", "children", "next"],
        }
    },
}
SCHEMAS = [
    True,
    {},
    {"const": None},
    {"const": [1, 2]},
    {"enum": ["a", 1, None]},
    {"type": ["string", "null"]},
    {"type": "string", "minLength": 30},
    {"type": "string", "maxLength": 2},
    {"type": "string", "pattern": r"^[a-f0-9]{8}-\d{2,3}(x|yz)?$"},
    {"type": "integer", "minimum": 3, "maximum": 3},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    {"type": "integer", "maximum": -5},
    {"type": "integer", "minimum": 7, "multipleOf": 5},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
    {"type": "number", "minimum": 1.5, "maximum": 1.5},
    {"type": "number", "multipleOf": 0.5, "minimum": 2},
    {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 5},
    {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}], "items": False, "minItems": 2},
    {"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "minProperties": 2, "additionalProperties": {"type": "boolean"}},
    {"properties": {"a": {"type": "null"}}, "required": ["a"]},
    {"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"required": ["b"]}]},
    {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "integer", "minimum": 9}]},
    TREE,
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
@pytest.mark.parametrize("seed", range(5))
def test_a_value_fits_its_schema(schema: object, seed: int) -> None:
    value = made(schema, seed)
    assert fits(value, schema, schema), value
    assert value == made(schema, seed)


@given(
    st.recursive(
        st.sampled_from([s for s in SCHEMAS if isinstance(s, dict) and "$ref" not in s]),
        lambda inner: st.one_of(
            st.fixed_dictionaries(
                {
                    "type": st.just("array"),
                    "items": inner,
                    "minItems": st.integers(0, 3),
                }
            ),
            st.builds(
                lambda a, b: {
                    "type": "object",
                    "properties": {"a": a, "b": b},
                    "required": ["a", "b"],
                },
                inner,
                inner,
            ),
            st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
        ),
        max_leaves=8,
    ),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_nested_schemas_are_fitted_too(schema: dict, seed: int) -> None:
    assert fits(made(schema, seed), schema, schema)


@pytest.mark.parametrize(
    "pattern",
    [
        "abc",
        r"^\d{3}-\d{4}$",
        "[A-Z][a-z]+",
        "(foo|bar)baz",
        r"^(?:\+49|0)\d{5,8}$",
        "[^a-y]",
        r"a\.b\\",
        "x*y+z?",
        "[]a]",
        r"[\w.-]{2,}@[a-z]+\.(com|org)",
        "a{2}?",
        "(?P<year>[0-9]{4})",
    ],
)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(20):
        assert re.fullmatch(pattern, text := text_for(pattern, Dice(seed))), text


@pytest.mark.parametrize("pattern", ["(", "[", "a{", "(?", "\\", "[a-", "*", ")", "a**"])
def test_a_broken_pattern_does_no_harm(pattern: str) -> None:
    assert isinstance(text_for(pattern, Dice(1)), str)


def made(schema: object, seed: int) -> object:
    return fitting(schema_from(json.dumps(schema).encode()), Dice(seed))


TYPES = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def fits(value: object, schema: object, root: object) -> bool:
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    checks = [
        not types or any(TYPES[name](value) for name in types),
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        all(fits(value, part, root) for part in schema.get("allOf", ())),
        any(fits(value, p, root) for p in schema.get("anyOf", schema.get("oneOf", [True]))),
    ]
    if isinstance(value, str):
        checks += [
            len(value) >= schema.get("minLength", 0),
            len(value) <= schema.get("maxLength", len(value)),
            bool(re.search(schema.get("pattern", ""), value)),
        ]
    if isinstance(value, int | float):
        checks += [
            value >= schema.get("minimum", value),
            value <= schema.get("maximum", value),
            value > schema.get("exclusiveMinimum", value - 1),
            value < schema.get("exclusiveMaximum", value + 1),
            value % schema.get("multipleOf", value or 1) == 0,
        ]
    if isinstance(value, list):
        prefix = schema.get("prefixItems", [])
        members = [*prefix, *[schema.get("items", True)] * len(value)]
        checks += [
            schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)),
            all(fits(one, member, root) for one, member in zip(value, members, strict=False)),
            not schema.get("uniqueItems") or len({json.dumps(v) for v in value}) == len(value),
        ]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        checks += [
            all(name in value for name in schema.get("required", ())),
            len(value) >= schema.get("minProperties", 0),
            all(fits(one, known.get(name, others), root) for name, one in value.items()),
        ]
    return all(checks)


def fan(width: int, depth: int, keyword: str) -> dict:
    """A schema of a few lines that wants `width ** depth` values."""
    defs = {}
    for at in range(depth):
        refs = [{"$ref": f"#/$defs/d{at + 1}"}] * width
        names = [f"p{number}" for number in range(width)]
        inner = {"properties": dict(zip(names, refs, strict=True)), "required": names}
        defs[f"d{at}"] = inner if keyword == "properties" else {keyword: refs}
    return {"$ref": "#/$defs/d0", "$defs": defs}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 100_000},
        {"type": "array", "minItems": 10**12, "uniqueItems": True, "items": {"type": "boolean"}},
        {"type": "object", "minProperties": 10**12},
        {"type": "string", "minLength": 10**12},
        {"type": "string", "pattern": "((((a{4096}){4096}){4096}){4096})"},
        {"type": "string", "pattern": "[\x00-\U0010ffff]{4096}"},
        {"type": "array", "minItems": 1000, "items": {"type": "string", "minLength": 10**6}},
        {"type": "array", "minItems": 99, "items": {"pattern": "((a{4096}){4096})"}},
        fan(2, 25, "properties"),
        fan(2, 25, "allOf"),
        fan(2, 25, "anyOf"),
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    ],
)
def test_a_hostile_schema_is_cut_short(schema: object) -> None:
    made = json.dumps(fitting(schema_from(json.dumps(schema).encode()), Dice("hostile")))
    assert len(made) < 3_000_000
