"""A stream folds into the reply that it describes."""

import msgspec
import pytest

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
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import Fold, fold
from antiphon.model.parts import CallKind, Opaque, Origin, Reasoning, Refusal, Text, ToolCall
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

STOP = Stop(StopReason.STOP, raw="stop")


def test_parts_stand_in_the_order_in_which_they_were_said() -> None:
    origin = Origin("anthropic_messages", "m")
    reply = fold(
        [
            Started("id", "model", 5),
            ReasoningDelta("a", spelling="reasoning"),
            ReasoningDelta("b", spelling="reasoning"),
            ReasoningSealed("seal", origin),
            TextDelta("c"),
            TextDelta("d"),
            ToolCallStarted(0, "call_0", "f"),
            ToolCallDelta(0, "{"),
            ToolCallStarted(1, "call_1", "g", kind=CallKind.CUSTOM, id="item"),
            ToolCallDelta(1, "x"),
            ToolCallDelta(0, "}"),
            TextDelta("e"),
            RefusalDelta("f"),
            RefusalDelta("g"),
            Finished(STOP),
            UsageReported(Usage(input_tokens=1)),
            UsageReported(Usage(input_tokens=2)),
            OpaqueEvent("x", b""),
            Ended(),
        ]
    )
    assert (reply.id, reply.model, reply.created, reply.usage) == (
        "id",
        "model",
        5,
        Usage(input_tokens=2),
    )
    assert reply.choices[0].stop is STOP
    assert reply.choices[0].turn.parts == (
        Reasoning("ab", signature="seal", origin=origin, spelling="reasoning"),
        Text("cd"),
        ToolCall("call_0", "f", "{}"),
        ToolCall("call_1", "g", "x", kind=CallKind.CUSTOM, id="item"),
        Text("e"),
        Refusal("fg"),
    )
    assert reply.text == "cde"


def test_choices_are_told_apart_and_ordered() -> None:
    reply = fold([TextDelta("b", 1), TextDelta("a", 0), TextDelta("B", 1), Finished(STOP, 1)])
    assert [(choice.index, choice.turn.text, choice.stop) for choice in reply.choices] == [
        (0, "a", None),
        (1, "bB", STOP),
    ]


def test_log_probabilities_are_kept_in_their_pieces() -> None:
    raw = msgspec.Raw(b'{"content":[]}')
    reply = fold([TextDelta("a"), LogprobsDelta("d", raw), TextDelta("b"), LogprobsDelta("d", raw)])
    assert reply.choices[0].logprobs == (Opaque("d", raw), Opaque("d", raw))


def test_an_error_inside_a_stream_is_raised() -> None:
    folded = Fold()
    folded.feed(TextDelta("half"))
    with pytest.raises(UpstreamBroken):
        folded.feed(StreamFailed(UpstreamBroken("broken", code="reset")))
    assert folded.reply().text == "half"


def test_nothing_folds_into_a_reply_without_choices() -> None:
    reply = fold([])
    assert reply.choices == ()
    assert reply.text == ""


def test_arguments_of_a_call_that_never_began_are_dropped() -> None:
    assert fold([ToolCallDelta(3, "x")]).choices[0].turn.parts == ()
