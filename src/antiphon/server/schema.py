"""What the doors of inference add to the OpenAPI document.

The doors are bare ASGI and validate nothing beyond what they need, so their schema is written
here: what must stand, and where the full description is.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    summary: str, media: str = "text/plain", *, refuses: tuple[str, ...] = (), failing: str = ""
) -> dict[str, dict[str, object]]:
    """A path that is read.

    Args:
        summary: What it tells.
        media: In which shape.
        refuses: Statuses in the common envelope.
        failing: What a 503 means, where it is an answer in the same shape.
    """
    told = {"schema": {"type": "string" if media == "text/plain" else "object"}}
    responses: dict[str, object] = {"200": {"description": summary, "content": {media: told}}}
    if failing:
        responses["503"] = {"description": failing, "content": {media: told}}
    responses.update(dict.fromkeys(refuses, ERROR))
    return {"get": {"tags": ["health"], "summary": summary, "responses": responses}}


def _secured(item: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {method: {**operation, "security": SECURED} for method, operation in item.items()}


def door_schemas() -> dict[str, object]:
    """Path to path item, for each door."""
    return {
        "/v1/chat/completions": _CHAT,
        "/v1/models": _MODELS,
        "/health": _probe(
            "Healthy, degraded or unhealthy", "application/json", failing="Unhealthy"
        ),
        "/livez": _probe("The process is alive"),
        "/readyz": _probe("New requests are taken", failing="Draining"),
        "/metrics": _secured(
            _probe("Prometheus metrics; needs the admin key", refuses=("401", "403"))
        ),
    }
