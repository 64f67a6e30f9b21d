"""Calls of tools: names, arguments, ids, in whole answers, in streams and in conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from antiphon.dialects.contract import Target
from antiphon.model.events import Finished, ToolCallDelta, ToolCallStarted
from antiphon.model.fold import fold
from antiphon.model.parts import Author, Text, ToolCall, ToolResult, Turn
from antiphon.model.reply import ChatReply, StopReason
from antiphon.model.request import ChatRequest, FunctionTool
from antiphon.testing.compliance.cases import events_of, write
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.dialect.said import answer, arguments, calls
from antiphon.testing.compliance.findings import Findings, NotSupported, holds, same
from antiphon.testing.compliance.subject import Subject

_PARALLEL: Final = samples.CALLS
_ALONE: Final = (ToolCall("call_1", "now", ""), ToolCall("call_1", "now", "{}"))
_SAME: Final = (
    ToolCall("call_1", "weather", '{"city":"A"}'),
    ToolCall("call_2", "weather", '{"city":"B"}'),
)
_KINDS: Final[tuple[tuple[str, tuple[ToolCall, ...]], ...]] = (
    ("two calls at once", _PARALLEL),
    ("two calls of one tool", _SAME),
    ("no arguments at all", _ALONE[:1]),
    ("an empty object of arguments", _ALONE[1:]),
)


def whole(subject: Subject, found: Findings) -> None:
    """Calls of a whole answer keep names, arguments and order."""
    dialect = subject.dialect
    for where, made in _KINDS:
        with found.trying(where):
            reply = samples.reply(*made)
            again = dialect.decode_reply(dialect.encode_reply(reply))
            _called(subject, again)
            same(calls(again), calls(reply), "calls")
            same(_stop(again), StopReason.TOOL, "stop")


def streamed(subject: Subject, found: Findings) -> None:
    """Calls of a stream keep names and arguments, in however many pieces they come."""
    dialect = subject.dialect
    for where, made in _KINDS:
        for size in (1, 2, 7, 1000):
            with found.trying(f"{where}, in pieces of {size}"):
                events = samples.events(*made, size=size)
                again = events_of(dialect, [write(dialect, events)])
                _called(subject, fold(again))
                same(answer(fold(again)), answer(fold(events)), "the answer")
                indexes = [each.index for each in again if isinstance(each, ToolCallStarted)]
                same(indexes, list(range(len(made))), "indexes of calls")
                stops = [each.stop.reason for each in again if isinstance(each, Finished)]
                same(stops, [StopReason.TOOL], "stops")


def mixed(subject: Subject, found: Findings) -> None:
    """Arguments of two calls that come by turns stay apart."""
    dialect = subject.dialect
    with found.trying("by turns"):
        one, two = _PARALLEL
        events = samples.events()[:1]
        events += [
            ToolCallStarted(at, call.call_id, call.name) for at, call in enumerate(_PARALLEL)
        ]
        pairs = [[ToolCallDelta(0, one.arguments[:9]), ToolCallDelta(1, two.arguments[:1])]]
        pairs += [[ToolCallDelta(0, one.arguments[9:]), ToolCallDelta(1, two.arguments[1:])]]
        events += [delta for pair in pairs for delta in pair]
        events += samples.events(*_PARALLEL)[-3:]
        again = fold(events_of(dialect, [write(dialect, events)]))
        _called(subject, again)
        same(calls(again), calls(samples.reply(*_PARALLEL)), "calls")


def ids(subject: Subject, found: Findings) -> None:
    """Calls have ids that differ, the same whenever they are read; legal ones are kept."""
    dialect = subject.dialect
    for where, made in _KINDS:
        with found.trying(where):
            body = dialect.encode_reply(samples.reply(*made))
            told = _ids(dialect.decode_reply(body))
            _called(subject, dialect.decode_reply(body))
            same(len(set(told)), len(made), "ids that differ")
            same(_ids(dialect.decode_reply(body)), told, "ids, read twice")
            stream = write(dialect, samples.events(*made))
            heard = _ids(fold(events_of(dialect, [stream])))
            same(_ids(fold(events_of(dialect, [stream]))), heard, "ids, heard twice")
            for each in (told, heard):
                kept = [call.call_id for call in made]
                holds(each == kept, f"the ids that were written: {kept}", each)


def results(subject: Subject, found: Findings) -> None:
    """Results answer their calls, in a conversation that is written and read again."""
    dialect = subject.dialect
    if subject.callers_only:
        found.notes.append("no provider is asked in it")
        return
    for where, made in _KINDS[:2]:
        with found.trying(where):
            request = conversation(made)
            sent = dialect.encode_request(request, Target("m-1"))
            again = dialect.decode_request(sent)
            asked = [call for turn in again.turns for call in turn.tool_calls]
            same([call.name for call in asked], [call.name for call in made], "names")
            same(
                [arguments(call) for call in asked], [arguments(call) for call in made], "arguments"
            )
            given = [p for t in again.turns for p in t.parts if isinstance(p, ToolResult)]
            same([p.call_id for p in given], [call.call_id for call in asked], "answered ids")
            texts = ["".join(x.text for x in p.parts if isinstance(x, Text)) for p in given]
            same(texts, [f"result {at} é" for at in range(len(made))], "results")


def offered(subject: Subject, found: Findings) -> None:
    """Tools keep name, description and parameters."""
    dialect = subject.dialect
    if subject.callers_only:
        found.notes.append("no provider is asked in it")
        return
    with found.trying("two tools"):
        request = conversation(_PARALLEL)
        again = dialect.decode_request(dialect.encode_request(request, Target("m-1")))
        seen = [(tool.name, tool.description) for tool in _functions(again)]
        same(seen, [(tool.name, tool.description) for tool in _functions(request)], "tools")
        for tool in _functions(again):
            holds(b'"city"' in bytes(tool.parameters), "its parameters", bytes(tool.parameters))


def conversation(made: Sequence[ToolCall]) -> ChatRequest:
    """A question, calls, their results, and tools for them."""
    schema = b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
    tools = tuple(
        FunctionTool(name, f"Tells {name}", parameters=samples.raw(schema))
        for name in dict.fromkeys(call.name for call in made)
    )
    given = (
        ToolResult(call.call_id, (Text(f"result {at} é"),), name=call.name)
        for at, call in enumerate(made)
    )
    turns = (
        samples.user("Call them."),
        Turn(Author.ASSISTANT, tuple(made)),
        *(Turn(Author.TOOL, (result,)) for result in given),
    )
    return ChatRequest("m-1", turns, tools=tools)


def _functions(request: ChatRequest) -> list[FunctionTool]:
    return [tool for tool in request.tools if isinstance(tool, FunctionTool)]


def _ids(reply: ChatReply) -> list[str]:
    return [call.call_id for choice in reply.choices for call in choice.turn.tool_calls]


def _stop(reply: ChatReply) -> StopReason | None:
    stop = reply.choices[0].stop
    return None if stop is None else stop.reason


def _called(subject: Subject, reply: ChatReply) -> None:
    """A dialect without calls, as one for completions is, has nothing to keep."""
    if subject.callers_only and not _ids(reply):
        raise NotSupported("it has no calls")
