"""Streams, written.

The bytes around a text are made once; an event of text costs one small encode and a join. Calls
are told whole, so what is said of their arguments waits until it is a whole object.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.arguments import is_object
from antiphon.dialects.continued import MEMBER, continued
from antiphon.dialects.contract import START, Position, StreamEncoder
from antiphon.dialects.fields import Written
from antiphon.dialects.ollama.calls import write_call
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.dialects.ollama.moments import EPOCH, write_moment
from antiphon.dialects.ollama.replies import DURATIONS
from antiphon.dialects.ollama.stops import write_stop
from antiphon.dialects.ollama.usage import write_usage
from antiphon.model.events import (
    Continued,
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind, ToolCall
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.wire.ndjson import escaped

_JSON: Final = msgspec.json.Encoder()
_NO_DURATIONS: Final = dict.fromkeys(DURATIONS, 0)


class Form(msgspec.Struct, frozen=True):
    """How an endpoint says one thing: `%b` stands for its JSON.

    Attributes:
        text: Visible text.
        thought: Thought.
        calls: Calls of tools, an array.
    """

    text: bytes
    thought: bytes
    calls: bytes


CHAT: Final = Form(
    b'"message":{"role":"assistant","content":%b}',
    b'"message":{"role":"assistant","content":"","thinking":%b}',
    b'"message":{"role":"assistant","content":"","tool_calls":%b}',
)
GENERATE: Final = Form(
    b'"response":%b', b'"response":"","thinking":%b', b'"response":"","tool_calls":%b'
)
_EMPTY: Final = b'""'


def heartbeat_of(form: Form) -> bytes:
    """A line that says nothing: the official client reads every line, and a blank one ends it."""
    said = form.text % _EMPTY
    return b'{"model":"","created_at":"%b",%b,"done":false}\n' % (EPOCH.encode(), said)


class LineWriter(StreamEncoder):
    """Writes one stream."""

    __slots__ = (
        *("_calls", "_continued", "_form", "_head", "_refused"),
        *("_stop", "_text", "_told", "_usage"),
    )

    def __init__(self, form: Form) -> None:
        self._form = form
        self._calls: dict[int, _OpenCall] = {}
        self._told = 0
        self._refused = False
        self._usage: Usage | None = None
        self._stop = Stop(StopReason.STOP)
        self._continued: list[str] = []
        self._begin(Started("", ""))

    @property
    @override
    def position(self) -> Position:
        return START

    @override
    def feed(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta and not self._calls and not event.choice:
            return escaped(self._text % _JSON.encode(event.text))
        if type(event) is Started:
            self._begin(event)
            return b""
        if type(event) is UsageReported:
            self._usage = event.usage
            return b""
        return escaped(self._write(event))

    def _write(self, event: StreamEvent) -> bytes:
        out = b""
        match event:
            case RefusalDelta(text=text, choice=0):
                self._refused = True
                out = self._tell_calls() + self._text % _JSON.encode(text)
            case TextDelta(text=text, choice=0):
                out = self._tell_calls() + self._text % _JSON.encode(text)
            case ReasoningDelta(text=text, choice=0):
                out = self._tell_calls() + self._line(self._form.thought % _JSON.encode(text))
            case ToolCallDelta(choice=0):
                if event.index in self._calls:
                    self._calls[event.index].pieces.append(event.arguments)
            case ToolCallStarted(choice=0):
                out = self._tell_calls()
                self._calls[event.index] = _OpenCall(event)
            case LogprobsDelta(choice=0) if event.dialect == DIALECT:
                said = self._form.text % _EMPTY
                out = self._line(b'%b,"logprobs":%b' % (said, bytes(event.payload)))
            case Finished(stop=stop, choice=0):
                self._stop = stop
                out = self._tell_calls(unfinished=True)
            case Ended():
                out = self._tell_calls(unfinished=True) + self._ending()
            case OpaqueEvent() if event.dialect == DIALECT:
                out = event.payload
            case Continued(by=by):
                # There are no comments here: it is told at the end.
                self._continued.append(by)
            case _:
                # A seal has no place here; a failure is rendered by whoever knows the request.
                pass
        return out

    def _begin(self, started: Started) -> None:
        head = {"model": started.model, "created_at": write_moment(started.created)}
        self._head = _JSON.encode(head)[:-1]
        self._text = self._line(self._form.text, head=self._head.replace(b"%", b"%%"))

    def _line(self, said: bytes, *, head: bytes | None = None) -> bytes:
        line = b'%b,%b,"done":false}' % (self._head if head is None else head, said)
        if b"\n" in line or b"\r" in line:
            # Arguments go as the model wrote them; a line of NDJSON has no line ends inside.
            line = msgspec.json.format(line, indent=-1)
        return line + b"\n"

    def _tell_calls(self, *, unfinished: bool = False) -> bytes:
        """The calls whose arguments are whole, in their order."""
        lines: list[bytes] = []
        for index, call in sorted(self._calls.items()):
            whole = call.close()
            if not unfinished and not is_object(whole.arguments):
                break
            del self._calls[index]
            said = _JSON.encode([write_call(whole, self._told)])
            lines.append(self._line(self._form.calls % said))
            self._told += 1
        return b"".join(lines)

    def _ending(self) -> bytes:
        out: Written = {
            "done": True,
            "done_reason": write_stop(self._stop, refused=self._refused),
            **write_usage(self._usage),
            **_NO_DURATIONS,
        }
        if self._continued:
            out[MEMBER] = continued(self._continued)
        return b"%b,%b,%b\n" % (self._head, self._form.text % _EMPTY, _JSON.encode(out)[1:])


class _OpenCall:
    """A call whose arguments are still growing."""

    __slots__ = ("pieces", "started")

    def __init__(self, started: ToolCallStarted) -> None:
        self.started = started
        self.pieces: list[str] = []

    def close(self) -> ToolCall:
        started, arguments = self.started, "".join(self.pieces)
        if started.kind is CallKind.CUSTOM:
            # Of free text nobody can tell where it ends.
            return ToolCall(started.call_id, started.name, arguments, CallKind.CUSTOM)
        return ToolCall(started.call_id, started.name, arguments)
