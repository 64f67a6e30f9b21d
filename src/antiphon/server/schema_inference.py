"""The doors of inference in the OpenAPI document: what must stand, and what comes back.

The whole surfaces are their vendors': unknown members pass, so a body is described no further than
the gateway itself needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Schema = dict[str, object]

SECURED: list[dict[str, list[str]]] = [{"bearer": []}]
"""Needs a key, where the gateway asks for one."""

TEXT: Schema = {"type": "string"}
_MAYBE: Schema = {"type": ["string", "null"]}
OBJECT: Schema = {"type": "object"}
_ATTEMPTS: Schema = {"type": "array", "items": OBJECT}


def in_json(schema: Schema, description: str) -> Schema:
    """An answer that is JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_OPENAI_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": TEXT,
                "type": TEXT,
                "param": _MAYBE,
                "code": _MAYBE,
                "attempts": _ATTEMPTS,
            },
        },
        "request_id": TEXT,
    },
}
_ANTHROPIC_ERROR: Schema = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message", "code"],
            "properties": {
                "type": TEXT,
                "message": TEXT,
                "code": TEXT,
                "param": TEXT,
                "attempts": _ATTEMPTS,
            },
        },
        "request_id": TEXT,
    },
}
ERROR: Schema = in_json(_OPENAI_ERROR, "An error in OpenAI's envelope.")
_FOREIGN: Schema = in_json(_ANTHROPIC_ERROR, "An error in Anthropic's envelope.")
_EITHER: Schema = in_json(
    {"anyOf": [_OPENAI_ERROR, _ANTHROPIC_ERROR]}, "An error in the envelope that the caller reads."
)

STATUSES = ("400", "401", "403", "404", "408", "413", "429", "502", "503", "504")


def event_of(data: str) -> Schema:
    """One event of a stream."""
    return {
        "type": "object",
        "description": f"One event of the stream: {data}.",
        "required": ["data"],
        "properties": {"event": TEXT, "data": TEXT},
    }


def _header(name: str, description: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9,._-]{1,200}$"},
    }


_VERSION = _header("anthropic-version", "2023-06-01 or 2026-10-21; goes on between equal dialects.")
_BETA = _header("anthropic-beta", "Goes on byte for byte between equal dialects.")


def body_of(required: Sequence[str], properties: Mapping[str, Schema], example: Schema) -> Schema:
    """A request that names a model."""
    model: Schema = {"type": "string", "description": "A name of /v1/models."}
    schema: Schema = {
        "type": "object",
        "required": ["model", *required],
        "properties": {"model": model, **properties},
        "additionalProperties": True,
    }
    content = {"application/json": {"schema": schema, "example": {"model": "fast", **example}}}
    return {"required": True, "content": content}


def asked(
    told: Schema,
    body: Schema,
    answer: str,
    event: Schema,
    errors: Schema,
    *,
    stream_type: str = "text/event-stream",
) -> Schema:
    """A door that answers whole or as a stream."""
    content = {"application/json": {"schema": OBJECT}, stream_type: {"schema": event}}
    return {
        "post": {
            "tags": ["inference"],
            "security": SECURED,
            **told,
            "requestBody": body,
            "responses": {"200": {"description": answer, "content": content}, **errors},
        }
    }


MESSAGES: Schema = {"type": "array", "minItems": 1, "items": OBJECT}
STREAM: Schema = {"type": "boolean"}
HELLO: Schema = {"messages": [{"role": "user", "content": "Hello"}]}

_CHAT = asked(
    {
        "summary": "OpenAI Chat Completions",
        "description": "The whole surface of OpenAI's Chat Completions; unknown members pass. "
        "Also at `/chat/completions` and `/openai/v1/chat/completions`.",
    },
    body_of(["messages"], {"messages": MESSAGES, "stream": STREAM}, HELLO),
    "A chat completion, or a stream of chunks.",
    event_of("a chunk as JSON in `data`, and `[DONE]` at the end"),
    dict.fromkeys(STATUSES, ERROR),
)
_RESPONSES = asked(
    {
        "summary": "OpenAI Responses, without a store",
        "description": "The whole surface of OpenAI's Responses but for what needs stored ones "
        "(`previous_response_id`, `conversation`, `background`): the whole conversation goes "
        "along. Also at `/responses` and `/openai/v1/responses`.",
    },
    body_of(
        [],
        {
            "input": {"anyOf": [TEXT, {"type": "array", "items": OBJECT}]},
            "instructions": _MAYBE,
            "stream": STREAM,
        },
        {"input": "Hello"},
    ),
    "A response, or a stream of events.",
    event_of("its type in `event` and as JSON in `data`; `response.completed` is the last"),
    dict.fromkeys(STATUSES, ERROR),
)
_ANTHROPIC = asked(
    {
        "summary": "Anthropic Messages",
        "description": "The whole surface of Anthropic's Messages, of both versions; unknown "
        "members pass. Also at `/messages` and `/anthropic/v1/messages`.",
        "parameters": [_VERSION, _BETA],
    },
    body_of(
        ["messages", "max_tokens"],
        {
            "messages": MESSAGES,
            "max_tokens": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "stream": STREAM,
        },
        {"max_tokens": 1024, **HELLO},
    ),
    "A message, or a stream of events.",
    event_of("its type in `event` and as JSON in `data`; `message_stop` is the last"),
    dict.fromkeys((*STATUSES, "529"), _FOREIGN),
)
_COUNT: Schema = {
    "post": {
        "tags": ["inference"],
        "summary": "How many tokens a prompt is",
        "description": "Counted by the provider where it counts, else estimated: "
        "`x-antiphon-token-count` says which. Also at `/messages/count_tokens` and "
        "`/anthropic/v1/messages/count_tokens`.",
        "security": SECURED,
        "parameters": [_VERSION, _BETA],
        "requestBody": body_of(["messages"], {"messages": MESSAGES}, HELLO),
        "responses": {
            "200": in_json(
                {
                    "type": "object",
                    "required": ["input_tokens"],
                    "properties": {"input_tokens": {"type": "integer", "minimum": 0}},
                },
                "The count.",
            ),
            **dict.fromkeys(("400", "401", "403", "404", "408", "413", "503", "529"), _FOREIGN),
        },
    }
}
_EMBEDDINGS: Schema = {
    "post": {
        "tags": ["inference"],
        "summary": "Texts as vectors",
        "description": "OpenAI's embeddings, of any provider that makes vectors; unknown members "
        "pass where it speaks this API. Also at `/embeddings` and `/openai/v1/embeddings`; in "
        "Ollama's shape at `/api/embed` and `/api/embeddings`.",
        "security": SECURED,
        "requestBody": body_of(
            ["input"],
            {
                "input": {
                    "anyOf": [
                        TEXT,
                        {"type": "array", "minItems": 1, "items": TEXT},
                        {"type": "array", "minItems": 1, "items": {"type": "integer"}},
                    ]
                },
                "encoding_format": {"enum": ["float", "base64"]},
            },
            {"input": "Hello"},
        ),
        "responses": {
            "200": in_json(OBJECT, "One vector for each input, in their order."),
            **dict.fromkeys(STATUSES, ERROR),
        },
    }
}
_MODELS: Schema = {
    "get": {
        "tags": ["inference"],
        "summary": "The names that the caller may ask for",
        "description": "In Anthropic's shape, page by page, for whoever sends `anthropic-version`;"
        " else in OpenAI's. With `client_version`, as Codex sends it, a catalogue without entries. "
        "Behind a slash and a name: that one.",
        "security": SECURED,
        "parameters": [
            _header("anthropic-version", "Asks for Anthropic's shape."),
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Names on a page, in Anthropic's shape.",
                "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
            },
        ],
        "responses": {
            "200": in_json(OBJECT, "A list in the caller's shape."),
            **dict.fromkeys(("400", "401", "403"), _EITHER),
        },
    }
}

INFERENCE: Mapping[str, Schema] = {
    "/v1/chat/completions": _CHAT,
    "/v1/responses": _RESPONSES,
    "/v1/messages": _ANTHROPIC,
    "/v1/messages/count_tokens": _COUNT,
    "/v1/embeddings": _EMBEDDINGS,
    "/v1/models": _MODELS,
}
"""Path to path item."""
