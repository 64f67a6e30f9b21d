"""What the doors of inference add to the OpenAPI document.

The doors are bare ASGI and validate nothing beyond what they need, so their schema is written
here: what must stand, and where the full description is.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.gateway.health import Health, HealthDetail

SECURITY_SCHEMES: dict[str, object] = {"bearer": {"type": "http", "scheme": "bearer"}}
SECURED: list[dict[str, list[str]]] = [{"bearer": []}]
"""Needs a key, where the gateway asks for one."""

ERROR: dict[str, object] = {
    "description": "An error in OpenAI's envelope.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {
                        "type": "object",
                        "required": ["message", "type", "param", "code"],
                        "properties": {
                            "message": {"type": "string"},
                            "type": {"type": "string"},
                            "param": {"type": ["string", "null"]},
                            "code": {"type": ["string", "null"]},
                            "attempts": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                    "request_id": {"type": "string"},
                },
            }
        }
    },
}

_EVENT: dict[str, object] = {
    "type": "object",
    "description": "One event of the stream: a chunk as JSON in `data`, and `[DONE]` at the end.",
    "required": ["data"],
    "properties": {"data": {"type": "string"}},
}

_CHAT: dict[str, object] = {
    "post": {
        "tags": ["inference"],
        "summary": "OpenAI Chat Completions",
        "description": "The whole surface of OpenAI's Chat Completions; unknown members pass.",
        "security": SECURED,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["model", "messages"],
                        "properties": {
                            "model": {"type": "string", "description": "A name of /v1/models."},
                            "messages": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "object"},
                            },
                            "stream": {"type": "boolean"},
                        },
                        "additionalProperties": True,
                    },
                    "example": {
                        "model": "fast",
                        "messages": [{"role": "user", "content": "Hello"}],
                    },
                }
            },
        },
        "responses": {
            "200": {
                "description": "A chat completion, or a stream of chunks.",
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "text/event-stream": {"schema": _EVENT},
                },
            },
            **dict.fromkeys(
                ("400", "401", "403", "404", "408", "413", "429", "502", "503", "504"), ERROR
            ),
        },
    }
}

_ANTHROPIC_ERROR: dict[str, object] = {
    "description": "An error in Anthropic's envelope.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["type", "error"],
                "properties": {
                    "type": {"const": "error"},
                    "error": {
                        "type": "object",
                        "required": ["type", "message"],
                        "properties": {
                            "type": {"type": "string"},
                            "message": {"type": "string"},
                            "code": {"type": "string"},
                            "param": {"type": "string"},
                            "attempts": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                    "request_id": {"type": "string"},
                },
            }
        }
    },
}


def _asked(
    summary: str,
    members: dict[str, object],
    *,
    example: dict[str, object],
    answer: str,
    error: dict[str, object],
    streamed: bool = True,
) -> dict[str, object]:
    """A door of inference; `members` are those that must stand, and may be more."""
    named: dict[str, object] = {"type": "string", "description": "A name of /v1/models."}
    properties: dict[str, object] = {"model": named, **members}
    content: dict[str, object] = {"application/json": {"schema": {"type": "object"}}}
    if streamed:
        content["text/event-stream"] = {"schema": _EVENT}
        properties["stream"] = {"type": "boolean"}
    overloaded = "503" if error is ERROR else "529"
    statuses = (*("400", "401", "403", "404", "408", "413", "429", "502", "504"), overloaded)
    schema: dict[str, object] = {
        "type": "object",
        "required": ["model", *members],
        "properties": properties,
        "additionalProperties": True,
    }
    return {
        "post": {
            "tags": ["inference"],
            "summary": summary,
            "security": SECURED,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": schema, "example": example}},
            },
            "responses": {
                "200": {"description": answer, "content": content},
                **dict.fromkeys(statuses, error),
            },
        }
    }


_TURNS: dict[str, object] = {"type": "array", "minItems": 1, "items": {"type": "object"}}
_HELLO = [{"role": "user", "content": "Hello"}]
_MESSAGES = _asked(
    "Anthropic Messages",
    {"messages": _TURNS, "max_tokens": {"type": "integer", "minimum": 1}},
    example={"model": "fast", "max_tokens": 100, "messages": _HELLO},
    answer="A message, or a stream of events.",
    error=_ANTHROPIC_ERROR,
)
_COUNT = _asked(
    "How many tokens a prompt of Anthropic Messages is",
    {"messages": _TURNS},
    example={"model": "fast", "messages": _HELLO},
    answer="`input_tokens`; the header `x-antiphon-token-count` says who counted.",
    error=_ANTHROPIC_ERROR,
    streamed=False,
)
_RESPONSES = _asked(
    "OpenAI Responses, without a store",
    {"input": {"anyOf": [{"type": "string"}, _TURNS]}},
    example={"model": "fast", "input": "Hello"},
    answer="A response, or a stream of events.",
    error=ERROR,
)

_MODELS: dict[str, object] = {
    "get": {
        "tags": ["inference"],
        "summary": "The names that the caller may ask for",
        "security": SECURED,
        "responses": {
            "200": {
                "description": "A list in OpenAI's shape.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "401": ERROR,
        },
    }
}


def managed(
    paths: Mapping[str, Mapping[str, Mapping[str, object]]],
) -> dict[str, dict[str, dict[str, object]]]:
    """Path items of the management API, with the key that they need and how they refuse.

    FastAPI says 422 for parameters that are wrong; here they get a 400 in the common envelope.
    """
    return {
        path: {method: _guarded(path, operation) for method, operation in item.items()}
        for path, item in paths.items()
    }


def _guarded(path: str, operation: Mapping[str, object]) -> dict[str, object]:
    told = operation["responses"]
    assert isinstance(told, dict)
    responses: dict[str, object] = {**dict.fromkeys(("401", "403"), ERROR), **told}
    if responses.pop("422", None) is not None:
        responses.setdefault("400", ERROR)
    if "{" in path:
        responses.setdefault("404", ERROR)
    return {**operation, "security": SECURED, "responses": responses}


def _probe(
    summary: str, *, ready: str, refused: str = "", schema: dict[str, object] | None = None
) -> dict[str, dict[str, object]]:
    content: dict[str, object] = {"text/plain": {"schema": {"type": "string"}}}
    if schema is not None:
        content = {"application/json": {"schema": schema}}
    responses: dict[str, object] = {"200": {"description": ready, "content": content}}
    if refused:
        responses["503"] = {"description": refused, "content": content}
    return {"get": {"tags": ["health"], "summary": summary, "responses": responses}}


def _secured(item: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    get = item["get"]
    responses = get["responses"]
    assert isinstance(responses, dict)
    refused = {"401": ERROR, "403": ERROR}
    return {"get": {**get, "security": SECURED, "responses": {**responses, **refused}}}


_SHAPES, _COMPONENTS = msgspec.json.schema_components(
    [Health, HealthDetail], ref_template="#/components/schemas/{name}"
)


def door_components() -> dict[str, object]:
    """The shapes that the schemas of doors refer to."""
    return {**_COMPONENTS}


def door_schemas() -> dict[str, object]:
    """Path to path item, for each door."""
    health, detail = _SHAPES
    return {
        "/v1/chat/completions": _CHAT,
        "/v1/messages": _MESSAGES,
        "/v1/messages/count_tokens": _COUNT,
        "/v1/responses": _RESPONSES,
        "/v1/models": _MODELS,
        "/health": _probe(
            "How the gateway does",
            ready="It serves: `healthy`, or `degraded`.",
            refused="It does not: `unhealthy`.",
            schema=health,
        ),
        "/health/detailed": _secured(
            _probe(
                "How the gateway does, in full; needs the admin key",
                ready="It serves: `healthy`, or `degraded`.",
                refused="It does not: `unhealthy`.",
                schema=detail,
            )
        ),
        "/livez": _probe("The process is alive", ready="`ok`: the event loop turns."),
        "/readyz": _probe(
            "New requests are taken",
            ready="`ready`: they are.",
            refused="They are not: `draining`, or `blocked` by the accounting.",
        ),
        "/metrics": _secured(
            _probe("Prometheus metrics; needs the admin key", ready="The exposition, as text.")
        ),
    }
