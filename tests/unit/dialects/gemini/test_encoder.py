"""Streams for callers: whole responses, data lines alone."""

import json
import re

from hypothesis import given

from antiphon.dialects.gemini import GEMINI, ArrayStream
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.model.events import (
    Ended,
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind, Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from tests.unit.dialects.gemini import strategies
from tests.unit.dialects.openai_chat.strategies import streams as chat_streams

STARTED = Started("r", "m")
FRAME = re.compile(rb"data: (\{.*\})\n\n")


def write(*events: StreamEvent) -> list[dict[str, object]]:
    encoder = GEMINI.stream_encoder(include_usage=True)
    out = b"".join(encoder.feed(event) for event in events)
    assert FRAME.sub(b"", out) == b"", "data lines and nothing else"
    return [json.loads(data) for data in FRAME.findall(out)]


def parts_of(chunks: list[dict[str, object]]) -> list[object]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


def test_every_chunk_is_a_whole_response() -> None:
    chunks = write(
        STARTED, TextDelta("a"), TextDelta("b"), Finished(Stop(StopReason.LENGTH)), Ended()
    )
    assert [chunk["modelVersion"] for chunk in chunks] == ["m"] * 3
    assert [chunk["responseId"] for chunk in chunks] == ["r"] * 3
    assert parts_of(chunks) == [{"text": "a"}, {"text": "b"}, {"text": ""}]
    assert chunks[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_nothing_stands_behind_a_stream_that_was_not_written_here() -> None:
    assert write(Ended()) == []
    assert len(write(STARTED, Ended())) == 1


def test_usage_that_comes_behind_the_end_is_told() -> None:
    usage = Usage(3, cache_read_tokens=2, output_tokens=4, reasoning_tokens=1)
    chunks = write(STARTED, Finished(Stop(StopReason.STOP)), UsageReported(usage), Ended())
    assert chunks[-1]["usageMetadata"] == {
        "promptTokenCount": 5,
        "cachedContentTokenCount": 2,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 1,
        "totalTokenCount": 10,
    }


def test_a_call_is_told_when_it_is_whole() -> None:
    encoder = GEMINI.stream_encoder(include_usage=True)
    encoder.feed(STARTED)
    begun = (ToolCallStarted(0, "c", "f"), ToolCallDelta(0, '{"a"'), ToolCallDelta(0, ":1}"))
    assert b"".join(encoder.feed(event) for event in begun) == b""
    out = encoder.feed(PartEnded())
    assert b'"functionCall":{"id":"c","name":"f","args":{"a":1}}' in out


def test_calls_side_by_side() -> None:
    chunks = write(
        STARTED,
        ToolCallStarted(0, "c0", "f"),
        ToolCallStarted(1, "c1", "g", kind=CallKind.CUSTOM),
        ToolCallDelta(1, "free"),
        ToolCallDelta(0, "no json"),
        Finished(Stop(StopReason.TOOL)),
        Ended(),
    )
    calls = [part["functionCall"] for part in parts_of(chunks) if "functionCall" in part]
    assert [call["args"] for call in calls] == [{"_raw": "no json"}, {"input": "free"}]
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_seal_of_gemini_stands_on_the_next_part() -> None:
    seal = ReasoningSealed("c2ln", Origin(DIALECT, "m"))
    call = (ToolCallStarted(0, "c", "f"), ToolCallDelta(0, "{}"), PartEnded())
    parts = parts_of(write(STARTED, ReasoningDelta("Hm"), seal, PartEnded(), *call, Ended()))
    assert parts[0] == {"text": "Hm", "thought": True}
    assert parts[1]["thoughtSignature"] == "c2ln"
    parts = parts_of(write(STARTED, TextDelta("a"), seal, PartEnded(), Ended()))
    assert parts[1] == {"text": "", "thoughtSignature": "c2ln"}


def test_a_foreign_seal_is_thought_and_base64() -> None:
    seal = ReasoningSealed("not base64!", Origin("anthropic_messages", "m"))
    parts = parts_of(write(STARTED, ReasoningDelta("Hm"), seal, TextDelta("a"), Ended()))
    assert parts[1]["thought"]
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", parts[1]["thoughtSignature"])
    assert parts[2] == {"text": "a"}


def test_several_answers() -> None:
    chunks = write(
        STARTED, TextDelta("a"), TextDelta("b", 1), Finished(Stop(StopReason.STOP), 1), Ended()
    )
    assert [chunk["candidates"][0]["index"] for chunk in chunks] == [0, 1, 0]
    assert [each["index"] for each in chunks[-1]["candidates"]] == [0, 1]


def test_an_answer_without_a_word() -> None:
    (only,) = write(STARTED, Finished(Stop(StopReason.FILTER)), Ended())
    assert only["candidates"][0]["finishReason"] == "SAFETY"


@given(chat_streams())
def test_streams_of_another_dialect_lose_no_text_and_no_call(events: list[StreamEvent]) -> None:
    chunks = write(*events)
    every = [
        (each["index"], part)
        for chunk in chunks
        for each in chunk["candidates"]
        for part in each["content"]["parts"]
    ]
    calls = [part for _, part in every if "functionCall" in part]
    assert len(calls) == sum(isinstance(event, ToolCallStarted) for event in events)
    told = "".join(
        event.text for event in events if isinstance(event, TextDelta) and not event.choice
    )
    heard = [
        part["text"] for at, part in every if not at and "text" in part and "thought" not in part
    ]
    assert told in "".join(heard) or len(heard) > 1


# ------------------------------------------------------------------ arrays


def test_an_array_of_the_same_chunks() -> None:
    encoder, array = GEMINI.stream_encoder(include_usage=True), ArrayStream()
    frames = [encoder.feed(event) for event in (*strategies.EXAMPLE, Ended())]
    wrapped = b"".join(map(array.feed, frames)) + array.end()
    assert json.loads(wrapped) == [json.loads(data) for data in FRAME.findall(b"".join(frames))]


def test_an_array_that_is_cut_and_kept_alive() -> None:
    array = ArrayStream()
    frames = [b"data: {}\r\n\r\n", GEMINI.heartbeat, b"data: {", b'"a":1}\n', b"\n"]
    out = b"".join(map(array.feed, frames)) + array.end()
    assert json.loads(out) == [{}, {"a": 1}]
    assert ArrayStream().end() == b"[]"
