"""A model that says it will not: every caller sees that the answer is none, whole or as a stream."""

import pytest

from antiphon.dialects.base import Dialect
from antiphon.dialects.registry import DIALECTS
from antiphon.model.events import Ended, Finished, RefusalDelta, Started, StreamEvent
from antiphon.model.fold import fold
from antiphon.model.parts import Author, Refusal, Text, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason

SAID = "I will not."
STOP = Stop(StopReason.STOP)
EVENTS = (Started("r", "m"), RefusalDelta(SAID), Finished(STOP), Ended())
EVERY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def is_refused(reply: ChatReply) -> bool:
    """Whether a caller sees it: in the parts, or in why the answer ended."""
    choice = reply.choices[0]
    assert "".join(p.text for p in choice.turn.parts if isinstance(p, Text | Refusal)) == SAID
    assert choice.stop is not None
    said = any(isinstance(part, Refusal) for part in choice.turn.parts)
    return said or choice.stop.reason in {StopReason.REFUSAL, StopReason.FILTER}


@EVERY
def test_a_whole_reply(dialect: Dialect) -> None:
    choice = Choice(0, Turn(Author.ASSISTANT, (Refusal(SAID),)), STOP)
    assert is_refused(dialect.decode_reply(dialect.encode_reply(ChatReply("r", "m", (choice,)))))


@EVERY
def test_a_stream(dialect: Dialect) -> None:
    encoder, splitter = dialect.stream_encoder(include_usage=True), dialect.splitter()
    decoder = dialect.stream_decoder()
    written = b"".join(map(encoder.feed, EVENTS))
    heard: list[StreamEvent] = []
    for frame in [*splitter.feed(written), splitter.flush()]:
        heard += decoder.feed(frame)
    assert is_refused(fold(heard))
