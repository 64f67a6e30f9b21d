"""Streams of providers, frame by frame."""

import json

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.errors import Disposition, Kind, UpstreamBroken, UpstreamRefused
from antiphon.model.events import (
    Ended,
    Finished,
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


def frame(kind: str, **members: object) -> bytes:
    data = json.dumps({"type": kind, **members})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def start(index: int, **block: object) -> bytes:
    return frame("content_block_start", index=index, content_block=block)


def delta(index: int, kind: str, **members: object) -> bytes:
    return frame("content_block_delta", index=index, delta={"type": kind, **members})


def stop(index: int) -> bytes:
    return frame("content_block_stop", index=index)


MESSAGE = frame(
    "message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 9}}
)
STARTED = [Started("msg_1", "m"), UsageReported(Usage(9), alone=False)]


def read(*frames: bytes) -> list[StreamEvent]:
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    return [event for each in frames for event in decoder.feed(each)]


def test_a_message() -> None:
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    assert decoder.position.id == ""
    assert [*decoder.feed(MESSAGE)] == STARTED
    assert decoder.position.id == "msg_1"
    assert [*decoder.feed(frame("ping"))] == []
    end = frame(
        "message_delta",
        delta={"stop_reason": "stop_sequence", "stop_sequence": "END"},
        usage={"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2}},
    )
    assert decoder.feed(end) == (
        UsageReported(Usage(9, output_tokens=3, reasoning_tokens=2), alone=False),
    )
    assert decoder.feed(frame("message_stop")) == (
        Finished(Stop(StopReason.STOP, raw="stop_sequence", sequence="END")),
        Ended(),
    )
    assert decoder.without_usage(end) == end


def test_usage_is_of_the_whole_stream() -> None:
    begun = frame(
        "message_start",
        message={
            "usage": {
                "input_tokens": 9,
                "cache_read_input_tokens": 7,
                "cache_creation_input_tokens": 4,
                "cache_creation": {"ephemeral_1h_input_tokens": 3},
                "output_tokens": 1,
            }
        },
    )
    end = frame("message_delta", delta={}, usage={"input_tokens": 11, "output_tokens": 5})
    reported = [event.usage for event in read(begun, end) if isinstance(event, UsageReported)]
    cached = {"cache_read_tokens": 7, "cache_write_tokens": 1, "cache_write_1h_tokens": 3}
    assert reported == [Usage(9, output_tokens=1, **cached), Usage(11, output_tokens=5, **cached)]


def test_thought() -> None:
    origin = Origin(DIALECT, "m")
    assert read(
        MESSAGE,
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature="c2ln"),
        stop(0),
        start(1, type="redacted_thinking", data="aGlk"),
        stop(1),
        start(2, type="thinking", thinking="", signature="ZW1wdHk="),
        stop(2),
    )[2:] == [
        ReasoningDelta("Hm"),
        ReasoningSealed("c2ln", origin),
        PartEnded(),
        ReasoningSealed("aGlk", origin, sealed=True),
        PartEnded(),
        ReasoningSealed("ZW1wdHk=", origin),
        PartEnded(),
    ]


def test_calls_count_from_nought_whatever_the_number_of_their_block() -> None:
    assert read(
        MESSAGE,
        start(3, type="tool_use", id="t1", name="f", input={}),
        delta(3, "input_json_delta", partial_json=""),
        delta(3, "input_json_delta", partial_json='{"a"'),
        delta(3, "input_json_delta", partial_json=":1}"),
        stop(3),
        start(5, type="tool_use", id="t2", name="g", input={}),
        stop(5),
        start(6, type="tool_use", id="t3", name="h", input={"b": 2}),
        stop(6),
        frame("message_stop"),
    )[2:] == [
        ToolCallStarted(0, "t1", "f"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(0, ":1}"),
        PartEnded(),
        ToolCallStarted(1, "t2", "g"),
        ToolCallDelta(1, "{}"),
        PartEnded(),
        ToolCallStarted(2, "t3", "h"),
        ToolCallDelta(2, '{"b": 2}'),
        PartEnded(),
        Finished(Stop(StopReason.TOOL, raw="tool_use")),
        Ended(),
    ]


@pytest.mark.parametrize(
    "news",
    [
        frame("event_of_tomorrow", x=1),
        start(0, type="server_tool_use", id="s", name="web_search", input={}),
        stop(7),
        frame("content_block_start", index="x"),
        frame("content_block_delta", index=0),
    ],
)
def test_what_nobody_knows_is_passed_on_whole(news: bytes) -> None:
    assert read(news) == [OpaqueEvent(DIALECT, news)]


def test_a_delta_that_nobody_knows_in_a_text() -> None:
    cited = delta(0, "citations_delta", citation={"url": "x"})
    assert read(start(0, type="text", text="a"), cited, stop(0)) == [
        TextDelta("a"),
        OpaqueEvent(DIALECT, cited),
        PartEnded(),
    ]


def test_what_is_sent_besides() -> None:
    assert (
        read(b": comment\n\n", b"data: [DONE]\n\n", b"event: ping\ndata:\n\n", MESSAGE, MESSAGE)
        == STARTED
    )


@pytest.mark.parametrize(
    ("failed", "kind", "disposition"),
    [
        (
            frame("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            Kind.OVERLOADED,
            Disposition.TRANSIENT,
        ),
        (
            frame("error", error={"type": "api_error", "message": "Internal server error"}),
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
        ),
        (b'data: {"error":{"message":"x","type":"rate_limit_error"}}\n\n', Kind.RATE_LIMITED, None),
        (b"event: error\ndata: It broke.\n\n", Kind.UPSTREAM, None),
        (b"event: error\ndata: {}\n\n", Kind.UPSTREAM, None),
    ],
)
def test_errors_inside_a_stream(failed: bytes, kind: Kind, disposition: Disposition | None) -> None:
    (event,) = read(failed)
    assert isinstance(event, StreamFailed)
    assert isinstance(event.error, UpstreamRefused)
    assert event.error.error_kind is kind
    assert disposition in (None, event.error.disposition)


@pytest.mark.parametrize("data", [b"data: {\n\n", b"event: x\ndata: \xff\n\n", b"data: {}x\n\n"])
def test_what_cannot_be_read(data: bytes) -> None:
    with pytest.raises(UpstreamBroken) as raised:
        read(data)
    assert raised.value.code == "bad_event"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", StopReason.STOP),
        ("max_tokens", StopReason.LENGTH),
        ("model_context_window_exceeded", StopReason.CONTEXT),
        ("tool_use", StopReason.TOOL),
        ("pause_turn", StopReason.PAUSE),
        ("refusal", StopReason.REFUSAL),
        ("word_of_tomorrow", StopReason.STOP),
    ],
)
def test_stops(raw: str, reason: StopReason) -> None:
    events = read(frame("message_delta", delta={"stop_reason": raw}), frame("message_stop"))
    assert events == [Finished(Stop(reason, raw=raw)), Ended()]


def test_a_block_begins_with_its_first_fragment_where_it_did_not_begin() -> None:
    said = read(
        MESSAGE,
        delta(0, "thinking_delta", thinking="hm"),
        stop(0),
        delta(1, "text_delta", text="a"),
        delta(1, "text_delta", text="b"),
        stop(1),
    )
    assert said == [
        *STARTED,
        ReasoningDelta("hm"),
        PartEnded(),
        TextDelta("a"),
        TextDelta("b"),
        PartEnded(),
    ]


def test_a_call_that_did_not_begin_has_no_name_and_breaks_the_stream() -> None:
    with pytest.raises(UpstreamBroken) as caught:
        read(MESSAGE, delta(0, "input_json_delta", partial_json="{}"))
    assert caught.value.code == "bad_event"


def test_a_message_that_says_nothing_and_not_why_has_not_finished() -> None:
    assert read(MESSAGE, frame("message_stop")) == [*STARTED, Ended()]
    ended = frame("message_delta", delta={"stop_reason": "end_turn"})
    assert Finished(Stop(StopReason.STOP, raw="end_turn")) in read(
        MESSAGE, ended, frame("message_stop")
    )
