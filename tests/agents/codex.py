"""Codex CLI as a client of Responses: what it sends.

Written from what its public source says of versions 0.142 to 0.155, in our own words; how it reads
an answer stands in `codex_reader`.

* Each request is a whole: `store` is false, all items go along again, `prompt_cache_key` is the
  session. Items lose their `id` and `status` on the way back, thoughts lose their text and keep
  `encrypted_content`, and a null is sent where there is none.
* Tools: functions with `strict: false`; `apply_patch` as a custom tool with a grammar;
  `web_search` with `external_web_access`. The shell is `exec_command` with `write_stdin`, in older
  versions `shell_command` or `shell`.
* Models that its own catalogue marks `use_responses_lite` are asked otherwise: see `lite`. A name
  of the catalogue is found by its longest prefix, also behind one `provider/`.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

SESSION: Final = "019a9a3e-6f3b-7d12-9c55-0d6f6a1b2c3d"
PATH: Final = "/v1/responses"


def headers(key: str) -> dict[str, str]:
    """The headers of a request with a provider's `env_key`."""
    return {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "originator": "codex_cli_rs",
        "user-agent": "codex_cli_rs/0.153.1 (Debian 13.0.0; x86_64) xterm-256color",
        "version": "0.153.1",
        "session-id": SESSION,
        "session_id": SESSION,
        "thread-id": SESSION,
        "conversation_id": SESSION,
        "x-client-request-id": SESSION,
        "x-codex-window-id": f"{SESSION}:0",
        "x-codex-beta-features": "unified_exec",
    }


def request(model: str, items: list[Json]) -> Json:
    """One turn: the whole conversation, and all tools."""
    return {
        "model": model,
        "instructions": "You are a coding agent in a terminal. Change files with apply_patch.",
        "input": items,
        "tools": TOOLS,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": SESSION,
        "text": {"verbosity": "low"},
        "client_metadata": {"x-codex-installation-id": "5f0c2f1e-4d7b-4a52-b3a8-1f2d3c4b5a69"},
    }


def grouped(model: str, items: list[Json]) -> Json:
    """The same with the tools of a server of MCP, which newer versions group under its name."""
    whole = request(model, items)
    return {**whole, "tools": [*TOOLS, NOTES]}


def lite(model: str, items: list[Json]) -> Json:
    """The same as "responses lite" has it: the tools are an item, grouped under a name."""
    tools = {
        "type": "additional_tools",
        "role": "developer",
        "tools": [
            {
                "type": "namespace",
                "name": "functions",
                "description": "What can be run here.",
                "tools": [EXEC_COMMAND, UPDATE_PLAN, APPLY_PATCH],
            }
        ],
    }
    whole = {**request(model, [tools, *items]), "parallel_tool_calls": False}
    del whole["tools"], whole["instructions"]
    return whole


def opening(text: str) -> list[Json]:
    """How a conversation begins: rules, surroundings, and the question."""
    return [
        message("developer", "<permissions>The sandbox may write to the workspace.</permissions>"),
        message(
            "user",
            "# AGENTS.md of /home/me/shop\n\n<INSTRUCTIONS>\nKeep it small.\n</INSTRUCTIONS>",
            "<environment_context>\n  <cwd>/home/me/shop</cwd>\n</environment_context>",
        ),
        message("user", text),
    ]


def message(role: str, *texts: str) -> Json:
    """Something said; what an assistant said is output, all else is input."""
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return {"type": "message", "role": role, "content": content}


def echoed(item: Json) -> Json:
    """An item of an answer as it goes along with the next request."""
    kept = {name: item[name] for name in _ECHOED[item["type"]] if name in item}
    match item["type"]:
        case "message":
            said = [{"type": "output_text", "text": part["text"]} for part in item["content"]]
            return {**kept, "content": said}
        case "reasoning":
            return {**kept, "encrypted_content": item.get("encrypted_content")}
        case _:
            return kept


def output_of(call: Json, output: str | list[Json]) -> Json:
    """What a call gave."""
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": output}


_ECHOED: Final = {
    "message": ("type", "role", "phase"),
    "reasoning": ("type", "summary"),
    "function_call": ("type", "name", "namespace", "arguments", "call_id"),
    "custom_tool_call": ("type", "status", "call_id", "name", "namespace", "input"),
}


def _function(name: str, description: str, required: str, /, **properties: Json) -> Json:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [required],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "name": name,
        "description": description,
        "strict": False,
        "parameters": parameters,
    }


EXEC_COMMAND: Final = _function(
    "exec_command",
    "Runs a command in a terminal.",
    "cmd",
    cmd={"type": "string", "description": "The command."},
    workdir={"type": "string"},
    yield_time_ms={"type": "number"},
    max_output_tokens={"type": "number"},
    sandbox_permissions={"type": "string"},
    prefix_rule={"type": "array", "items": {"type": "string"}},
)
UPDATE_PLAN: Final = _function(
    "update_plan",
    "Says what is to be done, step by step.",
    "plan",
    explanation={"type": "string"},
    plan={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"step": {"type": "string"}, "status": {"type": "string"}},
            "required": ["step", "status"],
            "additionalProperties": False,
        },
    },
)
APPLY_PATCH: Final[Json] = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Changes files. The input is a patch as it stands, not JSON.",
    "format": {
        "type": "grammar",
        "syntax": "lark",
        "definition": 'start: "*** Begin Patch" LF change+ "*** End Patch" LF?\n'
        'change: "*** Add File: " NAME LF ("+" REST LF)+\n'
        "NAME: /[^\\n]+/\nREST: /[^\\n]*/\n%import common.LF\n",
    },
}
NOTES: Final[Json] = {
    "type": "namespace",
    "name": "mcp__notes",
    "description": "Tools of the server notes.",
    "tools": [
        _function("find_note", "Finds a note.", "words", words={"type": "string"}),
        _function("view_image", "Shows a picture of a note.", "note", note={"type": "string"}),
    ],
}
"""One of its tools has the name of another."""
TOOLS: Final[list[Json]] = [
    EXEC_COMMAND,
    _function(
        "write_stdin",
        "Writes to a command that runs.",
        "session_id",
        session_id={"type": "number"},
        chars={"type": "string"},
    ),
    UPDATE_PLAN,
    APPLY_PATCH,
    {"type": "web_search", "external_web_access": False},
    _function("view_image", "Shows a picture.", "path", path={"type": "string"}),
]
