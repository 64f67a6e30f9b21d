"""The compliance cases of Open Responses, for the dialect alone: from and to a model in Chat."""

import json
from typing import Any

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.model.events import (
    Ended,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members
from tests.unit.dialects.openai_responses.open_responses import (
    CASES,
    Case,
    wrong_with,
    wrong_with_events,
)

USED = UsageReported(Usage(3, output_tokens=4, reasoning_tokens=2))


def answer(asked: Payload) -> list[StreamEvent]:
    """What a model of another dialect says: it calls a tool if it has one."""
    if asked.request.tools:
        return [
            Started("chatcmpl-1", "m", 7),
            ReasoningDelta("The weather, then.", 0, "reasoning_content"),
            ToolCallStarted(0, "call_1", "get_weather"),
            ToolCallDelta(0, '{"location":'),
            ToolCallDelta(0, '"Graz"}'),
            USED,
            Finished(Stop(StopReason.TOOL, raw="tool_calls")),
            Ended(),
        ]
    return [
        Started("chatcmpl-1", "m", 7),
        TextDelta("Hello "),
        TextDelta("there."),
        USED,
        Finished(Stop(StopReason.STOP, raw="stop")),
        Ended(),
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Case) -> None:
    body = {"model": "m", **case.asked, "stream": case.streamed}
    asked = Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))
    messages = json.loads(OPENAI_CHAT.encode_request(asked.request, Target("m")).encode())
    assert len(messages["messages"]) == len(case.asked["input"]), "all of it reaches the model"
    events = answer(asked)
    if not case.streamed:
        response = json.loads(OPENAI_RESPONSES.encode_reply(fold(events), asked))
    else:
        told = events_of(events, asked)
        assert wrong_with_events(told) == []
        response = told[-1]["response"]
    assert wrong_with(response) == []
    assert case.holds(response)


def test_the_order_of_a_call() -> None:
    case = next(case for case in CASES if case.name == "tool call, streaming")
    body = {"model": "m", **case.asked, "stream": True}
    asked = Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))
    told = events_of(answer(asked), asked)
    of_the_call = [event["type"] for event in told if event.get("output_index") == 1]
    assert of_the_call == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]


def events_of(events: list[StreamEvent], asked: Payload) -> list[dict[str, Any]]:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True, asked=asked)
    frames = b"".join(encoder.feed(event) for event in events).split(b"\n\n")[:-1]
    return [json.loads(frame.partition(b"\ndata: ")[2]) for frame in frames]
