"""Conversations over the official Python SDKs, one turn at a time.

A caller keeps its history as clients do: what was answered goes back as it came. So each turn can
go to another provider.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import anthropic
import httpx2
import ollama
import openai
from google import genai
from google.genai import types
from msgspec import Struct

from tests.sdks.jobs import Tool
from tests.server.stage import KEY, Stage

SYSTEM: Final = "You are brief."
_MOST: Final = 4000
_BUDGET: Final = 1024


class Call(NamedTuple):
    """A call of a tool."""

    id: str
    name: str
    arguments: object


class Said(Struct, frozen=True):
    """One answer."""

    text: str
    calls: tuple[Call, ...]
    thought: str = ""


class Caller(Protocol):
    """A conversation in one dialect."""

    dialect: str

    def user(self, text: str) -> None: ...
    def results(self, said: Said, results: Sequence[str]) -> None: ...
    async def ask(self, model: str, *, stream: bool, **members: object) -> Said: ...


class ChatCaller:
    """Through `chat.completions`; `echo` is whether it sends `reasoning_details` back."""

    dialect = "openai_chat"

    def __init__(self, client: openai.AsyncOpenAI, tools: Sequence[Tool], *, echo: bool) -> None:
        self._client = client
        self._echo = echo
        self._tools = [{"type": "function", "function": _declared(tool)} for tool in tools]
        self.messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}]

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def results(self, said: Said, results: Sequence[str]) -> None:
        self.messages += [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call, result in zip(said.calls, results, strict=True)
        ]

    async def ask(self, model: str, *, stream: bool, **members: object) -> Said:
        body: dict[str, Any] = {
            "model": model,
            "messages": self.messages,
            "max_completion_tokens": _MOST,
            "reasoning_effort": "low",
            **({"tools": self._tools} if self._tools else {}),
            **members,
        }
        chat = self._client.chat.completions
        if stream:
            async with chat.stream(**body) as events:
                async for _ in events:
                    pass
                completion: Any = await events.get_final_completion()
        else:
            completion = await chat.create(**body)
        [choice] = completion.choices
        said = choice.message.model_dump(exclude_none=True)
        said.pop("parsed", None)
        if not self._echo:
            said.pop("reasoning_details", None)
        self.messages.append(said)
        calls = choice.message.tool_calls or ()
        return Said(
            choice.message.content or "",
            tuple(Call(c.id, c.function.name, json.loads(c.function.arguments)) for c in calls),
            said.get("reasoning_content", ""),
        )


class ResponsesCaller:
    """Through `responses`, nothing stored."""

    dialect = "openai_responses"

    def __init__(self, client: openai.AsyncOpenAI, tools: Sequence[Tool]) -> None:
        self._client = client
        self._tools = [{"type": "function", "strict": False, **_declared(tool)} for tool in tools]
        self.items: list[dict[str, Any]] = []

    def user(self, text: str) -> None:
        self.items.append({"role": "user", "content": text})

    def results(self, said: Said, results: Sequence[str]) -> None:
        self.items += [
            {"type": "function_call_output", "call_id": call.id, "output": result}
            for call, result in zip(said.calls, results, strict=True)
        ]

    async def ask(self, model: str, *, stream: bool, **members: object) -> Said:
        body: dict[str, Any] = {
            "model": model,
            "instructions": SYSTEM,
            "input": self.items,
            "max_output_tokens": _MOST,
            "store": False,
            "reasoning": {"effort": "low", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            **({"tools": self._tools} if self._tools else {}),
            **members,
        }
        if stream:
            async with self._client.responses.stream(**body) as events:
                response: Any = await events.get_final_response()
        else:
            response = await self._client.responses.create(**body)
        self.items += [item.to_dict() for item in response.output]
        calls = [item for item in response.output if item.type == "function_call"]
        thoughts = [item for item in response.output if item.type == "reasoning"]
        return Said(
            response.output_text,
            tuple(Call(c.call_id, c.name, json.loads(c.arguments)) for c in calls),
            "".join(part.text for item in thoughts for part in item.content or item.summary),
        )


class MessagesCaller:
    """Through `messages`, with thinking on."""

    dialect = "anthropic_messages"

    def __init__(self, client: anthropic.AsyncAnthropic, tools: Sequence[Tool]) -> None:
        self._client = client
        self._tools = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
            for tool in tools
        ]
        self.messages: list[dict[str, Any]] = []

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def results(self, said: Said, results: Sequence[str]) -> None:
        blocks = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(said.calls, results, strict=True)
        ]
        self.messages.append({"role": "user", "content": blocks})

    async def ask(self, model: str, *, stream: bool, **members: object) -> Said:
        body: dict[str, Any] = {
            "model": model,
            "system": SYSTEM,
            "messages": self.messages,
            "max_tokens": _MOST,
            "thinking": {"type": "enabled", "budget_tokens": _BUDGET},
            **({"tools": self._tools} if self._tools else {}),
            **members,
        }
        if stream:
            async with self._client.messages.stream(**body) as events:
                message: Any = await events.get_final_message()
        else:
            message = await self._client.messages.create(**body)
        blocks = message.content
        self.messages.append({"role": "assistant", "content": [b.to_dict() for b in blocks]})
        return Said(
            "".join(block.text for block in blocks if block.type == "text"),
            tuple(Call(b.id, b.name, b.input) for b in blocks if b.type == "tool_use"),
            "".join(block.thinking for block in blocks if block.type == "thinking"),
        )


class GeminiCaller:
    """Through `generate_content`; what was answered goes back part by part."""

    dialect = "gemini"

    def __init__(self, client: genai.Client, tools: Sequence[Tool]) -> None:
        self._models = client.aio.models
        declared = [
            types.FunctionDeclaration(
                name=tool.name, description=tool.description, parameters_json_schema=tool.parameters
            )
            for tool in tools
        ]
        self._config: dict[str, Any] = {
            "system_instruction": SYSTEM,
            "max_output_tokens": _MOST,
            "thinking_config": {"include_thoughts": True, "thinking_budget": _BUDGET},
        }
        if tools:
            self._config["tools"] = [types.Tool(function_declarations=declared)]
        self.contents: list[types.Content] = []

    def user(self, text: str) -> None:
        self.contents.append(types.Content(role="user", parts=[types.Part.from_text(text=text)]))

    def results(self, said: Said, results: Sequence[str]) -> None:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id or None, name=call.name, response={"output": result}
                )
            )
            for call, result in zip(said.calls, results, strict=True)
        ]
        self.contents.append(types.Content(role="user", parts=parts))

    async def ask(self, model: str, *, stream: bool, **members: object) -> Said:
        asked: dict[str, Any] = {
            "model": model,
            "contents": self.contents,
            "config": types.GenerateContentConfig(**{**self._config, **members}),
        }
        if stream:
            said = [chunk async for chunk in await self._models.generate_content_stream(**asked)]
        else:
            said = [await self._models.generate_content(**asked)]
        whole = [chunk.candidates[0].content for chunk in said if chunk.candidates]
        parts = [part for content in whole if content for part in content.parts or ()]
        self.contents.append(types.Content(role="model", parts=parts))
        calls = [part.function_call for part in parts if part.function_call]
        return Said(
            "".join(part.text for part in parts if part.text and not part.thought),
            tuple(Call(c.id or "", c.name or "", c.args) for c in calls),
            "".join(part.text for part in parts if part.text and part.thought),
        )


class OllamaCaller:
    """Through `chat`; the SDK keeps no ids of calls."""

    dialect = "ollama"

    def __init__(self, client: ollama.AsyncClient, tools: Sequence[Tool]) -> None:
        self._client = client
        self._tools = [{"type": "function", "function": _declared(tool)} for tool in tools]
        self.messages: list[Any] = [{"role": "system", "content": SYSTEM}]

    def user(self, text: str) -> None:
        self.messages.append({"role": "user", "content": text})

    def results(self, said: Said, results: Sequence[str]) -> None:
        self.messages += [
            {"role": "tool", "tool_name": call.name, "content": result}
            for call, result in zip(said.calls, results, strict=True)
        ]

    async def ask(self, model: str, *, stream: bool, **members: object) -> Said:
        body: dict[str, Any] = {
            "model": model,
            "messages": self.messages,
            "options": {"num_predict": _MOST},
            "think": True,
            **({"tools": self._tools} if self._tools else {}),
            **members,
        }
        answer: Any = await self._client.chat(**body, stream=stream)
        said = [part.message async for part in answer] if stream else [answer.message]
        calls = [call.function for message in said for call in message.tool_calls or ()]
        text = "".join(message.content or "" for message in said)
        thought = "".join(message.thinking or "" for message in said)
        self.messages.append(
            ollama.Message(
                role="assistant",
                content=text,
                thinking=thought or None,
                tool_calls=[{"function": call} for call in calls] or None,
            )
        )
        return Said(text, tuple(Call("", c.name, dict(c.arguments)) for c in calls), thought)


DIALECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "openai_chat",
        "forgetful-chat": "openai_chat",
        "responses": "openai_responses",
        "messages": "anthropic_messages",
        "gemini": "gemini",
        "ollama": "ollama",
    }
)
"""The kinds of callers; a forgetful one sends no `reasoning_details` back."""


@asynccontextmanager
async def calling(
    running: Stage, kind: str, tools: Sequence[Tool] = (), **options: Any
) -> AsyncIterator[Caller]:
    """A new conversation of a kind."""
    if kind == "messages":
        async with anthropic.AsyncAnthropic(
            api_key=KEY,
            base_url=running.address,
            max_retries=0,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=False, timeout=20),
            **options,
        ) as client:
            yield MessagesCaller(client, tools)
    elif kind == "gemini":
        async with httpx2.AsyncClient(verify=False, timeout=20) as http:
            held = types.HttpOptions(
                base_url=running.address, client_args={"verify": False}, httpx_async_client=http
            )
            yield GeminiCaller(genai.Client(api_key=KEY, http_options=held), tools)
    elif kind == "ollama":
        keyed = {"Authorization": f"Bearer {KEY}"}
        host = running.address
        async with ollama.AsyncClient(host, headers=keyed, verify=False, timeout=20) as told:
            yield OllamaCaller(told, tools)
    elif kind == "responses":
        yield ResponsesCaller(running.client, tools)
    else:
        yield ChatCaller(running.client, tools, echo=kind == "chat")


def _declared(tool: Tool) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
