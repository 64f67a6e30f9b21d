"""Streams, written."""

import json

import msgspec
import pytest

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import UpstreamBroken
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
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
from antiphon.model.seals import wrap
from antiphon.model.usage import Usage

STARTED = Started("chatcmpl-1", "m", 7)


def written(*events: StreamEvent, include_usage: bool = False) -> bytes:
    encoder = OPENAI_CHAT.stream_encoder(include_usage=include_usage)
    return b"".join(encoder.feed(event) for event in events)


def chunks_of(*events: StreamEvent, include_usage: bool = False) -> list[dict[str, object]]:
    frames = written(*events, include_usage=include_usage).split(b"\n\n")
    assert frames.pop() == b""
    assert all(frame.startswith(b"data: ") for frame in frames)
    return [json.loads(frame[6:]) for frame in frames if frame != b"data: [DONE]"]


def deltas_of(*events: StreamEvent) -> list[object]:
    """What is in each chunk's choice, without the opening one."""
    opening, *chunks = chunks_of(STARTED, *events)
    assert opening["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": ""},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    return [chunk["choices"] for chunk in chunks]


def test_the_usual_stream_byte_for_byte() -> None:
    head = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":['
    assert written(
        STARTED,
        TextDelta('a"\n\u2028'),
        Finished(Stop(StopReason.STOP)),
        UsageReported(Usage()),
        Ended(),
    ) == b"".join(
        [
            head
            + b'{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n',
            head
            + '{"index":0,"delta":{"content":"a\\"\\n\u2028"},"logprobs":null,"finish_reason":null}]}\n\n'.encode(),
            head + b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n',
            b"data: [DONE]\n\n",
        ]
    )


def test_usage_is_written_once_at_the_end_and_only_for_those_who_asked() -> None:
    events = (
        STARTED,
        TextDelta("a"),
        UsageReported(Usage(input_tokens=1), alone=False),
        UsageReported(Usage(input_tokens=2)),
        Ended(),
    )
    *said, last = chunks_of(*events, include_usage=True)
    assert [chunk["usage"] for chunk in said] == [None, None]
    assert (last["choices"], last["id"]) == ([], "chatcmpl-1")
    assert isinstance(last["usage"], dict)
    assert last["usage"]["prompt_tokens"] == 2
    assert set(last["usage"]) == {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
    assert all("usage" not in chunk for chunk in chunks_of(*events))


def test_who_asked_for_usage_that_was_never_given_still_gets_the_end() -> None:
    assert written(Ended(), include_usage=True) == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("event", "delta"),
    [
        (TextDelta("a"), {"content": "a"}),
        (ReasoningDelta("t"), {"reasoning_content": "t"}),
        (ReasoningDelta("t", spelling="thinking"), {"reasoning_content": "t"}),
        (ReasoningDelta("t", spelling="reasoning"), {"reasoning": "t"}),
        (RefusalDelta("no"), {"refusal": "no"}),
        (
            ToolCallStarted(1, "c", "f"),
            {
                "tool_calls": [
                    {
                        "index": 1,
                        "id": "c",
                        "type": "function",
                        "function": {"name": "f", "arguments": ""},
                    }
                ]
            },
        ),
        (ToolCallDelta(1, "{"), {"tool_calls": [{"index": 1, "function": {"arguments": "{"}}]}),
    ],
)
def test_a_delta(event: StreamEvent, delta: object) -> None:
    assert deltas_of(event) == [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]
    ]


def test_calls_of_other_kinds() -> None:
    events = (
        ToolCallStarted(0, "c", "f", kind=CallKind.CUSTOM),
        ToolCallDelta(0, "x"),
        ToolCallStarted(1, "call_legacy", "g", kind=CallKind.LEGACY),
        ToolCallDelta(1, "{}"),
    )
    deltas = [choices[0]["delta"] for choices in deltas_of(*events) if isinstance(choices, list)]
    assert deltas == [
        {
            "tool_calls": [
                {"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "custom": {"input": "x"}}]},
        {"function_call": {"name": "g", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]


@pytest.mark.parametrize(
    ("kind", "word"), [(CallKind.FUNCTION, "tool_calls"), (CallKind.LEGACY, "function_call")]
)
@pytest.mark.parametrize("said", [(), (Finished(Stop(StopReason.STOP, raw="end_turn"), 0),)])
def test_what_called_a_tool_stopped_for_it(
    kind: CallKind, word: str, said: tuple[StreamEvent, ...]
) -> None:
    *_, last = deltas_of(ToolCallStarted(0, "a", "f", kind=kind), *said, Ended())
    assert last == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": word}]


def test_each_choice_is_opened_once() -> None:
    chunks = chunks_of(STARTED, TextDelta("a", 1), TextDelta("b", 1), TextDelta("c", 0))
    roles = [
        choice["index"]
        for chunk in chunks
        for choice in chunk["choices"]
        if "role" in choice["delta"]
    ]
    assert roles == [0, 1]


def test_a_stream_that_was_never_started_is_well_formed() -> None:
    first, second = chunks_of(TextDelta("a"))
    assert (first["id"], first["model"], first["created"]) == ("", "", 0)
    assert second["choices"][0]["delta"] == {"content": "a"}


def test_log_probabilities_and_the_reason_to_stop() -> None:
    raw = msgspec.Raw(b'{"content":[]}')
    assert deltas_of(
        LogprobsDelta("openai_chat", raw),
        Finished(Stop(StopReason.TOOL, raw="tool_use"), 0),
        Ended(),
    ) == [
        [{"index": 0, "delta": {}, "logprobs": {"content": []}, "finish_reason": None}],
        [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "tool_calls"}],
    ]


def test_what_the_dialect_has_no_words_for_is_left_out() -> None:
    silent = (
        LogprobsDelta("gemini", msgspec.Raw(b"{}")),
        OpaqueEvent("gemini", b"data: x\n\n"),
        StreamFailed(UpstreamBroken("x", code="reset")),
    )
    assert deltas_of(*silent) == []
    assert written(OpaqueEvent("openai_chat", b"data: {}\n\n")) == b"data: {}\n\n"


def test_seals_are_told_in_details_with_the_size_of_their_thoughts() -> None:
    origin = Origin("anthropic_messages", "m", "one/m")
    sealed = deltas_of(
        ReasoningDelta("Hm"),
        ReasoningDelta("m."),
        ReasoningSealed("s", origin),
        ReasoningSealed("r", origin, sealed=True),
    )[2:]
    details = [detail for [choice] in sealed for detail in choice["delta"]["reasoning_details"]]
    assert details == [
        {
            "type": "reasoning.encrypted",
            "data": wrap(origin, seal, sealed=hidden, size=size),
            "id": f"thought_{at}",
            "format": "unknown",
            "index": at,
        }
        for at, (seal, hidden, size) in enumerate((("s", False, 4), ("r", True, 0)))
    ]
