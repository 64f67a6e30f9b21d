"""Claude Code as a client of Messages: what it sends.

Written in our own words from the gateway protocol that its documentation publishes and from what
others have seen of versions 2.1.158 to 2.1.281; how it reads an answer stands in `claude_reader`.

* Always streamed, with `?beta=true`, version 2023-06-01 and a list of betas that differs by model;
  its key is a bearer token, or `x-api-key`.
* `system` is a list: a line of attribution that differs with each request, who it is, and the long
  rules with a mark for the cache. `metadata.user_id` is JSON inside a string.
* Thinking is `adaptive`, or a budget for older models; `context_management` keeps all thoughts,
  and `output_config.effort` says how hard to think. Thoughts come back with their signatures.
* The last block of the last message has a mark for the cache; results may be errors, text or
  parts with a picture, and reminders stand behind them in the same message. Newer models get a
  message of the role `system` directly behind a turn of the user.
* Beside the conversation: short questions without tools, some with a schema; `count_tokens`;
  `HEAD /` before anything else, and `GET /v1/models?limit=1000` where that is switched on.
"""

from __future__ import annotations

import json
from typing import Any, Final

Json = dict[str, Any]

SESSION: Final = "7f1d2c3b-4a59-4687-9a0b-1c2d3e4f5a6b"
PATH: Final = "/v1/messages?beta=true"
COUNT_PATH: Final = "/v1/messages/count_tokens?beta=true"
MODELS_PATH: Final = "/v1/models?limit=1000"
BETAS: Final = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24,"
    "extended-cache-ttl-2025-04-11"
)


def headers(key: str) -> dict[str, str]:
    """The headers of a request with `ANTHROPIC_AUTH_TOKEN`."""
    return {
        "authorization": f"Bearer {key}",
        "accept": "application/json",
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": BETAS,
        "anthropic-dangerous-direct-browser-access": "true",
        "user-agent": "claude-cli/2.1.281 (external, cli)",
        "x-app": "cli",
        "x-claude-code-session-id": SESSION,
        "x-client-request-id": "0b8f6f0e-52a1-4f0e-8f57-2a9c1f5f7d11",
        "x-stainless-lang": "js",
        "x-stainless-package-version": "0.94.0",
        "x-stainless-retry-count": "0",
        "x-stainless-runtime": "node",
        "x-stainless-timeout": "600",
    }


def request(model: str, messages: list[Json]) -> Json:
    """One turn: the whole conversation, and all tools."""
    return {
        "model": model,
        "messages": messages,
        "system": SYSTEM,
        "tools": TOOLS,
        "metadata": METADATA,
        "max_tokens": 32000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        "stream": True,
    }


def aside(model: str) -> Json:
    """A short question beside the conversation, whose answer is JSON."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    return {
        "model": model,
        "messages": [user("<session>\nfix the shop\n</session>")],
        "system": [SYSTEM[0], text("Name the session in a few words.")],
        "tools": [],
        "metadata": METADATA,
        "max_tokens": 32000,
        "temperature": 1,
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "stream": True,
    }


def probe(model: str) -> Json:
    """The first question of all: whether the key may ask."""
    return {
        "model": model,
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "quota"}],
        "metadata": METADATA,
    }


def count(model: str, messages: list[Json]) -> Json:
    """How large a conversation is."""
    return {"model": model, "messages": messages, "tools": TOOLS}


def opening(said: str) -> list[Json]:
    """How a conversation begins: a reminder of the project's rules, and the question."""
    reminder = "<system-reminder>\nKeep it small.\n</system-reminder>"
    return [{"role": "user", "content": [text(reminder), {**text(said), "cache_control": CACHED}]}]


def user(said: str) -> Json:
    """A turn of the user."""
    return {"role": "user", "content": [{**text(said), "cache_control": CACHED}]}


def echoed(content: list[Json]) -> Json:
    """An answer as it goes along with the next request."""
    return {"role": "assistant", "content": content}


def results(*blocks: Json, reminder: str) -> Json:
    """What calls gave, and a reminder behind it."""
    return {"role": "user", "content": [*blocks, {**text(reminder), "cache_control": CACHED}]}


def result(call: Json, content: str | list[Json], *, failed: bool = False) -> Json:
    """What one call gave."""
    block = {"tool_use_id": call["id"], "type": "tool_result", "content": content}
    return {**block, "is_error": True} if failed else block


def text(said: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": said}


def picture(data: str) -> Json:
    """A block that is a picture."""
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "image", "source": source}


def _tool(name: str, description: str, required: str, /, **properties: Json) -> Json:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": [required],
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "input_schema": schema}


CACHED: Final = {"type": "ephemeral", "ttl": "1h"}
SYSTEM: Final = [
    text("x-anthropic-billing-header: cc_version=2.1.281.4f2; cc_entrypoint=cli; cch=0a1b2;"),
    {**text("You are Claude Code, Anthropic's official CLI for Claude."), "cache_control": CACHED},
    {**text("You help with software in a terminal.\n\n# Rules\n"), "cache_control": CACHED},
]
METADATA: Final = {
    "user_id": json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": SESSION})
}
TOOLS: Final[list[Json]] = [
    _tool(
        "Bash",
        "Runs a command.",
        "command",
        command={"type": "string"},
        timeout={"type": "number", "description": "Milliseconds, 600000 at most."},
        description={"type": "string"},
        run_in_background={"type": "boolean"},
    ),
    _tool(
        "Read",
        "Reads a file.",
        "file_path",
        file_path={"type": "string"},
        offset={"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
        limit={"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
    ),
    _tool(
        "Edit",
        "Changes a file.",
        "file_path",
        file_path={"type": "string"},
        old_string={"type": "string"},
        new_string={"type": "string"},
        replace_all={"type": "boolean", "default": False},
    ),
    _tool(
        "TodoWrite",
        "Says what is to be done.",
        "todos",
        todos={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "content": {"type": "string", "minLength": 1},
                    "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                    "activeForm": {"type": "string", "minLength": 1},
                },
                "required": ["content", "status", "activeForm"],
                "additionalProperties": False,
            },
        },
    ),
    _tool("mcp__tickets__find_ticket", "Finds a ticket.", "id", id={"type": "string"}),
]
