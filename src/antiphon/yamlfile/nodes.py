"""A tree of nodes with places, put together from the YAML library's events.

Events instead of the library's own tree: nothing here recurses, so no depth of nesting can
exhaust the stack, and what an alias may unfold to is decided by whoever walks the tree.

The library is imported with this module and by nobody else. That costs ten milliseconds, and a
hundred where no bytecode is kept, so this is imported only where there is a file to read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
)

from antiphon.yamlfile.places import Place

_STRING_TAG = "tag:yaml.org,2002:str"
_KNOWN_TAGS = (None, "!", _STRING_TAG)


class ScalarNode:
    """A word or a text; plain ones may mean a number or nothing."""

    __slots__ = ("place", "plain", "text")

    def __init__(self, place: Place, text: str, *, plain: bool) -> None:
        self.place = place
        self.text = text
        self.plain = plain


class SequenceNode:
    """A list."""

    __slots__ = ("children", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.children: list[Node] = []


class MappingNode:
    """A mapping; its children are keys and values in turn."""

    __slots__ = ("children", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.children: list[Node] = []

    @property
    def pairs(self) -> Sequence[tuple[Node, Node]]:
        """Keys and values, as they stand in the file."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


class NotYaml(Exception):
    """The text is not one YAML document; says why, and where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


def compose(text: str) -> Node | None:
    """The tree of a text; None if it holds nothing.

    Raises:
        NotYaml: It is not one YAML document.
    """
    tree = _Tree()
    try:
        for event in _events(YAML(typ="safe", pure=True), text):
            tree.take(event)
    except MarkedYAMLError as error:
        raise _reworded(error, text) from error
    except (YAMLError, ValueError, OverflowError) as error:
        raise NotYaml("is not YAML: a character is not allowed", _place_of(error, text)) from error
    return tree.root


def render(data: object) -> str:
    """Plain data as YAML, in its own order."""
    stream = io.StringIO()
    _dump(YAML(pure=True), data, stream)
    return stream.getvalue()


class _Mark(Protocol):
    line: int
    column: int


class _Event(Protocol):
    """What is used of the library's events, which carry no types."""

    start_mark: _Mark
    anchor: str | None
    tag: str | None
    implicit: tuple[bool, bool]
    value: str


class _Said(Protocol):
    """What is used of the library's errors."""

    problem: str | None
    context: str | None
    problem_mark: _Mark | None
    context_mark: _Mark | None


class _Parser(Protocol):
    def parse(self, stream: str) -> Iterator[_Event]: ...


class _Dumper(Protocol):
    def dump(self, data: object, stream: io.StringIO) -> None: ...


def _events(parser: _Parser, text: str) -> Iterator[_Event]:
    return parser.parse(text)


def _dump(dumper: _Dumper, data: object, stream: io.StringIO) -> None:
    dumper.dump(data, stream)


class _Tree:
    """Puts events together."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[SequenceNode | MappingNode] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: _Event) -> None:
        """Add the node that this event is, or close the one that it ends."""
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise NotYaml("is more than one YAML document; write one per file", place)
        elif isinstance(event, CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, AliasEvent):
            self._add(self._anchored(event.anchor or "", place))
        elif isinstance(event, ScalarEvent | CollectionStartEvent):
            self._start(event, place)

    def _start(self, event: _Event, place: Place) -> None:
        if event.tag not in _KNOWN_TAGS:
            raise NotYaml("a YAML tag is not known here; leave it out", place)
        node: Node
        if isinstance(event, ScalarEvent):
            node = ScalarNode(place, event.value, plain=event.implicit[0])
        else:
            node = (
                MappingNode(place) if isinstance(event, MappingStartEvent) else SequenceNode(place)
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node)
        if not isinstance(node, ScalarNode):
            self._open.append(node)

    def _anchored(self, name: str, place: Place) -> Node:
        node = self._anchors.get(name)
        if node is None:
            raise NotYaml(f"*{name} names an anchor that does not stand above", place)
        return node

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node


def _place_of(error: Exception, text: str) -> Place:
    position: object = getattr(error, "position", 0)
    before = text[: position if isinstance(position, int) else 0]
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _reworded(error: _Said, text: str) -> NotYaml:
    """The library's words; they name tokens and single characters, never a value."""
    mark = error.problem_mark or error.context_mark
    place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if line[place.column - 1 : place.column] == "\t":
        return NotYaml("a tab cannot stand here; indent with spaces", place)
    context = f", {error.context}" if error.context else ""
    return NotYaml(f"is not YAML: {error.problem or 'unreadable'}{context}", place)
