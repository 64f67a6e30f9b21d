"""Items of a stream that is being written, while they are open.

Each writes its own frames: what begins it, its deltas, what ends it with everything that was said.
"""

from __future__ import annotations

from collections.abc import Callable

from antiphon.dialects.fields import Written
from antiphon.dialects.openai_responses.fields import own
from antiphon.dialects.openai_responses.frames import JSON, delta_ends, frame
from antiphon.dialects.openai_responses.thought import RAW
from antiphon.model.events import ToolCallStarted
from antiphon.model.parts import CallKind

Count = Callable[[], int]
"""The number of the next event."""


class _Piece:
    """A part of an item whose text is growing."""

    __slots__ = ("_ends", "kind", "place", "texts", "told")

    def __init__(self, kind: str, delta: str, place: Written) -> None:
        self.kind = kind
        self.place = place
        self.texts: list[str] = []
        self.told = False
        """Its whole text was told already."""
        self._ends = delta_ends(delta, place, probable=kind == "output_text")

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def grow(self, text: str, sequence: int) -> bytes:
        self.texts.append(text)
        head, middle, tail = self._ends
        return b"%b%d%b%b%b" % (head, sequence, middle, JSON.encode(text), tail)


class OpenMessage:
    """A message: text and refusals, each a part of its own."""

    __slots__ = ("_count", "_parts", "_piece", "id", "output")

    def __init__(self, item_id: str, output: int, count: Count) -> None:
        self.id = item_id
        self.output = output
        self._count = count
        self._parts: list[Written] = []
        self._piece: _Piece | None = None

    def begin(self) -> bytes:
        item: Written = {**self._item("in_progress"), "content": []}
        return _added(item, self.output, self._count())

    def grow(self, kind: str, text: str) -> bytes:
        """More text: `kind` is output_text or refusal."""
        piece = self._piece
        if piece is not None and piece.kind == kind:
            return piece.grow(text, self._count())
        opening = self._end_piece() + self._begin_piece(kind)
        assert self._piece is not None
        return opening + self._piece.grow(text, self._count())

    def move(self, item_id: str, output: int, *, said: bool) -> None:
        """Take the place of a provider's own; `said` where the text of its part was told whole."""
        self.id, self.output = item_id, output
        old = self._piece
        if old is not None:
            place: Written = {**old.place, "item_id": item_id, "output_index": output}
            piece = self._piece = _Piece(old.kind, f"response.{old.kind}.delta", place)
            piece.texts, piece.told = old.texts, said

    def end(self, status: str = "completed") -> tuple[bytes, Written]:
        """The frames that end it, and the whole item."""
        ending = self._end_piece()
        item = {**self._item(status), "content": self._parts}
        return ending + item_done(item, self.output, self._count()), item

    def _item(self, status: str) -> Written:
        return {"id": self.id, "type": "message", "status": status, "role": "assistant"}

    def _begin_piece(self, kind: str) -> bytes:
        place: Written = {
            "item_id": self.id,
            "output_index": self.output,
            "content_index": len(self._parts),
        }
        self._piece = _Piece(kind, f"response.{kind}.delta", place)
        added = {**place, "part": _part(kind, "")}
        return frame("response.content_part.added", self._count(), added)

    def _end_piece(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            return b""
        whole = piece.text
        said: Written = (
            {"text": whole, "logprobs": []} if piece.kind == "output_text" else {"refusal": whole}
        )
        part = _part(piece.kind, whole)
        self._parts.append(part)
        done = b""
        if not piece.told:
            done = frame(f"response.{piece.kind}.done", self._count(), {**piece.place, **said})
        return done + frame(
            "response.content_part.done", self._count(), {**piece.place, "part": part}
        )


class OpenThought:
    """Thought: told whole, or in summary, and sealed at its end."""

    __slots__ = ("_content", "_count", "_piece", "_summary", "foreign", "id", "output", "seal")

    def __init__(self, item_id: str, output: int, count: Count) -> None:
        self.id = item_id
        self.seal: str | None = None
        self.foreign = False
        self.output = output
        self._count = count
        self._content: list[Written] = []
        self._summary: list[Written] = []
        self._piece: _Piece | None = None

    def begin(self) -> bytes:
        item: Written = {"id": self.id, "type": "reasoning", "status": "in_progress", "summary": []}
        return _added(item, self.output, self._count())

    def grow(self, kind: str, text: str) -> bytes:
        """More thought: `kind` is reasoning_text or summary_text."""
        piece = self._piece
        if piece is not None and piece.kind == kind:
            return piece.grow(text, self._count())
        opening = self._end_piece() + self._begin_piece(kind)
        assert self._piece is not None
        return opening + self._piece.grow(text, self._count())

    def end(self, status: str = "completed") -> tuple[bytes, Written]:
        """The frames that end it, and the whole item."""
        ending = self._end_piece()
        item: Written = {
            "id": self.id,
            "type": "reasoning",
            "status": status,
            "summary": self._summary,
        }
        if self._content:
            item["content"] = self._content
        if self.seal is not None:
            item["encrypted_content"] = self.seal
        return ending + item_done(item, self.output, self._count()), item

    def _begin_piece(self, kind: str) -> bytes:
        place: Written = {"item_id": self.id, "output_index": self.output}
        part = {"type": kind, "text": ""}
        if kind == RAW:
            place["content_index"] = len(self._content)
            self._piece = _Piece(kind, "response.reasoning_text.delta", place)
            return frame("response.content_part.added", self._count(), {**place, "part": part})
        place["summary_index"] = len(self._summary)
        self._piece = _Piece(kind, "response.reasoning_summary_text.delta", place)
        return frame(
            "response.reasoning_summary_part.added", self._count(), {**place, "part": part}
        )

    def _end_piece(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            return b""
        part: Written = {"type": piece.kind, "text": piece.text}
        raw = piece.kind == RAW
        (self._content if raw else self._summary).append(part)
        text, whole = (
            ("response.reasoning_text.done", "response.content_part.done")
            if raw
            else ("response.reasoning_summary_text.done", "response.reasoning_summary_part.done")
        )
        done = frame(text, self._count(), {**piece.place, "text": piece.text})
        return done + frame(whole, self._count(), {**piece.place, "part": part})


class OpenCall:
    """A call of a function or of a custom tool."""

    __slots__ = ("_count", "_piece", "_started", "id", "output")

    def __init__(self, item_id: str, started: ToolCallStarted, output: int, count: Count) -> None:
        self.id = item_id
        self._started = started
        self.output = output
        self._count = count
        kind = "custom_tool_call_input" if self._custom else "function_call_arguments"
        place: Written = {"item_id": item_id, "output_index": output}
        self._piece = _Piece(kind, f"response.{kind}.delta", place)

    @property
    def _custom(self) -> bool:
        return self._started.kind is CallKind.CUSTOM

    def begin(self) -> bytes:
        return _added(self._item("in_progress", ""), self.output, self._count())

    def grow(self, text: str) -> bytes:
        """More arguments."""
        return self._piece.grow(text, self._count())

    def end(self, status: str = "completed") -> tuple[bytes, Written]:
        """The frames that end it, and the whole item."""
        whole, piece = self._piece.text, self._piece
        item = self._item(status, whole)
        said = {("input" if self._custom else "arguments"): whole}
        done = frame(f"response.{piece.kind}.done", self._count(), {**piece.place, **said})
        return done + item_done(item, self.output, self._count()), item

    def _item(self, status: str, arguments: str) -> Written:
        started = self._started
        return {
            "id": self.id,
            "type": "custom_tool_call" if self._custom else "function_call",
            "status": status,
            "call_id": started.call_id,
            "name": started.name,
            **own(started.extra),
            ("input" if self._custom else "arguments"): arguments,
        }


def _part(kind: str, text: str) -> Written:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _added(item: Written, output: int, sequence: int) -> bytes:
    members: Written = {"output_index": output, "item": item}
    return frame("response.output_item.added", sequence, members)


def item_done(item: Written, output: int, sequence: int) -> bytes:
    """The frame that ends an item."""
    members: Written = {"output_index": output, "item": item}
    return frame("response.output_item.done", sequence, members)
