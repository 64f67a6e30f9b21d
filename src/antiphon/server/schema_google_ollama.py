"""Gemini's and Ollama's doors in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.server.schema_inference import (
    HELLO,
    MESSAGES,
    OBJECT,
    SECURED,
    STATUSES,
    STREAM,
    TEXT,
    Schema,
    asked,
    body_of,
    event_of,
    in_json,
)

_GOOGLES_ERROR: Schema = in_json(
    {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "status"],
                "properties": {
                    "code": {"type": "integer"},
                    "message": TEXT,
                    "status": TEXT,
                    "details": {"type": "array", "items": OBJECT},
                },
            }
        },
    },
    "An error in Google's envelope.",
)
_OLLAMAS_ERROR: Schema = in_json(
    {"type": "object", "required": ["error"], "properties": {"error": TEXT}},
    "An error as Ollama tells it.",
)
_MODEL: Schema = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "A name of /v1beta/models; slashes, colons and spaces may be escaped.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._/-]{1,100}$"},
}
_ALT: Schema = {
    "name": "alt",
    "in": "query",
    "required": False,
    "description": "`sse` for server-sent events; else a stream is one JSON array.",
    "schema": {"enum": ["sse", "json"]},
}
_CONTENTS: Schema = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["contents"],
                "properties": {"contents": {"type": "array", "minItems": 1, "items": OBJECT}},
                "additionalProperties": True,
            },
            "example": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
        }
    },
}
_GOOGLES: Schema = {**dict.fromkeys(STATUSES, _GOOGLES_ERROR)}
_OLLAMAS: Schema = {**dict.fromkeys(STATUSES, _OLLAMAS_ERROR)}
_ALSO = "Also at `/v1` in place of `/v1beta`, and behind `/gemini`."


def _of_model(summary: str, description: str, answer: Schema, *parameters: Schema) -> Schema:
    return {
        "post": {
            "tags": ["inference"],
            "summary": summary,
            "description": f"{description} {_ALSO}",
            "security": SECURED,
            "parameters": [_MODEL, *parameters],
            "requestBody": _CONTENTS,
            "responses": {"200": answer, **_GOOGLES},
        }
    }


def _told(summary: str, description: str, *, method: str = "get") -> Schema:
    told: Schema = {
        "tags": ["inference"],
        "summary": summary,
        "description": f"{description} Also behind `/ollama`.",
        "security": SECURED,
        "responses": {
            "200": in_json(OBJECT, "As Ollama answers it."),
            **dict.fromkeys(("400", "401", "403", "404", "413"), _OLLAMAS_ERROR),
        },
    }
    if method == "post":
        told["requestBody"] = body_of([], {}, {})
    return {method: told}


_CHAT = asked(
    {
        "summary": "Ollama's chat",
        "description": "The whole surface of Ollama's `/api/chat`; an answer is a stream unless "
        "`stream` is false. Also at `/ollama/api/chat`.",
    },
    body_of(["messages"], {"messages": MESSAGES, "stream": STREAM}, {**HELLO, "stream": False}),
    "A message, or a stream of lines.",
    event_of("a line of JSON; one with `done` is the last"),
    _OLLAMAS,
    stream_type="application/x-ndjson",
)
_GENERATE = asked(
    {
        "summary": "Ollama's completion",
        "description": "Asked as a conversation of one turn; passed on as it is where Ollama "
        "answers. Also at `/ollama/api/generate`.",
    },
    body_of(["prompt"], {"prompt": TEXT, "stream": STREAM}, {"prompt": "Hello", "stream": False}),
    "A completion, or a stream of lines.",
    event_of("a line of JSON; one with `done` is the last"),
    _OLLAMAS,
    stream_type="application/x-ndjson",
)

GOOGLE_AND_OLLAMA: Mapping[str, Schema] = {
    "/v1beta/models/{model}:generateContent": _of_model(
        "Gemini", "The whole surface of Gemini.", in_json(OBJECT, "A response.")
    ),
    "/v1beta/models/{model}:streamGenerateContent": _of_model(
        "Gemini, as a stream",
        "The same, as it is written.",
        {
            "description": "Responses, each a piece.",
            "content": {
                "application/json": {"schema": {"type": "array", "items": OBJECT}},
                "text/event-stream": {"schema": event_of("a response as JSON in `data`")},
            },
        },
        _ALT,
    ),
    "/v1beta/models/{model}:countTokens": _of_model(
        "How many tokens a prompt is, for Gemini",
        "Counted by the provider where it counts, else estimated: `x-antiphon-token-count`.",
        in_json(OBJECT, "The count."),
    ),
    "/api/chat": _CHAT,
    "/api/generate": _GENERATE,
    "/api/tags": _told("The names that the caller may ask for, for Ollama", "As a list."),
    "/api/show": _told("One of them", "What is known of a model.", method="post"),
    "/api/ps": _told("Models in memory", "None: a gateway loads none."),
    "/api/version": _told("The version of Ollama's API that is spoken", "For its clients."),
}
"""Path to path item."""
