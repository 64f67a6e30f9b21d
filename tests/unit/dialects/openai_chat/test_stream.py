"""Streams, read: every shape that servers send."""

import json

import msgspec
import pytest

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Disposition, Kind, UpstreamBroken
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
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
from antiphon.model.parts import CallKind, ToolCall
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

STARTED = Started("chatcmpl-1", "m", 7)
COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
USAGE = Usage(input_tokens=3, output_tokens=2)


def chunk(delta: object = None, finish: object = None, **members: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return frame({"id": "chatcmpl-1", "created": 7, "model": "m", "choices": [choice], **members})


def frame(data: object) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def read(*frames: bytes) -> list[StreamEvent]:
    """The events of a stream, without the first."""
    decoder = OPENAI_CHAT.stream_decoder()
    assert decoder.feed(chunk({"role": "assistant", "content": ""})) == (STARTED,)
    return [event for each in frames for event in decoder.feed(each)]


def call(
    index: object = 0, call_id: object = None, name: object = None, arguments: object = ""
) -> bytes:
    function = {"name": name, "arguments": arguments}
    return chunk(
        {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}
    )


def calls_of(*frames: bytes) -> list[tuple[str, str, str]]:
    parts = fold(read(*frames, chunk({}, "tool_calls"))).choices[0].turn.parts
    return [
        (part.call_id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)
    ]


# ------------------------------------------------------------------ what is said


def test_the_usual_stream() -> None:
    decoder = OPENAI_CHAT.stream_decoder()
    frames = [
        chunk({"role": "assistant", "content": "", "refusal": None}, usage=None),
        chunk({"content": "Hi"}, obfuscation="xx", logprobs=None),
        chunk({"content": " you"}),
        chunk({}, "stop"),
        frame({"id": "chatcmpl-1", "choices": [], "usage": COUNTS}),
        b"data: [DONE]\n\n",
    ]
    assert [decoder.feed(each) for each in frames] == [
        (STARTED,),
        (TextDelta("Hi"),),
        (TextDelta(" you"),),
        (Finished(Stop(StopReason.STOP, raw="stop")),),
        (UsageReported(USAGE, alone=True),),
        (Ended(),),
    ]


@pytest.mark.parametrize(
    ("delta", "events"),
    [
        (None, []),
        ({}, []),
        ({"content": None}, []),
        ({"content": ""}, []),
        ({"role": "assistant"}, []),
        ({"content": "", "reasoning": None, "tool_calls": None, "function_call": None}, []),
        ({"content": "a\u2028b"}, [TextDelta("a\u2028b")]),
        ({"reasoning_content": "t"}, [ReasoningDelta("t", spelling="reasoning_content")]),
        ({"reasoning": "t"}, [ReasoningDelta("t", spelling="reasoning")]),
        (
            {"reasoning": "t", "reasoning_content": "t"},
            [ReasoningDelta("t", spelling="reasoning_content")],
        ),
        (
            {"reasoning": "t", "content": "a"},
            [ReasoningDelta("t", spelling="reasoning"), TextDelta("a")],
        ),
        ({"refusal": "no"}, [RefusalDelta("no")]),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            [ReasoningDelta("t", spelling="reasoning_content"), TextDelta("a")],
        ),
    ],
)
def test_a_delta(delta: object, events: list[StreamEvent]) -> None:
    assert read(chunk(delta)) == events


def test_everything_in_one_chunk_comes_in_order() -> None:
    delta = {
        "content": "a",
        "reasoning": "t",
        "refusal": "r",
        "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}],
    }
    choice = {"index": 0, "delta": delta, "logprobs": {"content": []}, "finish_reason": "stop"}
    events = OPENAI_CHAT.stream_decoder().feed(
        frame(
            {"id": "chatcmpl-1", "created": 7.0, "model": "m", "choices": [choice], "usage": COUNTS}
        )
    )
    assert events == (
        STARTED,
        ReasoningDelta("t", spelling="reasoning"),
        TextDelta("a"),
        RefusalDelta("r"),
        ToolCallStarted(0, "c", "f"),
        ToolCallDelta(0, "{}"),
        LogprobsDelta("openai_chat", msgspec.Raw(b'{"content":[]}')),
        Finished(Stop(StopReason.TOOL, raw="stop")),
        UsageReported(USAGE, alone=False),
    )


def test_choices_are_told_apart() -> None:
    both = [
        {"index": 1, "delta": {"content": "b"}},
        {"index": 0, "delta": {"content": "a"}, "finish_reason": "length"},
    ]
    assert read(
        frame({"choices": both}), frame({"choices": [{"index": None, "delta": {"content": "c"}}]})
    ) == [
        TextDelta("b", 1),
        TextDelta("a"),
        Finished(Stop(StopReason.LENGTH, raw="length")),
        TextDelta("c"),
    ]


def test_content_may_follow_the_reason_to_stop() -> None:
    assert read(chunk({}, "stop"), chunk({"content": "late"})) == [
        Finished(Stop(StopReason.STOP, raw="stop")),
        TextDelta("late"),
    ]


def test_an_empty_reason_is_none() -> None:
    assert read(chunk({"content": "a"}, "")) == [TextDelta("a")]


# ------------------------------------------------------------------ how it is framed


@pytest.mark.parametrize(
    "silent",
    [
        b": comment\n\n",
        b"\n\n",
        b"event: ping\n\n",
        b"data:\n\n",
        b": OPENROUTER PROCESSING\n\n",
        b"\r\n\r\n",
        b"",
    ],
)
def test_what_says_nothing(silent: bytes) -> None:
    assert read(silent) == []


@pytest.mark.parametrize(
    "done",
    [
        b"data: [DONE]\n\n",
        b"data:[DONE]\n\n",
        b"data: [DONE]\r\n\r\n",
        b"data: [DONE] \n\n",
        b"data: [DONE]",
        b"event: done\ndata: [DONE]\n\n",
    ],
)
def test_the_end(done: bytes) -> None:
    assert read(done) == [Ended()]


def test_lines_end_as_they_like() -> None:
    text = b'data: {"choices":[{"delta":{"content":"a"}}]}'
    for each in (
        text + b"\r\n\r\n",
        text + b"\r\r",
        text,
        b": x\n" + text + b"\n\n",
        b"id: 1\n" + text + b"\n\n",
        text.replace(b":[", b":\ndata: [") + b"\n\n",
    ):
        assert read(each) == [TextDelta("a")]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"nonsense",
        b"[]",
        b"5",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"choices":[{"delta":{"content":"\xff"}}]}',
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_said(data: bytes) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        read(b"data: " + data + b"\n\n")
    assert caught.value.code == "bad_event"


@pytest.mark.parametrize(
    "data", [b'{"choices":5}', b'{"choices":[5]}', b'{"choices":[{"delta":{"content":5}}]}']
)
def test_an_object_of_another_shape_is_passed_on(data: bytes) -> None:
    sent = b"data: " + data + b"\n\n"
    assert read(sent) == [OpaqueEvent("openai_chat", sent)]


@pytest.mark.parametrize(
    "first",
    [
        frame({"id": "", "model": "", "choices": [], "prompt_filter_results": [{}]}),
        frame({"type": "ping"}),
        frame({"object": "chat.completion.chunk"}),
    ],
)
def test_an_event_that_nobody_knows_survives(first: bytes) -> None:
    decoder = OPENAI_CHAT.stream_decoder()
    assert decoder.feed(first) == (OpaqueEvent("openai_chat", first),)
    assert decoder.feed(chunk({"role": "assistant"})) == (STARTED,)
    strange = chunk({"annotations": [{}]})
    assert decoder.feed(strange) == (OpaqueEvent("openai_chat", strange),)


def test_a_chunk_without_an_id_starts_too() -> None:
    decoder = OPENAI_CHAT.stream_decoder()
    assert decoder.feed(frame({"choices": [{"delta": {"content": "a"}}]})) == (
        Started("", ""),
        TextDelta("a"),
    )
    assert decoder.feed(frame({"choices": [{"delta": {"content": "b"}}]})) == (TextDelta("b"),)


# ------------------------------------------------------------------ usage


@pytest.mark.parametrize(
    ("data", "alone"),
    [
        (frame({"choices": [], "usage": COUNTS}), True),
        (frame({"usage": COUNTS}), True),
        (frame({"choices": None, "usage": COUNTS}), True),
        (chunk({}, usage=COUNTS), False),
        (frame({"choices": [{"delta": {}, "usage": COUNTS}]}), False),
        (frame({"choices": [], "x_groq": {"usage": COUNTS}}), True),
    ],
)
def test_usage_wherever_it_stands(data: bytes, alone: bool) -> None:
    assert read(data) == [UsageReported(USAGE, alone=alone)]


def test_usage_that_is_repeated_is_reported_again() -> None:
    growing = {**COUNTS, "completion_tokens": 9, "total_tokens": 12}
    assert read(chunk({"content": "a"}, usage=COUNTS), chunk({"content": "b"}, usage=growing)) == [
        TextDelta("a"),
        UsageReported(USAGE, alone=False),
        TextDelta("b"),
        UsageReported(Usage(input_tokens=3, output_tokens=9), alone=False),
    ]


@pytest.mark.parametrize("usage", [{}, None, []])
def test_usage_that_says_nothing_is_none(usage: object) -> None:
    assert read(chunk({"content": "a"}, usage=usage)) == [TextDelta("a")]


ABSURD = [
    "x",
    {"prompt_tokens": "x"},
    {"prompt_tokens": -3, "completion_tokens": 1, "total_tokens": -2},
    {"prompt_tokens": 10**18, "completion_tokens": 10**18, "total_tokens": 2 * 10**18},
]


@pytest.mark.parametrize("usage", ABSURD)
def test_usage_that_cannot_be_believed_is_still_usage_to_hide(usage: object) -> None:
    assert read(chunk({"content": "a"}, usage=usage)) == [
        TextDelta("a"),
        UsageReported(None, alone=False),
    ]
    assert read(frame({"choices": [], "usage": usage})) == [UsageReported(None, alone=True)]


@pytest.mark.parametrize("usage", ABSURD)
def test_usage_that_cannot_be_believed_replaces_none_that_can(usage: object) -> None:
    assert read(chunk({}, usage=COUNTS), frame({"choices": [], "usage": usage})) == [
        UsageReported(USAGE, alone=False),
        UsageReported(USAGE, alone=True),
    ]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (
            b'data: {"a":1.0,"choices":[{"delta":{}}],"usage":{"x":1}}\n\n',
            b'data: {"a":1.0,"choices":[{"delta":{}}]}\n\n',
        ),
        (
            b'data: {"usage":null,"choices":[{"usage":{"x":1},"delta":{"content":"\\u00e9"}}]}\r\n\r\n',
            b'data: {"choices":[{"delta":{"content":"\\u00e9"}}]}\r\n\r\n',
        ),
        (
            b'id: 7\ndata: {"b":{ "c" : 1 },"usage":{}}\n: x\n\n',
            b'id: 7\ndata: {"b":{ "c" : 1 }}\n: x\n\n',
        ),
        (b'data: {"b":[1,\ndata: 2],"usage":{}}\n\n', b'data: {"b":[1,\ndata: 2]}\n\n'),
        (b'data: {"content":"usage"}\n\n', b'data: {"content":"usage"}\n\n'),
        (b'data: {"usage\n\n', b'data: {"usage\n\n'),
        (b'data: "usage"\n\n', b'data: "usage"\n\n'),
        (
            b'data: {"usage":1,"choices":["usage"]}\n\n',
            b'data: {"usage":1,"choices":["usage"]}\n\n',
        ),
        (b'data: {"usage":1,"choices":5}\n\n', b'data: {"choices":5}\n\n'),
        (b": comment\n\n", b": comment\n\n"),
        (b"data: [DONE]\n\n", b"data: [DONE]\n\n"),
    ],
)
def test_usage_is_cut_out_and_nothing_else(given: bytes, left: bytes) -> None:
    assert OPENAI_CHAT.stream_decoder().without_usage(given) == left


# ------------------------------------------------------------------ calls


def test_a_call_in_fragments() -> None:
    assert read(
        call(0, "a", "f"),
        call(0, arguments='{"x"'),
        call(0, arguments=":1}"),
        chunk({}, "tool_calls"),
    ) == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, '{"x"'),
        ToolCallDelta(0, ":1}"),
        Finished(Stop(StopReason.TOOL, raw="tool_calls")),
    ]


@pytest.mark.parametrize(
    ("frames", "calls"),
    [
        # as OpenAI does it, interleaved
        (
            [call(0, "a", "f"), call(1, "b", "g"), call(1, arguments="2"), call(0, arguments="1")],
            [("a", "f", "1"), ("b", "g", "2")],
        ),
        # every call is number 0
        ([call(0, "a", "f", "{}"), call(0, "b", "f", "{}")], [("a", "f", "{}"), ("b", "f", "{}")]),
        # no numbers
        (
            [call(None, "a", "f", "{}"), call(None, "b", "g", "{}")],
            [("a", "f", "{}"), ("b", "g", "{}")],
        ),
        (
            [call(None, "a", "f"), call(None, arguments="{"), call(None, arguments="}")],
            [("a", "f", "{}")],
        ),
        # the id on every fragment
        ([call(0, "a", "f", "{"), call(0, "a", None, "}")], [("a", "f", "{}")]),
        (
            [
                call(0, "a", "f", "{"),
                call(0, "b", "g", "["),
                call(0, "a", "f", "}"),
                call(0, "b", "g", "]"),
            ],
            [("a", "f", "{}"), ("b", "g", "[]")],
        ),
        # one id for all calls, told apart by number and name
        (
            [call(0, "a", "f"), call(1, "a", "g"), call(1, arguments="2"), call(0, arguments="1")],
            [("a", "f", "1"), ("a_1", "g", "2")],
        ),
        (
            [call(0, "a", "f", "{"), call(1, "a", "g"), call(0, "a", None, "}"), call(1, "a", "g")],
            [("a", "f", "{}"), ("a_1", "g", "")],
        ),
        ([call(0, "a", "f", "{"), call(1, "a", None, "}")], [("a", "f", "{}")]),
        # no ids, no numbers, each whole
        (
            [call(None, None, "f", "{}"), call(None, None, "f", "{}")],
            [("call_chatcmpl1_0", "f", "{}"), ("call_chatcmpl1_1", "f", "{}")],
        ),
        (
            [call(0, "", "f", "{}"), call(0, "", "g", "{}")],
            [("call_chatcmpl1_0", "f", "{}"), ("call_chatcmpl1_1", "g", "{}")],
        ),
        # the name again on every fragment
        ([call(0, None, "f", "{"), call(0, None, "f", "}")], [("call_chatcmpl1_0", "f", "{}")]),
        # numbers with gaps
        (
            [call(3, "a", "f"), call(7, "b", "g"), call(3, arguments="x")],
            [("a", "f", "x"), ("b", "g", "")],
        ),
        # the name comes late, or never
        ([call(0, "a", None, "{"), call(0, None, "f", "}")], [("a", "f", "{}")]),
        ([call(0, "a", None, "{}")], [("a", "", "{}")]),
        # an id that comes late
        ([call(0, None, "f", "{"), call(0, "a", None, "}")], [("call_chatcmpl1_0", "f", "{}")]),
        # arguments as an object
        ([call(0, "a", "f", {"x": 1})], [("a", "f", '{"x":1}')]),
        ([call(0, "a", "f", None)], [("a", "f", "")]),
    ],
)
def test_whose_fragment_it_is(frames: list[bytes], calls: list[tuple[str, str, str]]) -> None:
    assert calls_of(*frames) == calls


def test_custom_and_legacy_calls() -> None:
    custom = {
        "tool_calls": [
            {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
        ]
    }
    assert read(chunk(custom), chunk({"tool_calls": [{"index": 0, "custom": {"input": "y"}}]})) == [
        ToolCallStarted(0, "a", "f", kind=CallKind.CUSTOM),
        ToolCallDelta(0, "x"),
        ToolCallDelta(0, "y"),
    ]
    legacy = [
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
        chunk({}, "function_call"),
    ]
    assert read(*legacy) == [
        ToolCallStarted(0, "call_legacy", "f", kind=CallKind.LEGACY),
        ToolCallDelta(0, "{}"),
        Finished(Stop(StopReason.TOOL, raw="function_call")),
    ]


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("data", "kind", "disposition", "code"),
    [
        (
            frame({"error": {"message": "boom"}}),
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "upstream_error",
        ),
        (
            frame(
                {
                    "error": {
                        "message": "slow",
                        "type": "rate_limit_error",
                        "code": "rate_limit_exceeded",
                    }
                }
            ),
            Kind.RATE_LIMITED,
            Disposition.TRANSIENT,
            "rate_limit_exceeded",
        ),
        (
            frame(
                {
                    "error": {"message": "x", "code": 502},
                    "choices": [{"delta": {"content": ""}, "finish_reason": "error"}],
                }
            ),
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "http_502",
        ),
        (
            frame({"error": "out of memory", "error_type": "generation", "http_status_code": 424}),
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "generation",
        ),
        (
            frame({"error": "x", "error_type": "overloaded"}),
            Kind.OVERLOADED,
            Disposition.TRANSIENT,
            "overloaded",
        ),
        (
            frame(
                {
                    "object": "error",
                    "message": "This model's maximum context length is 10",
                    "code": 400,
                }
            ),
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
            "http_400",
        ),
        (
            frame({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
            Kind.OVERLOADED,
            Disposition.TRANSIENT,
            "overloaded_error",
        ),
        (
            b'event: error\ndata: {"error":{"message":"x","code":"tool_use_failed","status_code":400}}\n\n',
            Kind.BAD_REQUEST,
            Disposition.CALLERS_FAULT,
            "tool_use_failed",
        ),
        (
            b"event: error\ndata: it broke\n\n",
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "upstream_error",
        ),
        (
            b'event: error\ndata: {"message":"it broke"}\n\n',
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "upstream_error",
        ),
        (
            b'event: error\ndata: {"odd":1}\n\n',
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "upstream_error",
        ),
        (chunk({}, "network_error"), Kind.UPSTREAM, Disposition.TRANSIENT, "network_error"),
        (
            chunk({}, "insufficient_system_resource"),
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
            "insufficient_system_resource",
        ),
        (chunk({"content": ""}, "error"), Kind.UPSTREAM, Disposition.TRANSIENT, "error"),
    ],
)
def test_an_error_inside_a_stream(
    data: bytes, kind: Kind, disposition: Disposition, code: str
) -> None:
    (event,) = read(data)
    assert isinstance(event, StreamFailed)
    error = event.error
    assert (error.error_kind, error.disposition, error.code) == (kind, disposition, code)


def test_an_error_says_neither_keys_nor_addresses() -> None:
    text = "connect to http://10.0.0.7:8000/v1?key=AIzaSyA1234567890 failed with Bearer abc.def and sk-proj-12345678 at 10.0.0.7:8000"
    (event,) = read(frame({"error": {"message": text}}))
    assert isinstance(event, StreamFailed)
    assert (
        event.error.message
        == "connect to [address] failed with Bearer [key] and [key] at [address]"
    )


def test_what_an_error_has_cost_is_reported_first() -> None:
    events = read(frame({"error": {"message": "x"}, "choices": [], "usage": COUNTS}))
    assert events[0] == UsageReported(USAGE, alone=False)
    assert isinstance(events[1], StreamFailed)
