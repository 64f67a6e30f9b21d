"""OpenAI's SDK: Chat Completions and Responses."""

from __future__ import annotations

from typing import Any

import openai

from tests.sdks.jobs import SECONDS, Answer, Call, Job, Tokens, declared, result, shown


async def chat(job: Job, answers: list[Answer]) -> None:
    ask = job.ask
    body: dict[str, Any] = {
        "model": job.model,
        "messages": _chat_messages(job),
        "max_completion_tokens": ask.most,
    }
    if ask.tools:
        body["tools"] = [{"type": "function", "function": declared(tool)} for tool in ask.tools]
    if ask.stops:
        body["stop"] = list(ask.stops)
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
                {"role": "tool", "tool_call_id": c.id, "content": result(job, c.function.name)}
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
    content: list[dict[str, Any]] = [{"type": "text", "text": job.ask.text}]
    if job.ask.image:
        content.append({"type": "image_url", "image_url": {"url": shown(job.ask.image)}})
    if job.ask.pdf:
        file = {"filename": "page.pdf", "file_data": shown(job.ask.pdf, "application/pdf")}
        content.append({"type": "file", "file": file})
    told: object = content if len(content) > 1 else job.ask.text
    return [{"role": "system", "content": job.ask.system}, {"role": "user", "content": told}]


async def responses(job: Job, answers: list[Answer]) -> None:
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
            {"type": "function", "strict": False, **declared(tool)} for tool in ask.tools
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
                    "output": result(job, call.name),
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
        picture = {"type": "input_image", "detail": "auto", "image_url": shown(job.ask.image)}
        content.append(picture)
    if job.ask.pdf:
        data = shown(job.ask.pdf, "application/pdf")
        content.append({"type": "input_file", "filename": "page.pdf", "file_data": data})
    return content


def _thoughts(response: Any) -> list[str]:
    items = [item for item in response.output if item.type == "reasoning"]
    return [part.text for item in items for part in item.content or item.summary]


def _openai(job: Job) -> openai.AsyncOpenAI:
    # There is no TLS here, and to read the system's certificates takes a while.
    http = openai.DefaultAsyncHttpxClient(verify=False, timeout=SECONDS)
    return openai.AsyncOpenAI(
        api_key=job.key, base_url=job.base_url, max_retries=0, http_client=http
    )
