"""Callers of every dialect, and what they are told where nobody answers."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.server.stage import KEY, Stage

ADMIN = {"admin_key": "admin-key-0123456789"}
SORRY = "Sorry, nobody is there. {{ reason }} / {{ model }}"
TOLD = "Sorry, nobody is there. busy / fast"
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/{model}:{method}",
    "ollama": "/api/chat",
}


def body_of(dialect: str, text: str, model: str, *, stream: bool, **more: Any) -> dict[str, Any]:
    """A question in a dialect."""
    said = [{"role": "user", "content": text}]
    match dialect:
        case "openai_responses":
            return {"model": model, "input": text, "stream": stream, **more}
        case "anthropic_messages":
            return {"model": model, "messages": said, "max_tokens": 50, "stream": stream, **more}
        case "gemini":
            return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}
        case _:
            return {"model": model, "messages": said, "stream": stream, **more}


async def ask(
    road: Stage,
    dialect: str = "openai_chat",
    text: str = "Hello there",
    *,
    model: str = "fast",
    stream: bool = False,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> httpx2.Response:
    """Ask a question; the answer is read to its end."""
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    path = PATHS[dialect].format(model=model, method=method)
    body = body_of(dialect, text, model, stream=stream, **more)
    held = {"authorization": f"Bearer {KEY}", **(headers or {})}
    return await road.http.post(path, json=body, headers=held)


def ladder(*, retry: dict[str, object] | None = None, **degrade: object) -> dict[str, object]:
    """The configuration's `models`: `fast` stands at `one`, with a ladder; `other` at `two`."""
    fast = {"deployments": ["one/sim-small"], "retry": retry or {"attempts": 1}, "degrade": degrade}
    return {"fast": fast, "other": {"deployments": ["two/sim-small"], "retry": {"attempts": 1}}}
