"""google-genai."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
from google import genai
from google.genai import types

from tests.sdks.jobs import SECONDS, Answer, Ask, Call, Job, Tokens, result


async def generate(job: Job, answers: list[Answer]) -> None:
    """`generate_content` and its stream, until there is no more call."""
    contents = [types.Content(role="user", parts=_parts(job.ask))]
    config = _config(job.ask)
    async with httpx2.AsyncClient(verify=False, timeout=SECONDS) as http:
        client = client_of(job, http).aio
        while True:
            chunks = await _said(client, job, contents, config)
            said = [part for chunk in chunks for part in _parts_of(chunk)]
            usage = next(c.usage_metadata for c in reversed(chunks) if c.usage_metadata)
            stops = [c.candidates[0].finish_reason for c in chunks if c.candidates]
            calls = [part.function_call for part in said if part.function_call]
            answers.append(
                Answer(
                    text="".join(p.text for p in said if p.text and not p.thought),
                    thought="".join(p.text for p in said if p.text and p.thought),
                    tools=tuple(Call(call.name, json.dumps(call.args)) for call in calls),
                    usage=Tokens(
                        usage.prompt_token_count,
                        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
                    ),
                    stop=next((stop.value for stop in reversed(stops) if stop), None),
                )
            )
            if not calls:
                return
            contents.append(types.Content(role="model", parts=said))
            contents.append(types.Content(role="user", parts=[_answer(job, c) for c in calls]))


def client_of(job: Job, http: httpx2.AsyncClient) -> genai.Client:
    """A client; one of its own would read the system's certificates, which takes a while."""
    options = types.HttpOptions(
        base_url=job.base_url, client_args={"verify": False}, httpx_async_client=http
    )
    return genai.Client(api_key=job.key, http_options=options)


async def _said(client: Any, job: Job, contents: Any, config: Any) -> list[Any]:
    models = client.models
    if not job.ask.stream:
        return [await models.generate_content(model=job.model, contents=contents, config=config)]
    stream = await models.generate_content_stream(model=job.model, contents=contents, config=config)
    return [chunk async for chunk in stream]


def _parts_of(chunk: Any) -> list[Any]:
    content = chunk.candidates[0].content if chunk.candidates else None
    return list(content.parts or ()) if content else []


def _parts(ask: Ask) -> list[types.Part]:
    shown = [(ask.image, "image/png"), (ask.pdf, "application/pdf")]
    return [
        types.Part.from_text(text=ask.text),
        *(
            types.Part.from_bytes(data=base64.b64decode(data), mime_type=mime)
            for data, mime in shown
            if data
        ),
    ]


def _config(ask: Ask) -> types.GenerateContentConfig:
    more: dict[str, Any] = {}
    if ask.tools:
        more["tools"] = tools_of(ask)
    if ask.effort:
        more["thinking_config"] = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    if ask.schema:
        more |= {"response_mime_type": "application/json", "response_json_schema": ask.schema}
    if ask.stops:
        more["stop_sequences"] = list(ask.stops)
    return types.GenerateContentConfig(
        system_instruction=ask.system, max_output_tokens=ask.most, **more
    )


def tools_of(ask: Ask) -> list[types.Tool]:
    """The tools, with their schemas as they are."""
    declared = [
        types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=tool.parameters
        )
        for tool in ask.tools or ()
    ]
    return [types.Tool(function_declarations=declared)]


def _answer(job: Job, call: types.FunctionCall) -> types.Part:
    told = {"output": result(job, call.name or "")}
    return types.Part(
        function_response=types.FunctionResponse(id=call.id, name=call.name, response=told)
    )
