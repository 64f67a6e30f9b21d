"""Streams for callers, event by event."""

import json

import msgspec
import pytest
from hypothesis import given

from antiphon.dialects.ollama import OLLAMA
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, Origin, Reasoning, Refusal, Text
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from tests.unit.dialects.openai_chat.strategies import streams as chat_streams

STARTED = Started("chatcmpl-1", "hf.co/a/b:Q4", 1735689600)
HEAD = {"model": "hf.co/a/b:Q4", "created_at": "2025-01-01T00:00:00Z"}
END = (Finished(Stop(StopReason.STOP)), Ended())


def write(*events: StreamEvent) -> list[dict[str, object]]:
    encoder = OLLAMA.stream_encoder(include_usage=False)
    out = b"".join(map(encoder.feed, events))
    assert out.endswith(b"\n") or not out
    assert b"\n\n" not in out
    return [json.loads(line) for line in out.splitlines()]


def told(*events: StreamEvent) -> list[object]:
    """The messages of these events, in lines of a stream that goes on."""
    lines = write(STARTED, *events)
    for line in lines:
        assert {name: line[name] for name in HEAD} == HEAD
        assert line["done"] is False
    return [line["message"] for line in lines]


def said(text: str, **more: object) -> dict[str, object]:
    return {"role": "assistant", "content": text, **more}


def called(at: int, name: str, arguments: object) -> dict[str, object]:
    function = {"index": at, "name": name, "arguments": arguments}
    return said("", tool_calls=[{"id": f"call_{at}", "function": function}])


def started(at: int, name: str, kind: CallKind = CallKind.FUNCTION) -> ToolCallStarted:
    return ToolCallStarted(at, f"call_{at}", name, kind=kind)


def test_text_and_thought() -> None:
    assert told(ReasoningDelta("Hm"), TextDelta('a "%b"'), RefusalDelta("No"), PartEnded()) == [
        said("", thinking="Hm"),
        said('a "%b"'),
        said("No"),
    ]


def test_the_end() -> None:
    usage = UsageReported(Usage(1, 2, 3, output_tokens=4, reasoning_tokens=5))
    assert write(STARTED, usage, *END) == [
        HEAD
        | {
            "message": said(""),
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 6,
            "eval_count": 9,
            "total_duration": 0,
            "load_duration": 0,
            "prompt_eval_duration": 0,
            "eval_duration": 0,
        }
    ]


def test_what_was_used_may_be_told_behind_the_end() -> None:
    last = write(STARTED, END[0], UsageReported(Usage(7)), END[1])[-1]
    assert last["prompt_eval_count"] == 7
    assert "eval_count" not in write(*END)[-1]


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        (Stop(StopReason.STOP, raw="end_turn"), "stop"),
        (Stop(StopReason.TOOL, raw="tool_calls"), "stop"),
        (Stop(StopReason.LENGTH, raw="max_tokens"), "length"),
        (Stop(StopReason.CONTEXT), "length"),
        (Stop(StopReason.PAUSE), "length"),
        (Stop(StopReason.FILTER, raw="content_filter"), "content_filter"),
        (Stop(StopReason.REFUSAL), "content_filter"),
        (Stop(StopReason.ERROR), "error"),
        (Stop(StopReason.STOP, raw="load"), "load"),
        (Stop(StopReason.LENGTH, raw="stop"), "length"),
    ],
)
def test_why_it_ended(stop: Stop, word: str) -> None:
    assert write(Finished(stop), Ended())[-1]["done_reason"] == word


def test_a_call_waits_until_it_is_whole() -> None:
    assert told(started(0, "f"), ToolCallDelta(0, '{"a"'), ToolCallDelta(0, ": 1")) == []
    assert told(
        TextDelta("a"),
        started(0, "f"),
        *(ToolCallDelta(0, piece) for piece in '{"a": "}{"}'),
        TextDelta("b"),
    ) == [said("a"), called(0, "f", {"a": "}{"}), said("b")]


def test_arguments_on_several_lines_stay_on_one() -> None:
    written = '{\n  "a": "b\\n",\r\n  "c": [1,\n 2]\n}'
    assert told(started(0, "f"), ToolCallDelta(0, written), TextDelta("b")) == [
        called(0, "f", {"a": "b\n", "c": [1, 2]}),
        said("b"),
    ]


def test_calls_that_grow_at_once_are_told_in_their_order() -> None:
    assert told(
        started(0, "f"),
        started(1, "g"),
        ToolCallDelta(1, '{"b":2}'),
        ToolCallDelta(0, '{"a":'),
        ToolCallDelta(0, "1}"),
        ReasoningDelta("Hm"),
        started(2, "h"),
        END[0],
    ) == [
        called(0, "f", {"a": 1}),
        called(1, "g", {"b": 2}),
        said("", thinking="Hm"),
        called(2, "h", {}),
    ]


def test_arguments_that_are_no_object() -> None:
    assert told(
        started(0, "f"),
        ToolCallDelta(0, "[1]"),
        started(1, "g", CallKind.CUSTOM),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(1, " free"),
        ToolCallDelta(9, "of no call"),
        END[0],
    ) == [called(0, "f", {"_raw": "[1]"}), called(1, "g", {"input": "{} free"})]


def test_what_has_no_place_is_left_out() -> None:
    assert (
        told(
            ReasoningSealed("s", Origin("anthropic_messages")),
            TextDelta("other", choice=1),
            ToolCallStarted(0, "c", "f", choice=1),
            ToolCallDelta(0, "{}", choice=1),
            Finished(Stop(StopReason.STOP), choice=1),
            LogprobsDelta("openai_chat", msgspec.Raw(b"{}")),
            OpaqueEvent("openai_chat", b"data: {}\n\n"),
        )
        == []
    )


def test_what_only_its_own_dialect_knows() -> None:
    news = b'{"status":"loading"}\n'
    lines = write(
        STARTED,
        LogprobsDelta(DIALECT, msgspec.Raw(b'[{"token":"a","logprob":-1}]')),
        OpaqueEvent(DIALECT, news),
    )
    assert lines == [
        HEAD
        | {
            "message": said(""),
            "logprobs": [{"token": "a", "logprob": -1}],
            "done": False,
        },
        json.loads(news),
    ]


def test_a_time_that_is_none() -> None:
    encoder = OLLAMA.stream_encoder(include_usage=False)
    encoder.feed(Started("", "m", 10**15))
    assert json.loads(encoder.feed(TextDelta("a")))["created_at"] == "1970-01-01T00:00:00Z"


@given(chat_streams())
def test_streams_of_another_dialect(events: list[StreamEvent]) -> None:
    """Interleaved calls, arguments that are no JSON, two choices: what is said is heard."""
    decoder = OLLAMA.stream_decoder()
    encoder = OLLAMA.stream_encoder(include_usage=False)
    out = b"".join(map(encoder.feed, events)).splitlines(keepends=True)
    heard = fold([event for line in out for event in decoder.feed(line)])
    said, asked = heard.choices[0].turn, fold(events).choices[0].turn
    assert said.text == "".join(
        part.text for part in asked.parts if isinstance(part, Text | Refusal)
    )
    assert [call.name for call in said.tool_calls] == [call.name for call in asked.tool_calls]
    thoughts = [
        "".join(part.text for part in turn.parts if isinstance(part, Reasoning))
        for turn in (said, asked)
    ]
    assert thoughts[0] == thoughts[1]
