"""JSON as a tree: walking it and changing it in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
Path: TypeAlias = tuple[str | int, ...]

_ANY: Final = msgspec.json.Decoder()


def parse(content: bytes | str) -> Json:
    """JSON as a tree.

    Raises:
        ValueError: It is none.
    """
    return _ANY.decode(content)


def encode(tree: Json) -> bytes:
    """A tree as JSON."""
    return msgspec.json.encode(tree)


def walk(tree: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every node with its place, the root first."""
    yield path, tree
    match tree:
        case dict():
            for name, inner in tree.items():
                yield from walk(inner, (*path, name))
        case list():
            for index, inner in enumerate(tree):
                yield from walk(inner, (*path, index))
        case _:
            pass


def put(tree: Json, path: Path, value: Json) -> Json:
    """The same tree with another node there; as far as the way there is not barred."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    match tree:
        case dict():
            name = str(first)
            return {**tree, name: put(tree.get(name), rest, value)}
        case list():
            items = list(tree)
            if isinstance(first, int) and first < len(items):
                items[first] = put(items[first], rest, value)
            return items
        case _:
            return value


def without(tree: Json, path: Path) -> Json:
    """The same tree without that member; an item of an array stays."""
    inner = get(tree, path[:-1])
    if not isinstance(inner, dict):
        return tree
    return put(tree, path[:-1], {name: each for name, each in inner.items() if name != path[-1]})


def get(tree: Json, path: Path) -> Json:
    """The node there; None where there is none."""
    for step in path:
        match tree:
            case dict() if isinstance(step, str):
                tree = tree.get(step)
            case list() if isinstance(step, int) and step < len(tree):
                tree = tree[step]
            case _:
                return None
    return tree


def named(path: Path) -> str:
    """A place as people read it: `messages.0.content`."""
    return ".".join(map(str, path)) or "the top"
