"""A YAML file as plain data, with places and with `${...}` replaced; all mistakes at once.

Keys are always text, so a model may be called `4o` or `1`. Anchors, aliases and `<<` work, within
a bound: a file of ten lines can otherwise unfold to gigabytes.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path as FilePath
from typing import TypeAlias

from antiphon.errors import ConfigurationError, Mistake
from antiphon.yamlfile.expand import CannotExpand, Expansion
from antiphon.yamlfile.nodes import MappingNode, Node, NotYaml, ScalarNode, SequenceNode, compose
from antiphon.yamlfile.places import Path, Place, Places
from antiphon.yamlfile.scalars import Scalar, resolve

Plain: TypeAlias = Scalar | list["Plain"] | dict[str, "Plain"]
"""What a YAML file may hold."""

LARGEST = 1 << 20
"""Bytes of a file."""
MOST_MEMBERS = 100_000
"""Members of a file, with all aliases unfolded."""
_DEEPEST = 64
_MERGE = "<<"


class Document:
    """One YAML file.

    A mistake that leaves the rest readable does not stop the reading, so that whoever checks the
    data can report its own mistakes beside it.

    Attributes:
        data: Its content; None where there is a mistake.
        places: Where each member stands.
        expanded: Members whose text came through `${...}`: not to be shown.
        mistakes: Keys that stand twice, and `${...}` that cannot be replaced, by their member.
    """

    __slots__ = ("data", "expanded", "mistakes", "places")

    def __init__(
        self,
        data: Plain,
        places: Places,
        *,
        expanded: AbstractSet[Path],
        mistakes: Mapping[Path, Mistake],
    ) -> None:
        self.data = data
        self.places = places
        self.expanded = expanded
        self.mistakes = mistakes


def content_of(path: FilePath) -> bytes:
    """What a file holds, as far as anybody wants to read it.

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise ConfigurationError([Mistake(str(path), "", message)]) from error


def parse(content: bytes, file: str, expansion: Expansion | None) -> Document:
    """The document that these bytes are.

    Args:
        content: The bytes of the file.
        file: Its name, for people.
        expansion: What `${...}` means; without it, it is text as any other.

    Raises:
        ConfigurationError: They are not YAML.
    """
    if len(content) > LARGEST:
        raise ConfigurationError([Mistake(file, "", f"is larger than {LARGEST >> 20} MiB")])
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Mistake(f"{file}:{line}", "", "is not UTF-8")]) from error
    try:
        root = compose(text)
    except NotYaml as error:
        where = f"{file}:{error.place.line}:{error.place.column}"
        raise ConfigurationError([Mistake(where, "", str(error))]) from error
    reader = _Reader(file, expansion)
    try:
        data = None if root is None else reader.plain(root, (), root.place)
    except _TooMuch as error:
        raise ConfigurationError([Mistake(file, "", str(error))]) from error
    return Document(
        data, Places(file, reader.places), expanded=reader.expanded, mistakes=reader.mistakes
    )


class _TooMuch(Exception):
    """The file is deeper, or unfolds to more, than any configuration."""


class _Reader:
    """Turns nodes into data, and notes places and mistakes on the way."""

    def __init__(self, file: str, expansion: Expansion | None) -> None:
        self.places: dict[Path, Place] = {}
        self.expanded: set[Path] = set()
        self.mistakes: dict[Path, Mistake] = {}
        self._places = Places(file, self.places)
        self._expansion = expansion
        self._members = 0

    def plain(self, node: Node, path: Path, place: Place) -> Plain:
        """The data of a node; its place is that of its key, where it has one."""
        self._count(len(path))
        self.places[path] = place
        if isinstance(node, SequenceNode):
            return [
                self.plain(item, (*path, index), item.place)
                for index, item in enumerate(node.children)
            ]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Plain]:
        data: dict[str, Plain] = {}
        merged: list[Node] = []
        for key, value in node.pairs:
            if _is_merge(key):
                merged.append(value)
            elif (name := self._key(key, path)) in data:
                first = self.places[*path, name].line
                message = f"is here twice; the first one is on line {first}"
                self._complain(key.place, (*path, name), message)
            else:
                data[name] = self.plain(value, (*path, name), key.place)
        for source in merged:
            self._merge(source, data, path)
        return data

    def _merge(self, source: Node, data: dict[str, Plain], path: Path, depth: int = 0) -> None:
        """Add what the mapping does not say itself; an earlier source beats a later one."""
        self._count(depth)
        if isinstance(source, SequenceNode):
            for each in source.children:
                self._merge(each, data, path, depth + 1)
        elif isinstance(source, MappingNode):
            pairs = source.pairs
            for key, value in pairs:
                if not _is_merge(key) and (name := self._key(key, path)) not in data:
                    data[name] = self.plain(value, (*path, name), key.place)
            for key, value in pairs:
                if _is_merge(key):
                    self._merge(value, data, path, depth + 1)
        else:
            message = "must be a mapping, or a list of mappings"
            self._complain(source.place, (*path, _MERGE), message)

    def _key(self, node: Node, path: Path) -> str:
        if isinstance(node, ScalarNode):
            return node.text
        self._complain(node.place, path, "a key must be a word")
        return ""

    def _count(self, depth: int) -> None:
        self._members += 1
        if depth > _DEEPEST:
            raise _TooMuch(f"is nested more than {_DEEPEST} deep")
        if self._members > MOST_MEMBERS:
            raise _TooMuch(f"unfolds to more than {MOST_MEMBERS} members")

    def _scalar(self, node: ScalarNode, path: Path) -> Scalar:
        if self._expansion is None or "$" not in node.text:
            return resolve(node.text) if node.plain else node.text
        try:
            text = self._expansion.expand(node.text)
        except CannotExpand as error:
            self._complain(self.places[path], path, str(error))
            return None
        self.expanded.add(path)
        return text

    def _complain(self, place: Place, path: Path, message: str) -> None:
        self.mistakes.setdefault(path, self._places.mistake_at(place, path, message))


def _is_merge(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.plain and key.text == _MERGE
