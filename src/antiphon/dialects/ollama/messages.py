"""Messages and turns, both ways.

A message holds one text. What a turn says in several is joined: an assistant's as it was said, all
others with a blank line between. A turn that holds results of tools becomes one `tool` message for
each, before what else it says; pictures that a tool gave back follow in a message of the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.ollama.calls import read_calls, unnamed, write_call, write_id
from antiphon.dialects.ollama.fields import Fields, written
from antiphon.dialects.ollama.images import asked_images, read_image, write_image
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model.parts import (
    Author,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

_AUTHORS: Final = {
    "system": Author.SYSTEM,
    "developer": Author.DEVELOPER,
    "user": Author.USER,
    "assistant": Author.ASSISTANT,
    "tool": Author.TOOL,
}
_BETWEEN: Final = "\n\n"
_FAILED: Final = "Error: the tool failed."
_SHOWN: Final = "(see the next message)"


def read_messages(items: Sequence[Json]) -> tuple[Turn, ...]:
    """The turns of a request."""
    pending: list[ToolCall] = []
    return tuple(_read_message(raw, at, pending) for at, raw in enumerate(items))


def write_messages(turns: Iterable[Turn]) -> list[Written]:
    """The messages of a request."""
    writer = _Writer()
    for turn in turns:
        writer.write(turn)
    writer.show()
    return writer.messages


def read_said(fields: Fields, *, named: str, in_reply: bool = False) -> tuple[Part, ...]:
    """What an assistant says in a message; `named` is what calls without an id are named after."""
    parts: list[Part] = []
    thought, content = fields.text("thinking"), fields.text("content")
    if thought:
        parts.append(Reasoning(thought))
    if content:
        parts.append(Text(content))
    parts += map(read_image, fields.texts("images")) if in_reply else asked_images(fields)
    parts += read_calls(fields, named=named, in_reply=in_reply)
    return tuple(parts)


def write_said(parts: Sequence[Part], *, numbered: bool = False) -> Written:
    """What an assistant says, as members of a message; calls are `numbered` in replies."""
    thoughts = [_shown(part) for part in parts if isinstance(part, Reasoning)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return {
        "content": "".join(part.text for part in parts if isinstance(part, Text | Refusal)),
        "thinking": _BETWEEN.join(filter(None, thoughts)) or None,
        "images": _images(parts) or None,
        "tool_calls": [write_call(call, at if numbered else None) for at, call in enumerate(calls)]
        or None,
    }


# ------------------------------------------------------------------ reading


def _read_message(raw: Json, at: int, pending: list[ToolCall]) -> Turn:
    fields = Fields.parse(raw, f"messages[{at}]")
    role = fields.text("role")
    if role is None:
        raise MalformedBody(f"'{fields.path}.role' is missing.", param=f"{fields.path}.role")
    author = _AUTHORS.get(role.lower())
    if author is None:
        raise InvalidRequest(
            f"'{fields.path}.role' must be one of {', '.join(_AUTHORS)}.",
            param=f"{fields.path}.role",
        )
    parts: tuple[Part, ...]
    if author is Author.ASSISTANT:
        parts = read_said(fields, named=unnamed(at))
        # A result belongs to the last turn that waits for it.
        pending[:] = [part for part in parts if isinstance(part, ToolCall)] or pending
    elif author is Author.TOOL:
        parts = (_read_result(fields, pending),)
    else:
        parts = _read_shown(fields)
    return Turn(author, parts, extra=fields.extra())


def _read_shown(fields: Fields) -> tuple[Text | Image, ...]:
    content, images = fields.text("content") or "", asked_images(fields)
    texts = (Text(content),) if content or not images else ()
    return (*texts, *images)


def _read_result(fields: Fields, pending: list[ToolCall]) -> ToolResult:
    """A result, for the call that it names, else for the first of its tool that waits for one."""
    call_id, name = fields.text("tool_call_id"), fields.text("tool_name")
    call = _waiting(pending, call_id, name)
    if call is not None:
        pending.remove(call)
        call_id, name = call.call_id, name or call.name
    return ToolResult(call_id or "", _read_shown(fields), name=name)


def _waiting(pending: Sequence[ToolCall], call_id: str | None, name: str | None) -> ToolCall | None:
    if call_id:
        return next((call for call in pending if call.call_id == call_id), None)
    if not name:
        return pending[0] if pending else None
    return next((call for call in pending if call.name == name), None)


# ------------------------------------------------------------------ writing


class _Writer:
    """Messages as they grow: pictures of results wait until the results are told."""

    def __init__(self) -> None:
        self.messages: list[Written] = []
        self._unshown: list[str] = []
        self._names: dict[str, str] = {}

    def write(self, turn: Turn) -> None:
        """Write the messages of one turn."""
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        if not results:
            self.show()
        for result in results:
            self._result(result, turn)
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        if turn.author is Author.ASSISTANT:
            self._names.update((call.call_id, call.name) for call in turn.tool_calls)
            said = {"role": "assistant", **write_said(rest)}
            self.messages.append(written(said, turn.extra))
        elif rest or not results:
            self._plain(turn, rest)

    def show(self) -> None:
        """Write the pictures that tools gave back."""
        if self._unshown:
            self.messages.append({"role": "user", "content": "", "images": self._unshown})
            self._unshown = []

    def _plain(self, turn: Turn, parts: Sequence[Part]) -> None:
        author = turn.author
        role = "system" if author is Author.DEVELOPER else author.value
        images = [*self._unshown, *_images(parts)]
        self._unshown = []
        out: Written = {
            "role": "user" if author is Author.TOOL else role,
            "content": _text(parts),
            "images": images or None,
        }
        self.messages.append(written(out, turn.extra))

    def _result(self, result: ToolResult, turn: Turn) -> None:
        images = _images(result.parts)
        self._unshown += images
        text = _text(result.parts)
        if result.is_error:
            text = f"Error: {text}" if text else _FAILED
        out: Written = {
            "role": "tool",
            "content": text or (_SHOWN if images else ""),
            "tool_name": result.name or self._names.get(result.call_id),
            "tool_call_id": write_id(result.call_id),
        }
        self.messages.append(written(out, turn.extra if len(turn.parts) == 1 else None))


def _text(parts: Iterable[Part]) -> str:
    return _BETWEEN.join(part.text for part in parts if isinstance(part, Text | Refusal))


def _images(parts: Iterable[Part]) -> list[str]:
    shown = (write_image(part) for part in parts if isinstance(part, Image))
    return [data for data in shown if data]


def _shown(thought: Reasoning) -> str:
    """The text of a thought, or what was told of it in summary."""
    return thought.text or _BETWEEN.join(thought.summary)
