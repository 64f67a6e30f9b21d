"""What the doors add to the OpenAPI document.

The doors are bare ASGI and validate nothing beyond what they need, so their schema is written
by hand: those of inference in `schema_inference`, health and metrics here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.gateway.health import Health, HealthDetail
from antiphon.server.problems import CONTENT_TYPE, Problem
from antiphon.server.schema_google_ollama import GOOGLE_AND_OLLAMA
from antiphon.server.schema_inference import ERROR, INFERENCE, SECURED, Schema
from antiphon.server.shapes import list_of, map_of

_ALWAYS = frozenset({"400", "401", "403", "500", "503"})
_WRITES = frozenset({"404", "409", "413", "422", "429"})
_WHEN: Mapping[str, str] = {
    "400": "A parameter or the body is wrong; `errors` says where.",
    "401": "No key, or one that is not known.",
    "403": "The key may not do this.",
    "404": "It is not there, or not the caller's to know of.",
    "409": "It does not go with what is there, or the same request is still under way.",
    "413": "The body is too large.",
    "422": "The idempotency key belongs to another request.",
    "429": "Too much at once; `retry-after` says when to try again.",
    "500": "A defect of the gateway.",
    "503": "The gateway shuts down, or its database did not do what it was asked.",
}
PROBLEM: Mapping[str, Schema] = {
    status: {
        "description": when,
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, when in _WHEN.items()
}
"""How each refusal of the management API looks."""
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key is done once, and answered as the first "
    "time.",
    "schema": {"type": "string", "pattern": "^[!#-~]([ !#-~]{0,253}[!#-~])?$"},
}
REPLAYED: Schema = {
    "idempotent-replayed": {
        "description": "`true` where the answer is that of an earlier request.",
        "schema": {"const": "true"},
    }
}
_ONCE_ONLY = ("/count_tokens", ":countTokens", "/api/show")
"""Endings of paths that ask no model, or only count."""
SECURITY_SCHEMES: dict[str, object] = {"bearer": {"type": "http", "scheme": "bearer"}}


def managed(
    paths: Mapping[str, Mapping[str, Mapping[str, object]]],
) -> dict[str, dict[str, dict[str, object]]]:
    """Path items of the management API, with the key that they need and how they refuse.

    FastAPI says 422 for parameters that are wrong; here they get a 400, and all problems have one
    form.
    """
    return {
        path: {method: _guarded(path, method, operation) for method, operation in item.items()}
        for path, item in paths.items()
    }


def _guarded(path: str, method: str, operation: Mapping[str, object]) -> dict[str, object]:
    refusals = _ALWAYS if method == "get" else _ALWAYS | _WRITES
    if "{" in path or _names_a_tenant(operation):
        refusals |= {"404"}
    responses = {**map_of(operation["responses"])}
    responses.pop("422", None)
    responses |= {status: PROBLEM[status] for status in sorted(refusals)}
    guarded = {**operation, "security": SECURED, "responses": responses}
    return guarded if method == "get" else _repeatable(guarded)


def _names_a_tenant(operation: Mapping[str, object]) -> bool:
    parameters = list_of(operation.get("parameters"))
    return any(map_of(each).get("name") == "organisation" for each in parameters)


def _repeatable(operation: Mapping[str, object]) -> dict[str, object]:
    """An operation that takes an idempotency key."""
    parameters = [*list_of(operation.get("parameters")), IDEMPOTENCY_KEY]
    responses = {
        status: {**map_of(response), "headers": REPLAYED} if status.startswith("2") else response
        for status, response in map_of(operation["responses"]).items()
    }
    return {**operation, "parameters": parameters, "responses": responses}


def _asked_again(paths: Mapping[str, Schema]) -> dict[str, Schema]:
    """The doors of inference, those that take an idempotency key with it."""
    found: dict[str, Schema] = {**paths}
    for path, item in paths.items():
        post = map_of(item.get("post"))
        if post and not path.endswith(_ONCE_ONLY):
            responses = map_of(post["responses"])
            responses = {**responses, **dict.fromkeys(("409", "422"), responses["400"])}
            found[path] = {**item, "post": _repeatable({**post, "responses": responses})}
    return found


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
    responses = map_of(get["responses"])
    refused = {"401": ERROR, "403": ERROR}
    return {"get": {**get, "security": SECURED, "responses": {**responses, **refused}}}


_SHAPES, _COMPONENTS = msgspec.json.schema_components(
    [Health, HealthDetail, Problem], ref_template="#/components/schemas/{name}"
)


def door_components() -> dict[str, object]:
    """The shapes that the schemas of doors refer to."""
    return {**_COMPONENTS}


def door_schemas() -> dict[str, object]:
    """Path to path item, for each door."""
    health, detail, _ = _SHAPES
    return {
        **_asked_again({**INFERENCE, **GOOGLE_AND_OLLAMA}),
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
