"""Schemas of tools, as the server reads them."""

import json

import msgspec
import pytest

from antiphon.dialects.ollama.schemas import Room, write_parameters

ANY = {"type": "object", "properties": {}}


def written(schema: object) -> object:
    raw = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return json.loads(msgspec.json.encode(write_parameters(msgspec.Raw(raw), Room())))


@pytest.mark.parametrize("schema", [b"", b"{}", b"[", b"[]", b'{"properties":[]}', b"true"])
def test_what_is_none(schema: bytes) -> None:
    assert written(schema) == ANY


def test_properties_are_objects() -> None:
    schema = {"properties": {"a": True, "b": {"type": "string"}}, "required": ["b"]}
    assert written(schema) == {
        "type": "object",
        "properties": {"a": {}, "b": {"type": "string"}},
        "required": ["b"],
    }
    assert written({"type": "object"}) == ANY


def test_what_is_referred_to_stands_in_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {
            "home": {"$ref": "#/$defs/Place", "description": "Where"},
            "others": {"type": "array", "items": {"$ref": "#/definitions/Old"}},
            "$ref": {"type": "string"},
            "lost": {"$ref": "https://x/y.json"},
        },
        "$defs": {
            "Place": {"type": "object", "properties": {"town": {"$ref": "#/$defs/Town"}}},
            "Town": {"type": "string"},
        },
        "definitions": {"Old": {"anyOf": [{"$ref": "#/$defs/Town"}, {"type": "null"}]}},
    }
    assert written(schema) == {
        "type": "object",
        "properties": {
            "home": {
                "type": "object",
                "properties": {"town": {"type": "string"}},
                "description": "Where",
            },
            "others": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "$ref": {"type": "string"},
            "lost": {},
        },
    }


def test_what_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    schema = {"properties": {"first": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    told = written(schema)
    assert told["properties"]["first"] == {"type": "object", "properties": {"next": {}}}


def test_what_grows_without_end_stays_as_it_was() -> None:
    """Thirty definitions, each of which refers to the next one twice."""
    defined = {
        f"D{at}": {"properties": {side: {"$ref": f"#/$defs/D{at + 1}"} for side in "ab"}}
        for at in range(30)
    }
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/D0"}}, "$defs": defined}
    assert written(schema) == schema


def test_the_schemas_of_one_request_share_their_room():
    many = {"anyOf": [{"$ref": f"#/$defs/A{at}"} for at in range(12)]}
    raw = json.dumps({"$defs": {f"A{at}": many for at in range(12)}, "properties": {"a": many}})
    simple = json.dumps(
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}, "$defs": {"B": {}}}
    )
    room = Room()
    for _ in range(3):
        assert json.loads(msgspec.json.encode(write_parameters(msgspec.Raw(raw.encode()), room)))
    assert room.nodes < 0
    kept = write_parameters(msgspec.Raw(simple.encode()), room)
    assert isinstance(kept, msgspec.Raw)
    assert bytes(kept) == simple.encode()
