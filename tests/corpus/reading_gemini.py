"""What Google's SDK reads of one recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx2
from google import genai
from google.genai import errors, types

from tests.corpus.heard import KEY, Asked, Read, offer

FAILURES: Final = (errors.APIError, errors.UnknownApiResponseError)


def client_of(http: httpx2.AsyncClient, address: str) -> genai.Client:
    """The SDK at one address."""
    options = types.HttpOptions(base_url=address, httpx_async_client=http)
    return genai.Client(api_key=KEY, http_options=options)


async def read(client: genai.Client, asked: Asked) -> Read:
    """What it reads of an answer."""
    declared = [types.FunctionDeclaration(name=offer(name)["name"]) for name in asked.tools]
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=declared)] if declared else None
    )
    if not asked.stream:
        try:
            answer = await client.aio.models.generate_content(
                model=asked.model, contents="Hello", config=config
            )
        except AttributeError as error:
            # It dies of an enum that is a number.
            raise errors.UnknownApiResponseError(str(error)) from error
        return read_chunks([answer])
    chunks = await client.aio.models.generate_content_stream(
        model=asked.model, contents="Hello", config=config
    )
    return read_chunks([chunk async for chunk in chunks])


def read_chunks(chunks: Sequence[Any]) -> Read:
    """What the chunks of an answer say together: the last usage, the last reason to stop."""
    texts: list[str] = []
    calls: list[tuple[str, str]] = []
    usage: Any = None
    stop: str | None = None
    for chunk in chunks:
        told = chunk.usage_metadata
        if told is not None and told.total_token_count is not None:
            usage = told
        blocked = chunk.prompt_feedback and chunk.prompt_feedback.block_reason
        stop = str(blocked) if blocked else stop
        for candidate in chunk.candidates or ():
            if candidate.index:
                continue
            stop = str(candidate.finish_reason) if candidate.finish_reason else stop
            parts = (candidate.content and candidate.content.parts) or ()
            texts += [part.text for part in parts if part.text and not part.thought]
            called = [part.function_call for part in parts if part.function_call]
            calls += [(call.name, json.dumps(call.args or {})) for call in called]
    return Read(
        text="".join(texts),
        calls=tuple(calls),
        stated=(usage.prompt_token_count, usage.candidates_token_count) if usage else None,
        usage=_sums(usage) if usage else None,
        stop=stop,
    )


def _sums(usage: Any) -> tuple[int, int]:
    given = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
    said = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return given, max(usage.total_token_count, given + said)
