"""Anthropic's SDK."""

from __future__ import annotations

import json
from typing import Any

import anthropic

from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, result


async def messages(job: Job, answers: list[Answer]) -> None:
    ask = job.ask
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.text}]
    if ask.image:
        source = {"type": "base64", "media_type": "image/png", "data": ask.image}
        content.append({"type": "image", "source": source})
    if ask.pdf:
        source = {"type": "base64", "media_type": "application/pdf", "data": ask.pdf}
        content.append({"type": "document", "source": source})
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
    if ask.stops:
        body["stop_sequences"] = list(ask.stops)
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
                {"type": "tool_result", "tool_use_id": c.id, "content": result(job, c.name)}
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
