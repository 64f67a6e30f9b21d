"""The management API by its own description: every operation, and what its ids are ids of.

An operation that is added is asked as well. One with a path parameter, or a member of a body, that
names something of which nobody here knows where it comes from fails the tests: say so in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]

KINDS = {
    "organisation": "organisation",
    "organisation_id": "organisation",
    "department": "department",
    "department_id": "department",
    "team": "team",
    "team_id": "team",
    "user": "user",
    "user_id": "user",
    "key": "key",
    "key_id": "key",
    "request_id": "request",
    "notice": "notice",
    "budget": "budget",
    "budget_id": "budget",
    "limit_id": "limit",
    "model_name": "any",
    "deployment_name": "any",
    "target": "any",
    "subject": "any",
    "owner": "any",
}
"""Names of parameters and members, and what they are ids of."""
MORE = {
    "POST /api/v1/budgets": {"scope": "key"},
    "POST /api/v1/limits": {"scope": "key", "requests": 1000},
    "PATCH /api/v1/limits/{limit_id}": {"per": "hour"},
    "POST /api/v1/explain": {
        "request": {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
    },
}
"""Members without which a body says nothing, though none of them must be there."""
NAMES = frozenset({"name"})
"""Parameters that take a name, which another tenant may have as well."""
_MANAGED = "/api/v1"


class Operation(NamedTuple):
    """Something that can be asked for.

    Attributes:
        path: With its parameters in braces.
        ids: Its path parameters, with what they are ids of.
        asked: The parameters of its query that are ids or names.
        body: The schema of its body; None without one.
    """

    method: str
    path: str
    ids: Mapping[str, str]
    asked: tuple[str, ...]
    body: Json | None
    schemas: Json

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def operations(document: Json) -> list[Operation]:
    """Every operation of the management API."""
    return list(_operations(document))


def _operations(document: Json) -> Iterator[Operation]:
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        if not path.startswith(_MANAGED):
            continue
        for method, told in item.items():
            parameters = told.get("parameters", [])
            paths = [each["name"] for each in parameters if each["in"] == "path"]
            query = [each["name"] for each in parameters if each["in"] == "query"]
            unknown = [name for name in paths if name not in KINDS and name not in NAMES]
            assert not unknown, f"{method} {path}: whose ids are {unknown}? Say it in KINDS."
            content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                method.upper(),
                path,
                {name: KINDS.get(name, "any") for name in paths},
                tuple(name for name in query if name in KINDS or name in NAMES),
                content.get("schema"),
                schemas,
            )


def members_of(operation: Operation) -> Json:
    """The members of an operation's body, by name."""
    return {} if operation.body is None else resolved(operation, operation.body)["properties"]


def required_of(operation: Operation) -> frozenset[str]:
    if operation.body is None:
        return frozenset()
    return frozenset(resolved(operation, operation.body).get("required", ()))


def resolved(operation: Operation, schema: Json) -> Json:
    """A schema without references and alternatives, down to its first step."""
    while True:
        if "$ref" in schema:
            schema = operation.schemas[schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema or "oneOf" in schema:
            either = schema.get("anyOf") or schema["oneOf"]
            schema = next(each for each in either if each.get("type") != "null")
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def value_of(operation: Operation, schema: Json, word: str) -> object:
    """Something that fits a schema; texts are this word."""
    schema = resolved(operation, schema)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: value_of(operation, inner[name], word) for name in schema.get("required", ())}
    if kind == "array":
        return [value_of(operation, schema["items"], word)]
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)
    return False if kind == "boolean" else word
