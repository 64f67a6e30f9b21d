"""Members below the top of a request that only one dialect knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from antiphon.model.parts import Author, Extra, Opaque, ToolResult, Turn
from antiphon.model.request import ChatRequest, ServerTool


def asks_within(request: ChatRequest, marks: Collection[str]) -> bool:
    """Whether a tool, a turn or a part asks for something in a member without a word in the model.

    Earlier answers are not looked at: what a provider wrote there asks for nothing.

    Args:
        request: What is asked.
        marks: Members by which a dialect knows its own things again; they ask for nothing.
    """
    return any(
        name not in marks
        for extra in _extras(request)
        if extra is not None
        for name in extra.members
    )


def _extras(request: ChatRequest) -> Iterator[Extra | None]:
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
