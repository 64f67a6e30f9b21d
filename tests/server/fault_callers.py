"""Callers of the three dialects: what the official client of each told, and what it raised."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import anthropic
import openai

from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.server.fault_words import ANSWER, Seen
from tests.server.stage import KEY, Stage

ASKED: Final = "get_weather and get_stock [say: Grüezi, one two three four five six seven eight]"
_CITY: Final = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_NAMES: Final = ("get_weather", "get_stock")
BODIES: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        CHAT: {
            "messages": [{"role": "user", "content": ASKED}],
            "max_completion_tokens": 4096,
            "tools": [
                {"type": "function", "function": {"name": name, "parameters": _CITY}}
                for name in _NAMES
            ],
        },
        MESSAGES: {
            "messages": [{"role": "user", "content": ASKED}],
            "max_tokens": 4096,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tools": [{"name": name, "input_schema": _CITY} for name in _NAMES],
        },
        RESPONSES: {
            "input": ASKED,
            "store": False,
            "reasoning": {"effort": "low", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "tools": [
                {"type": "function", "name": name, "parameters": _CITY, "strict": False}
                for name in _NAMES
            ],
        },
    }
)
"""What is asked: the answer is a thought, a text and two calls."""


class Told:
    """What came of one request.

    Attributes:
        ended: The terminal event of the stream came, or the answer was in one piece.
        calls: Name and arguments, by the place of the call.
    """

    def __init__(self) -> None:
        self.seen = ANSWER
        self.ended = False
        self.text = ""
        self.thought = ""
        self.calls: dict[object, list[str]] = {}
        self.headers: Mapping[str, str] = {}

    @property
    def deployment(self) -> str:
        return self.headers.get("x-antiphon-deployment", "")

    @property
    def attempts(self) -> int:
        """As the gateway says, in the head of the answer or in its error."""
        return int(self.headers.get("x-antiphon-attempts", "0"))

    @property
    def said(self) -> tuple[str, str, list[list[str]]]:
        """Thought, text and calls, in the order in which they began."""
        return self.thought, self.text, list(self.calls.values())

    def call(self, place: object, name: str = "", arguments: str = "") -> None:
        told = self.calls.setdefault(place, ["", ""])
        told[0] += name
        told[1] += arguments


class Callers:
    """The official clients, on one gateway; none of them tries again."""

    def __init__(self, road: Stage) -> None:
        options: dict[str, Any] = {"verify": False, "timeout": 20}
        self._http = [openai.DefaultAsyncHttpxClient(**options) for _ in range(2)]
        self.openai = openai.AsyncOpenAI(
            base_url=f"{road.address}/v1", api_key=KEY, max_retries=0, http_client=self._http[0]
        )
        self.anthropic = anthropic.AsyncAnthropic(
            base_url=road.address, api_key=KEY, max_retries=0, http_client=self._http[1]
        )

    async def aclose(self) -> None:
        for each in self._http:
            await each.aclose()

    async def ask(
        self, wire: str, model: str, *, stream: bool, body: Mapping[str, Any] | None = None
    ) -> Told:
        """Ask what `BODIES` holds, or another body, and read all of it.

        An error is what was seen; a stream that ends without its last event is seen as `unended`.
        """
        told = Told()
        asked = {"model": model, **(BODIES[wire] if body is None else body)}
        try:
            await _ASKING[wire](self, told, asked, stream)
        except (openai.APIError, anthropic.APIError) as error:
            told.seen = seen_of(error)
            if isinstance(error, openai.APIStatusError | anthropic.APIStatusError):
                told.headers = error.response.headers
        else:
            told.seen = ANSWER if told.ended else Seen("unended", begun=True)
        return told


@asynccontextmanager
async def calling(road: Stage) -> AsyncIterator[Callers]:
    callers = Callers(road)
    try:
        yield callers
    finally:
        await callers.aclose()


def seen_of(error: openai.APIError | anthropic.APIError) -> Seen:
    """An exception of an SDK in the table's words; asserts that the envelope is the dialect's."""
    body: Any = error.body
    name = type(error).__name__
    if isinstance(error, anthropic.APIError):
        assert body["type"] == "error"
        inner = body["error"]
        assert {"type", "message", "code"} <= set(inner), inner
        assert body["request_id"].startswith("req_")
    else:
        inner = body
        assert {"message", "type", "param", "code"} <= set(inner), inner
    assert inner["message"]
    status = error.status_code if hasattr(error, "status_code") else 200
    if status == 200:
        return Seen(name, 200, inner["code"] or "", begun=True)
    headers = error.response.headers
    told = headers["request-id" if isinstance(error, anthropic.APIError) else "x-request-id"]
    assert told == headers["x-antiphon-request-id"] == error.request_id
    attempts = inner.get("attempts") or [{"code": ""}]
    return Seen(
        name,
        status,
        inner["code"] or "",
        attempts[-1]["code"],
        headers.get("retry-after", ""),
        headers.get("x-should-retry") == "false" and "attempts" in inner,
    )


# ------------------------------------------------------------------ Chat


async def _chat(callers: Callers, told: Told, body: dict[str, Any], stream: bool) -> None:
    create = callers.openai.chat.completions.with_raw_response.create
    raw = await create(**body, stream=stream)
    told.headers = raw.headers
    answer = raw.parse()
    if not stream:
        [choice] = answer.choices
        _chat_part(told, choice.message)
        told.ended = True
        return
    async for chunk in answer:
        for choice in chunk.choices or ():
            _chat_part(told, choice.delta)
            told.ended = told.ended or choice.finish_reason is not None


def _chat_part(told: Told, part: Any) -> None:
    told.text += part.content or ""
    told.thought += getattr(part, "reasoning_content", None) or ""
    for place, call in enumerate(part.tool_calls or ()):
        index = getattr(call, "index", place)
        told.call(index, call.function.name or "", call.function.arguments or "")


# ------------------------------------------------------------------ Messages


async def _messages(callers: Callers, told: Told, body: dict[str, Any], stream: bool) -> None:
    create = callers.anthropic.messages.with_raw_response.create
    raw = await create(**body, stream=stream)
    told.headers = raw.headers
    answer: Any = await raw.parse()
    if not stream:
        for place, block in enumerate(answer.content):
            _block(told, place, block)
            if block.type == "tool_use":
                told.call(place, arguments=_json(block.input))
        told.ended = True
        return
    async for event in answer:
        match event.type:
            case "content_block_start":
                _block(told, getattr(event, "index", None), event.content_block)
            case "content_block_delta":
                _delta(told, getattr(event, "index", None), event.delta)
            case "message_stop":
                told.ended = True
            case _:
                pass


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _block(told: Told, place: object, block: Any) -> None:
    match block.type:
        case "text":
            told.text += block.text
        case "thinking":
            told.thought += block.thinking
        case "tool_use":
            told.call(place, block.name)
        case _:
            pass


def _delta(told: Told, place: object, delta: Any) -> None:
    match delta.type:
        case "text_delta":
            told.text += delta.text
        case "thinking_delta":
            told.thought += delta.thinking
        case "input_json_delta":
            told.call(place, arguments=delta.partial_json)
        case _:
            pass


# ------------------------------------------------------------------ Responses


async def _responses(callers: Callers, told: Told, body: dict[str, Any], stream: bool) -> None:
    create = callers.openai.responses.with_raw_response.create
    raw = await create(**body, stream=stream)
    told.headers = raw.headers
    answer: Any = raw.parse()
    if not stream:
        for place, item in enumerate(answer.output):
            _item(told, place, item)
        told.ended = True
        return
    async for event in answer:
        place = getattr(event, "output_index", None)
        match event.type:
            case "response.output_text.delta":
                told.text += event.delta
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                told.thought += event.delta
            case "response.output_item.added" if event.item.type == "function_call":
                told.call(place, event.item.name)
            case "response.function_call_arguments.delta":
                told.call(place, arguments=event.delta)
            case "response.completed" | "response.incomplete":
                told.ended = True
            case _:
                pass


def _item(told: Told, place: int, item: Any) -> None:
    match item.type:
        case "message":
            told.text += "".join(part.text for part in item.content)
        case "reasoning":
            told.thought += "".join(part.text for part in item.content or item.summary)
        case "function_call":
            told.call(place, item.name, item.arguments)
        case _:
            pass


Asking: TypeAlias = Callable[[Callers, Told, dict[str, Any], bool], Coroutine[None, None, None]]
_ASKING: Final[Mapping[str, Asking]] = MappingProxyType(
    {CHAT: _chat, MESSAGES: _messages, RESPONSES: _responses}
)
