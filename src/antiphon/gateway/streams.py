"""Reading a reply's stream back into events, for callers inside the process."""

from __future__ import annotations

from collections.abc import AsyncIterator

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.events import StreamEvent
from antiphon.pipeline.replies import StreamReply


async def events_of(reply: StreamReply) -> AsyncIterator[StreamEvent]:
    """The events of a reply to OpenAI's dialect; an error event raises what it reports."""
    splitter, decoder = OPENAI_CHAT.splitter(), OPENAI_CHAT.stream_decoder()
    while piece := await reply.next():
        if reply.failure is not None:
            raise reply.failure
        for frame in splitter.feed(piece):
            for event in decoder.feed(frame):
                yield event
