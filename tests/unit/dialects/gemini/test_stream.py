"""Streams of providers, chunk by chunk."""

import json

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.errors import Disposition, Kind, UpstreamBroken, UpstreamRefused
from antiphon.model.events import (
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage


def chunk(*parts: object, **candidate: object) -> bytes:
    body = {"content": {"role": "model", "parts": list(parts)}, **candidate}
    members = {"candidates": [body], "modelVersion": "m", "responseId": "r-1"}
    return b"data: %b\r\n\r\n" % json.dumps(members).encode()


def read(*frames: bytes) -> list[StreamEvent]:
    decoder = GEMINI.stream_decoder()
    return [event for each in frames for event in decoder.feed(each)]


STARTED = Started("r-1", "m")
ORIGIN = Origin(DIALECT, "m")
STOPPED = Finished(Stop(StopReason.STOP, raw="STOP"))


def test_text_and_thought() -> None:
    decoder = GEMINI.stream_decoder()
    assert decoder.feed(chunk({"text": "Hm", "thought": True})) == (STARTED, ReasoningDelta("Hm"))
    assert decoder.position.id == "r-1"
    assert decoder.feed(chunk({"text": "Hello"})) == (TextDelta("Hello"),)
    end = chunk({"text": "", "thoughtSignature": "c2ln"}, finishReason="STOP")
    assert decoder.feed(end) == (ReasoningSealed("c2ln", ORIGIN), PartEnded(), STOPPED)
    assert decoder.without_usage(end) == end


def test_calls_come_whole() -> None:
    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
    named = {"functionCall": {"id": "x", "name": "g"}}
    assert read(chunk(call, named), chunk(call, finishReason="STOP"))[1:] == [
        ReasoningSealed("c2ln", ORIGIN),
        PartEnded(),
        ToolCallStarted(0, "call_r1_0", "f"),
        ToolCallDelta(0, '{"a": 1}'),
        PartEnded(),
        ToolCallStarted(1, "x", "g"),
        ToolCallDelta(1, "{}"),
        PartEnded(),
        ReasoningSealed("c2ln", ORIGIN),
        PartEnded(),
        ToolCallStarted(2, "call_r1_2", "f"),
        ToolCallDelta(2, '{"a": 1}'),
        PartEnded(),
        Finished(Stop(StopReason.TOOL, raw="STOP")),
    ]


def test_a_call_in_pieces() -> None:
    def piece(*arguments: object, **members: object) -> bytes:
        return chunk({"functionCall": {"partialArgs": list(arguments), **members}})

    begun = chunk({"functionCall": {"name": "f", "willContinue": True}})
    events = read(
        begun,
        piece(
            {"jsonPath": "$.rows[0].name", "stringValue": "Lon", "willContinue": True},
            willContinue=True,
        ),
        piece({"jsonPath": "$.rows[0].name", "stringValue": "don"}, willContinue=True),
        piece(
            {"jsonPath": "$.rows[1]['a.b']", "numberValue": 2},
            {"jsonPath": "$.ok", "boolValue": True},
            willContinue=True,
        ),
        piece(
            {"jsonPath": "$.gone", "nullValue": "NULL_VALUE"},
            {"jsonPath": "$.rows[99999999]"},
            willContinue=True,
        ),
        chunk({"functionCall": {}}),
        chunk({"text": ""}, finishReason="STOP"),
    )
    started, said, ended, finished = events[1:]
    assert started == ToolCallStarted(0, "call_r1_0", "f")
    assert json.loads(said.arguments) == {
        "rows": [{"name": "London"}, {"a.b": 2}],
        "ok": True,
        "gone": None,
    }
    assert ended == PartEnded()
    assert finished.stop.reason is StopReason.TOOL


def test_what_only_this_dialect_knows_goes_on_whole() -> None:
    part = {"executableCode": {"code": "1+1"}, "thoughtSignature": "c2ln"}
    opaque = read(chunk({"text": "a"}, part))[-1]
    assert isinstance(opaque, OpaqueEvent)
    assert json.loads(opaque.payload[6:])["candidates"][0]["content"]["parts"] == [part]
    encoder = GEMINI.stream_encoder(include_usage=True)
    encoder.feed(STARTED)
    again = json.loads(encoder.feed(opaque)[6:])
    assert again["candidates"][0]["content"]["parts"] == [part]
    assert (again["modelVersion"], again["responseId"]) == ("m", "r-1")


def test_usage_is_what_was_stated_last() -> None:
    def counted(**counts: int) -> bytes:
        return b'data: {"candidates":[],"usageMetadata":%b}\n\n' % json.dumps(counts).encode()

    first = counted(
        promptTokenCount=9, thoughtsTokenCount=5, candidatesTokenCount=2, totalTokenCount=16
    )
    last = counted(promptTokenCount=9, candidatesTokenCount=4, totalTokenCount=13)
    usages = [event.usage for event in read(first, first, last) if isinstance(event, UsageReported)]
    assert usages == [Usage(9, output_tokens=2, reasoning_tokens=5), Usage(9, output_tokens=4)]


def test_several_candidates() -> None:
    events = read(
        chunk({"text": "a"}, index=1), chunk({"text": "b"}, index=1, finishReason="MAX_TOKENS")
    )
    assert events[1:] == [
        TextDelta("a", 1),
        TextDelta("b", 1),
        Finished(Stop(StopReason.LENGTH, raw="MAX_TOKENS"), 1),
    ]


def test_log_probabilities() -> None:
    events = read(chunk({"text": "a"}, logprobsResult={"chosenCandidates": []}))
    assert isinstance(events[-1], LogprobsDelta)
    assert bytes(events[-1].payload) == b'{"chosenCandidates": []}'


@pytest.mark.parametrize("word", ["SAFETY", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", 3])
def test_a_filter(word: str | int) -> None:
    stop = read(chunk(finishReason=word))[-1]
    assert isinstance(stop, Finished)
    assert stop.stop.reason is StopReason.FILTER


@pytest.mark.parametrize(
    "word",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "OTHER"],
)
def test_a_failure_is_no_end(word: str) -> None:
    failed = read(chunk(finishReason=word, finishMessage="It broke."))[-1]
    assert isinstance(failed, StreamFailed)
    assert (failed.error.code, failed.error.message) == (word, "It broke.")
    assert failed.error.disposition is Disposition.TRANSIENT


def test_a_call_that_was_not_expected_is_one() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    stop = read(chunk(call, finishReason="UNEXPECTED_TOOL_CALL"))[-1]
    assert stop == Finished(Stop(StopReason.TOOL, raw="UNEXPECTED_TOOL_CALL"))


def test_a_blocked_prompt() -> None:
    frame = b'data: {"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"m","responseId":"r-1"}\n\n'
    assert read(frame) == [STARTED, Finished(Stop(StopReason.FILTER, raw="SAFETY"))]


def test_an_error_inside_a_stream() -> None:
    error = {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}
    sse = b"data: %b\n\n" % json.dumps({"error": error}).encode()
    bare = b"[%b]" % json.dumps({"error": error}).encode()
    for frame in (sse, bare, json.dumps({"error": error}).encode()):
        events = read(frame)
        assert isinstance(events[0], StreamFailed)
        assert isinstance(events[0].error, UpstreamRefused)
        assert events[0].error.error_kind is Kind.OVERLOADED


def test_what_says_nothing() -> None:
    assert read(b"\n", b": ping\n\n", b"data: [DONE]\n\n", b"]", b" ]\r\n") == []


def test_events_that_end_with_one_line_end() -> None:
    frame = chunk({"text": "a"}).strip() + b"\n" + chunk({"text": "b"}, finishReason="STOP").strip()
    assert read(frame + b"\n") == [STARTED, TextDelta("a"), TextDelta("b"), STOPPED]


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: x\n\n", b"data: []\n\n", b"[{]"])
def test_what_cannot_be_read(frame: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read(frame)
