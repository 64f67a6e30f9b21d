"""The ollama package."""

from __future__ import annotations

import json
from typing import Any

import ollama

from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, declared, result


async def chat(job: Job, answers: list[Answer]) -> None:
    """`chat`, until there is no more call; the SDK keeps no id of one."""
    ask = job.ask
    question: dict[str, Any] = {"role": "user", "content": ask.text}
    if ask.image:
        question["images"] = [ask.image]
    options: dict[str, Any] = {"num_predict": ask.most}
    if ask.stops:
        options["stop"] = list(ask.stops)
    body: dict[str, Any] = {
        "model": job.model,
        "messages": [{"role": "system", "content": ask.system}, question],
        "options": options,
        "stream": ask.stream,
    }
    if ask.tools:
        body["tools"] = [{"type": "function", "function": declared(tool)} for tool in ask.tools]
    if ask.effort:
        body["think"] = True
    if ask.schema:
        body["format"] = ask.schema
    client = ollama.AsyncClient(
        host=job.base_url,
        headers={"Authorization": f"Bearer {job.key}"},
        verify=False,
        timeout=SECONDS,
    )
    async with client:
        while True:
            said = await client.chat(**body)
            parts = [part async for part in said] if ask.stream else [said]
            messages, last = [part.message for part in parts], parts[-1]
            calls = [c.function for message in messages for c in message.tool_calls or ()]
            text = "".join(message.content or "" for message in messages)
            thought = "".join(message.thinking or "" for message in messages)
            answers.append(
                Answer(
                    text=text,
                    thought=thought,
                    tools=tuple(Call(c.name, json.dumps(c.arguments)) for c in calls),
                    usage=Tokens(last.prompt_eval_count, last.eval_count),
                    stop=last.done_reason,
                )
            )
            if not calls:
                return
            body["messages"] += [
                ollama.Message(
                    role="assistant",
                    content=text,
                    thinking=thought or None,
                    tool_calls=[{"function": call} for call in calls],
                ),
                *(
                    {"role": "tool", "tool_name": c.name, "content": result(job, c.name)}
                    for c in calls
                ),
            ]
