"""What an answer says, as far as its form is judged."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from antiphon.model.parts import Refusal
from antiphon.model.reply import ChatReply, StopReason


class Said(msgspec.Struct, frozen=True):
    """One answer, as far as its form is judged.

    Attributes:
        stop: Why it ended, where that is known.
        called: It calls tools.
        refused: It says that it will not.
    """

    text: str
    stop: StopReason | None = None
    called: bool = False
    refused: bool = False

    @property
    def excuse(self) -> str:
        """Why nobody can expect the form of it; empty where one can."""
        if self.called or self.stop is StopReason.TOOL:
            return "tool calls"
        if self.refused or self.stop is StopReason.REFUSAL:
            return "refusal"
        return _EXCUSES.get(self.stop, "") if self.stop is not None else ""


_EXCUSES = {
    StopReason.LENGTH: "length",
    StopReason.CONTEXT: "length",
    StopReason.FILTER: "filter",
    StopReason.PAUSE: "pause",
    StopReason.ERROR: "error",
}


def said_in(reply: ChatReply) -> Iterable[Said]:
    """The answers of a whole reply."""
    for choice in reply.choices:
        yield Said(
            choice.turn.text,
            None if choice.stop is None else choice.stop.reason,
            called=bool(choice.turn.tool_calls),
            refused=any(isinstance(part, Refusal) for part in choice.turn.parts),
        )
