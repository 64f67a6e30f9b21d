"""Does it answer, and how: a chat, a stream, tools, JSON.

Every prompt is our own, asks for little, and bounds the answer.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Disposition, UpstreamError
from antiphon.gateway.doctor.findings import Finding, fail, ok, skip, warn
from antiphon.gateway.doctor.visit import Visit, reason
from antiphon.gateway.streams import events_of
from antiphon.model.events import USEFUL, Finished
from antiphon.model.reply import ChatReply
from antiphon.model.usage import Usage
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.replies import StreamReply, WholeReply

_BOUND = 1024
"""Tokens of an answer, thought included; what is asked for needs twenty."""
_SHOWN = 40
_FASTEST = 10_000
"""Tokens a second beyond which nothing was measured: all of it lay in one read."""
_ONE_PIECE = 8
"""Tokens that do not fit in one piece of an honest stream."""

_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}


class _Weather(msgspec.Struct, forbid_unknown_fields=True):
    """Arguments that fit the tool's schema."""

    city: str
    unit: Literal["celsius", "fahrenheit"]


async def chat(visit: Visit) -> Finding:
    """A question gets an answer."""
    exchange, reply = await _whole(visit, "Reply with the single word: ready")
    spent = waited(exchange)
    shown = reply.text.strip()
    if not shown:
        return warn(f"an answer without text ({_why(reply)}), {_tokens(reply.usage)}", spent)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    result = ok if reply.usage else warn
    return result(f'"{shown}", {_tokens(reply.usage)}', spent)


async def stream(visit: Visit) -> Finding:
    """An answer comes piece by piece, to its end, with its usage."""
    seen = await _watch(visit)
    usage = seen.usage
    figures: dict[str, float] = {}
    spent = None
    if seen.pieces:
        spent = figures["first_token_ms"] = (seen.first - seen.asked) * 1000
    said = [f"to the first token; {_tokens(usage)}"]
    tokens = 0 if usage is None else usage.output_total - 1
    if 0 < tokens < (seen.last - seen.first) * _FASTEST:
        speed = figures["tokens_per_second"] = tokens / (seen.last - seen.first)
        said.append(f"{speed:.0f} tokens/s")
    wrong: list[str] = []
    if not seen.finished:
        wrong.append("no finish reason")
    if seen.pieces == 1 and tokens > _ONE_PIECE:
        wrong.append("all of it in one piece")
    result = warn if wrong or usage is None else ok
    return result(", ".join([*said, *wrong]), spent, **figures)


async def tools(visit: Visit) -> Finding:
    """A tool is called, with arguments that fit its schema."""
    facts = visit.deployment.facts
    if facts.tools is False:
        return skip("this model is known to call none")
    certain = facts.tools is True
    try:
        exchange, reply = await _whole(
            visit,
            "What is the weather in Lisbon, in celsius? Use the tool get_weather.",
            tools=[_TOOL],
            tool_choice="required" if facts.forced_tools else "auto",
        )
    except UpstreamError as error:
        if certain or error.disposition is not Disposition.CALLERS_FAULT:
            raise
        return warn(f"refused: {reason(error)}")
    return _called(reply, waited(exchange), certain=certain)


async def json_mode(visit: Visit) -> Finding:
    """JSON is answered where JSON is asked for."""
    try:
        exchange, reply = await _whole(
            visit,
            'Answer with a JSON object with the members "city" and "country" for Lisbon.',
            response_format={"type": "json_object"},
        )
    except UpstreamError as error:
        if error.disposition is not Disposition.CALLERS_FAULT:
            raise
        return warn(f"refused: {reason(error)}")
    spent = waited(exchange)
    try:
        msgspec.json.decode(reply.text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return warn("text came where a JSON object was asked for", spent)
    return ok(f"an object, {_tokens(reply.usage)}", spent)


def waited(exchange: Exchange) -> float:
    """Milliseconds that were spent on the provider, the gateway's own not among them."""
    return sum(each.ended_at - each.sent_at for each in exchange.attempts) * 1000


def bound(visit: Visit, tokens: int) -> dict[str, object]:
    """The member that bounds an answer, in the spelling that this model takes."""
    name = "max_completion_tokens" if visit.deployment.facts.reasoning else "max_tokens"
    return {name: tokens}


class _Seen(msgspec.Struct):
    """A stream that came to its end; monotonic times, and pieces that a caller can use."""

    asked: float = 0.0
    first: float = 0.0
    last: float = 0.0
    pieces: int = 0
    finished: bool = False
    usage: Usage | None = None


async def _watch(visit: Visit) -> _Seen:
    seen = _Seen()
    question = _said("Write the numbers from one to twenty as words, with commas between them.")
    options = {"include_usage": True}
    async with visit.ask(
        stream=True, stream_options=options, **question, **bound(visit, _BOUND)
    ) as (exchange, reply):
        assert isinstance(reply, StreamReply)
        async for event in events_of(reply):
            if isinstance(event, USEFUL):
                seen.last = visit.now()
                seen.first = seen.first or exchange.first_token_at or seen.last
                seen.pieces += 1
            elif isinstance(event, Finished):
                seen.finished = True
        await reply.drain()
    seen.asked = exchange.attempts[-1].sent_at if exchange.attempts else exchange.started
    seen.usage = exchange.usage
    return seen


def _called(reply: ChatReply, spent: float, *, certain: bool) -> Finding:
    calls = reply.choices[0].turn.tool_calls if reply.choices else ()
    if not calls:
        return (fail if certain else warn)("answered in words, no tool was called", spent)
    if calls[0].name != "get_weather":
        return fail("called a tool that there is not", spent)
    try:
        msgspec.json.decode(calls[0].arguments, type=_Weather)
    except msgspec.ValidationError as error:
        return fail(f"the arguments do not fit the schema: {error}", spent)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return fail("the arguments are no JSON", spent)
    return ok(f"called, and the arguments fit, {_tokens(reply.usage)}", spent)


async def _whole(visit: Visit, question: str, **members: object) -> tuple[Exchange, ChatReply]:
    async with visit.ask(**_said(question), **bound(visit, _BOUND), **members) as (exchange, reply):
        assert isinstance(reply, WholeReply)
        return exchange, OPENAI_CHAT.decode_reply(reply.body)


def _said(question: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": question}]}


def _tokens(usage: Usage | None) -> str:
    if usage is None:
        return "no usage is told, so costs cannot be counted"
    return f"{usage.input_total} + {usage.output_total} tokens"


def _why(reply: ChatReply) -> str:
    stop = reply.choices[0].stop if reply.choices else None
    return f"stopped by {stop.reason}" if stop else "no reason given"
