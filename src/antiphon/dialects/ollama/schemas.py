"""Schemas of tools, as the server reads them.

It knows few words of JSON Schema: it refuses the whole request for a property that is `true` or
`false`, and forgets references, so that the model would be shown nothing in their place. So what is
referred to is written where it is referred to, as far as that ends.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written, first_byte
from antiphon.model.parts import ABSENT

NO_PARAMETERS: Final = msgspec.Raw(b'{"type":"object","properties":{}}')
ONE_TEXT: Final = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
)

_SPLIT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_DEFINED_IN: Final = ("$defs", "definitions")
_EMPTY: Final = msgspec.Raw(b"{}")


class Room:
    """How many nodes may be walked for all schemas of one request; one serves all of them."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: int = 6000) -> None:
        self.nodes = nodes


def write_parameters(schema: msgspec.Raw, room: Room) -> msgspec.Raw | Written:
    """A schema as an object whose properties are objects; the same one where it is that already."""
    try:
        schema = _inlined(schema, room)
        members = _SPLIT.decode(schema) if schema else {}
        given = _SPLIT.decode(members["properties"]) if "properties" in members else {}
    except UNREADABLE:
        return NO_PARAMETERS
    if not members:
        return NO_PARAMETERS
    bare = {name: _EMPTY for name, raw in given.items() if first_byte(raw) != ord("{")}
    if not bare and "type" in members and "properties" in members:
        return schema
    return {"type": "object", **members, "properties": {**given, **bare}}


def _inlined(schema: msgspec.Raw, room: Room) -> msgspec.Raw:
    """A schema without references; the same one where they lead nowhere near an end."""
    if room.nodes < 0 or b'"$ref"' not in bytes(schema):
        return schema
    whole = _SPLIT.decode(schema)
    walk = _Walk(whole, room)
    out = {name: walk.node(raw) for name, raw in whole.items() if name not in _DEFINED_IN}
    return msgspec.Raw(msgspec.json.encode(out)) if room.nodes >= 0 else schema


class _Walk:
    """Through a schema, which can be made to grow with every reference: the nodes are counted."""

    def __init__(self, whole: dict[str, msgspec.Raw], room: Room) -> None:
        self._room = room
        self._defined = {
            f"#/{place}/{name}": raw
            for place in _DEFINED_IN
            if place in whole
            for name, raw in _SPLIT.decode(whole[place]).items()
        }

    def node(self, raw: Json, seen: tuple[str, ...] = ()) -> msgspec.Raw:
        """A node with what it refers to; a reference to what it stands in says nothing."""
        self._room.nodes -= 1
        first = first_byte(raw)
        if self._room.nodes < 0 or first not in b"{[":
            return msgspec.Raw(raw)
        if first == ord("["):
            items = [self.node(each, seen) for each in _ITEMS.decode(raw)]
            return msgspec.Raw(msgspec.json.encode(items))
        members = _SPLIT.decode(raw)
        ref = members.get("$ref", ABSENT)
        if ref and first_byte(ref) == ord('"'):
            members.pop("$ref")
            path = _TEXT.decode(ref)
            if path in self._defined and path not in seen:
                members = {**_SPLIT.decode(self._defined[path]), **members}
                return self.node(msgspec.json.encode(members), (*seen, path))
        out = {name: self.node(each, seen) for name, each in members.items()}
        return msgspec.Raw(msgspec.json.encode(out))
