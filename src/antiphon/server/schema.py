"""What the doors add to the OpenAPI document.

The doors are bare ASGI and validate nothing beyond what they need, so their schema is written
by hand: those of inference in `schema_inference`, health and metrics here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.gateway.health import Health, HealthDetail
from antiphon.server.schema_google_ollama import GOOGLE_AND_OLLAMA
from antiphon.server.schema_inference import ERROR, INFERENCE, SECURED

SECURITY_SCHEMES: dict[str, object] = {"bearer": {"type": "http", "scheme": "bearer"}}


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
        **INFERENCE,
        **GOOGLE_AND_OLLAMA,
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
