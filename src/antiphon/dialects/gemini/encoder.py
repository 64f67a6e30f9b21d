"""Streams, written.

Every chunk is a whole response, told in data lines alone: the official client for Python dies of
comments and of names of events. A call is told when its arguments are complete; why the answer
ended, and what was used, when it has ended. The last chunk has a part without a word, as Google's
has: clients that keep the conversation throw an answer away whose chunks have none.

Hot path: the bytes around a text are made once; an event of text costs one small encode and a
join.
"""

from __future__ import annotations

from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.arguments import is_object, write_object
from antiphon.dialects.continued import continued_member
from antiphon.dialects.contract import Position, StreamEncoder
from antiphon.dialects.fields import Written
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.dialects.gemini.seals import is_native, write_seal
from antiphon.dialects.gemini.stops import write_stop
from antiphon.dialects.gemini.usage import write_usage
from antiphon.model.events import (
    Continued,
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    PartEnded,
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
from antiphon.model.parts import Reasoning
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

_JSON: Final = msgspec.json.Encoder()
_SAID: Final = b'data: {"candidates":[{"content":{"parts":[{"text":'
_END: Final = b"]}\n\n"
_SHOWN: Final = b'}],"role":"model"},"index":0}]%b}\n\n'


class _Call:
    """A call whose arguments are still growing."""

    __slots__ = ("pieces", "started")

    def __init__(self, started: ToolCallStarted) -> None:
        self.started = started
        self.pieces: list[str] = []

    def part(self) -> Written:
        started = self.started
        text = "".join(self.pieces)
        call: Written = {"id": started.call_id, "name": started.name}
        if not started.call_id:
            del call["id"]
        call["args"] = write_object(text, started.kind)
        return {"functionCall": call}


class _Choice:
    """One candidate that is being written."""

    __slots__ = ("calls", "pending", "refused", "stop")

    def __init__(self) -> None:
        self.calls: dict[int, _Call] = {}
        """Those that were not told yet, in their order."""
        self.pending: str | None = None
        """A seal of Gemini's own, which stands on the next part."""
        self.refused = False
        self.stop: Stop | None = None


class EventWriter(StreamEncoder):
    """Writes one stream."""

    __slots__ = ("_begun", "_choices", "_continued", "_id", "_plain", "_tail", "_usage")

    def __init__(self) -> None:
        self._begun = False
        self._id = ""
        self._tail = b""
        self._plain = _SHOWN % b""
        self._usage: Usage | None = None
        self._choices: dict[int, _Choice] = {}
        self._continued: list[str] = []

    @property
    @override
    def position(self) -> Position:
        return Position(self._id)

    @override
    def feed(self, event: StreamEvent) -> bytes:
        if type(event) is TextDelta and not event.choice:
            choice = self._choices.get(0)
            if choice is not None and not choice.calls and choice.pending is None:
                return b"%b%b%b" % (_SAID, _JSON.encode(event.text), self._plain)
        return self._write(event)

    def _write(self, event: StreamEvent) -> bytes:
        out = b""
        match event:
            case Started():
                self._start(event)
            case UsageReported():
                self._usage = event.usage
            case RefusalDelta(text=text, choice=at):
                self._choice(at).refused = True
                out = self._say({"text": text}, at) if text else b""
            case TextDelta(text=text, choice=at):
                out = self._say({"text": text}, at) if text else b""
            case ReasoningDelta(text=text, choice=at):
                out = self._say({"text": text, "thought": True}, at) if text else b""
            case ReasoningSealed(choice=at):
                out = self._seal(event, at)
            case ToolCallStarted(choice=at):
                self._choice(at).calls[event.index] = _Call(event)
            case ToolCallDelta(choice=at):
                self._grow(event, at)
            case PartEnded(choice=at):
                out = self._end_part(self._choice(at), at)
            case Finished(stop=stop, choice=at):
                self._choice(at).stop = stop
                out = self._flush(self._choice(at), at)
            case Ended():
                out = self._flush_all() + self._ending()
            case _:
                out = self._pass(event)
        return out

    def _pass(self, event: StreamEvent) -> bytes:
        """What only this dialect knows; a failure is rendered by whoever knows the request."""
        if isinstance(event, LogprobsDelta) and event.dialect == DIALECT:
            return self._tell_logprobs(event.payload, event.choice)
        if isinstance(event, Continued):
            # Some of its clients know no comments: it is told at the end.
            self._continued.append(event.by)
        if isinstance(event, OpaqueEvent) and event.dialect == DIALECT:
            head, end, _ = event.payload.rpartition(_END)
            return self._flush_all() + b"%b]%b}\n\n" % (head, self._tail) if end else b""
        return b""

    def _start(self, event: Started) -> None:
        self._begun = True
        self._id = event.id
        members: Written = {}
        if event.model:
            members["modelVersion"] = event.model
        if event.id:
            members["responseId"] = event.id
        self._tail = b"," + _JSON.encode(members)[1:-1] if members else b""
        self._plain = _SHOWN % self._tail

    def _choice(self, at: int) -> _Choice:
        choice = self._choices.get(at)
        if choice is None:
            choice = self._choices[at] = _Choice()
        return choice

    # ------------------------------------------------------------------ parts

    def _say(self, part: Written, at: int) -> bytes:
        """A part, behind the calls that were not told yet."""
        choice = self._choice(at)
        before = self._tell_calls(choice, at)
        # Thought is said before the part that its seal stands on.
        if choice.pending is not None and "thought" in part:
            before += self._flush(choice, at)
        elif choice.pending is not None:
            part["thoughtSignature"], choice.pending = choice.pending, None
        return before + self._chunk([part], at)

    def _seal(self, event: ReasoningSealed, at: int) -> bytes:
        thought = Reasoning(signature=event.signature, origin=event.origin, sealed=event.sealed)
        seal, choice = write_seal(thought), self._choice(at)
        if not is_native(thought):
            return self._say({"text": "", "thought": True, "thoughtSignature": seal}, at)
        before = self._flush(choice, at)
        choice.pending = seal
        return before

    def _grow(self, event: ToolCallDelta, at: int) -> None:
        call = self._choice(at).calls.get(event.index)
        if call is not None:
            call.pieces.append(event.arguments)

    def _end_part(self, choice: _Choice, at: int) -> bytes:
        """What was being said is complete: a call can be told, if it is the only one."""
        if len(choice.calls) == 1:
            call = next(iter(choice.calls.values()))
            if is_object("".join(call.pieces)):
                return self._tell_calls(choice, at)
        return b""

    def _tell_calls(self, choice: _Choice, at: int) -> bytes:
        """The calls that were not told yet; the first has the seal that waits."""
        if not choice.calls:
            return b""
        parts = [call.part() for call in choice.calls.values()]
        choice.calls = {}
        if choice.pending is not None:
            parts[0]["thoughtSignature"], choice.pending = choice.pending, None
        return self._chunk(parts, at)

    def _flush(self, choice: _Choice, at: int) -> bytes:
        """Calls, and a seal that no part follows."""
        out = self._tell_calls(choice, at)
        if choice.pending is not None:
            seal, choice.pending = choice.pending, None
            out += self._chunk([{"text": "", "thoughtSignature": seal}], at)
        return out

    def _flush_all(self) -> bytes:
        return b"".join([self._flush(choice, at) for at, choice in self._choices.items()])

    def _tell_logprobs(self, payload: msgspec.Raw, at: int) -> bytes:
        candidate: Written = {"content": {"parts": [{"text": ""}], "role": "model"}, "index": at}
        candidate["logprobsResult"] = payload
        return b'data: {"candidates":[%b]%b}\n\n' % (_JSON.encode(candidate), self._tail)

    def _chunk(self, parts: list[Written], at: int) -> bytes:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": at}
        return b'data: {"candidates":[%b]%b}\n\n' % (_JSON.encode(candidate), self._tail)

    # ------------------------------------------------------------------ the end

    def _ending(self) -> bytes:
        if not (self._begun or self._choices):
            # Behind a provider's own chunks: no event ends a stream, its body does.
            return b""
        said: list[Written] = []
        for at, choice in sorted((self._choices or {0: _Choice()}).items()):
            out: Written = {"content": {"parts": [{"text": ""}], "role": "model"}}
            stop = choice.stop or Stop(StopReason.STOP)
            out["finishReason"] = write_stop(stop, refused=choice.refused)
            out["index"] = at
            said.append(out)
        usage = b""
        if self._usage is not None:
            usage = b',"usageMetadata":' + _JSON.encode(write_usage(self._usage))
        if self._continued:
            usage += b"," + continued_member(self._continued)
        return b'data: {"candidates":%b%b%b}\n\n' % (_JSON.encode(said), usage, self._tail)
