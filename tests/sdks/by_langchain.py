"""LangChain: one conversation for all, with the integration of each maker."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Any

import httpx2
from anthropic import AsyncAnthropic
from google.genai.errors import APIError
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from msgspec.structs import replace

from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, Tool, declared, result

GOOGLE_ERRORS = (ChatGoogleGenerativeAIError, APIError)
_STOPS = ("finish_reason", "stop_reason", "done_reason")


async def openai(job: Job, answers: list[Answer]) -> None:
    """`ChatOpenAI`, on Chat Completions."""
    thinking = {"reasoning_effort": job.ask.effort} if job.ask.effort else {}
    async with httpx2.AsyncClient(verify=False, timeout=SECONDS) as http:
        model = ChatOpenAI(
            model=job.model,
            base_url=job.base_url,
            api_key=job.key,
            max_completion_tokens=job.ask.most,
            max_retries=0,
            http_async_client=http,
            stream_usage=True,
            **thinking,
        )
        await _conversed(model, job, answers)


async def anthropic(job: Job, answers: list[Answer]) -> None:
    """`ChatAnthropic`."""
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if job.ask.effort else {}
    model = ChatAnthropic(
        model=job.model,
        base_url=job.base_url,
        api_key=job.key,
        max_tokens=job.ask.most,
        max_retries=0,
        timeout=SECONDS,
        **thinking,
    )
    # Its own one is kept for ever, and so for an event loop that has ended.
    async with AsyncAnthropic(
        api_key=job.key,
        base_url=job.base_url,
        max_retries=0,
        http_client=httpx2.AsyncClient(verify=False, timeout=SECONDS),
    ) as client:
        model.__dict__["_async_client"] = client
        await _conversed(model, job, answers)


async def google(job: Job, answers: list[Answer]) -> None:
    """`ChatGoogleGenerativeAI`."""
    thinking = {"thinking_budget": 1024, "include_thoughts": True} if job.ask.effort else {}
    model = ChatGoogleGenerativeAI(
        model=job.model,
        base_url=job.base_url,
        google_api_key=job.key,
        max_output_tokens=job.ask.most,
        max_retries=1,
        client_args={"verify": False},
        timeout=SECONDS,
        **thinking,
    )
    try:
        await _conversed(model, job, answers, tools=[*map(_of_texts, job.ask.tools or ())])
    finally:
        await model.client.aio.aclose()
        model.client.close()


async def ollama(job: Job, answers: list[Answer]) -> None:
    """`ChatOllama`."""
    model = ChatOllama(
        model=job.model,
        base_url=job.base_url,
        num_predict=job.ask.most,
        reasoning=True if job.ask.effort else None,
        client_kwargs={
            "headers": {"Authorization": f"Bearer {job.key}"},
            "verify": False,
            "timeout": SECONDS,
        },
    )
    try:
        await _conversed(model, job, answers)
    finally:
        await model._async_client.close()
        model._client.close()


async def _conversed(
    model: BaseChatModel, job: Job, answers: list[Answer], tools: list[Any] | None = None
) -> None:
    ask = job.ask
    asked: Any = model
    if ask.tools:
        asked = model.bind_tools(tools or [*map(_usual, ask.tools)])
    if ask.schema:
        wanted = {"title": "wanted", "description": "What is wanted.", **ask.schema}
        asked = model.with_structured_output(wanted, method="json_schema", include_raw=True)
    if ask.stops:
        asked = model.bind(stop=list(ask.stops))
    messages: list[Any] = [SystemMessage(ask.system), HumanMessage(content=_content(job))]
    while True:
        said = await _said(asked, messages, stream=ask.stream)
        said = said["raw"] if isinstance(said, dict) else said
        usage = said.usage_metadata
        answers.append(
            Answer(
                text=said.text,
                thought=_thought(said),
                tools=tuple(Call(c["name"], json.dumps(c["args"])) for c in said.tool_calls),
                usage=Tokens(usage["input_tokens"], usage["output_tokens"]),
                stop=next(filter(None, map(said.response_metadata.get, _STOPS)), None),
            )
        )
        if not said.tool_calls:
            return
        messages.append(said)
        messages += [
            ToolMessage(result(job, call["name"]), tool_call_id=call["id"], name=call["name"])
            for call in said.tool_calls
        ]


def _usual(tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": declared(tool)}


def _of_texts(tool: Tool) -> dict[str, Any]:
    """A tool whose enumerations are of texts: LangChain takes no other for Gemini."""
    properties: Any = tool.parameters["properties"]
    plain = {
        name: one if one["type"] == "string" else {"type": one["type"]}
        for name, one in properties.items()
    }
    members = {"type": "object", "properties": plain, "required": tool.parameters["required"]}
    return _usual(replace(tool, parameters=members))


async def _said(asked: Any, messages: list[Any], *, stream: bool) -> Any:
    if not stream:
        return await asked.ainvoke(messages)
    return reduce(add, [chunk async for chunk in asked.astream(messages)])


def _thought(said: Any) -> str:
    blocks = [block for block in said.content_blocks if block["type"] == "reasoning"]
    return "".join(block.get("reasoning", "") for block in blocks)


def _content(job: Job) -> list[Any]:
    content: list[Any] = [{"type": "text", "text": job.ask.text}]
    if job.ask.image:
        content.append({"type": "image", "base64": job.ask.image, "mime_type": "image/png"})
    if job.ask.pdf:
        file = {"type": "file", "base64": job.ask.pdf, "mime_type": "application/pdf"}
        content.append({**file, "filename": "page.pdf"})
    return content
