"""Schemas of other dialects' callers, as the API takes them."""

import json

import msgspec
import pytest
from hypothesis import given

from antiphon.dialects.gemini.schemas import adapted, as_json_schema
from tests.unit.dialects.gemini import strategies


def adapt(schema: object) -> dict[str, object]:
    return json.loads(bytes(adapted(msgspec.Raw(json.dumps(schema).encode()))))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"$schema": "x", "$id": "y", "type": "string"}, {"type": "string"}),
        ({"const": "a"}, {"enum": ["a"], "type": "string"}),
        ({"enum": ["a", None]}, {"enum": ["a"], "type": ["string", "null"]}),
        ({"enum": [1, 2]}, {"enum": [1, 2], "type": "integer"}),
        (
            {"const": True, "type": "boolean"},
            {"type": "boolean", "description": "{one of [true]}"},
        ),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            {"type": "integer", "minimum": 1, "maximum": 8},
        ),
        ({"type": "number", "exclusiveMinimum": 0.5}, {"type": "number", "minimum": 0.5}),
        (
            {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
            {"type": "integer", "minimum": 4},
        ),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": '{format: "uri"}'}),
        (
            {"type": "string", "pattern": "^a", "description": "It"},
            {"type": "string", "description": 'It {pattern: "^a"}'},
        ),
        (
            {"oneOf": [{"type": "string"}], "anyOf": [{"type": "null"}]},
            {"anyOf": [{"type": "null"}, {"type": "string"}]},
        ),
        (
            {"type": "object", "properties": {"a": {}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        ),
        (
            {"type": "object", "additionalProperties": False},
            {"type": "object", "additionalProperties": False},
        ),
        (
            {
                "type": "object",
                "patternProperties": {"x": {}},
                "propertyNames": {},
                "deprecated": True,
            },
            {
                "type": "object",
                "description": '{patternProperties: {"x":{}}, propertyNames: {}}',
            },
        ),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {}}},
                    {"properties": {"b": {}}, "required": ["b"]},
                ]
            },
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"]},
        ),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/A", "description": "mine"}},
                "$defs": {"A": {"type": "string", "description": "its"}},
            },
            {"properties": {"a": {"type": "string", "description": "mine"}}},
        ),
        (
            {"$ref": "#/definitions/x~1y", "definitions": {"x/y": {"type": "string"}}},
            {"type": "string"},
        ),
        ({"properties": {"a": {"$ref": "https://elsewhere"}}}, {"properties": {"a": {}}}),
        ({"items": True}, {}),
    ],
)
def test_what_is_refused_is_turned(given: object, written: object) -> None:
    assert adapt(given) == written


def test_a_schema_that_holds_itself_is_cut() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    written = adapt(tree)
    depth = 0
    while "properties" in written:
        depth += 1
        written = written["properties"]["left"]
    assert depth == 3
    assert written == {"type": "object"}
    loop = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert adapt(loop) == {}


def test_a_schema_that_grows_without_end_is_bounded() -> None:
    many = {"anyOf": [{"$ref": f"#/$defs/A{at}"} for at in range(12)]}
    schema = {"$defs": {f"A{at}": many for at in range(12)}, **many}
    assert len(json.dumps(adapt(schema))) < 200_000


def test_what_is_no_schema_stays() -> None:
    for raw in (b"true", b"[", b'"x"'):
        assert bytes(adapted(msgspec.Raw(raw))) == raw
        assert bytes(as_json_schema(msgspec.Raw(raw))) == raw


def test_types_that_are_numbers() -> None:
    told = {"type": 6, "properties": {"type": {"type": 1}, "b": {"type": 5, "items": {"type": 0}}}}
    schema = json.loads(bytes(as_json_schema(msgspec.Raw(json.dumps(told).encode()))))
    assert schema["type"] == "object"
    assert schema["properties"] == {
        "type": {"type": "string"},
        "b": {"type": "array", "items": {}},
    }
    unsaid = b'{"type":"TYPE_UNSPECIFIED","description":"d"}'
    assert bytes(as_json_schema(msgspec.Raw(unsaid))) == b'{"description":"d"}'


@given(strategies.OBJECT)
def test_any_object(schema: dict[str, object]) -> None:
    assert isinstance(adapt(schema), dict)
    as_json_schema(msgspec.Raw(json.dumps(schema).encode()))
