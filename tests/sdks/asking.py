"""The official Python SDKs do a job; what they read comes back in the words of all SDKs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import anthropic
import openai

from tests.sdks.jobs import Answer, Call, Heard, Job, Tokens, Tool, Trouble

SECONDS: Final = 20
Asking: TypeAlias = Callable[[Job, list[Answer]], Awaitable[None]]


async def asked(job: Job) -> Heard:
    """Do a job; whatever the SDK raises is what was heard."""
    answers: list[Answer] = []
    try:
        await SDKS[job.sdk](job, answers)
    except (openai.OpenAIError, anthropic.AnthropicError) as error:
        trouble = Trouble(type(error).__name__, getattr(error, "status_code", None), str(error))
        return Heard(tuple(answers), trouble)
    return Heard(tuple(answers))


async def _chat(job: Job, answers: list[Answer]) -> None:
    ask = job.ask
    body: dict[str, Any] = {
        "model": job.model,
        "messages": _chat_messages(job),
        "max_completion_tokens": ask.most,
    }
    if ask.tools:
        body["tools"] = [{"type": "function", "function": _declared(tool)} for tool in ask.tools]
    if ask.effort:
        body["reasoning_effort"] = ask.effort
    if ask.schema:
        wanted = {"name": "wanted", "schema": ask.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    async with _openai(job) as client:
        while True:
            completion, thought = await _completed(client, body, stream=ask.stream)
            [choice] = completion.choices
            calls = choice.message.tool_calls or ()
            usage = completion.usage
            answers.append(
                Answer(
                    text=choice.message.content or "",
                    thought=thought,
                    tools=tuple(Call(c.function.name, c.function.arguments) for c in calls),
                    usage=Tokens(usage.prompt_tokens, usage.completion_tokens),
                    stop=choice.finish_reason,
                )
            )
            if not calls:
                return
            body["messages"] += [choice.message.model_dump(exclude_none=True)]
            body["messages"] += [
                {"role": "tool", "tool_call_id": c.id, "content": _result(job, c.function.name)}
                for c in calls
            ]


async def _completed(
    client: openai.AsyncOpenAI, body: dict[str, Any], *, stream: bool
) -> tuple[Any, str]:
    """A completion and its thought, for which the SDK has no member of its own."""
    if not stream:
        completion = await client.chat.completions.create(**body)
        return completion, getattr(completion.choices[0].message, "reasoning_content", "") or ""
    thoughts: list[str] = []
    async with client.chat.completions.stream(
        **body, stream_options={"include_usage": True}
    ) as events:
        async for event in events:
            if event.type == "chunk" and event.chunk.choices:
                delta = event.chunk.choices[0].delta
                thoughts.append(getattr(delta, "reasoning_content", "") or "")
        return await events.get_final_completion(), "".join(thoughts)


def _chat_messages(job: Job) -> list[dict[str, Any]]:
    content: object = job.ask.text
    if job.ask.image:
        content = [
            {"type": "text", "text": job.ask.text},
            {"type": "image_url", "image_url": {"url": _shown(job.ask.image)}},
        ]
    return [{"role": "system", "content": job.ask.system}, {"role": "user", "content": content}]


async def _responses(job: Job, answers: list[Answer]) -> None:
    ask = job.ask
    body: dict[str, Any] = {
        "model": job.model,
        "instructions": ask.system,
        "input": [{"role": "user", "content": _input(job)}],
        "max_output_tokens": ask.most,
        "store": False,
    }
    if ask.tools:
        body["tools"] = [
            {"type": "function", "strict": False, **_declared(tool)} for tool in ask.tools
        ]
    if ask.effort:
        body["reasoning"] = {"effort": ask.effort, "summary": "auto"}
        body["include"] = ["reasoning.encrypted_content"]
    if ask.schema:
        wanted = {"type": "json_schema", "name": "wanted", "schema": ask.schema, "strict": True}
        body["text"] = {"format": wanted}
    async with _openai(job) as client:
        while True:
            response = await _responded(client, body, stream=ask.stream)
            calls = [item for item in response.output if item.type == "function_call"]
            incomplete, usage = response.incomplete_details, response.usage
            answers.append(
                Answer(
                    text=response.output_text,
                    thought="".join(_thoughts(response)),
                    tools=tuple(Call(call.name, call.arguments) for call in calls),
                    usage=Tokens(usage.input_tokens, usage.output_tokens),
                    stop=incomplete.reason if incomplete else response.status,
                )
            )
            if not calls:
                return
            body["input"] += [item.to_dict() for item in response.output]
            body["input"] += [
                {
                    "type": "function_call_output",
                    "call_id": call.call_id,
                    "output": _result(job, call.name),
                }
                for call in calls
            ]


async def _responded(client: openai.AsyncOpenAI, body: dict[str, Any], *, stream: bool) -> Any:
    if not stream:
        return await client.responses.create(**body)
    async with client.responses.stream(**body) as events:
        return await events.get_final_response()


def _input(job: Job) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": job.ask.text}]
    if job.ask.image:
        shown = {"type": "input_image", "detail": "auto", "image_url": _shown(job.ask.image)}
        content.append(shown)
    return content


def _thoughts(response: Any) -> list[str]:
    items = [item for item in response.output if item.type == "reasoning"]
    return [part.text for item in items for part in item.content or item.summary]


async def _messages(job: Job, answers: list[Answer]) -> None:
    ask = job.ask
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.text}]
    if ask.image:
        source = {"type": "base64", "media_type": "image/png", "data": ask.image}
        content.append({"type": "image", "source": source})
    body: dict[str, Any] = {
        "model": job.model,
        "system": ask.system,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": ask.most,
    }
    if ask.tools:
        body["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.parameters}
            for t in ask.tools
        ]
    if ask.effort:
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if ask.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    async with anthropic.AsyncAnthropic(
        api_key=job.key,
        base_url=job.base_url,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False, timeout=SECONDS),
    ) as client:
        while True:
            message = await _messaged(client, body, stream=ask.stream)
            calls = [block for block in message.content if block.type == "tool_use"]
            answers.append(
                Answer(
                    text="".join(b.text for b in message.content if b.type == "text"),
                    thought="".join(b.thinking for b in message.content if b.type == "thinking"),
                    tools=tuple(Call(c.name, json.dumps(c.input)) for c in calls),
                    usage=Tokens(_all_input(message.usage), message.usage.output_tokens),
                    stop=message.stop_reason,
                )
            )
            if not calls:
                return
            results = [
                {"type": "tool_result", "tool_use_id": c.id, "content": _result(job, c.name)}
                for c in calls
            ]
            body["messages"] += [
                {"role": "assistant", "content": [b.to_dict() for b in message.content]},
                {"role": "user", "content": results},
            ]


async def _messaged(client: anthropic.AsyncAnthropic, body: dict[str, Any], *, stream: bool) -> Any:
    if not stream:
        return await client.messages.create(**body)
    async with client.messages.stream(**body) as events:
        return await events.get_final_message()


def _all_input(usage: anthropic.types.Usage) -> int:
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return usage.input_tokens + cached


def _openai(job: Job) -> openai.AsyncOpenAI:
    # There is no TLS here, and to read the system's certificates takes a while.
    http = openai.DefaultAsyncHttpxClient(verify=False, timeout=SECONDS)
    return openai.AsyncOpenAI(
        api_key=job.key, base_url=job.base_url, max_retries=0, http_client=http
    )


def _declared(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }


def _result(job: Job, name: str) -> str:
    return next(tool.result for tool in job.ask.tools or () if tool.name == name)


def _shown(image: str) -> str:
    return f"data:image/png;base64,{image}"


SDKS: Final[Mapping[str, Asking]] = MappingProxyType(
    {"openai-chat": _chat, "openai-responses": _responses, "anthropic": _messages}
)
