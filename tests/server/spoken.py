"""Conversations as bodies of every dialect, with text files that are attached."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.server.stage import Stage


class Said(NamedTuple):
    """One turn; `file` is the text of a document that stands before its text."""

    who: str
    text: str
    file: str | None = None


Body = dict[str, Any]


def user(text: str, file: str | None = None) -> Said:
    return Said("user", text, file)


def assistant(text: str) -> Said:
    return Said("assistant", text)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _chat(model: str, turns: Sequence[Said]) -> Body:
    def content(said: Said) -> object:
        if said.file is None:
            return said.text
        data = f"data:text/plain;base64,{_encoded(said.file)}"
        file = {"type": "file", "file": {"filename": "notes.txt", "file_data": data}}
        return [file, {"type": "text", "text": said.text}]

    return {
        "model": model,
        "messages": [{"role": each.who, "content": content(each)} for each in turns],
    }


def _responses(model: str, turns: Sequence[Said]) -> Body:
    def content(said: Said) -> list[Body]:
        kind = "input_text" if said.who == "user" else "output_text"
        parts: list[Body] = [{"type": kind, "text": said.text}]
        if said.file is not None:
            data = f"data:text/plain;base64,{_encoded(said.file)}"
            parts.insert(0, {"type": "input_file", "filename": "notes.txt", "file_data": data})
        return parts

    items = [{"type": "message", "role": each.who, "content": content(each)} for each in turns]
    return {"model": model, "input": items, "store": False}


def _messages(model: str, turns: Sequence[Said]) -> Body:
    def content(said: Said) -> list[Body]:
        parts: list[Body] = [{"type": "text", "text": said.text}]
        if said.file is not None:
            source = {"type": "text", "media_type": "text/plain", "data": said.file}
            parts.insert(0, {"type": "document", "source": source})
        return parts

    return {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": each.who, "content": content(each)} for each in turns],
    }


def _gemini(_: str, turns: Sequence[Said]) -> Body:
    def parts(said: Said) -> list[Body]:
        found: list[Body] = [{"text": said.text}]
        if said.file is not None:
            data = {"mimeType": "text/plain", "data": _encoded(said.file)}
            found.insert(0, {"inlineData": data})
        return found

    roles = {"user": "user", "assistant": "model"}
    return {"contents": [{"role": roles[each.who], "parts": parts(each)} for each in turns]}


def _ollama(model: str, turns: Sequence[Said]) -> Body:
    # Its dialect has no documents: their text stands in the message.
    messages = [
        {
            "role": each.who,
            "content": each.text if each.file is None else f"{each.text}\n{each.file}",
        }
        for each in turns
    ]
    return {"model": model, "messages": messages, "stream": False}


_Spelled = Callable[[str, Sequence[Said]], Body]
DIALECTS: Final[Mapping[str, tuple[str, _Spelled]]] = {
    "chat": ("/v1/chat/completions", _chat),
    "responses": ("/v1/responses", _responses),
    "messages": ("/v1/messages", _messages),
    "gemini": ("/v1beta/models/{model}:generateContent", _gemini),
    "ollama": ("/api/chat", _ollama),
}


async def who_answers(
    road: Stage,
    *turns: Said,
    dialect: str = "chat",
    model: str = "smart",
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> str:
    """The name of the provider that answers a conversation."""
    path, spelled = DIALECTS[dialect]
    answer = await road.http.post(
        path.format(model=model), json={**spelled(model, turns), **members}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["x-antiphon-deployment"].partition("/")[0]
