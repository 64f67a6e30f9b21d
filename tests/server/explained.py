"""A gateway with something of everything that decides, and what it says of requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from antiphon.simulator import SimulatorSpec
from tests.server.stage import KEY, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
NARROW = "narrow-key-0123456789abcdef"
PATH = "/api/v1/explain"
NAMES = ("one", "two", "three", "four")
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [
        {"key": KEY, "team": "web", "department": "sales", "user": "alice"},
        {"key": OTHER, "team": "ops", "user": "bob"},
        {"key": NARROW, "models": ["all"]},
    ],
}


def priced(dollars: float, **facts: object) -> dict[str, object]:
    return {"prices": {"input": dollars, "output": 2 * dollars}, **facts}


PROVIDERS = {
    "one": {"clearance": "internal", "models": {"sim-small": priced(4, vision=False)}},
    "two": {"clearance": "public", "models": {"sim-small": priced(1)}},
    "three": {
        "clearance": "restricted",
        "models": {"sim-small": priced(3, context=400)},
    },
    "four": {"clearance": "internal", "models": {"sim-small": priced(2, tools=False)}},
}
EACH = [f"{name}/sim-small" for name in NAMES]
RULES = [
    {"name": "mandarin", "when": {"language": "zh"}, "use": ["four/sim-small"]},
    {"name": "tagged", "when": {"tags": "fast"}, "use": ["two/sim-small"], "only": True},
    {"name": "long", "when": {"tokens": {"over": 300}}, "use": ["one/sim-small"]},
]
MODELS = {
    "all": {"deployments": EACH, "strategy": "cheapest", "rules": RULES},
    "listed": {"deployments": EACH},
    "local": {"deployments": EACH, "strategy": ["local_first", "quality"], "on_loss": "skip"},
    "strict": {"deployments": EACH, "on_loss": "error"},
    "busy": {"deployments": [EACH[2], EACH[0]], "strategy": "least_busy"},
    "ruled": {"deployments": EACH[:1], "rules": RULES, "sensitivity": "internal"},
    "kept": {"deployments": EACH[:2], "cache": {}},
}
BUDGETS = {
    "limits": [
        {"scope": "team", "name": "web", "limit": 100, "per": "total"},
        {"scope": "key", "limit": 50, "per": "month"},
    ]
}
LIMITS = {
    "rules": [
        {"scope": "key", "requests": 100_000},
        {"scope": "team", "tokens": 1_000_000},
        {"scope": "deployment", "name": "three/sim-small", "requests": 3, "per": "day"},
    ]
}


@asynccontextmanager
async def explaining(tmp_path: object, **sections: Any) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=number) for number, name in enumerate(NAMES)]
    merged = {
        "auth": AUTH,
        "models": MODELS,
        "providers_of": PROVIDERS,
        "limits": LIMITS,
        "budgets": BUDGETS,
        **sections,
    }
    async with stage(tmp_path, specs, **merged) as road:
        yield road


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def explain(
    road: Stage,
    request: Mapping[str, object],
    *,
    key: str = ADMIN,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> httpx2.Response:
    body = {"request": request, "headers": dict(headers or {}), **more}
    return await road.http.post(PATH, json=body, headers=bearer(key))


async def told(road: Stage, request: Mapping[str, object], **more: Any) -> dict[str, Any]:
    answer = await explain(road, request, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def asked(model: str, text: str = "Hello there", **members: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **members}
