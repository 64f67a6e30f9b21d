"""Members of a request that only one dialect knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from antiphon.model.parts import Author, Extra, Opaque, ToolResult, Turn
from antiphon.model.request import ChatRequest, ServerTool

_SPLIT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def unknown_names(
    request: ChatRequest, marks: Collection[str], outer: Collection[str]
) -> Iterator[str]:
    """The members without a word in the model: those at the top, then those below.

    Args:
        request: What is asked.
        marks: As of `asks_within`.
        outer: Members at the top of which others are members: what is unknown stands in them.
    """
    for name, raw in (request.extra.members if request.extra is not None else {}).items():
        if name in outer and bytes(raw)[:1] == b"{":
            yield from (f"{name}.{inner}" for inner in _SPLIT.decode(raw))
        else:
            yield name
    yield from _names_within(request, marks)


def asks_within(request: ChatRequest, marks: Collection[str]) -> bool:
    """Whether something below the top is asked for in a member without a word in the model.

    Earlier answers are not looked at: what a provider wrote there asks for nothing.

    Args:
        request: What is asked.
        marks: Members by which a dialect knows its own things again; they ask for nothing.
    """
    return any(True for _ in _names_within(request, marks))


def _names_within(request: ChatRequest, marks: Collection[str]) -> Iterator[str]:
    for extra in _extras(request):
        if extra is not None:
            yield from (name for name in extra.members if name not in marks)


def _extras(request: ChatRequest) -> Iterator[Extra | None]:
    if request.reasoning is not None:
        yield request.reasoning.extra
    for tool in request.tools:
        if not isinstance(tool, ServerTool):
            yield tool.extra
    for turn in request.turns:
        if turn.author is not Author.ASSISTANT:
            yield from _of_turn(turn)


def _of_turn(turn: Turn) -> Iterator[Extra | None]:
    yield turn.extra
    for part in turn.parts:
        if isinstance(part, Opaque):
            continue
        yield part.extra
        if isinstance(part, ToolResult):
            for given in part.parts:
                if not isinstance(given, Opaque):
                    yield given.extra
