"""An answer while it is being written.

Hot path: one or two of these per frame of a stream. They hold texts and numbers only, so the
garbage collector need not know them.
"""

from __future__ import annotations

import msgspec

from antiphon.errors import UpstreamError
from antiphon.model.parts import CallKind, Extra, Origin
from antiphon.model.reply import Stop
from antiphon.model.usage import Usage

SUMMARY = "summary"
"""The spelling of thought that is told in summary."""


class Started(msgspec.Struct, frozen=True, gc=False):
    """The provider has begun: no content yet."""

    id: str
    model: str
    created: int = 0


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More visible text of a choice."""

    text: str
    choice: int = 0


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """More thought; `spelling` is the member it came in, where a dialect has several.

    The spelling `SUMMARY` says that it is a summary of the thought, in place of it.
    """

    text: str
    choice: int = 0
    spelling: str = ""


class ReasoningSealed(msgspec.Struct, frozen=True):
    """The seal over the thought so far, or a sealed thought."""

    signature: str
    origin: Origin
    choice: int = 0
    sealed: bool = False


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a refusal."""

    text: str
    choice: int = 0


class ToolCallStarted(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins; `index` counts the calls of the choice from 0, without gaps.

    Attributes:
        extra: What only its own dialect says of the tool (a namespace).
    """

    index: int
    call_id: str
    name: str
    choice: int = 0
    kind: CallKind = CallKind.FUNCTION
    id: str = ""
    extra: Extra | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """More of the raw arguments of a call."""

    index: int
    arguments: str
    choice: int = 0


class PartEnded(msgspec.Struct, frozen=True, gc=False):
    """What was being said is complete: more text after it is another part."""

    choice: int = 0


class LogprobsDelta(msgspec.Struct, frozen=True):
    """Log probabilities of what was just said, in the dialect that they came in."""

    dialect: str
    payload: msgspec.Raw
    choice: int = 0


class Finished(msgspec.Struct, frozen=True):
    """A choice is complete."""

    stop: Stop
    choice: int = 0


class UsageReported(msgspec.Struct, frozen=True, gc=False):
    """What was used so far; a later one replaces it.

    Attributes:
        usage: None where nothing that was stated can be believed.
        alone: The frame carries nothing else, so it can be left out whole.
    """

    usage: Usage | None
    alone: bool = True


class StreamFailed(msgspec.Struct, frozen=True):
    """The provider reports an error inside its stream."""

    error: UpstreamError


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The provider's terminal event: the answer is whole."""


class Continued(msgspec.Struct, frozen=True, gc=False):
    """The stream broke, and from here on another call goes on with it.

    Attributes:
        by: The deployment that goes on, as `provider/model`.
    """

    by: str


class OpaqueEvent(msgspec.Struct, frozen=True):
    """A frame that only its own dialect knows."""

    dialect: str
    payload: bytes


StreamEvent = (
    Started
    | TextDelta
    | ReasoningDelta
    | ReasoningSealed
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartEnded
    | LogprobsDelta
    | Finished
    | UsageReported
    | StreamFailed
    | Ended
    | Continued
    | OpaqueEvent
)

USEFUL = (TextDelta, ReasoningDelta, ReasoningSealed, RefusalDelta, ToolCallStarted, ToolCallDelta)
"""Events that a caller can use: the first of them is the commit point of a stream."""
