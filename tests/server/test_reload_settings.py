"""Every setting takes effect with a reload, or is named as one that needs a restart: no third."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from antiphon.config.pinned import PINNED, is_pinned
from antiphon.config.settings import Settings
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import Principal
from antiphon.server.protocol import GatewayProtocol
from tests.server.reloaded import ADMIN_KEY, changeable
from tests.server.stage import HELLO

KEY, PROXY = "another-key-0123456789abcdef", "s" * 40
OTHER_ADMIN = "another-admin-key-0123456789"
WEBHOOK = {
    "url": "https://hooks.example.com/x",
    "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}
CALLER = Principal(key_id="k", team="web")

OTHERWISE: dict[str, dict[str, Any]] = {
    "server": {
        "host": "::1",
        "port": 4711,
        "root_path": "/llm",
        "region": "eu",
        "cors": {"origins": ["https://app.example.com"]},
        "trusted_proxies": ["10.1.2.0/24"],
        "max_body_bytes": 2048,
        "max_connections": 99,
        "deadlines": {"keep_alive": 7},
        "watch": True,
        "drain_seconds": 0.25,
        "heartbeat_seconds": 7,
    },
    "auth": {
        "required": True,
        "keys": [{"key": KEY, "team": "web", "user": "app"}],
        "proxies": [{"secrets": [PROXY]}],
        "admin_key": OTHER_ADMIN,
    },
    "limits": {
        "concurrency": 77,
        "rules": [{"scope": "team", "requests": 1000}],
        "queue": {"length": 7},
        "priorities": [{"scope": "team", "name": "web", "usual": "high", "most": "high"}],
        "most_counts": 7777,
    },
    "idempotency": {
        "keep_hours": 7,
        "answer_seconds": 0,
        "max_bytes": 1 << 20,
        "max_answer_bytes": 7777,
    },
    "budgets": {
        "time_zone": "Europe/Berlin",
        "wait": 7,
        "ask": "finance",
        "limits": [{"scope": "team", "limit": 1000}],
    },
    "cache": {"max_bytes": 1 << 20, "max_entries": 7, "max_entry_bytes": 7777},
    "storage": {
        "data_dir": "elsewhere",
        "database": "sqlite:///elsewhere.db",
        "journal": "elsewhere/journal",
        "durability": "power",
    },
    "ledger": {"keep_days": 77, "keep_hours_days": 7},
    "logging": {"requests": "off", "level": "error", "format": "text", "file": "elsewhere.log"},
    "telemetry": {"otlp": {"sample": 0.5}},
    "health": {
        "probe_seconds": 7777,
        "probe_timeout": 7,
        "probe_concurrency": 7,
        "unwell_after": 7,
    },
    "notices": {"webhooks": {"ops": WEBHOOK}, "keep_days": 7},
    "egress": {
        "only_hosts": ["hooks.example.com"],
        "inside_hosts": ["inside.example.com"],
        "inside_networks": ["10.1.2.0/24"],
        "closed_networks": ["203.0.113.0/24"],
        "nat64_prefixes": ["2001:db8:64::/96"],
        "ports": [443],
        "https_only": True,
        "connections": 7,
        "redirects": 1,
        "max_request_bytes": 7777,
        "max_response_bytes": 7777,
        "connect_seconds": 7,
        "idle_seconds": 7,
        "total_seconds": 7,
    },
    "capture": {"keep_days": 77, "max_bytes": 7777, "max_total_bytes": 7 << 20},
    "privacy": {
        "default": "internal",
        "detect": [{"matches": "secret-[0-9]+"}],
        "unreadable": "public",
    },
    "help_lines": {"region": "DE", "regions": {"DE": [{"name": "Help", "phone": "112"}]}},
    "prices": {"unknown": "free", "ceiling": {"input": 7, "output": 7}},
    "models": {"new": ["one/sim-small"]},
}
"""Another value for each setting."""
EFFECTS: dict[str, Callable[[Antiphon], object]] = {
    "server.region": lambda it: it.build._routes._around.region == "eu",
    "auth.required": lambda it: it.callers._required,
    "auth.keys": lambda it: it.snapshot.keys.find(KEY),
    "auth.proxies": lambda it: it.callers._proxies,
    "auth.admin_key": lambda it: (
        it.snapshot.keys.find(OTHER_ADMIN) and not it.snapshot.keys.find(ADMIN_KEY)
    ),
    "limits.concurrency": lambda it: it.concurrency.bound == 77,
    "limits.rules": lambda it: len(it.limits) == 1,
    "limits.priorities": lambda it: it.limits._priority(CALLER) == (1, 1),
    "limits.most_counts": lambda it: it.limits.meters._most == 7777,
    "budgets.limits": lambda it: it.books.treasury.budgets.any,
    "budgets.wait": lambda it: it.books.treasury.desk.wait == 7,
    "cache.max_bytes": lambda it: it.pipeline.caching.memory.most_bytes == 1 << 20,
    "cache.max_entries": lambda it: it.pipeline.caching.memory._most_entries == 7,
    "cache.max_entry_bytes": lambda it: (
        it.pipeline.caching.flights.most_held == it.pipeline.caching.memory.most_each == 7777
    ),
    "ledger": lambda it: it.books.retention.settings.keep_days == 77,
    "logging.level": lambda it: logging.getLogger("antiphon").level == logging.ERROR,
    "health": lambda it: it._prober._settings.probe_timeout == 7,
    "health.probe_seconds": lambda it: "prober" in it.books.background.states,
    "notices.webhooks": lambda it: {"notices", "webhooks"} <= it.books.background.states.keys(),
    "notices.keep_days": lambda it: it.books.noticing.courier._keep_days == 7,
    "egress": lambda it: it.books.noticing.courier.egress == it.settings.egress,
    "capture": lambda it: it.captures.settings.max_bytes == 7777,
    "privacy": lambda it: it.build._routes._privacy.detects,
    "models": lambda it: list(it.snapshot.plans) == ["new"],
    "providers": lambda it: list(it.providers) == ["one"],
}
"""Whether it is seen where it matters, of what has a place of its own."""
ELSEWHERE = {
    "server": "by the app and the protocol, below",
    "idempotency": "by the app, below; and read of the settings at each write",
    "budgets": "compiled with the budgets",
    "limits": "compiled with the limits",
    "prices": "compiled with the deployments",
    "help_lines": "compiled with what stands in for an answer",
}
CA_FILE = ("egress", "ca_file")


def members() -> set[tuple[str, ...]]:
    """Every setting; a section with names of one's own choice is one."""
    found: set[tuple[str, ...]] = set()
    for section, field in Settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= {(section, name) for name in inner.model_fields}
        else:
            found.add((section,))
    return found


def test_no_setting_is_forgotten():
    said = {
        (section,) if section in {"models", "providers"} else (section, name)
        for section, inner in {**OTHERWISE, "providers": {"one": {}}}.items()
        for name in inner
    }
    assert said | {CA_FILE} == members()
    for section, *rest in said:
        known = {section, ".".join([section, *rest])}
        assert known & {*EFFECTS, *ELSEWHERE} or is_pinned((section, *rest)), (section, rest)


async def test_each_takes_effect_or_is_named(tmp_path):
    async with changeable(tmp_path, alone=True, logging={"requests": "off"}) as road:
        gateway = road.gateway
        providers = {"one": {**road.said["providers"]["one"], "region": "eu"}}
        before = gateway.settings
        done = await road.reload(**OTHERWISE, providers=providers)
        assert set(done.pending_restart) == {
            "server.host", "server.port", "server.root_path", "server.trusted_proxies",
            "storage.data_dir", "storage.database", "storage.journal", "storage.durability",
            "logging.format", "logging.file",
            "telemetry.otlp.sample",
        }  # fmt: skip
        for path in PINNED:
            was, now = (_at(each, path) for each in (before, gateway.settings))
            assert was == now, path
        changed = {each.path for each in done.changes.changes}
        for section, inner in OTHERWISE.items():
            for name in inner:
                told = any(path.startswith(f"{section}.{name}") for path in changed)
                assert told or (section, name) == ("logging", "requests"), (section, name)
        for path, effect in EFFECTS.items():
            assert effect(gateway), path
        as_caller = {"authorization": f"Bearer {KEY}"}
        asked = {"model": "new", "messages": HELLO}
        answer = await road.http.post(
            "/v1/chat/completions",
            json=asked,
            headers={**as_caller, "origin": "https://app.example.com"},
        )
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert (await road.http.post("/v1/chat/completions", json=asked)).status_code == 401
        again = {**as_caller, "idempotency-key": "one"}
        for _ in range(2):
            answer = await road.http.post("/v1/chat/completions", json=asked, headers=again)
            assert "idempotent-replayed" not in answer.headers
        long = {**asked, "user": "u" * 2048}
        answer = await road.http.post("/v1/chat/completions", json=long, headers=as_caller)
        assert answer.status_code == 413
        served = GatewayProtocol.__subclasses__()
        assert any(each.bounds.connections == 99 for each in served)


def _at(settings: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        settings = getattr(settings, str(step))
    return settings
