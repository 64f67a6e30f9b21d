"""What the doors of inference add to the OpenAPI document.

The doors are bare ASGI and validate nothing beyond what they need, so their schema is written
here: what must stand, and where the full description is.
"""

from __future__ import annotations

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
                    "text/event-stream": {"schema": {"type": "string"}},
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


def _probe(summary: str, media: str = "text/plain") -> dict[str, dict[str, object]]:
    return {
        "get": {
            "tags": ["health"],
            "summary": summary,
            "responses": {
                "200": {
                    "description": summary,
                    "content": {media: {"schema": {"type": "string"}}},
                },
            },
        }
    }


def _secured(item: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {method: {**operation, "security": SECURED} for method, operation in item.items()}


def door_schemas() -> dict[str, object]:
    """Path to path item, for each door."""
    return {
        "/v1/chat/completions": _CHAT,
        "/v1/models": _MODELS,
        "/health": _probe("Healthy, degraded or unhealthy", "application/json"),
        "/livez": _probe("The process is alive"),
        "/readyz": _probe("New requests are taken"),
        "/metrics": _secured(_probe("Prometheus metrics; needs the admin key")),
    }
