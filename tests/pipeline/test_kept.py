"""What is kept of a stream says the same in fewer events."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.events import (
    LogprobsDelta,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from antiphon.model.fold import fold
from antiphon.pipeline.kept import joined_events
from antiphon.pipeline.relay import Relay
from antiphon.wire.shallow import Members
from tests.pipeline.fakes import ROLE, chunk

TEXTS = st.text(max_size=3)
EVENTS = st.lists(
    st.builds(TextDelta, TEXTS, st.integers(0, 1))
    | st.builds(ReasoningDelta, TEXTS, st.integers(0, 1), st.sampled_from(["", "summary"]))
    | st.just(PartEnded())
    | st.just(Started("a", "m"))
)


@given(EVENTS)
def test_the_same_in_fewer(events):
    joined = joined_events(events)
    assert fold(joined) == fold(events)
    assert len(joined) <= len(events)
    assert joined_events(joined) == joined


def test_of_what_nobody_goes_on_with_only_that_it_was_there():
    events = [
        ToolCallStarted(0, "c", "f"),
        ToolCallDelta(0, "{" * 1000),
        OpaqueEvent("gemini", b"x" * 1000),
        LogprobsDelta("openai_chat", msgspec.Raw(b"[1]")),
    ]
    assert joined_events(events) == [
        events[0],
        OpaqueEvent("gemini", b""),
        LogprobsDelta("openai_chat", msgspec.Raw(b"null")),
    ]


def test_a_long_stream_is_kept_in_little_room():
    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
    relay = Relay(OPENAI_CHAT, Payload(OPENAI_CHAT, Members.parse(body)))
    relay.feed(ROLE)
    for number in range(5000):
        relay.feed(chunk(f"{number} "))
        assert len(relay.events) < 520
    said = "".join(each.text for each in relay.events if isinstance(each, TextDelta))
    assert said == "".join(f"{number} " for number in range(5000))
    for _ in range(300):
        relay.feed(chunk("x" * 1000))
    for _ in range(600):
        relay.feed(chunk("x"))
    assert relay.events is None
