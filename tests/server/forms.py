"""A fleet of models with and without forms of an answer, and how each dialect asks for one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.stage import Stage, stage

PROVIDERS: Final = MappingProxyType(
    {
        "chat": "openai_chat",
        "responses": "openai_responses",
        "messages": "anthropic_messages",
    }
)
PATHS: Final = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
BLUNT: Final = {"json_schema": False, "json_mode": False}
HANDY: Final = {"json_schema": False, "json_mode": True}
NATIVE: Final = {"json_schema": True}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD: Final = '{"name": "Ada", "age": 36}'
FENCED: Final = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"
BAD: Final = '{"name": "Ada", "age": "a secret"}'
TOLD: Final = "asked for by instruction, and checked"


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    """A route of the name of each provider to a model without any form of an answer."""
    specs = [
        SimulatorSpec(name=name, seed=seed, strict=True) for seed, name in enumerate(PROVIDERS)
    ]
    routes: dict[str, object] = {name: f"{name}/blunt" for name in PROVIDERS}
    for name in PROVIDERS:
        routes[f"{name}-native"] = f"{name}/native"
        routes[f"{name}-always"] = {
            "deployments": [f"{name}/native"],
            "structured": {"check": "always"},
        }
        routes[f"{name}-error"] = {"deployments": [f"{name}/blunt"], "on_loss": "error"}
        routes[f"{name}-skip"] = {
            "deployments": [f"{name}/blunt", f"{name}/native"],
            "on_loss": "skip",
        }
        routes[f"{name}-fail"] = {
            "deployments": [f"{name}/blunt", f"{name}/native"],
            "structured": {"on_invalid": "fail"},
        }
        routes[f"{name}-only-fail"] = {
            "deployments": [f"{name}/blunt"],
            "structured": {"on_invalid": "fail"},
            "retry": {"attempts": 2, "backoff": 0},
        }
    routes["handy"] = "chat/handy"
    async with stage(
        tmp_path,
        specs,
        dialects=PROVIDERS,
        models=routes,
        provider={"models": {"blunt": BLUNT, "handy": HANDY, "native": NATIVE}},
    ) as running:
        yield running


def in_schema(heard: str, schema: object = SCHEMA) -> dict[str, object]:
    match heard:
        case "chat":
            form: object = {"name": "person", "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case "responses":
            form = {"type": "json_schema", "name": "person", "schema": schema}
            return {"text": {"format": form}}
        case _:
            return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def in_json(heard: str) -> dict[str, object]:
    form = {"type": "json_object"}
    return {"response_format": form} if heard == "chat" else {"text": {"format": form}}


async def ask(
    fleet: Stage, heard: str, model: str, said: str, form: Mapping[str, object], **more: object
) -> Any:
    turns = [{"role": "user", "content": f"In JSON, please. {said}"}]
    least = {"input": turns} if heard == "responses" else {"messages": turns}
    if heard == "messages":
        least["max_tokens"] = more.pop("max_tokens", 2000)  # type: ignore[assignment]
    headers = {"anthropic-version": "2023-06-01"}
    body = {"model": model, **least, **form, **more}
    return await fleet.http.post(PATHS[heard], json=body, headers=headers)


def text_of(heard: str, answer: Any) -> str:
    body = answer.json()
    match heard:
        case "chat":
            return body["choices"][0]["message"]["content"]
        case "responses":
            [message] = [each for each in body["output"] if each["type"] == "message"]
            return "".join(part["text"] for part in message["content"])
        case _:
            return "".join(part["text"] for part in body["content"] if part["type"] == "text")


def streamed(heard: str, answer: Any) -> str:
    text = ""
    for line in answer.text.splitlines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line[6:])
        if heard == "chat":
            text += "".join(each["delta"].get("content") or "" for each in event["choices"])
        elif event["type"] == "response.output_text.delta":
            text += event["delta"]
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            text += event["delta"]["text"]
    return text


def received(fleet: Stage, provider: str) -> list[dict[str, Any]]:
    [simulator] = [each for each in fleet.simulators if each.name == provider]
    return [json.loads(each.body) for each in simulator.received]


ALL: Final = pytest.mark.parametrize(
    ("heard", "spoken"), [(heard, spoken) for heard in PROVIDERS for spoken in PROVIDERS]
)
STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
