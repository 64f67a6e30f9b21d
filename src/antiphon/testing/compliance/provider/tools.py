"""Tools and forms: calls, their results, several at once, JSON."""

from __future__ import annotations

from typing import Final

from antiphon.errors import UpstreamError
from antiphon.model.fold import fold
from antiphon.model.needs import Need
from antiphon.model.parts import ToolCall
from antiphon.model.reply import ChatReply, StopReason
from antiphon.model.request import ChatRequest, OutputForm
from antiphon.testing import trees
from antiphon.testing.compliance.dialect.said import arguments
from antiphon.testing.compliance.findings import (
    Broken,
    Findings,
    NotSupported,
    holds,
    shown,
)
from antiphon.testing.compliance.provider import questions
from antiphon.testing.compliance.provider.live import Live, not_supported

_ONE: Final = "What is the weather in Paris? Call get_weather."
_TWO: Final = "Call get_weather and get_time for Paris, both at once, before you answer."
_NAMES: Final = frozenset({questions.TOOL.name, questions.OTHER.name})


async def auto(live: Live, found: Findings) -> None:
    """A tool that may be called is called with arguments that fit, and its result is answered."""
    with found.trying("one call and its result"):
        asked = questions.with_tools(live.place.model, _ONE, questions.TOOL)
        reply = await _optional(live, asked)
        if not _calls(reply):
            raise NotSupported(f"the model said instead: {reply.text[:80]!r}")
        _is_called(reply)
        again = await live.whole(questions.with_results(asked, reply, "21 degrees and sunny"))
        holds(again.choices and again.choices[0].turn.parts, "an answer to the result", again)


async def forced(live: Live, found: Findings) -> None:
    """A tool that must be called is called."""
    with found.trying("a named tool"):
        if Need.FORCED_TOOL in live.dialect.losses:
            raise NotSupported("the dialect has no word for it")
        reply = await _optional(live, _forced(live))
        _is_called(reply)


async def streamed(live: Live, found: Findings) -> None:
    """A call in a stream is whole: a name, an id, arguments that are JSON."""
    with found.trying("one call"):
        asked = questions.with_tools(live.place.model, _ONE, questions.TOOL)
        try:
            _, events = await live.stream(asked)
        except UpstreamError as error:
            raise not_supported(error) from error
        reply = fold(events)
        holds(reply.choices, "an answer", events)
        if not _calls(reply):
            raise NotSupported(f"the model said instead: {reply.text[:80]!r}")
        _is_called(reply)


async def parallel(live: Live, found: Findings) -> None:
    """Two calls at once have ids that differ, whole and in a stream; both results are answered."""
    asked = questions.with_tools(live.place.model, _TWO, questions.TOOL, questions.OTHER)
    with found.trying("whole"):
        reply = await _optional(live, asked)
        if len(_calls(reply)) < 2:  # noqa: PLR2004
            raise NotSupported("the model made one call at a time")
        _is_called(reply)
        again = await live.whole(questions.with_results(asked, reply, "21 degrees and sunny"))
        holds(again.choices and again.choices[0].turn.parts, "an answer to the results", again)
    with found.trying("streamed"):
        try:
            _, events = await live.stream(asked)
        except UpstreamError as error:
            raise not_supported(error) from error
        if len(_calls(fold(events))) < 2:  # noqa: PLR2004
            raise NotSupported("the model made one call at a time")
        _is_called(fold(events))


async def schema(live: Live, found: Findings) -> None:
    """An answer after a schema is JSON that fits it."""
    with found.trying("an object of two members"):
        value = await _json(live, OutputForm.SCHEMA, Need.JSON_SCHEMA)
        name, people = trees.get(value, ("name",)), trees.get(value, ("people",))
        fits = isinstance(name, str) and isinstance(people, int)
        holds(fits, "an object with a text name and a whole number people", value)


async def json(live: Live, found: Findings) -> None:
    """An answer in JSON mode is JSON."""
    with found.trying("an object"):
        value = await _json(live, OutputForm.JSON, Need.JSON_MODE)
        holds(isinstance(value, dict), "an object", value)


def _forced(live: Live) -> ChatRequest:
    return questions.with_tools(live.place.model, "Hello.", questions.TOOL, forced=True)


async def _json(live: Live, form: OutputForm, need: Need) -> trees.Json:
    if need in live.dialect.losses:
        raise NotSupported("the dialect has no word for it")
    reply = await _optional(live, questions.for_a_place(live.place.model, form))
    try:
        return trees.parse(reply.text)
    except ValueError as error:
        raise Broken("JSON", shown(reply.text)) from error


async def _optional(live: Live, asked: ChatRequest) -> ChatReply:
    try:
        return await live.whole(asked)
    except UpstreamError as error:
        raise not_supported(error) from error


def _calls(reply: ChatReply) -> tuple[ToolCall, ...]:
    return reply.choices[0].turn.tool_calls if reply.choices else ()


def _is_called(reply: ChatReply) -> None:
    calls = _calls(reply)
    holds(calls, "a call", reply.text)
    for call in calls:
        holds(call.name in _NAMES, f"one of {sorted(_NAMES)}", call.name)
        holds(call.call_id, "an id", call.call_id)
        value = arguments(call)
        city = value.get("city") if isinstance(value, dict) else None
        holds(isinstance(city, str), "arguments with a text city", value)
    ids = [call.call_id for call in calls]
    holds(len(set(ids)) == len(ids), "ids that differ", ids)
    stop = reply.choices[0].stop
    reason = None if stop is None else stop.reason
    holds(reason in {StopReason.TOOL, StopReason.STOP}, "a stop for tools", reason)
