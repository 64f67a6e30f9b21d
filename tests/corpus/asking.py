"""Recorded requests, asked of strict providers of the other dialects through the whole gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
from msgspec import Struct

from antiphon.config.load import load
from antiphon.dialects.base import Payload
from antiphon.dialects.registry import DIALECTS
from antiphon.gateway.gateway import Antiphon
from antiphon.model.needs import Severity
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Simulator, SimulatorSpec
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange
from tests.corpus.reading import KEY
from tests.corpus.relaying import WIRES

STORED: Final = ("previous_response_id", "conversation", "background")
_PATHS: Final = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}


class Put(Struct, frozen=True):
    """One recorded request, put to one provider.

    Attributes:
        status: What the caller got.
        answer: The body of it.
        given: What the caller gave.
        sent: What the provider got; None where it was not asked.
        refusing: The needs for which it may not be asked.
        refused: The recorded provider refused it as well.
    """

    id: str
    dialect: str
    target: str
    status: int
    answer: str
    given: Mapping[str, Any]
    sent: Mapping[str, Any] | None
    refusing: tuple[str, ...]
    refused: bool


def request_of(exchange: Exchange) -> dict[str, Any] | None:
    """The recorded body as a caller of the gateway gives it; None where there is none."""
    body = (exchange["request"] or {}).get("body")
    if not isinstance(body, dict):
        return None
    # The clouds have the model in the path. Nothing is stored here.
    return {name: value for name, value in body.items() if name not in STORED}


async def put(exchanges: list[Exchange], data: Path) -> list[Put]:
    """Every request, to both other dialects."""
    async with Fleet([SimulatorSpec(name="one", strict=True)]) as fleet:
        simulator = fleet["one"]
        settings: dict[str, object] = {
            "server": {"port": 0, "drain_seconds": 0.5},
            "storage": {"data_dir": str(data)},
            "providers": {
                name: {"dialect": name, "base_url": simulator.base_url, "api_key": "sk-upstream"}
                for name in DIALECTS
            },
            "models": {"*": {"passthrough": True}},
        }
        gateway = Antiphon(load(settings, environ={}))
        async with (
            gateway,
            serving(gateway) as address,
            httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http,
        ):
            return [
                await _put(http, simulator, exchange, body, target)
                for exchange in exchanges
                if (body := request_of(exchange)) is not None
                for target in DIALECTS
                if target != WIRES[exchange["wire"]]
            ]


async def _put(
    http: httpx2.AsyncClient,
    simulator: Simulator,
    exchange: Exchange,
    body: Mapping[str, Any],
    target: str,
) -> Put:
    dialect = WIRES[exchange["wire"]]
    given = {**body, "model": f"{target}/sim-small"}
    simulator.forget()
    answer = await http.post(
        _PATHS[dialect], json=given, headers={"authorization": f"Bearer {KEY}"}
    )
    received = simulator.received
    return Put(
        id=exchange["id"],
        dialect=dialect,
        target=target,
        status=answer.status_code,
        answer=answer.text,
        given=given,
        sent=json.loads(received[-1].body) if received else None,
        refusing=tuple(refusing(dialect, target, given)),
        refused=exchange["response"]["status"] >= 400,
    )


def refusing(dialect: str, target: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The needs of a request that may not be dropped, and that a dialect has no word for."""
    payload = Payload(DIALECTS[dialect], Members.parse(json.dumps(body).encode()))
    losses = DIALECTS[target].losses
    for need in sorted(payload.needs & losses.keys()):
        if losses[need].severity is Severity.REFUSE:
            yield need.value


def wrong(one: Put) -> list[str]:
    """What is not as promised; nothing if all is well."""
    if one.refusing:
        told = one.status == 400 and one.sent is None
        return [] if told else [f"{one.refusing} did not refuse it: {one.status}"]
    if one.sent is None or one.status != 200:
        # What a provider says of a number out of range, it says in any dialect.
        shared = one.refused and one.sent is not None and one.status == 400
        return [] if shared else [f"{one.status}: {one.answer[:300]}"]
    everything = "\0".join(strings(one.sent))
    told = [
        f"{text[:200]!r} did not arrive"
        for text in said(one.dialect, one.given)
        if text.strip() not in everything
    ]
    calls = called(one.dialect, one.given), called(one.target, one.sent)
    if calls[0] != calls[1]:
        told.append(f"calls {calls[1]}, given {calls[0]}")
    tools = offered(one.given), offered(one.sent)
    if tools[1] not in (tools[0], allowed(one.given)):
        told.append(f"tools {tools[1]}, given {tools[0]}")
    return told


# ------------------------------------------------------------------ what is said in a body


def said(dialect: str, body: Mapping[str, Any]) -> list[str]:
    """Every text in a request that a person or a model wrote, the results of tools included."""
    return [text for text in _SAYING[dialect](body) if text.strip()]


def called(dialect: str, body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and arguments of every call in a request."""
    return [(name, _parsed(arguments)) for name, arguments in _CALLING[dialect](body)]


_CALLERS_OWN = ("function", "custom", "bash_", "text_editor_", "memory_")
"""How the types of tools begin that the caller itself runs."""


def offered(body: Mapping[str, Any]) -> list[str]:
    """The names of the caller's own tools, each once, in any of the dialects."""
    named: list[Mapping[str, Any]] = [
        tool.get("function") or tool.get("custom") or tool
        for tool in _tools(body)
        if tool.get("type", "custom").startswith(_CALLERS_OWN)
    ]
    return [*dict.fromkeys(tool["name"] for tool in [*named, *(body.get("functions") or ())])]


def _tools(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All tools of a request, those in namespaces and in items of the input included."""
    lists = [body.get("tools") or ()]
    if isinstance(body.get("input"), list):
        lists += [item["tools"] for item in body["input"] if item.get("type") == "additional_tools"]
    for tools in lists:
        for tool in tools:
            if tool.get("type") != "namespace":
                yield tool
            else:
                # Those that have to be searched for are their provider's to find.
                yield from (each for each in tool["tools"] if not each.get("defer_loading"))


def allowed(body: Mapping[str, Any]) -> list[str]:
    """The tools that may be called, where a caller of either dialect of OpenAI says so."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) or choice.get("type") != "allowed_tools":
        return []
    names = offered(choice.get("allowed_tools") or choice)
    return [name for name in offered(body) if name in names]


def strings(value: Any) -> Iterator[str]:
    """Every string in a body, however deep."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)
        case _:
            pass


def _parsed(arguments: Any) -> object:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _texts(content: Any) -> Iterator[str]:
    """The texts of a content, in any of the dialects."""
    match content:
        case str():
            yield content
        case list():
            for part in content:
                yield from _texts(part)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            yield text
        case {"type": "refusal", "refusal": str(text)}:
            yield text
        case {"type": "tool_result", "content": inner}:
            yield from _texts(inner)
        case _:
            pass


def _chat_says(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body["messages"]:
        yield from _texts(message.get("content"))
        yield message.get("refusal") or ""


def _responses_say(body: Mapping[str, Any]) -> Iterator[str]:
    yield body.get("instructions") or ""
    items = body.get("input") or ""
    if isinstance(items, str):
        yield items
        return
    for item in items:
        if item.get("type", "message") == "message":
            yield from _texts(item["content"])
        elif item["type"] in {"function_call_output", "custom_tool_call_output"}:
            yield from _texts(item["output"])


def _messages_say(body: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(body.get("system"))
    for message in body["messages"]:
        yield from _texts(message["content"])


def _chat_calls(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            if call.get("type") == "custom":
                yield call["custom"]["name"], call["custom"]["input"]
            else:
                yield call["function"]["name"], call["function"]["arguments"]
        if legacy := message.get("function_call"):
            yield legacy["name"], legacy["arguments"]


def _responses_call(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    items = body.get("input")
    for item in items if isinstance(items, list) else ():
        if item.get("type") == "function_call":
            yield item["name"], item["arguments"]
        elif item.get("type") == "custom_tool_call":
            yield item["name"], item["input"]


def _messages_call(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for message in body["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else ():
            if block["type"] == "tool_use":
                yield block["name"], block["input"]


_SAYING: Final = {
    "openai_chat": _chat_says,
    "openai_responses": _responses_say,
    "anthropic_messages": _messages_say,
}
_CALLING: Final = {
    "openai_chat": _chat_calls,
    "openai_responses": _responses_call,
    "anthropic_messages": _messages_call,
}
