"""Pydantic AI: one conversation for all, with the model class of each maker."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import httpx2
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import BinaryContent, ToolDefinition
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdks.by_google import client_of
from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, result

_BUDGET = {"type": "enabled", "budget_tokens": 1024}


async def openai(job: Job, answers: list[Answer]) -> None:
    """`OpenAIChatModel`."""
    async with _http() as http:
        model = OpenAIChatModel(job.model, provider=_openai(job, http))
        await _conversed(model, job, answers, openai_reasoning_effort=job.ask.effort)


async def responses(job: Job, answers: list[Answer]) -> None:
    """`OpenAIResponsesModel`."""
    thinking: dict[str, Any] = {}
    if job.ask.effort:
        thinking = {"openai_reasoning_effort": job.ask.effort, "openai_reasoning_summary": "auto"}
    async with _http() as http:
        model = OpenAIResponsesModel(job.model, provider=_openai(job, http))
        await _conversed(model, job, answers, openai_store=False, **thinking)


async def anthropic(job: Job, answers: list[Answer]) -> None:
    """`AnthropicModel`."""
    async with _http() as http:
        client = AsyncAnthropic(
            api_key=job.key, base_url=job.base_url, max_retries=0, http_client=http
        )
        # What Pydantic AI knows of a Claude by its name has to be said of any other model.
        model = AnthropicModel(
            job.model,
            provider=AnthropicProvider(anthropic_client=client),
            profile={"supports_json_schema_output": True},
        )
        thinking = {"anthropic_thinking": _BUDGET} if job.ask.effort else {}
        await _conversed(model, job, answers, **thinking)


async def google(job: Job, answers: list[Answer]) -> None:
    """`GoogleModel`."""
    async with _http() as http:
        model = GoogleModel(job.model, provider=GoogleProvider(client=client_of(job, http)))
        thinking: dict[str, Any] = {}
        if job.ask.effort:
            config = {"include_thoughts": True, "thinking_budget": 1024}
            thinking = {"google_thinking_config": config}
        await _conversed(model, job, answers, **thinking)


def _http() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(verify=False, timeout=SECONDS)


def _openai(job: Job, http: httpx2.AsyncClient) -> OpenAIProvider:
    client = AsyncOpenAI(api_key=job.key, base_url=job.base_url, max_retries=0, http_client=http)
    return OpenAIProvider(openai_client=client)


async def _conversed(model: Model, job: Job, answers: list[Answer], **settings: object) -> None:
    ask = job.ask
    given: Any = {"max_tokens": ask.most, **{k: v for k, v in settings.items() if v is not None}}
    if ask.stops:
        given["stop_sequences"] = list(ask.stops)
    wanted = ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=tool.name, description=tool.description, parameters_json_schema=tool.parameters
            )
            for tool in ask.tools or ()
        ],
        **_output(job),
    )
    messages: list[ModelMessage] = [
        ModelRequest(parts=[SystemPromptPart(ask.system), UserPromptPart(_content(job))])
    ]
    while True:
        said = await _said(model, messages, given, wanted, stream=ask.stream)
        answers.append(
            Answer(
                text="".join(p.content for p in said.parts if p.part_kind == "text"),
                thought="".join(p.content for p in said.parts if p.part_kind == "thinking"),
                tools=tuple(Call(c.tool_name, c.args_as_json_str()) for c in said.tool_calls),
                usage=Tokens(said.usage.input_tokens, said.usage.output_tokens),
                stop=said.finish_reason,
            )
        )
        if not said.tool_calls:
            return
        results = [
            ToolReturnPart(c.tool_name, result(job, c.tool_name), tool_call_id=c.tool_call_id)
            for c in said.tool_calls
        ]
        messages += [said, ModelRequest(parts=results)]


async def _said(
    model: Model,
    messages: list[ModelMessage],
    settings: Any,
    wanted: ModelRequestParameters,
    *,
    stream: bool,
) -> ModelResponse:
    given: Any = {"model_settings": settings, "model_request_parameters": wanted}
    if not stream:
        return await model_request(model, messages, **given)
    async with model_request_stream(model, messages, **given) as events:
        async for _ in events:
            pass
        return events.get()


def _output(job: Job) -> dict[str, Any]:
    if not job.ask.schema:
        return {}
    wanted = OutputObjectDefinition(name="wanted", json_schema=job.ask.schema)
    return {"output_mode": "native", "output_object": wanted, "allow_text_output": True}


def _content(job: Job) -> Sequence[UserContent]:
    shown = [(job.ask.image, "image/png"), (job.ask.pdf, "application/pdf")]
    return [
        job.ask.text,
        *(BinaryContent(base64.b64decode(data), media_type=mime) for data, mime in shown if data),
    ]
