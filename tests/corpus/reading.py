"""What the official SDKs read: OpenAI's and Anthropic's here, Google's and Ollama's beside it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anthropic
import httpx2
import openai

from tests.corpus import reading_gemini, reading_ollama
from tests.corpus.heard import HELLO, KEY, NO_CHOICE, SECONDS, Asked, Read, offer

FAILURES: Final = (
    openai.APIError,
    anthropic.APIError,
    *reading_gemini.FAILURES,
    *reading_ollama.FAILURES,
)
"""What the SDKs raise."""
_GOOGLES: Final = reading_gemini.FAILURES


class Clients:
    """The official SDKs, each at one address."""

    def __init__(self, http: httpx2.AsyncClient, address: str) -> None:
        self.openai = openai.AsyncOpenAI(
            api_key=KEY, base_url=f"{address}/v1", max_retries=0, http_client=http
        )
        self.anthropic = anthropic.AsyncAnthropic(
            api_key=KEY, base_url=address, max_retries=0, http_client=http
        )
        self.gemini = reading_gemini.client_of(http, address)
        self.ollama = reading_ollama.client_of(address)

    async def read(self, dialect: str, asked: Asked) -> Read:
        """What the SDK of a dialect reads; whatever it raises is read too."""
        try:
            return await _READERS[dialect](self, asked)
        except FAILURES as error:
            # Google's SDK calls it a code; what Ollama's says of an error in a stream is -1.
            code = getattr(error, "code" if isinstance(error, _GOOGLES) else "status_code", None)
            return Read(error=type(error).__name__, status=None if code == -1 else code)


@asynccontextmanager
async def clients(*addresses: str) -> Any:
    """Clients at each address; their connections are shared, and closed behind them."""
    async with httpx2.AsyncClient(verify=False, timeout=SECONDS) as http:
        all_ = [Clients(http, address) for address in addresses]
        try:
            yield all_
        finally:
            for each in all_:
                await each.ollama.close()


async def _chat(at: Clients, asked: Asked) -> Read:
    body: dict[str, Any] = {"model": asked.model, "messages": HELLO}
    if asked.tools:
        body["tools"] = [{"type": "function", "function": offer(name)} for name in asked.tools]
    if asked.stream:
        options = {"include_usage": True}
        chunks = await at.openai.chat.completions.create(
            **body, stream=True, stream_options=options
        )
        async with chunks:
            return await _folded(chunks)
    completion = await at.openai.chat.completions.create(**body)
    if not completion.choices:
        return Read(error=NO_CHOICE)
    choice, usage = completion.choices[0], completion.usage
    message: Any = choice.message
    legacy = message and message.function_call
    return Read(
        text=_text(message.content) + (message.refusal or "") if message else "",
        refused=bool(message and message.refusal),
        calls=(
            *(_called(call) for call in (message and message.tool_calls) or ()),
            *([(legacy.name, legacy.arguments)] if legacy else ()),
        ),
        stated=(usage.prompt_tokens, usage.completion_tokens) if usage else None,
        usage=(usage.prompt_tokens, usage.total_tokens) if usage else None,
        stop=choice.finish_reason,
    )


async def _folded(chunks: Any) -> Read:
    """The first choice of a stream; the SDK's own fold takes only what OpenAI itself sends."""
    texts: list[str] = []
    refused = False
    calls: dict[int, list[str]] = {}
    usage: Any = None
    stop = None
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices or ():
            if choice.index != 0:
                continue
            stop = choice.finish_reason or stop
            delta = choice.delta
            if delta is None:
                continue
            texts += [_text(delta.content), delta.refusal or ""]
            refused = refused or bool(delta.refusal)
            pieces = [(call.index, call.function) for call in delta.tool_calls or ()]
            for index, piece in [
                *pieces,
                *([(-1, delta.function_call)] * bool(delta.function_call)),
            ]:
                call = calls.setdefault(index, ["", ""])
                call[0] += piece.name or ""
                call[1] += piece.arguments or ""
    return Read(
        text="".join(texts),
        refused=refused,
        calls=tuple((name, arguments) for name, arguments in calls.values()),
        stated=(usage.prompt_tokens, usage.completion_tokens) if usage else None,
        usage=(usage.prompt_tokens, usage.total_tokens) if usage else None,
        stop=stop,
    )


def _text(content: Any) -> str:
    """Text, which some providers give in parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content)
    return content or ""


def _called(call: Any) -> tuple[str, str]:
    if call.type == "custom":
        return call.custom.name, call.custom.input
    return call.function.name, call.function.arguments


async def _responses(at: Clients, asked: Asked) -> Read:
    body: dict[str, Any] = {"model": asked.model, "input": "Hello", "store": False}
    if asked.tools:
        body["tools"] = [
            {"type": "function", "strict": False, **offer(name)} for name in asked.tools
        ]
    if asked.stream:
        response: Any = None
        async with await at.openai.responses.create(**body, stream=True) as events:
            async for event in events:
                if event.type in _TERMINAL:
                    response = event.response
    else:
        response = await at.openai.responses.create(**body)
    usage, incomplete = response.usage, response.incomplete_details
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    return Read(
        text="".join(part.refusal if part.type == "refusal" else part.text for part in parts),
        refused=any(part.type == "refusal" for part in parts),
        calls=tuple(
            (item.name, item.arguments if item.type == "function_call" else item.input)
            for item in response.output
            if item.type in {"function_call", "custom_tool_call"}
        ),
        stated=(usage.input_tokens, usage.output_tokens) if usage else None,
        usage=(usage.input_tokens, usage.total_tokens) if usage else None,
        stop=incomplete.reason if incomplete else response.status,
    )


_TERMINAL: Final = {"response.completed", "response.incomplete", "response.failed"}


async def _messages(at: Clients, asked: Asked) -> Read:
    body: dict[str, Any] = {"model": asked.model, "messages": HELLO, "max_tokens": 4000}
    if asked.tools:
        body["tools"] = [
            {"name": name, "input_schema": offer(name)["parameters"]} for name in asked.tools
        ]
    if asked.stream:
        async with at.anthropic.messages.stream(**body) as events:
            message: Any = await events.get_final_message()
    else:
        message = await at.anthropic.messages.create(**body)
    usage = message.usage
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return Read(
        text="".join(block.text for block in message.content if block.type == "text"),
        calls=tuple(
            (block.name, json.dumps(block.input))
            for block in message.content
            if block.type == "tool_use"
        ),
        stated=(usage.input_tokens, usage.output_tokens),
        usage=(usage.input_tokens + cached, usage.input_tokens + cached + usage.output_tokens),
        stop=message.stop_reason,
    )


_READERS: Final[dict[str, Callable[[Clients, Asked], Awaitable[Read]]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini": lambda at, asked: reading_gemini.read(at.gemini, asked),
    "ollama": lambda at, asked: reading_ollama.read(at.ollama, asked),
}
