"""Streams, read."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Position
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import Kind, UpstreamBroken, UpstreamRefused
from antiphon.model.events import (
    SUMMARY,
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
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from tests.unit.dialects.openai_responses.strategies import streams

RESPONSE = {"id": "resp_1", "model": "m", "created_at": 7, "status": "in_progress", "output": []}
CREATED = {"type": "response.created", "response": RESPONSE}
STARTED = Started("resp_1", "m", 7)
COUNTS = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
USED = UsageReported(Usage(3, output_tokens=4), alone=False)
STOPPED = Finished(Stop(StopReason.STOP, raw="completed"))


def completed(*output: dict[str, Any], **response: Any) -> dict[str, Any]:
    whole = {**RESPONSE, "status": "completed", "output": [*output], "usage": COUNTS} | response
    return {"type": "response.completed", "response": whole}


def frames_of(*events: dict[str, Any]) -> list[bytes]:
    return [
        b"event: %b\ndata: %b\n\n"
        % (event.get("type", "").encode(), json.dumps({**event, "sequence_number": at}).encode())
        for at, event in enumerate(events)
    ]


def read(*events: dict[str, Any]) -> list[StreamEvent]:
    decoder = OPENAI_RESPONSES.stream_decoder()
    return [event for frame in frames_of(*events) for event in decoder.feed(frame)]


def text_delta(text: str, **more: Any) -> dict[str, Any]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return {"type": "response.output_text.delta", "delta": text, **place, **more}


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content}


def item(when: str, item: dict[str, Any], at: int = 0) -> dict[str, Any]:
    return {"type": f"response.output_item.{when}", "output_index": at, "item": item}


CALL = {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": ""}


def test_text() -> None:
    assert read(
        CREATED,
        {"type": "response.in_progress", "response": RESPONSE},
        item("added", {"type": "message", "id": "msg_1", "content": []}),
        {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}},
        text_delta("Hel"),
        text_delta("lo"),
        {"type": "response.output_text.done", "text": "Hello", "output_index": 0},
        {"type": "response.content_part.done", "output_index": 0, "content_index": 0},
        item("done", message("Hello")),
        completed(message("Hello")),
    ) == [STARTED, TextDelta("Hel"), TextDelta("lo"), PartEnded(), USED, STOPPED, Ended()]


@pytest.mark.parametrize(
    "told",
    [
        [{"type": "response.output_text.done", "text": "Hello", "output_index": 0}],
        [text_delta("He"), {"type": "response.output_text.done", "text": "Hello"}],
        [item("done", message("Hello"))],
        [text_delta("He"), item("done", message("Hello"))],
        [],
        [text_delta("Hell")],
    ],
)
def test_text_that_is_not_told_in_deltas(told: list[dict[str, Any]]) -> None:
    reply = fold(read(CREATED, *told, completed(message("Hello"))))
    assert reply.text == "Hello"
    assert len(reply.choices[0].turn.parts) == 1


def test_a_refusal() -> None:
    said = {"type": "refusal", "refusal": "I will not."}
    whole = {**message(""), "content": [said]}
    events = read(
        CREATED,
        {"type": "response.refusal.delta", "delta": "I will", "output_index": 0},
        {"type": "response.refusal.done", "refusal": "I will not.", "output_index": 0},
        completed(whole),
    )
    assert events[1:3] == [RefusalDelta("I will"), RefusalDelta(" not.")]
    assert Finished(Stop(StopReason.REFUSAL, raw="completed")) in events


def test_calls_side_by_side() -> None:
    """Each under its own number, whatever the order of their pieces."""
    other = {**CALL, "id": "fc_2", "call_id": "b", "name": "g"}

    def grown(at: int, text: str) -> dict[str, Any]:
        kind = "response.function_call_arguments.delta"
        return {"type": kind, "output_index": at, "item_id": f"fc_{at}", "delta": text}

    events = read(
        CREATED,
        item("added", CALL, 1),
        item("added", other, 2),
        grown(1, '{"a"'),
        grown(2, "{}"),
        grown(1, ":1}"),
        item("done", {**CALL, "arguments": '{"a":1}'}, 1),
        item("done", {**other, "arguments": "{}"}, 2),
        completed(),
    )
    assert events[1:6] == [
        ToolCallStarted(0, "a", "f", id="fc_1"),
        ToolCallStarted(1, "b", "g", id="fc_2"),
        ToolCallDelta(0, '{"a"'),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(0, ":1}"),
    ]
    assert Finished(Stop(StopReason.TOOL, raw="completed")) in events


@pytest.mark.parametrize(
    "told",
    [
        [{"type": "response.function_call_arguments.done", "arguments": '{"a":1}'}],
        [item("done", {**CALL, "arguments": '{"a":1}'})],
        [{"type": "response.function_call_arguments.delta", "delta": '{"a":'}],
        [],
    ],
)
@pytest.mark.parametrize(
    "added", [[item("added", CALL)], [item("added", {**CALL, "name": None})], []]
)
def test_arguments_that_come_late(added: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    whole = {**CALL, "arguments": '{"a":1}'}
    (call,) = fold(read(CREATED, *added, *told, completed(whole))).choices[0].turn.tool_calls
    assert (call.call_id, call.name, call.arguments) == ("a", "f", '{"a":1}')


def test_a_custom_tool() -> None:
    call = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "f", "input": ""}
    events = read(
        CREATED,
        item("added", call),
        {"type": "response.custom_tool_call_input.delta", "delta": "x=", "output_index": 0},
        {"type": "response.custom_tool_call_input.done", "input": "x=1", "output_index": 0},
        item("done", {**call, "input": "x=1"}),
        completed({**call, "input": "x=1"}),
    )
    (said,) = fold(events).choices[0].turn.tool_calls
    assert (said.kind, said.arguments) == (CallKind.CUSTOM, "x=1")


def test_thought_in_summary() -> None:
    def grown(at: int, text: str) -> dict[str, Any]:
        kind = "response.reasoning_summary_text.delta"
        return {"type": kind, "output_index": 0, "summary_index": at, "delta": text}

    pieces = [{"type": "summary_text", "text": text} for text in ("one", "two")]
    whole = {"type": "reasoning", "id": "rs_1", "summary": pieces, "encrypted_content": "gAAA"}
    events = read(CREATED, grown(0, "on"), grown(0, "e"), grown(1, "two"), item("done", whole))
    assert events[1:] == [
        ReasoningDelta("on", 0, SUMMARY),
        ReasoningDelta("e", 0, SUMMARY),
        ReasoningDelta("\n\ntwo", 0, SUMMARY),
        ReasoningSealed("gAAA", Origin("openai_responses", "m")),
        PartEnded(),
    ]
    assert read(CREATED, item("done", whole))[1:] == [
        ReasoningDelta("one", 0, SUMMARY),
        ReasoningDelta("\n\ntwo", 0, SUMMARY),
        *events[4:],
    ]


def test_thought_told_whole() -> None:
    whole = {
        "type": "reasoning",
        "id": "x",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm so"}],
    }
    events = read(
        CREATED,
        {"type": "response.reasoning_text.delta", "delta": "hm", "output_index": 0},
        item("done", whole),
        completed(whole),
    )
    spelling = "reasoning_text"
    assert events[1:4] == [
        ReasoningDelta("hm", 0, spelling),
        ReasoningDelta(" so", 0, spelling),
        PartEnded(),
    ]


def test_logprobs_are_kept() -> None:
    tokens = [{"token": "a", "logprob": -1.0}]
    events = read(CREATED, text_delta("a", logprobs=tokens))
    assert isinstance(events[2], LogprobsDelta)
    assert json.loads(bytes(events[2].payload)) == tokens


@pytest.mark.parametrize(
    ("status", "reason", "stop"),
    [
        ("incomplete", "max_output_tokens", StopReason.LENGTH),
        ("incomplete", "content_filter", StopReason.FILTER),
        ("incomplete", "something_new", StopReason.LENGTH),
        ("incomplete", None, StopReason.LENGTH),
    ],
)
def test_an_incomplete_answer(status: str, reason: str | None, stop: StopReason) -> None:
    last = completed(status=status, incomplete_details={"reason": reason} if reason else None)
    events = read(CREATED, text_delta("x"), {**last, "type": f"response.{status}"})
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert finished.stop.reason is stop
    assert isinstance(events[-1], Ended)


FAILED = {"code": "rate_limit_exceeded", "message": "Slow down."}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed", "response": {**RESPONSE, "status": "failed", "error": FAILED}},
        {"type": "error", **FAILED, "param": None},
        {"type": "error", "error": {**FAILED, "type": "rate_limit_error"}},
        {"error": FAILED},
    ],
)
def test_a_failure(event: dict[str, Any]) -> None:
    failed = read(CREATED, event)[-1]
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, UpstreamRefused)
    assert failed.error.error_kind is Kind.RATE_LIMITED
    assert failed.error.message == "Slow down."


def test_a_failure_keeps_what_was_used() -> None:
    response = {**RESPONSE, "status": "failed", "error": None, "usage": COUNTS}
    events = read(CREATED, {"type": "response.failed", "response": response})
    assert events[1] == USED
    assert isinstance(events[2], StreamFailed)


def test_news_is_passed_on_whole() -> None:
    frame = b'event: response.news\ndata: {"type":"response.news","x":1}\n\n'
    assert OPENAI_RESPONSES.stream_decoder().feed(frame) == (
        OpaqueEvent("openai_responses", frame),
    )
    odd = b'data: {"type":"response.output_text.delta","output_index":"zero"}\n\n'
    assert OPENAI_RESPONSES.stream_decoder().feed(odd) == (OpaqueEvent("openai_responses", odd),)
    search = {"type": "web_search_call", "id": "ws_1"}
    assert isinstance(read(CREATED, item("added", search))[1], OpaqueEvent)


@pytest.mark.parametrize("frame", [b": ping\n\n", b"data: [DONE]\n\n", b"data:\n\n", b"\n\n"])
def test_what_says_nothing(frame: bytes) -> None:
    assert OPENAI_RESPONSES.stream_decoder().feed(frame) == ()


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {\n\n",
        b'event: response.output_text.delta\ndata: {"type":\n\n',
        b"data: <html>\n\n",
        b'event: x\ndata: {"type":"x","delta":"\xff"}\n\n',
        b'event: response.completed\ndata: {"type":"response.completed","response":[]}\n\n',
    ],
)
def test_what_cannot_be_read(frame: bytes) -> None:
    with pytest.raises(UpstreamBroken) as raised:
        OPENAI_RESPONSES.stream_decoder().feed(frame)
    assert raised.value.code == "bad_event"


def test_it_knows_where_it_is() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    assert decoder.position == Position()
    for frame in frames_of(CREATED, text_delta("a"), text_delta("b")):
        decoder.feed(frame)
    assert decoder.position == Position("resp_1", 2)


def test_usage_can_be_left_out() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    (frame,) = frames_of(completed(message("x")))
    without = decoder.without_usage(frame)
    assert b"input_tokens" not in without
    events = OPENAI_RESPONSES.stream_decoder().feed(without)
    assert fold(events).text == "x"
    (other,) = frames_of(text_delta("usage"))
    assert decoder.without_usage(other) == other


@given(streams(), st.data())
def test_wherever_it_is_cut(events: list[StreamEvent], data: st.DataObject) -> None:
    told = told_of(events)
    at = data.draw(st.integers(0, len(told)))
    assert read_pieces(told[:at], told[at:]) == read_pieces(told)


def test_cut_at_every_byte_and_with_other_line_ends() -> None:
    told = told_of(
        [
            STARTED,
            TextDelta("é中\u2028"),
            ToolCallStarted(0, "a", "f"),
            ToolCallDelta(0, "{}"),
            Ended(),
        ]
    )
    whole = read_pieces(told)
    assert read_pieces(*(told[at : at + 1] for at in range(len(told)))) == whole
    assert read_pieces(told.replace(b"\n", b"\r\n")) == whole
    unnamed = b"".join(line for line in told.splitlines(keepends=True) if line[:5] != b"event")
    assert read_pieces(unnamed) == whole


@given(streams(), st.data())
def test_bytes_that_are_broken_raise_nothing_else(
    events: list[StreamEvent], data: st.DataObject
) -> None:
    told = bytearray(told_of(events))
    for _ in range(data.draw(st.integers(1, 4))):
        told[data.draw(st.integers(0, len(told) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UpstreamBroken):
        assert isinstance(read_pieces(bytes(told)), list)


@given(streams())
def test_what_a_caller_of_chat_hears(events: list[StreamEvent]) -> None:
    encoder = OPENAI_CHAT.stream_encoder(include_usage=True)
    heard = b"".join(encoder.feed(event) for event in read_pieces(told_of(events)))
    decoder = OPENAI_CHAT.stream_decoder()
    reply = fold(
        event for frame in OPENAI_CHAT.splitter().feed(heard) for event in decoder.feed(frame)
    )
    expected = fold(events)
    assert reply.text == expected.text
    assert reply.usage == expected.usage
    calls = [
        [(call.name, call.arguments) for call in each.choices[0].turn.tool_calls]
        for each in (reply, expected)
    ]
    assert calls[0] == calls[1]


def told_of(events: list[StreamEvent]) -> bytes:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in events)


def read_pieces(*pieces: bytes) -> list[StreamEvent]:
    splitter, decoder = OPENAI_RESPONSES.splitter(), OPENAI_RESPONSES.stream_decoder()
    frames = [frame for piece in pieces for frame in splitter.feed(piece)]
    return [event for frame in (*frames, splitter.flush()) for event in decoder.feed(frame)]


@pytest.mark.parametrize("place", [{"output_index": 0}, {}])
def test_items_that_all_have_one_number_are_told_apart(place: dict[str, int]) -> None:
    said = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "ab"}]}
    calls = [
        {"type": "function_call", "id": f"fc_{at}", "call_id": f"c{at}", "name": f"n{at}"}
        for at in range(2)
    ]
    whole = [said, *({**call, "arguments": '{"x":1}'} for call in calls)]
    events = [CREATED]
    for item in (said, *calls):
        events.append({"type": "response.output_item.added", "item": item, **place})
        if item is said:
            events.append({**text_delta("ab"), **place})
        else:
            more = {"delta": '{"x":1}', "item_id": item["id"], **place}
            events.append({"type": "response.function_call_arguments.delta", **more})
        done = next(each for each in whole if each["id"] == item["id"])
        events.append({"type": "response.output_item.done", "item": done, **place})
    turn = fold(read(*events, completed(*whole))).choices[0].turn
    assert turn.text == "ab"
    assert [(call.call_id, call.name, call.arguments) for call in turn.tool_calls] == [
        ("c0", "n0", '{"x":1}'),
        ("c1", "n1", '{"x":1}'),
    ]


def test_the_end_of_a_message_behind_the_beginning_of_a_call_is_not_the_call_s() -> None:
    item = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "a"}]}
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "n"}
    added = {"type": "response.output_item.added", "output_index": 1, "item": call}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    assert PartEnded() not in read(CREATED, text_delta("a"), added, done)
