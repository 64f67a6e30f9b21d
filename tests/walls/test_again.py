"""Every write of the document with an `Idempotency-Key`, twice: done once, answered twice."""

from __future__ import annotations

from tests.kills.workload import ADMIN
from tests.walls.asking import asking
from tests.walls.document import Operation, operations
from tests.walls.tenants import Gateway, Key, Tenant

ROOT = Key(ADMIN, "", "root")
ORDER = ("POST", "PUT", "PATCH", "DELETE")
LAST = "DELETE /api/v1/organisations/{organisation_id}"
NOT_HERE = {
    "POST /api/v1/notices/test": "no webhook is configured",
    "POST /api/v1/notices/{notice}/retry": "the same",
    "POST /api/v1/deployments/{deployment_name}/reset": "no id is the name of a deployment",
    "PUT /api/v1/models/{model_name}/active": "it names a model, which no tenant has",
    "DELETE /api/v1/models/{model_name}/active": "the same",
}
"""Writes that nothing here can make succeed, with the reason."""


def test_every_write_is_done_once(gateway: Gateway):
    own = gateway.tenant()
    writes = [each for each in operations(gateway.document) if each.writes]
    failed: dict[str, str] = {}
    for operation in sorted(writes, key=_turn):
        first = _ask(gateway, own, operation, "first")
        if not first.is_success:
            failed[operation.label] = first.text
            continue
        is_last = operation.label == LAST
        acts = [] if is_last else gateway.acts(own)
        again = first.request
        second = gateway.http.send(again)
        assert second.headers.get("idempotent-replayed") == "true", operation.label
        assert "idempotent-replayed" not in first.headers
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert is_last or gateway.acts(own) == acts, f"{operation.label} was done twice"
    assert failed.keys() == NOT_HERE.keys() & {each.label for each in writes}, failed


def _turn(operation: Operation) -> tuple[bool, int, str]:
    return operation.label == LAST, ORDER.index(operation.method), operation.path


def _ask(gateway: Gateway, own: Tenant, operation: Operation, key: str):
    query = ["organisation"] if "organisation" in operation.asked else []
    asked = asking(operation, own, {}, lambda pool: pool[-1], query=query)
    again = {"idempotency-key": f"{key} {operation.label}".replace('"', "")}
    return asked.send(gateway, ROOT, again)
