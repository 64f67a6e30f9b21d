"""What a model answers, in the canonical words."""

from __future__ import annotations

import enum

import msgspec

from antiphon.model.parts import Extra, Opaque, Turn
from antiphon.model.structured import Structured
from antiphon.model.usage import Usage


class StopReason(enum.StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    CONTEXT = "context"
    TOOL = "tool"
    FILTER = "filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    ERROR = "error"


class Stop(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a choice ended.

    Attributes:
        reason: In our words.
        raw: In the provider's words, kept for its own dialect.
        sequence: The stop sequence that matched, where one did.
    """

    reason: StopReason
    raw: str = ""
    sequence: str | None = None


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the answers; most requests have one.

    Attributes:
        logprobs: Log probabilities in the dialect that they came in, one for each piece of it.
    """

    index: int
    turn: Turn
    stop: Stop | None = None
    logprobs: tuple[Opaque, ...] = ()
    extra: Extra | None = None


class ChatReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole answer.

    Attributes:
        created: Seconds since 1970, as the provider says; 0 if it does not.
        usage: None where the provider gave none.
        structured: What is known of its form, where one was asked for and somebody looked.
    """

    id: str
    model: str
    choices: tuple[Choice, ...]
    created: int = 0
    usage: Usage | None = None
    service_tier: str | None = None
    extra: Extra | None = None
    structured: Structured | None = None

    @property
    def text(self) -> str:
        """The plain text of the first choice."""
        return self.choices[0].turn.text if self.choices else ""
