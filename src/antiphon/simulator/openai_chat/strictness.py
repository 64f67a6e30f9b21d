"""What OpenAI refuses of a well-formed conversation: calls and results that do not match."""

from collections.abc import Sequence
from typing import Protocol

from antiphon.simulator.dialect import Problem, Rejected


class Called(Protocol):
    """A tool call, as far as it has to match."""

    @property
    def id(self) -> str: ...


class Said(Protocol):
    """A message, as far as it has to match the others."""

    @property
    def role(self) -> str: ...
    @property
    def tool_call_id(self) -> str | None: ...
    @property
    def tool_calls(self) -> Sequence[Called] | None: ...


def check_calls(messages: Sequence[Said]) -> None:
    """See that each result follows its call, and each call is answered.

    Raises:
        Rejected: one does not, in OpenAI's words.
    """
    called_at = 0
    unanswered: list[str] = []
    open_calls = False
    for number, message in enumerate(messages):
        if message.role == "tool":
            if not open_calls:
                raise _refused(_ORPHAN, f"messages.[{number}].role")
            if message.tool_call_id not in unanswered:
                told = f"Invalid parameter: 'tool_call_id' of '{message.tool_call_id}' not found in"
                told += " 'tool_calls' of previous message."
                raise _refused(told, f"messages.[{number}].tool_call_id")
            unanswered.remove(message.tool_call_id)
            continue
        _all_answered(unanswered, called_at)
        unanswered = [call.id for call in message.tool_calls or ()]
        called_at, open_calls = number, bool(unanswered)
    _all_answered(unanswered, called_at)


_ORPHAN = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
    "'tool_calls'."
)


def _all_answered(unanswered: list[str], called_at: int) -> None:
    if not unanswered:
        return
    told = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(unanswered)}"
    )
    raise _refused(told, f"messages.[{called_at + 1}].role")


def _refused(told: str, param: str) -> Rejected:
    return Rejected(Problem(400, told, param=param))
