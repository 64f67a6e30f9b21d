"""What a simulator said, read from its own wire and not through the gateway.

A simulator answers the same question the same way. So the request that it received is asked again,
unstreamed and past the gateway, and the bare JSON of its dialect is read here: by few lines, which
share nothing with the code under test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import httpx2
import msgspec

from antiphon.simulator import Received, Simulator
from tests.sdks.jobs import Answer, Call, Tokens


async def said(simulator: Simulator, received: Received) -> Answer:
    """What the simulator said to a request; `stop` is its dialect's word."""
    # Only one level deep: a provider counts the bytes of a schema as they were sent.
    body = msgspec.json.decode(received.body, type=dict[str, msgspec.Raw])
    target = received.target
    if is_gemini(received):
        target = f"/v1beta/models/{quote(model_of(received))}:generateContent"
    else:
        body.pop("stream_options", None)
        body["stream"] = msgspec.Raw(b"false")
    headers = [
        (name, value) for name, value in received.headers if name.lower() not in _OF_THE_WIRE
    ]
    async with httpx2.AsyncClient(base_url=simulator.url, verify=False) as http:
        reply = await http.post(target, content=msgspec.json.encode(body), headers=headers)
    assert reply.status_code == 200, reply.text
    if is_gemini(received):
        return _gemini(reply.json())
    [reading] = [_READINGS[end] for end in _READINGS if received.path.endswith(end)]
    return reading(reply.json())


def is_gemini(received: Received) -> bool:
    """Whether the model stands in the path."""
    return _MODEL.search(received.path) is not None


def model_of(received: Received) -> str:
    """The model that was asked for."""
    found = _MODEL.search(received.path)
    return unquote(found[1]) if found else json.loads(received.body)["model"]


def _chat(completion: Any) -> Answer:
    [choice] = completion["choices"]
    message, usage = choice["message"], completion["usage"]
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    return Answer(
        text=message["content"] or "",
        thought=message.get("reasoning_content", ""),
        tools=tuple(Call(called["name"], called["arguments"]) for called in functions),
        usage=Tokens(usage["prompt_tokens"], usage["completion_tokens"]),
        stop=choice["finish_reason"],
    )


def _responses(response: Any) -> Answer:
    output, usage = response["output"], response["usage"]
    spoken = [item["content"] for item in output if item["type"] == "message"]
    thoughts = [item for item in output if item["type"] == "reasoning"]
    incomplete = response.get("incomplete_details") or {}
    return Answer(
        text="".join(part["text"] for parts in spoken for part in parts),
        thought="".join(
            part["text"] for one in thoughts for part in one.get("content") or one["summary"]
        ),
        tools=tuple(
            Call(item["name"], item["arguments"])
            for item in output
            if item["type"] == "function_call"
        ),
        usage=Tokens(usage["input_tokens"], usage["output_tokens"]),
        stop=incomplete.get("reason") or response["status"],
    )


def _messages(message: Any) -> Answer:
    blocks, usage = message["content"], message["usage"]
    inputs = (
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    )
    return Answer(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        thought="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        tools=tuple(
            Call(block["name"], json.dumps(block["input"]))
            for block in blocks
            if block["type"] == "tool_use"
        ),
        usage=Tokens(sum(usage.get(name) or 0 for name in inputs), usage["output_tokens"]),
        stop=message["stop_reason"],
    )


def _gemini(response: Any) -> Answer:
    [candidate] = response["candidates"]
    parts, usage = candidate.get("content", {}).get("parts", ()), response["usageMetadata"]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    outputs = ("candidatesTokenCount", "thoughtsTokenCount")
    return Answer(
        text="".join(part.get("text", "") for part in parts if not part.get("thought")),
        thought="".join(part.get("text", "") for part in parts if part.get("thought")),
        tools=tuple(Call(call["name"], json.dumps(call.get("args", {}))) for call in calls),
        usage=Tokens(usage["promptTokenCount"], sum(usage.get(name, 0) for name in outputs)),
        stop=candidate["finishReason"],
    )


def _ollama(said: Any) -> Answer:
    message = said["message"]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return Answer(
        text=message["content"],
        thought=message.get("thinking", ""),
        tools=tuple(Call(call["name"], json.dumps(call["arguments"])) for call in calls),
        usage=Tokens(said["prompt_eval_count"], said["eval_count"]),
        stop=said["done_reason"],
    )


_READINGS: Final[Mapping[str, Callable[[Any], Answer]]] = {
    "/chat/completions": _chat,
    "/responses": _responses,
    "/messages": _messages,
    "/api/chat": _ollama,
}
_OF_THE_WIRE: Final = {b"host", b"content-length", b"transfer-encoding", b"connection"}
_MODEL: Final = re.compile(r"/models/(.+):(?:generateContent|streamGenerateContent)$")
