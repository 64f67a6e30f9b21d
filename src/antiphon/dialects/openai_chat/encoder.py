"""Streams, written.

Every chunk of a stream has the same head and, for a choice, the same tail: they are made once,
and an event costs one small encode and a join.
"""

from __future__ import annotations

import msgspec
from typing_extensions import override

from antiphon.dialects.continued import continued_member, continued_note
from antiphon.dialects.contract import START, Position, StreamEncoder
from antiphon.dialects.openai_chat.fields import DIALECT
from antiphon.dialects.openai_chat.stops import write_stop
from antiphon.dialects.openai_chat.thought import DETAILS, write_detail
from antiphon.dialects.openai_chat.usage import write_usage
from antiphon.model.events import (
    Continued,
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
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
from antiphon.model.parts import CallKind
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

DONE = b"data: [DONE]\n\n"
_JSON = msgspec.json.Encoder()
_ROLE = b'{"role":"assistant","content":""}'


class ChunkWriter(StreamEncoder):
    """Writes one stream."""

    __slots__ = (
        "_continued",
        "_head",
        "_kinds",
        "_open",
        "_reported",
        "_seals",
        "_stops",
        "_tail",
        "_unsealed",
        "_usage",
    )

    def __init__(self, *, include_usage: bool) -> None:
        self._reported = include_usage
        self._usage: Usage | None = None
        self._kinds: dict[tuple[int, int], CallKind] = {}
        self._open: set[int] = set()
        self._stops: dict[int, Stop] = {}
        self._seals: dict[int, int] = {}
        self._unsealed: dict[int, int] = {}
        self._continued: list[str] = []
        self._tail = b"],%b}\n\n" % b'"usage":null' if include_usage else b"]}\n\n"
        self._head = _head_of(Started(id="", model=""))

    @property
    @override
    def position(self) -> Position:
        return START

    @override
    def feed(self, event: StreamEvent) -> bytes:
        out = b""
        match event:
            case TextDelta():
                out = self._delta(event.choice, b'{"content":%b}' % _JSON.encode(event.text))
            case ReasoningDelta() | ReasoningSealed():
                out = self._delta(event.choice, self._thought(event))
            case ToolCallDelta():
                out = self._delta(event.choice, self._call_grown(event))
            case ToolCallStarted():
                out = self._delta(event.choice, self._call_started(event))
            case RefusalDelta():
                out = self._delta(event.choice, b'{"refusal":%b}' % _JSON.encode(event.text))
            case Started():
                self._head = _head_of(event)
                out = self._opening(0)
            case Finished():
                # Told at the end: some providers call tools after they said why they stop.
                self._stops.setdefault(event.choice, event.stop)
            case LogprobsDelta() if event.dialect == DIALECT:
                out = self._delta(event.choice, b"{}", logprobs=bytes(event.payload))
            case UsageReported():
                self._usage = event.usage
            case Ended():
                out = self._ending()
            case OpaqueEvent() | Continued():
                out = self._pass(event)
            case _:
                # A failure is rendered by whoever knows the request.
                pass
        return out

    def _pass(self, event: OpaqueEvent | Continued) -> bytes:
        """What is no part of the answer."""
        if isinstance(event, Continued):
            self._continued.append(event.by)
            return continued_note(event.by)
        return event.payload if event.dialect == DIALECT else b""

    def _delta(
        self, choice: int, delta: bytes, *, finish: bytes = b"null", logprobs: bytes = b"null"
    ) -> bytes:
        opening = b"" if choice in self._open else self._opening(choice)
        return b'%b%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}%b' % (
            opening,
            self._head,
            choice,
            delta,
            logprobs,
            finish,
            self._tail,
        )

    def _opening(self, choice: int) -> bytes:
        if choice in self._open:
            return b""
        self._open.add(choice)
        return self._delta(choice, _ROLE)

    def _thought(self, event: ReasoningDelta | ReasoningSealed) -> bytes:
        """More thought, or the seal over the thought since the last one."""
        choice = event.choice
        if isinstance(event, ReasoningDelta):
            self._unsealed[choice] = self._unsealed.get(choice, 0) + len(event.text)
            name = b"reasoning" if event.spelling == "reasoning" else b"reasoning_content"
            return b'{"%b":%b}' % (name, _JSON.encode(event.text))
        at, size = self._seals.get(choice, 0), self._unsealed.pop(choice, 0)
        self._seals[choice] = at + 1
        detail = write_detail(at, event.origin, event.signature, sealed=event.sealed, size=size)
        return _JSON.encode({DETAILS: [detail]})

    def _call_started(self, event: ToolCallStarted) -> bytes:
        self._kinds[event.choice, event.index] = event.kind
        name = _JSON.encode(event.name)
        if event.kind is CallKind.LEGACY:
            return b'{"function_call":{"name":%b,"arguments":""}}' % name
        custom = event.kind is CallKind.CUSTOM
        body = (
            b'"custom":{"name":%b,"input":""}'
            if custom
            else b'"function":{"name":%b,"arguments":""}'
        )
        return b'{"tool_calls":[{"index":%d,"id":%b,"type":"%b",%b}]}' % (
            event.index,
            _JSON.encode(event.call_id),
            b"custom" if custom else b"function",
            body % name,
        )

    def _call_grown(self, event: ToolCallDelta) -> bytes:
        kind = self._kinds.get((event.choice, event.index), CallKind.FUNCTION)
        text = _JSON.encode(event.arguments)
        if kind is CallKind.LEGACY:
            return b'{"function_call":{"arguments":%b}}' % text
        body = (
            b'"custom":{"input":%b}' if kind is CallKind.CUSTOM else b'"function":{"arguments":%b}'
        )
        return b'{"tool_calls":[{"index":%d,%b}]}' % (event.index, body % text)

    def _finish(self, choice: int, stop: Stop) -> bytes:
        called = next((kind for (at, _), kind in self._kinds.items() if at == choice), None)
        return self._delta(choice, b"{}", finish=_JSON.encode(write_stop(stop, called=called)))

    def _ending(self) -> bytes:
        # Nobody said why these ended; no client waits for calls that it was not told of.
        for choice in sorted({choice for choice, _ in self._kinds} - self._stops.keys()):
            self._stops[choice] = Stop(StopReason.STOP)
        more = b""
        if self._continued:
            more = b"," + continued_member(self._continued)
            self._tail = self._tail.replace(b"}\n\n", more + b"}\n\n")
        ends = b"".join(self._finish(choice, stop) for choice, stop in self._stops.items())
        if not self._reported or self._usage is None:
            return ends + DONE
        usage = _JSON.encode(write_usage(self._usage))
        return b'%b%b],"usage":%b%b}\n\n%b' % (ends, self._head, usage, more, DONE)


def _head_of(started: Started) -> bytes:
    members = {
        "id": started.id,
        "object": "chat.completion.chunk",
        "created": started.created,
        "model": started.model,
    }
    return b'data: %b,"choices":[' % _JSON.encode(members)[:-1]
