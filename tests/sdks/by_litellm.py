"""LiteLLM's client, through its routes to OpenAI and to Anthropic."""

from __future__ import annotations

from typing import Any

import httpx2
import litellm
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from openai import AsyncOpenAI

from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, declared, result, shown

# Else it prints where to get help, whenever it meets a model that it does not know.
litellm.suppress_debug_info = True


async def openai(job: Job, answers: list[Answer]) -> None:
    """A model `openai/…`."""
    http = httpx2.AsyncClient(verify=False, timeout=SECONDS)
    async with AsyncOpenAI(
        api_key=job.key, base_url=job.base_url, max_retries=0, http_client=http
    ) as client:
        await _conversed(f"openai/{job.model}", job, answers, client)


async def anthropic(job: Job, answers: list[Answer]) -> None:
    """A model `anthropic/…`."""
    client = AsyncHTTPHandler(timeout=SECONDS)
    try:
        await _conversed(f"anthropic/{job.model}", job, answers, client)
    finally:
        await client.close()


async def _conversed(model: str, job: Job, answers: list[Answer], client: object) -> None:
    ask = job.ask
    body: dict[str, Any] = {
        "model": model,
        "client": client,
        "api_base": job.base_url,
        "api_key": job.key,
        "messages": [
            {"role": "system", "content": ask.system},
            {"role": "user", "content": _content(job)},
        ],
        "max_tokens": ask.most,
        "num_retries": 0,
        "max_retries": 0,
        "timeout": SECONDS,
    }
    if ask.tools:
        body["tools"] = [{"type": "function", "function": declared(tool)} for tool in ask.tools]
    if ask.effort and model.startswith("openai/"):
        body |= {"reasoning_effort": ask.effort, "allowed_openai_params": ["reasoning_effort"]}
    elif ask.effort:
        budget = {"type": "enabled", "budget_tokens": 1024}
        body |= {"thinking": budget, "allowed_openai_params": ["thinking"]}
    if ask.schema:
        wanted = {"name": "wanted", "schema": ask.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    if ask.stops:
        body["stop"] = list(ask.stops)
    while True:
        completion = await _completed(body, stream=ask.stream)
        [choice] = completion.choices
        calls = choice.message.tool_calls or ()
        usage = completion.usage
        answers.append(
            Answer(
                text=choice.message.content or "",
                thought=getattr(choice.message, "reasoning_content", None) or "",
                tools=tuple(Call(c.function.name, c.function.arguments) for c in calls),
                usage=Tokens(usage.prompt_tokens, usage.completion_tokens),
                stop=choice.finish_reason,
            )
        )
        if not calls:
            return
        body["messages"] += [choice.message.model_dump(exclude_none=True)]
        body["messages"] += [
            {"role": "tool", "tool_call_id": c.id, "content": result(job, c.function.name)}
            for c in calls
        ]


async def _completed(body: dict[str, Any], *, stream: bool) -> Any:
    if not stream:
        return await litellm.acompletion(**body)
    said = await litellm.acompletion(**body, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in said]
    return litellm.stream_chunk_builder(chunks, messages=body["messages"])


def _content(job: Job) -> list[Any]:
    content: list[Any] = [{"type": "text", "text": job.ask.text}]
    if job.ask.image:
        content.append({"type": "image_url", "image_url": {"url": shown(job.ask.image)}})
    if job.ask.pdf:
        file = {"filename": "page.pdf", "file_data": shown(job.ask.pdf, "application/pdf")}
        content.append({"type": "file", "file": file})
    return content
