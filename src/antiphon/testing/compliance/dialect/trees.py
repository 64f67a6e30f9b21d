"""JSON as a tree: walking it and changing it in one place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

Path = tuple[str | int, ...]
_ANY: Final = msgspec.json.Decoder()


def parse(content: bytes) -> object:
    """JSON as a tree."""
    return _ANY.decode(content)


def encode(tree: object) -> bytes:
    """A tree as JSON."""
    return msgspec.json.encode(tree)


def walk(tree: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every node with its place, the root first."""
    yield path, tree
    match tree:
        case dict():
            for name, inner in tree.items():  # pyright: ignore
                yield from walk(inner, (*path, str(name)))  # pyright: ignore
        case list():
            for index, inner in enumerate(tree):  # pyright: ignore
                yield from walk(inner, (*path, index))
        case _:
            pass


def put(tree: object, path: Path, value: object) -> object:
    """The same tree with another node there; as far as the way there is not barred."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    match tree:
        case dict():
            members: dict[str, object] = {str(name): inner for name, inner in tree.items()}  # pyright: ignore
            members[str(first)] = put(members.get(str(first)), rest, value)
            return members
        case list():
            items: list[object] = list(tree)  # pyright: ignore
            if isinstance(first, int) and first < len(items):
                items[first] = put(items[first], rest, value)
            return items
        case _:
            return value


def without(tree: object, path: Path) -> object:
    """The same tree without that member."""
    match get(tree, path[:-1]):
        case dict() as inner:
            kept = {name: each for name, each in inner.items() if name != path[-1]}  # pyright: ignore
            return put(tree, path[:-1], kept)
        case _:
            return tree


def get(tree: object, path: Path) -> object:
    """The node there; None where there is none."""
    for step in path:
        match tree:
            case dict():
                tree = tree.get(step)  # pyright: ignore
            case list() if isinstance(step, int) and step < len(tree):  # pyright: ignore
                tree = tree[step]  # pyright: ignore
            case _:
                return None
    return tree  # pyright: ignore


def named(path: Path) -> str:
    """A place as people read it: `messages.0.content`."""
    return ".".join(map(str, path)) or "the top"
