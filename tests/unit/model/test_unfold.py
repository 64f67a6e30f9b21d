"""A whole reply, told in events, is the same reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.events import Ended, Finished, Started, UsageReported
from antiphon.model.fold import fold
from antiphon.model.parts import (
    Author,
    Blob,
    CallKind,
    Image,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.unfold import unfold
from antiphon.model.usage import Usage

ORIGIN = Origin("openai_chat", "m")
TEXTS = st.text(min_size=1, max_size=10)
PARTS = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Refusal, TEXTS),
    st.builds(Reasoning, TEXTS, spelling=st.sampled_from([None, "reasoning_content"])),
    st.builds(Reasoning, summary=st.tuples(TEXTS)),
    st.builds(Reasoning, TEXTS, signature=TEXTS, origin=st.just(ORIGIN), sealed=st.booleans()),
    st.builds(ToolCall, TEXTS, TEXTS, TEXTS, kind=st.sampled_from(CallKind), id=st.none() | TEXTS),
)
STOPS = st.builds(Stop, st.sampled_from(StopReason), raw=TEXTS, sequence=st.none() | TEXTS)
CHOICES = st.lists(st.tuples(st.lists(PARTS, min_size=1, max_size=5), STOPS), max_size=3)
USAGES = st.none() | st.builds(Usage, st.integers(0, 9), output_tokens=st.integers(0, 9))


@given(choices=CHOICES, usage=USAGES)
def test_what_is_unfolded_folds_back(choices: list[tuple[list[Part], Stop]], usage: Usage | None):
    told = tuple(
        Choice(index, Turn(Author.ASSISTANT, tuple(parts)), stop)
        for index, (parts, stop) in enumerate(choices)
    )
    reply = ChatReply("r", "m", told, 7, usage)
    events = unfold(reply)
    assert events is not None
    assert fold(events) == reply
    assert events[0] == Started("r", "m", 7)
    assert events[-1] == Ended()
    assert sum(isinstance(event, Finished) for event in events) == len(choices)
    assert sum(isinstance(event, UsageReported) for event in events) == (usage is not None)


STOP = Stop(StopReason.STOP)


@pytest.mark.parametrize(
    "part",
    [
        Image(Blob(url="x")),
        Opaque("openai_chat", b"{}"),
        Text("a", annotations=(b"{}",)),
        Reasoning("a", ("b",)),
        Reasoning(summary=("a", "b")),
        Reasoning("a", signature="s"),
        Reasoning("a", signature="s", origin=ORIGIN, id="rs_1"),
        ToolCall("c", "f", "{}", signature="s", origin=ORIGIN),
    ],
    ids=repr,
)
def test_what_events_cannot_say(part: Part):
    turn = Turn(Author.ASSISTANT, (Text("a"), part))
    assert unfold(ChatReply("r", "m", (Choice(0, turn, STOP),))) is None


def test_an_answer_that_never_ended_is_not_told():
    turn = Turn(Author.ASSISTANT, (Text("a"),))
    assert unfold(ChatReply("r", "m", (Choice(0, turn),))) is None
