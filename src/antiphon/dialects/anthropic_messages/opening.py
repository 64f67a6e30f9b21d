"""The blocks of a stream that is written: one is open at a time, as the official clients want it.

What is said beside the open block (the pieces of a call that another dialect interleaves) waits
in its own block, and follows when nothing can be missing of the open one: text and thought are
complete when something else is said, a call when its input is a whole object, and all of them at
the end.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.anthropic_messages.replies import seal_of
from antiphon.dialects.arguments import is_object
from antiphon.model.events import ToolCallDelta, ToolCallStarted
from antiphon.model.parts import CallKind, Reasoning

TEXT: Final = -1
THOUGHT: Final = -2
PASSED: Final = -3
"""What a block is: text, thought, one of the provider's own; a call is its own number, from 0."""

_JSON: Final = msgspec.json.Encoder()
_START: Final = (
    b"event: content_block_start\ndata: "
    b'{"type":"content_block_start","index":%d,"content_block":%b}\n\n'
)
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_HEAD: Final = (
    b"event: content_block_delta\ndata: "
    b'{"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
)
_PLAIN: Final = {
    TEXT: (b'{"type":"text","text":""}', b"text_delta", b"text"),
    THOUGHT: (b'{"type":"thinking","thinking":"","signature":""}', b"thinking_delta", b"thinking"),
}


class _Block:
    """A block whose text is kept: one that waits, or a call.

    Attributes:
        streams: Whether its input is passed on piece by piece: it is an object. None is unknown.
        seal: The seal over a thought; nothing more is said in it then.
    """

    __slots__ = ("call", "kind", "pieces", "seal", "streams")

    def __init__(self, kind: int, call: ToolCallStarted | None = None) -> None:
        self.kind = kind
        self.call = call
        self.pieces: list[str] = []
        self.seal: Reasoning | None = None
        self.streams = False if call is not None and call.kind is CallKind.CUSTOM else None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class BlockWriter:
    """Writes blocks.

    Attributes:
        model: The model that thinks, for seals over its thought.
        kind: What the open block is; None where none is open.
        head: The bytes before the text of a delta of the open block.
        index: The number of the open block, or of the next one.
    """

    __slots__ = ("_call", "_queue", "head", "index", "kind", "model")

    def __init__(self) -> None:
        self.model = ""
        self.kind: int | None = None
        self.head = b""
        self.index = 0
        self._call: _Block | None = None
        self._queue: list[_Block] = []

    def say(self, kind: int, text: str) -> bytes:
        """More text or thought."""
        if not text:
            return b""
        if self._queue or not self._is_complete():
            last = self._queue[-1] if self._queue else None
            if last is None or last.kind != kind or last.seal is not None:
                last = _Block(kind)
                self._queue.append(last)
            last.pieces.append(text)
            return self._advance()
        out = b"" if kind == self.kind else self._close() + self._begin(kind)
        return out + self._delta(text)

    def begin_text(self) -> bytes:
        """Open a block of text, where none is open."""
        return b"" if self.kind == TEXT else self.close_all() + self._begin(TEXT)

    def take_over(self, index: int, *, text: bool) -> None:
        """Go on behind blocks of the provider's own: the next number, and if a text is open."""
        self.index, self.kind, self._call, self._queue = index, None, None, []
        if text:
            self._begin(TEXT)

    def begin_passed(self) -> bytes:
        """Make room for a block of the provider's own; whoever passes it on writes it."""
        out = self.close_all()
        self.kind = PASSED
        return out

    def end_passed(self) -> None:
        """The block of the provider's own was ended by whoever passes it on."""
        self.kind = None
        self.index += 1

    def call(self, event: ToolCallStarted) -> bytes:
        """A call begins."""
        self._queue.append(_Block(event.index, event))
        return self._advance()

    def grow(self, event: ToolCallDelta) -> bytes:
        """More of the input of a call."""
        call, text = self._call, event.arguments
        if call is None or call.kind != event.index:
            waiting = next((each for each in self._queue if each.kind == event.index), None)
            if waiting is not None:
                waiting.pieces.append(text)
            return b""
        call.pieces.append(text)
        if call.streams:
            return self._delta(text)
        return self._first_input(call) if call.streams is None else b""

    def end_part(self) -> bytes:
        """What was being said is complete."""
        if self._call is None:
            return self._close()
        said = self._call.text
        if is_object(said) or not (said or self._queue):
            return self._close() + self._advance()
        return b""

    def seal(self, thought: Reasoning) -> bytes:
        """The seal over the thought that was just said, or a sealed thought."""
        if not self._queue and self._is_complete():
            return self._seal(thought)
        last = self._queue[-1] if self._queue else None
        if last is None or last.kind != THOUGHT or last.seal is not None:
            last = _Block(THOUGHT)
            self._queue.append(last)
        last.seal = thought
        return self._advance()

    def _seal(self, thought: Reasoning) -> bytes:
        if thought.sealed and thought.origin is not None and thought.origin.dialect == DIALECT:
            data = _JSON.encode(thought.signature)
            block = b'{"type":"redacted_thinking","data":%b}' % data
            out = self._close() + _START % (self.index, block) + _STOP % self.index
            self.index += 1
            return out
        if self.kind == THOUGHT:
            return self._close(thought)
        return self._close() + self._begin(THOUGHT) + self._close(thought)

    def close_all(self) -> bytes:
        """End every block: nothing more is said in them."""
        out = self._close()
        while self._queue:
            out += self._open(self._queue.pop(0)) + self._close()
        return out

    # ------------------------------------------------------------------ open and closed

    def _advance(self) -> bytes:
        """Open what waits, one after the other, as far as nothing can be missing before it."""
        out = b""
        while self._queue and self._is_complete():
            out += self._close() + self._open(self._queue.pop(0))
        return out

    def _is_complete(self) -> bool:
        return self._call is None or is_object(self._call.text)

    def _open(self, block: _Block) -> bytes:
        call = block.call
        if block.seal is not None:
            said = self._begin(THOUGHT) + self._delta(block.text) if block.pieces else b""
            return said + self._seal(block.seal)
        if call is None:
            return self._begin(block.kind) + self._delta(block.text)
        self.kind, self._call = block.kind, block
        self.head = _HEAD % (self.index, b"input_json_delta", b"partial_json")
        names = (_JSON.encode(call.call_id), _JSON.encode(call.name))
        out = _START % (self.index, b'{"type":"tool_use","id":%b,"name":%b,"input":{}}' % names)
        return out + (self._first_input(block) if block.streams is None else b"")

    def _begin(self, kind: int) -> bytes:
        block, delta, member = _PLAIN[kind]
        self.kind = kind
        self.head = _HEAD % (self.index, delta, member)
        return _START % (self.index, block)

    def _delta(self, text: str) -> bytes:
        return b"%b%b}}\n\n" % (self.head, _JSON.encode(text))

    def _first_input(self, call: _Block) -> bytes:
        """What a call has said, once it is known to be an object; before, clients would choke."""
        said = call.text
        first = said.lstrip()[:1]
        if not first:
            return b""
        call.streams = first == "{"
        return self._delta(said) if call.streams else b""

    def _close(self, thought: Reasoning | None = None) -> bytes:
        if self.kind is None:
            return b""
        out, call = b"", self._call
        if self.kind == THOUGHT:
            seal = _JSON.encode(seal_of(thought or Reasoning(), self.model))
            out = _HEAD % (self.index, b"signature_delta", b"signature") + seal + b"}}\n\n"
        elif call is not None and call.streams is False:
            custom = call.call is not None and call.call.kind is CallKind.CUSTOM
            whole = {"input" if custom else "_raw": call.text}
            out = self._delta(_JSON.encode(whole).decode())
        out += _STOP % self.index
        self.kind = self._call = None
        self.index += 1
        return out
