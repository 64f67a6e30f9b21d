"""What it costs, at most, to check an answer against a schema.

A schema is a program that its caller writes: references let a few lines of it branch a million
times, or go on for ever. So its branches are counted before it is used. The weight is how often a
part of the schema can be looked at for one and the same place of an answer, summed along the path
that leads there: the answer's size times that is a bound of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from antiphon.schemas.shapes import Json, is_array, is_object, items, members
from antiphon.schemas.trouble import BadSchema

_Weigh = Callable[[object], int]

MOST_BYTES: Final = 256 * 1024
MOST_WEIGHT: Final = 20_000
DEEPEST_ANSWER: Final = 32
"""Levels for which a schema that refers to itself is weighed."""

_MOST_LOOKS: Final = 200_000
_DEEPEST: Final = 180
_LIGHT: Final = 16
"""Values of a list that cost as much as one part of a schema."""

_SAME_PLACE_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SAME_PLACE: Final = ("not", "if", "then", "else")
_SAME_PLACE_MAPS: Final = ("dependentSchemas", "dependencies")
_BELOW: Final = (
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "additionalItems",
    "unevaluatedItems",
    "contains",
)
_ONE_OF_LISTS: Final = ("prefixItems", "items")
_LOOKS_TWICE: Final = ("unevaluatedProperties", "unevaluatedItems")
_NAMED: Final = ("$id", "id")
_REFUSED: Final = ("$dynamicRef", "$recursiveRef")


class Weight(msgspec.Struct, frozen=True):
    """What a schema costs.

    Attributes:
        looks: Parts of it that one place of an answer can meet, along its path.
        recursive: It refers to itself, so that `looks` holds for `DEEPEST_ANSWER` levels.
    """

    looks: int
    recursive: bool


def weigh(schema: object) -> Weight:
    """The weight of a schema, as it was decoded.

    Raises:
        BadSchema: It refers to what is not in it, never ends, or is too heavy.
    """
    scale = _Scale(schema)
    try:
        return Weight(scale.once(schema, 0), recursive=False)
    except _GoesRound:
        return Weight(scale.levels(schema), recursive=True)


class _GoesRound(Exception):
    """A schema is reached from inside itself."""


class _Scale:
    """Counts the branches of one schema."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._looks = 0
        self._open: set[int] = set()
        self._known: dict[tuple[int, int], int] = {}
        self._anchors: dict[str, object] | None = None

    def once(self, node: object, depth: int) -> int:
        """The looks at a schema that does not refer to itself.

        Raises:
            _GoesRound: It does.
        """
        if not is_object(node):
            return 1
        key = id(node), -1
        if key in self._known:
            return self._known[key]
        if id(node) in self._open:
            raise _GoesRound
        self._look(depth)
        self._open.add(id(node))
        factor = 2 if any(name in node for name in _LOOKS_TWICE) else 1
        found = _own(node)
        found += factor * sum(self.once(each, depth + 1) for each in self._same_place(node))
        found += self._below(node, lambda each: self.once(each, depth + 1))
        self._open.remove(id(node))
        self._known[key] = self._bounded(found)
        return found

    def levels(self, node: object) -> int:
        """The looks at a schema that refers to itself, from the deepest level up."""
        self._open.clear()
        found = 0
        for left in range(DEEPEST_ANSWER):
            found = self._level(node, left, 0)
        return found

    def _level(self, node: object, left: int, depth: int) -> int:
        if not is_object(node) or left < 0:
            return 1
        key = id(node), left
        if key in self._known:
            return self._known[key]
        if id(node) in self._open:
            raise BadSchema("it refers to itself without an end")
        self._look(depth)
        self._open.add(id(node))
        factor = 2 if any(name in node for name in _LOOKS_TWICE) else 1
        found = _own(node)
        found += factor * sum(self._level(each, left, depth + 1) for each in self._same_place(node))
        self._open.remove(id(node))
        kept, self._open = self._open, set()
        found += self._below(node, lambda each: self._level(each, left - 1, depth + 1))
        self._open = kept
        self._known[key] = self._bounded(found)
        return found

    def _look(self, depth: int) -> None:
        self._looks += 1
        if self._looks > _MOST_LOOKS or depth > _DEEPEST:
            raise BadSchema("it is too involved to be checked")

    @staticmethod
    def _bounded(found: int) -> int:
        if found > MOST_WEIGHT:
            raise BadSchema("it is too involved to be checked")
        return found

    def _same_place(self, node: Json) -> Iterator[object]:
        """The schemas that hold for the same place of an answer."""
        for name in _REFUSED:
            if name in node:
                raise BadSchema(f"{name!r} is not taken here")
        if node is not self._root and any(isinstance(node.get(name), str) for name in _NAMED):
            # It would turn what references mean.
            raise BadSchema("a part of it has an '$id' of its own, which is not taken here")
        for name in _SAME_PLACE_LISTS:
            yield from items(node.get(name))
        for name in _SAME_PLACE:
            if name in node:
                yield node[name]
        for name in _SAME_PLACE_MAPS:
            yield from members(node.get(name)).values()
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield self._find(reference)

    @staticmethod
    def _below(node: Json, weigh_one: _Weigh) -> int:
        """The looks at the schemas that hold for what stands one level deeper."""
        named = members(node.get("properties")).values()
        found = max(map(weigh_one, named), default=0)
        found += sum(map(weigh_one, members(node.get("patternProperties")).values()))
        for name in _ONE_OF_LISTS:
            found += max(map(weigh_one, items(node.get(name))), default=0)
        return found + sum(weigh_one(node[name]) for name in _BELOW if is_object(node.get(name)))

    def _find(self, reference: str) -> object:
        where = reference.partition("#")
        if where[0] and where[0] != members(self._root).get("$id"):
            raise BadSchema("it refers to another document, which is not fetched")
        pointer = where[2]
        if pointer and not pointer.startswith("/"):
            return self._anchored(pointer)
        found = self._root
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = _step(found, key)
        return found

    def _anchored(self, name: str) -> object:
        if self._anchors is None:
            self._anchors = dict(_anchors(self._root))
        if name not in self._anchors:
            raise BadSchema("it refers to a part that it does not have")
        return self._anchors[name]


def _own(node: Json) -> int:
    lists = len(items(node.get("enum"))) + len(items(node.get("required")))
    return 1 + lists // _LIGHT


def _step(node: object, key: str) -> object:
    if is_object(node) and key in node:
        return node[key]
    if is_array(node) and key.isdecimal() and int(key) < len(node):
        return node[int(key)]
    raise BadSchema("it refers to a part that it does not have")


def _anchors(root: object) -> Iterator[tuple[str, object]]:
    stack = [root]
    while stack:
        node = stack.pop()
        if is_object(node):
            if isinstance(name := node.get("$anchor"), str):
                yield name, node
            stack += node.values()
        elif is_array(node):
            stack += node
