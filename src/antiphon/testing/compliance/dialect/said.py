"""What an answer says, whatever it is written in: for comparing answers across a round trip."""

from __future__ import annotations

from antiphon.model.parts import Audio, Reasoning, Refusal, ToolCall
from antiphon.model.reply import ChatReply, Choice
from antiphon.model.usage import Usage
from antiphon.testing.trees import Json, parse


def answer(reply: ChatReply) -> dict[str, object]:
    """Text, calls and stops of all choices, and the sums of the usage."""
    return {
        "choices": [_choice(choice) for choice in reply.choices],
        "usage": sums(reply.usage),
    }


def sums(usage: Usage | None) -> tuple[int, int] | None:
    """Tokens of the prompt and of the answer."""
    return None if usage is None else (usage.input_total, usage.output_total)


def calls(reply: ChatReply) -> list[tuple[str, Json]]:
    """Names and arguments of all calls."""
    return [
        (call.name, arguments(call)) for choice in reply.choices for call in choice.turn.tool_calls
    ]


def arguments(call: ToolCall) -> Json:
    """The arguments of a call as a value; nothing is an empty object."""
    try:
        return parse(call.arguments) if call.arguments.strip() else {}
    except ValueError:
        return call.arguments


def _choice(choice: Choice) -> dict[str, object]:
    parts = choice.turn.parts
    return {
        "text": choice.turn.text,
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)),
        "thought": "".join(
            part.text or "".join(part.summary) for part in parts if isinstance(part, Reasoning)
        ),
        "sounds": sum(isinstance(part, Audio) for part in parts),
        "calls": [(call.name, arguments(call)) for call in choice.turn.tool_calls],
        "stop": None if choice.stop is None else choice.stop.reason.value,
    }
