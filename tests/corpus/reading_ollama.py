"""What Ollama's SDK reads of one recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import httpx
import ollama

from tests.corpus.heard import HELLO, KEY, SECONDS, Asked, Read, offer

FAILURES: Final = (ollama.ResponseError, httpx.TransportError)


def client_of(address: str) -> ollama.AsyncClient:
    """The SDK at one address."""
    headers = {"authorization": f"Bearer {KEY}"}
    return ollama.AsyncClient(host=address, headers=headers, timeout=SECONDS)


async def read(client: ollama.AsyncClient, asked: Asked) -> Read:
    """What it reads of an answer."""
    if asked.completion:
        answer: Any = await client.generate(asked.model, prompt="Hello", stream=asked.stream)
    else:
        tools = [{"type": "function", "function": offer(name)} for name in asked.tools]
        answer = await client.chat(asked.model, HELLO, tools=tools or None, stream=asked.stream)
    return _folded([line async for line in answer] if asked.stream else [answer])


def _folded(lines: Sequence[Any]) -> Read:
    texts: list[str] = []
    calls: list[tuple[str, str]] = []
    for line in lines:
        message = getattr(line, "message", None)
        texts.append((message.content if message else line.response) or "")
        called = [call.function for call in (message and message.tool_calls) or ()]
        calls += [(each.name, json.dumps(dict(each.arguments))) for each in called]
    last = lines[-1]
    given, said = last.prompt_eval_count, last.eval_count
    counted = (given or 0, (given or 0) + (said or 0))
    return Read(
        text="".join(texts),
        calls=tuple(calls),
        stated=(given or 0, said or 0),
        usage=None if given is None and said is None else counted,
        stop=last.done_reason,
    )
