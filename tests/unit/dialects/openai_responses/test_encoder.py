"""Streams, written."""

import json
from typing import Any

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Position
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import UpstreamBroken
from antiphon.model.events import (
    SUMMARY,
    Ended,
    Finished,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind, Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.seals import unwrapped
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

STARTED = Started("chatcmpl-1", "m", 7)
STOPPED = Finished(Stop(StopReason.STOP, raw="stop"))


def payload_of(**body: Any) -> Payload:
    body = {"model": "m", "input": "hi"} | body
    return Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))


def told(*events: StreamEvent, asked: Payload | None = None) -> list[dict[str, Any]]:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True, asked=asked)
    frames = b"".join(encoder.feed(event) for event in events).split(b"\n\n")
    assert frames.pop() == b""
    out: list[dict[str, Any]] = []
    for at, frame in enumerate(frames):
        name, _, data = frame.partition(b"\ndata: ")
        event = json.loads(data)
        assert name == b"event: " + event["type"].encode()
        assert event["sequence_number"] == at
        out.append(event)
    return out


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def output(*events: StreamEvent, asked: Payload | None = None) -> list[dict[str, Any]]:
    return told(STARTED, *events, STOPPED, Ended(), asked=asked)[-1]["response"]["output"]


def test_text_event_by_event() -> None:
    events = told(
        STARTED,
        TextDelta("Hel"),
        TextDelta("lo"),
        UsageReported(Usage(3, cache_read_tokens=2, output_tokens=4, reasoning_tokens=1)),
        STOPPED,
        Ended(),
    )
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    part = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    place = {"item_id": "msg_chatcmpl100", "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", "sequence_number": 4, "delta": "Hel"}
    assert events[4] == {**delta, **place, "logprobs": []}
    assert events[6]["text"] == "Hello"
    assert events[7]["part"] == part
    message = {
        "id": "msg_chatcmpl100",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    assert events[8]["item"] == message
    response = events[9]["response"]
    assert response["id"] == "resp_chatcmpl1"
    assert response["status"] == "completed"
    assert response["output"] == [message]
    assert response["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }


def test_calls_side_by_side() -> None:
    events = told(
        STARTED,
        TextDelta("x"),
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g", kind=CallKind.CUSTOM),
        ToolCallDelta(0, "{"),
        ToolCallDelta(1, "x"),
        ToolCallDelta(0, "}"),
        Finished(Stop(StopReason.TOOL, raw="tool_calls")),
        Ended(),
    )
    assert kinds(events)[5:] == [
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.added",
        "function_call_arguments.delta",
        "custom_tool_call_input.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    assert [event.get("output_index") for event in events[8:17]] == [1, 2, 1, 2, 1, 1, 1, 2, 2]
    _, call, custom = events[-1]["response"]["output"]
    assert (call["type"], call["arguments"], call["call_id"]) == ("function_call", "{}", "a")
    assert (custom["type"], custom["input"]) == ("custom_tool_call", "x")
    assert call["id"].startswith("fc_")
    assert custom["id"].startswith("ctc_")


def test_a_call_ends_where_its_provider_ended_it() -> None:
    """A client may begin to run a tool before the answer is whole."""
    events = told(STARTED, ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"), PartEnded())
    assert kinds(events)[-1] == "output_item.done"
    assert events[-1]["item"]["arguments"] == "{}"


def test_of_several_calls_none_ends_before_the_answer() -> None:
    """It is not said which of them is whole, and what follows must not be lost."""
    (_, _, first, second) = told(
        STARTED,
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, "{"),
        PartEnded(),
        ToolCallDelta(0, "}"),
        Ended(),
    )[:4]
    assert (first["item"]["name"], second["item"]["name"]) == ("f", "g")
    events = output(
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, "{"),
        PartEnded(),
        ToolCallDelta(0, "}"),
    )
    assert [call["arguments"] for call in events] == ["{}", ""]


def test_refusal_beside_text() -> None:
    (message,) = output(TextDelta("a"), RefusalDelta("no"))
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    events = told(STARTED, RefusalDelta("no"), Finished(Stop(StopReason.REFUSAL)), Ended())
    assert events[-1]["type"] == "response.completed"
    assert "refusal.done" in kinds(events)


def test_a_refusal_without_words_is_not_completed() -> None:
    last = told(STARTED, Finished(Stop(StopReason.REFUSAL, raw="refusal")), Ended())[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "content_filter"}


@pytest.mark.parametrize(
    ("reason", "kind", "detail"),
    [
        (StopReason.STOP, "completed", None),
        (StopReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}),
        (StopReason.CONTEXT, "incomplete", {"reason": "max_output_tokens"}),
        (StopReason.PAUSE, "incomplete", {"reason": "max_output_tokens"}),
        (StopReason.FILTER, "incomplete", {"reason": "content_filter"}),
        (StopReason.ERROR, "failed", None),
    ],
)
def test_how_it_ends(reason: StopReason, kind: str, detail: object) -> None:
    last = told(STARTED, TextDelta("x"), Finished(Stop(reason)), Ended())[-1]
    assert last["type"] == f"response.{kind}"
    assert last["response"]["status"] == kind
    assert last["response"]["incomplete_details"] == detail
    (message,) = last["response"]["output"]
    assert message["status"] == ("incomplete" if kind == "incomplete" else "completed")


# ------------------------------------------------------------------ thought


def test_thought_told_whole() -> None:
    events = told(STARTED, ReasoningDelta("hm", 0, "reasoning_content"), TextDelta("x"))
    assert kinds(events)[2:8] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]
    item = events[7]["item"]
    assert item["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert item["summary"] == []
    marked = unwrapped(item["encrypted_content"], "openai_responses")
    assert (marked.signature, marked.origin) == (None, Origin("")), "no provider here made it"


def test_thought_in_summary() -> None:
    events = told(
        STARTED,
        ReasoningDelta("hm", 0, SUMMARY),
        ReasoningSealed("gAAA", Origin("openai_responses", "m")),
        PartEnded(),
    )
    assert kinds(events)[2:] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert events[-1]["item"]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert events[-1]["item"]["encrypted_content"] == "gAAA"


def test_who_asks_for_a_summary_is_told_all_thought_so() -> None:
    """Codex shows summaries, and gives them back; thought told whole it does neither."""
    asked = payload_of(reasoning={"summary": "auto"})
    (item,) = output(ReasoningDelta("hm", 0, "reasoning_content"), asked=asked)
    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    back = payload_of(input=[{k: v for k, v in item.items() if k != "id"}]).request
    (thought,) = back.turns[0].parts
    assert getattr(thought, "text", "") == "hm", "it is the thought again, not a summary of it"
    assert getattr(thought, "signature", "") is None
    (own,) = output(ReasoningDelta("hm", 0, "reasoning_text"), asked=asked)
    assert own["content"] == [{"type": "reasoning_text", "text": "hm"}]


def test_foreign_seals_are_wrapped() -> None:
    origin = Origin("anthropic_messages", "claude", "org")
    thought, sealed = output(
        ReasoningDelta("hm", 0, ""),
        ReasoningSealed("sig", origin),
        PartEnded(),
        ReasoningSealed("data", origin, sealed=True),
    )
    first = unwrapped(thought["encrypted_content"], "openai_responses")
    assert (first.signature, first.origin, first.sealed) == ("sig", origin, False)
    second = unwrapped(sealed["encrypted_content"], "openai_responses")
    assert (second.signature, second.sealed) == ("data", True)
    assert sealed["summary"] == []


# ------------------------------------------------------------------ what is repeated


def test_the_request_is_repeated() -> None:
    asked = payload_of(
        instructions="be brief",
        tools=[{"type": "function", "name": "f"}, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "f"},
        temperature=0.50,
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
        reasoning={"effort": "low"},
        metadata={"a": "b"},
        parallel_tool_calls=False,
        max_output_tokens=100,
        previous_response_id=None,
        store=True,
    )
    for event in (told(STARTED, asked=asked)[0], told(STARTED, Ended(), asked=asked)[-1]):
        response = event["response"]
        assert response["instructions"] == "be brief"
        assert response["tools"] == [
            {
                "type": "function",
                "name": "f",
                "description": None,
                "parameters": None,
                "strict": True,
            },
            {"type": "web_search"},
        ]
        assert response["tool_choice"] == {"type": "function", "name": "f"}
        assert response["temperature"] == 0.5
        assert response["text"]["format"]["strict"] is False
        assert response["text"]["verbosity"] == "low"
        assert response["reasoning"] == {"effort": "low", "summary": None}
        assert response["metadata"] == {"a": "b"}
        assert response["parallel_tool_calls"] is False
        assert response["max_output_tokens"] == 100
        assert response["previous_response_id"] is None
        assert response["store"] is False, "nothing is stored here"


def test_a_request_that_was_rewritten_is_repeated_too() -> None:
    asked = payload_of(instructions="a", temperature=0.5)
    asked.rewrite(asked.request)
    response = told(STARTED, asked=asked)[0]["response"]
    assert (response["instructions"], response["temperature"]) == ("a", 0.5)


def test_odd_members_are_repeated_as_they_are() -> None:
    asked = payload_of(tools=3, text="x", reasoning=[])
    assert told(STARTED, asked=asked)[0]["response"]["tools"] == 3


# ------------------------------------------------------------------ what else comes


def test_what_has_no_place() -> None:
    events = told(
        STARTED,
        STARTED,
        TextDelta("other", 1),
        ToolCallDelta(7, "x"),
        OpaqueEvent("openai_chat", b"data: {}\n\n"),
        OpaqueEvent("openai_responses", b"data: {}\n\n"),
        StreamFailed(UpstreamBroken("m", code="x")),
        PartEnded(),
    )
    assert kinds(events) == ["created", "in_progress"]


def test_a_provider_that_never_says_that_it_began() -> None:
    events = told(TextDelta("x"), Ended())
    assert kinds(events)[:3] == ["created", "in_progress", "output_item.added"]
    assert kinds(events)[-1] == "completed"


def test_it_knows_where_it_is() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    assert encoder.position == Position()
    encoder.feed(STARTED)
    encoder.feed(TextDelta("x"))
    assert encoder.position == Position("resp_chatcmpl1", 4)
