"""A gateway with limits, and what it holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.limits.meter import Meter
from tests.server.stage import HELLO, KEY, Stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
AUTH: Mapping[str, Any] = {
    "admin_key": ADMIN,
    "required": True,
    "keys": [
        {"key": KEY, "team": "web", "department": "sales", "user": "alice"},
        {"key": OTHER, "team": "web", "department": "sales", "user": "bob"},
    ],
}


def limits(*rules: Mapping[str, object], **more: object) -> dict[str, object]:
    """The sections of a configuration with these limits."""
    return {"auth": AUTH, "limits": {"rules": list(rules), **more}}


async def ask(road: Stage, model: str = "fast", key: str = KEY, headers=(), **more: object):
    body = {"model": model, "messages": HELLO, "max_tokens": 50, **more}
    return await road.http.post(
        "/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {key}", **dict(headers)},
    )


def meters(road: Stage) -> dict[tuple[str, int], Meter]:
    """The meters by scope and what they count, of the only one of each scope that was active."""
    found: dict[tuple[str, int], Meter] = {}
    for each in road.gateway.limits.meters:
        scope, amount = each.key[0], each.key[3]
        if each.total or (scope, amount) not in found:
            assert (scope, amount) not in found or not found[scope, amount].total
            found[scope, amount] = each
    return found
