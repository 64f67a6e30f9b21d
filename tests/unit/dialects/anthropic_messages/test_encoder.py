"""Streams for callers: one block at a time, whatever the order in which things were said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.base import Payload
from antiphon.model import seals
from antiphon.model.events import (
    Ended,
    Finished,
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
from antiphon.model.parts import CallKind, Origin, Reasoning
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members
from tests.unit.dialects.anthropic_messages.client import streamed

STARTED = Started("chatcmpl-1", "gpt")


def write(*events: StreamEvent, asked: Payload | None = None) -> bytes:
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True, asked=asked)
    return b"".join(map(encoder.feed, (STARTED, *events)))


def told(*events: StreamEvent) -> list[dict[str, object]]:
    return [
        json.loads(frame.partition(b"data: ")[2]) for frame in write(*events).split(b"\n\n")[:-1]
    ]


def shape(*events: StreamEvent) -> list[str]:
    """The blocks, as `0 text`, `0 "a"`, `0 end`."""
    out: list[str] = []
    for event in told(*events):
        match event:
            case {"type": "content_block_start", "index": at, "content_block": {"type": kind}}:
                out.append(f"{at} {kind}")
            case {"type": "content_block_delta", "index": at, "delta": {"type": kind, **said}}:
                seal = kind == "signature_delta"
                out.append(f"{at} seal" if seal else f"{at} {next(iter(said.values()))!r}")
            case {"type": "content_block_stop", "index": at}:
                out.append(f"{at} end")
            case _:
                pass
    return out


# ------------------------------------------------------------------ the message


def test_a_message_begins_once_and_is_told_what_was_counted() -> None:
    (begun, *_) = told(UsageReported(Usage(7, cache_read_tokens=2)), TextDelta("a"))
    assert begun["message"] == {
        "id": "msg_chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 7,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 2,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 0,
        },
    }
    kinds = [event["type"] for event in told(TextDelta("a"), Started("b", "c"), Ended())]
    assert kinds.count("message_start") == 1


def test_the_prompt_is_estimated_until_it_is_counted() -> None:
    body = b'{"model":"m","max_tokens":1,"messages":["%b"]}' % (b"x" * 353)
    asked = Payload(ANTHROPIC_MESSAGES, Members.parse(body))
    asked.input_estimate = 88
    assert b'"input_tokens":88,' in write(TextDelta("a"), asked=asked)


def test_usage_that_comes_after_the_stop_is_told() -> None:
    (end, stop) = told(
        TextDelta("a"),
        Finished(Stop(StopReason.LENGTH)),
        UsageReported(Usage(7, output_tokens=2, reasoning_tokens=1)),
        Ended(),
    )[-2:]
    assert end["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert end["usage"]["output_tokens"] == 3
    assert end["usage"]["output_tokens_details"] == {"thinking_tokens": 1}
    assert stop == {"type": "message_stop"}


def test_an_answer_of_nothing_is_whole() -> None:
    message = streamed(write(Finished(Stop(StopReason.STOP)), Ended()))
    assert (message.content, message.stop_reason) == ([], "end_turn")


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        (Stop(StopReason.STOP, raw="stop"), "end_turn"),
        (Stop(StopReason.STOP, raw="stop", sequence="END"), "stop_sequence"),
        (Stop(StopReason.LENGTH, raw="length"), "max_tokens"),
        (Stop(StopReason.CONTEXT), "model_context_window_exceeded"),
        (Stop(StopReason.TOOL, raw="tool_calls"), "tool_use"),
        (Stop(StopReason.FILTER, raw="content_filter"), "refusal"),
        (Stop(StopReason.REFUSAL), "refusal"),
        (Stop(StopReason.PAUSE, raw="pause_turn"), "pause_turn"),
        (Stop(StopReason.ERROR, raw="error"), "max_tokens"),
    ],
)
def test_stops(stop: Stop, word: str) -> None:
    assert streamed(write(Finished(stop), Ended())).stop_reason == word


@pytest.mark.parametrize("said", [(), (Finished(Stop(StopReason.STOP, raw="stop"), 0),)])
def test_what_called_a_tool_stopped_for_it(said: tuple[StreamEvent, ...]) -> None:
    called = ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}")
    [delta] = [each for each in told(*called, *said, Ended()) if each["type"] == "message_delta"]
    assert delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_a_refusal_is_text_and_a_stop() -> None:
    message = streamed(write(RefusalDelta("No."), Finished(Stop(StopReason.STOP)), Ended()))
    assert (message.content[0].text, message.stop_reason) == ("No.", "refusal")


def test_other_choices_are_left_out() -> None:
    assert shape(TextDelta("a"), TextDelta("b", 1), TextDelta("c")) == ["0 text", "0 'a'", "0 'c'"]
    assert told(Finished(Stop(StopReason.LENGTH), 1), Ended())[1]["delta"] == {
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }


# ------------------------------------------------------------------ blocks


def test_blocks_follow_each_other() -> None:
    assert shape(
        ReasoningDelta("Hm"), TextDelta("a"), TextDelta("b"), ReasoningDelta("c"), Ended()
    ) == [
        "0 thinking", "0 'Hm'", "0 seal", "0 end",
        "1 text", "1 'a'", "1 'b'", "1 end",
        "2 thinking", "2 'c'", "2 seal", "2 end",
    ]  # fmt: skip


def test_parts_that_end_are_blocks_that_end() -> None:
    assert shape(TextDelta("a"), PartEnded(), PartEnded(), TextDelta("b")) == [
        "0 text", "0 'a'", "0 end", "1 text", "1 'b'",
    ]  # fmt: skip


def test_a_call_whose_input_is_whole_makes_room_for_the_next() -> None:
    assert shape(
        TextDelta("a"),
        ToolCallStarted(0, "x", "f"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
        ToolCallStarted(1, "y", "g"),
        ToolCallDelta(1, "{}"),
        TextDelta("b"),
    ) == [
        "0 text", "0 'a'", "0 end",
        "1 tool_use", "1 '{'", "1 '}'", "1 end",
        "2 tool_use", "2 '{}'", "2 end",
        "3 text", "3 'b'",
    ]  # fmt: skip


def test_interleaved_calls_wait_for_each_other() -> None:
    assert shape(
        ToolCallStarted(0, "x", "f"),
        ToolCallStarted(1, "y", "g"),
        ToolCallDelta(1, '{"b"'),
        ToolCallDelta(0, '{"a"'),
        TextDelta("t"),
        ToolCallDelta(1, ":2}"),
        ToolCallDelta(0, ":1}"),
        Finished(Stop(StopReason.TOOL)),
    ) == [
        "0 tool_use", "0 '{\"a\"'", "0 ':1}'", "0 end",
        "1 tool_use", "1 '{\"b\":2}'", "1 end",
        "2 text", "2 't'", "2 end",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pieces", "said"),
    [((), {}), (("", " "), {}), (("[1]",), {"_raw": "[1]"}), (("no", " {}"), {"_raw": "no {}"})],
)
def test_input_that_is_no_object(pieces: tuple[str, ...], said: object) -> None:
    deltas = [ToolCallDelta(0, piece) for piece in pieces]
    stop = Finished(Stop(StopReason.TOOL))
    message = streamed(write(ToolCallStarted(0, "x", "f"), *deltas, stop, Ended()))
    assert message.content[0].input == said


def test_input_of_a_custom_tool_is_put_in_an_object() -> None:
    call = ToolCallStarted(0, "x", "f", kind=CallKind.CUSTOM)
    message = streamed(write(call, ToolCallDelta(0, "{free"), ToolCallDelta(0, " text"), Ended()))
    assert message.content[0].input == {"input": "{free text"}


def test_a_call_without_input_ends_where_its_part_ends() -> None:
    assert shape(ToolCallStarted(0, "x", "f"), PartEnded(), TextDelta("a")) == [
        "0 tool_use", "0 end", "1 text", "1 'a'",
    ]  # fmt: skip


# ------------------------------------------------------------------ seals


def sealed_by(*events: StreamEvent) -> Reasoning:
    message = streamed(write(*events, Ended()))
    block = message.content[0]
    assert block.type == "thinking"
    return seals.unwrapped(block.signature, DIALECT)


def test_a_seal_of_another_dialect_is_wrapped() -> None:
    origin = Origin("openai_responses", "gpt", "org")
    thought = sealed_by(ReasoningDelta("Hm"), ReasoningSealed("gAAA", origin, sealed=True))
    assert thought == Reasoning(signature="gAAA", origin=origin, sealed=True)
    alone = sealed_by(ReasoningSealed("gAAA", origin, sealed=True), TextDelta("a"))
    assert alone == thought


def test_thought_without_a_seal_is_given_one_so_that_the_client_keeps_it() -> None:
    thought = sealed_by(ReasoningDelta("Hm", 0, "reasoning_content"), TextDelta("a"))
    assert thought == Reasoning(origin=Origin("", "gpt"))


def test_seals_of_our_own_are_written_as_they_are() -> None:
    origin = Origin(DIALECT, "m")
    message = streamed(
        write(
            ReasoningDelta("Hm"),
            ReasoningSealed("c2ln", origin),
            PartEnded(),
            ReasoningSealed("aGlk", origin, sealed=True),
            PartEnded(),
            Ended(),
        )
    )
    assert message.content[0].signature == "c2ln"
    assert (message.content[1].type, message.content[1].data) == ("redacted_thinking", "aGlk")


# ------------------------------------------------------------------ what goes through whole


def passed(kind: str, index: int, **members: object) -> OpaqueEvent:
    data = json.dumps({"type": kind, "index": index, **members})
    return OpaqueEvent(DIALECT, f"event: {kind}\ndata: {data}\n\n".encode())


def test_blocks_of_our_own_are_numbered_anew() -> None:
    block = {"type": "server_tool_use", "id": "s"}
    events = told(
        TextDelta("a"),
        passed("content_block_start", 4, content_block=block),
        passed("content_block_delta", 4, delta={"type": "input_json_delta"}),
        passed("content_block_stop", 4),
        TextDelta("b"),
        passed("content_block_delta", 9, delta={"type": "citations_delta", "citation": {}}),
        OpaqueEvent("another", b"data: x\n\n"),
        Ended(),
    )
    numbered = [(event["type"], event["index"]) for event in events if "index" in event]
    assert numbered == [
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
    ]


# ------------------------------------------------------------------ any order at all

INDEX = st.integers(0, 2)
PIECE = st.sampled_from(["", " ", "{", "}", '{"a":1}', "x", "[1]"])
ANY_ORIGIN = st.sampled_from([Origin(DIALECT, "m"), Origin("openai_responses"), Origin("")])
ANY_EVENT = st.one_of(
    st.builds(TextDelta, st.sampled_from(["", "a", " "]), st.integers(0, 1)),
    st.builds(ReasoningDelta, st.sampled_from(["", "Hm"])),
    st.builds(RefusalDelta, st.just("No")),
    st.builds(ReasoningSealed, st.just("s"), ANY_ORIGIN, sealed=st.booleans()),
    st.builds(ToolCallStarted, INDEX, st.just("c"), st.just("f"), kind=st.sampled_from(CallKind)),
    st.builds(ToolCallDelta, INDEX, PIECE),
    st.just(PartEnded()),
    st.just(UsageReported(None)),
    st.just(UsageReported(Usage(1, output_tokens=2))),
    st.just(Finished(Stop(StopReason.TOOL))),
    st.builds(
        passed,
        st.sampled_from(["content_block_start", "content_block_delta", "content_block_stop"]),
        INDEX,
        content_block=st.just({"type": "server_tool_use"}),
        delta=st.sampled_from([{"type": "citations_delta"}, {"type": "news"}]),
    ),
)


@given(st.lists(ANY_EVENT, max_size=14))
def test_blocks_are_in_order_whatever_is_said(events: list[StreamEvent]) -> None:
    """One block is open at a time; each begins once, in order, and ends."""
    frames = told(*events, Ended())
    kinds = [frame["type"] for frame in frames]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert kinds.count("message_start") == 1
    begun, open_at = 0, None
    for frame in frames[1:-2]:
        match frame["type"]:
            case "content_block_start":
                assert (open_at, frame["index"]) == (None, begun)
                open_at, begun = begun, begun + 1
            case "content_block_delta":
                assert frame["index"] == open_at
            case "content_block_stop":
                assert frame["index"] == open_at
                open_at = None
    assert open_at is None
    text = "".join(
        event.text
        for event in events
        if isinstance(event, TextDelta | RefusalDelta) and not event.choice
    )
    heard = (frame.get("delta", {}) for frame in frames)
    assert "".join(delta.get("text", "") for delta in heard) == text


def test_a_seal_beside_an_open_call_waits_for_it() -> None:
    seal = ReasoningSealed("sig", Origin("anthropic_messages"))
    assert shape(
        ToolCallStarted(0, "c0", "a"),
        ToolCallStarted(1, "c1", "b"),
        seal,
        PartEnded(),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "{}"),
        Ended(),
    ) == [
        *("0 tool_use", "0 '{}'", "0 end"),
        *("1 tool_use", "1 '{}'", "1 end"),
        *("2 thinking", "2 seal", "2 end"),
    ]
    redacted = ReasoningSealed("data", Origin("anthropic_messages"), sealed=True)
    assert shape(ToolCallStarted(0, "c0", "a"), redacted, ToolCallDelta(0, "{}"), Ended()) == [
        "0 tool_use",
        "0 '{}'",
        "0 end",
        "1 redacted_thinking",
        "1 end",
    ]


def test_thought_beside_an_open_call_is_told_behind_it_and_sealed() -> None:
    assert shape(
        ToolCallStarted(0, "c0", "a"),
        ReasoningDelta("hm"),
        ReasoningSealed("sig", Origin("anthropic_messages")),
        ReasoningDelta("again"),
        ToolCallDelta(0, "{}"),
        Ended(),
    ) == [
        *("0 tool_use", "0 '{}'", "0 end"),
        *("1 thinking", "1 'hm'", "1 seal", "1 end"),
        *("2 thinking", "2 'again'", "2 seal", "2 end"),
    ]
