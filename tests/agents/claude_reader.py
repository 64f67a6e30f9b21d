"""How Claude Code reads an answer, and stricter where what it would read past is our mistake.

One `message_start`, then blocks one after the other, each started, told in deltas of its kind and
stopped; then `message_delta` with the reason and the usage, and `message_stop`. Pings may stand
anywhere. What was read goes back with the next request as it is, signatures included.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from msgspec import Struct

from tests.agents.sse import BrokenStream, Event, events_in

Json = dict[str, Any]


class Turn(Struct, frozen=True):
    """What Claude Code has of an answer."""

    content: list[Json]
    stop: str
    usage: Json

    def calls(self) -> list[Json]:
        """The blocks that want a result."""
        return [block for block in self.content if block["type"] == "tool_use"]

    def said(self) -> str:
        """The text of all blocks."""
        return "".join(block["text"] for block in self.content if block["type"] == "text")

    def thoughts(self) -> list[Json]:
        """The blocks of thought."""
        return [block for block in self.content if block["type"] == "thinking"]


class Failed(Exception):
    """An `error` event."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.type: str = error["type"]


def read(body: bytes) -> Turn:
    """Read a streamed answer.

    Raises:
        Failed: the answer says that it failed.
        BrokenStream: Claude Code could not use it.
    """
    reading = _Reading()
    for event in events_in(body):
        if event.name != event.data.get("type"):
            raise BrokenStream(f"an event {event.name!r} of type {event.data.get('type')!r}")
        if turn := reading.feed(event):
            return turn
    raise BrokenStream("the stream ended before message_stop")


class _Reading:
    """What has been read so far."""

    def __init__(self) -> None:
        self._message: Json | None = None
        self._blocks: list[Json] = []
        self._open: Json | None = None
        self._input: list[str] = []
        self._stop = ""

    def feed(self, event: Event) -> Turn | None:
        match event.name:
            case "message_start":
                self._start(event.data["message"])
            case "content_block_start":
                self._start_block(event.data)
            case "content_block_delta":
                self._delta(event.data)
            case "content_block_stop":
                self._stop_block(event.data)
            case "message_delta":
                self._end(event.data)
            case "message_stop":
                return self._turn()
            case "error":
                raise Failed(event.data["error"])
        return None

    def _start(self, message: Json) -> None:
        if self._message is not None:
            raise BrokenStream("a second message_start")
        if (message["role"], message["content"]) != ("assistant", []):
            raise BrokenStream(f"no beginning of an answer: {message}")
        if not message["id"] or not isinstance(message["usage"]["input_tokens"], int):
            raise BrokenStream(f"no id, or no usage: {message}")
        self._message = message

    def _start_block(self, data: Json) -> None:
        if self._message is None or self._open is not None or self._stop:
            raise BrokenStream(f"a block out of turn: {data}")
        if data["index"] != len(self._blocks):
            raise BrokenStream(f"block {data['index']} where {len(self._blocks)} was to come")
        block = dict(data["content_block"])
        if block["type"] == "tool_use" and not _ID.fullmatch(block["id"]):
            raise BrokenStream(f"an id that may not come back: {block['id']!r}")
        self._open, self._input = block, []

    def _delta(self, data: Json) -> None:
        if self._open is None or data["index"] != len(self._blocks):
            raise BrokenStream(f"a delta of no open block: {data}")
        delta = data["delta"]
        kind, member = _DELTAS.get(delta["type"], ("", ""))
        if kind != self._open["type"]:
            raise BrokenStream(f"{delta['type']} in a block of {self._open['type']}")
        if member == "partial_json":
            self._input.append(delta[member])
        else:
            self._open[member] = self._open.get(member, "") + delta[member]

    def _stop_block(self, data: Json) -> None:
        if self._open is None or data["index"] != len(self._blocks):
            raise BrokenStream(f"the end of no open block: {data}")
        if self._open["type"] == "tool_use":
            self._open["input"] = json.loads("".join(self._input) or "{}")
        if self._open["type"] == "thinking" and not self._open.get("signature"):
            raise BrokenStream("a thought that could not come back: it has no signature")
        self._blocks.append(self._open)
        self._open = None

    def _end(self, data: Json) -> None:
        if self._open is not None:
            raise BrokenStream("an end inside a block")
        self._stop = data["delta"]["stop_reason"]
        if self._message is not None:
            self._message["usage"] |= data["usage"]

    def _turn(self) -> Turn:
        if self._message is None or not self._stop:
            raise BrokenStream("message_stop without a reason")
        return Turn(self._blocks, self._stop, self._message["usage"])


_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("tool_use", "partial_json"),
}
