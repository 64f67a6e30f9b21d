"""Which call a fragment belongs to.

OpenAI numbers the calls of a choice and says the id once. Others repeat the id, leave out the
number, or number every call 0; some send each call whole, and a few give all calls one id. So an
id that was seen names its call, unless a new number comes with the name of a tool; a new id is a
new call, whatever its number; a fragment without an id goes by its number, else to the latest
call, unless it names a tool where that call is already named and complete.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.openai_chat.calls import LEGACY_ID
from antiphon.dialects.openai_chat.chunks import CallDelta, FunctionDelta
from antiphon.model.events import StreamEvent, ToolCallDelta, ToolCallStarted
from antiphon.model.parts import CallKind


class CallIndex:
    """The calls of one choice so far; hands out indexes from 0, without gaps."""

    __slots__ = ("_by_id", "_by_number", "_calls", "_choice", "_unnamed")

    def __init__(self, choice: int, unnamed: str) -> None:
        self._choice = choice
        self._unnamed = unnamed
        self._calls: list[_OpenCall] = []
        self._by_id: dict[str, _OpenCall] = {}
        self._by_number: dict[int, _OpenCall] = {}

    @property
    def called(self) -> bool:
        """Whether there was any call."""
        return bool(self._calls)

    def feed(self, delta: CallDelta, events: list[StreamEvent]) -> None:
        """Add the events of one fragment."""
        name, text, kind = _content(delta)
        call = self._find(delta, name)
        if call is None:
            call = self._open(delta, kind)
        self._grow(call, name, text, events)

    def feed_legacy(self, delta: FunctionDelta, events: list[StreamEvent]) -> None:
        """Add the events of one fragment of a legacy call, of which there is one."""
        call = self._by_id.get(LEGACY_ID)
        if call is None:
            call = self._open(CallDelta(id=LEGACY_ID), CallKind.LEGACY)
        self._grow(call, delta.name or "", _text(delta.arguments), events)

    def finish(self, events: list[StreamEvent]) -> None:
        """Start what was never named: its arguments shall not be lost."""
        for call in self._calls:
            if not call.started:
                self._start(call, events)

    def _find(self, delta: CallDelta, name: str) -> _OpenCall | None:
        if delta.id and delta.id in self._by_id:
            return self._find_by_id(delta, name)
        if delta.index is not None:
            call = self._by_number.get(delta.index)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None:
            return None
        if delta.id and (call.id or name):
            return None
        if name and call.name and not delta.id and (name != call.name or call.is_whole()):
            return None
        if delta.id:
            call.id = call.told = delta.id
            self._by_id[delta.id] = call
        return call

    def _find_by_id(self, delta: CallDelta, name: str) -> _OpenCall | None:
        """The call of an id that was seen; None for another call of the same id."""
        call = self._by_id[delta.id or ""]
        if delta.index is None or not call.numbered:
            return call
        numbered = self._by_number.get(delta.index)
        if numbered is None:
            return None if name else call
        return numbered if numbered.told == call.told else call

    def _open(self, delta: CallDelta, kind: CallKind) -> _OpenCall:
        call_id = delta.id or ""
        if call_id in self._by_id:
            call_id = f"{call_id}_{len(self._calls)}"
        call = _OpenCall(len(self._calls), call_id, kind, numbered=delta.index is not None)
        call.told = delta.id or ""
        self._calls.append(call)
        if call_id:
            self._by_id[call_id] = call
        if delta.index is not None:
            self._by_number[delta.index] = call
        return call

    def _grow(self, call: _OpenCall, name: str, text: str, events: list[StreamEvent]) -> None:
        if name and not call.name:
            call.name = name
        if text and (not call.id or not call.started):
            call.pieces.append(text)
        if call.started:
            if text:
                events.append(ToolCallDelta(call.index, text, self._choice))
        elif call.name:
            self._start(call, events)

    def _start(self, call: _OpenCall, events: list[StreamEvent]) -> None:
        call.started = True
        call_id = call.id or f"{self._unnamed}_{call.index}"
        events.append(
            ToolCallStarted(call.index, call_id, call.name, choice=self._choice, kind=call.kind)
        )
        if call.pieces:
            events.append(ToolCallDelta(call.index, "".join(call.pieces), self._choice))


class _OpenCall:
    """A call that may still grow; its text is kept only while it may be needed."""

    __slots__ = ("id", "index", "kind", "name", "numbered", "pieces", "started", "told")

    def __init__(self, index: int, call_id: str, kind: CallKind, *, numbered: bool) -> None:
        self.index = index
        self.numbered = numbered
        self.told = ""
        self.id = call_id
        self.kind = kind
        self.name = ""
        self.pieces: list[str] = []
        self.started = False

    def is_whole(self) -> bool:
        """Whether its arguments are complete JSON."""
        try:
            msgspec.json.decode("".join(self.pieces))
        except msgspec.DecodeError:
            return False
        return True


def _content(delta: CallDelta) -> tuple[str, str, CallKind]:
    if delta.custom is not None:
        return delta.custom.name or "", delta.custom.input or "", CallKind.CUSTOM
    if delta.function is None:
        return "", "", CallKind.FUNCTION
    return delta.function.name or "", _text(delta.function.arguments), CallKind.FUNCTION


def _text(arguments: str | dict[str, msgspec.Raw] | None) -> str:
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""
