"""Asking models from inside the process: the same road as for a request from outside."""

from __future__ import annotations

import asyncio
from abc import ABC
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from antiphon.clock import Clock
from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Draining
from antiphon.gateway.streams import events_of
from antiphon.model.events import StreamEvent
from antiphon.model.principal import Principal
from antiphon.model.reply import ChatReply
from antiphon.pipeline.exchange import Exchange, RequestIds
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Snapshot
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.telemetry.trace import Tracer
from antiphon.wire.shallow import Members

IN_PROCESS = Principal(key_id="in-process", scopes=frozenset({"inference", "admin"}))


class Asking(ABC):
    """What a program asks its own gateway.

    Attributes:
        clock: Where time comes from.
        draining: Nothing new is taken.
        pipeline: The road.
        request_ids: Names requests.
        snapshot: The configuration in force.
        tracer: Tells of spans, where anybody listens.
    """

    clock: Clock
    draining: bool
    pipeline: Pipeline
    request_ids: RequestIds
    snapshot: Snapshot
    tracer: Tracer | None

    async def chat(self, **members: object) -> ChatReply:
        """Ask a model and wait for the whole answer.

        Args:
            members: As in the body of OpenAI's Chat Completions: `model`, `messages`, `tools`...

        Raises:
            CallerError: The request cannot be served as it stands.
            UpstreamError, Exhausted: No deployment gave an answer.
        """
        async with self._open({**members, "stream": False}) as reply:
            assert isinstance(reply, WholeReply)
            said = OPENAI_CHAT.decode_reply(reply.body)
            if reply.structured is None:
                return said
            return msgspec.structs.replace(said, structured=reply.structured)

    @asynccontextmanager
    async def stream(self, **members: object) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """Ask a model and read the answer while it is being written.

            async with gateway.stream(model="fast", messages=[...]) as events:
                async for event in events: ...

        Leaving the block early ends the provider's work.

        Raises:
            CallerError: The request cannot be served as it stands.
            UpstreamError, Exhausted: No deployment gave an answer, or it broke off.
        """
        options = {"include_usage": True}
        async with self._open({"stream_options": options, **members, "stream": True}) as reply:
            assert isinstance(reply, StreamReply)
            yield events_of(reply)

    @asynccontextmanager
    async def _open(
        self, members: Mapping[str, object]
    ) -> AsyncGenerator[WholeReply | StreamReply]:
        if self.draining:
            raise Draining("The gateway is shutting down.")
        task = asyncio.current_task()
        assert task is not None
        exchange = Exchange(
            id=self.request_ids.new(),
            started=self.clock.monotonic(),
            payload=Payload(OPENAI_CHAT, Members.parse(msgspec.json.encode(members))),
            snapshot=self.snapshot,
            principal=IN_PROCESS,
            interrupt=task.cancel,
            trace=self.tracer.begin() if self.tracer is not None else None,
        )
        try:
            async with self.pipeline.open(exchange) as reply:
                yield reply
        except asyncio.CancelledError:
            if exchange.interrupted is None:
                raise
            task.uncancel()
            raise exchange.interrupted from None
