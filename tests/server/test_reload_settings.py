"""Every setting takes effect with a reload, or is named as one that needs a restart: no third."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from antiphon.config.pinned import PINNED, is_pinned
from antiphon.config.settings import Settings
from antiphon.gateway.gateway import Antiphon
from tests.server.administering import told_webhook
from tests.server.reloaded import AS_ADMIN, changeable
from tests.server.stage import HELLO

KEY, PROXY = "another-key-0123456789abcdef", "s" * 40
NETWORK = "10.1.2.0/24"

WEBHOOK = {"url": "https://hooks.example.com/x", "secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}
ASKED: dict[str, dict[str, Any]] = {
    "server": {
        "host": "::1",
        "port": 4711,
        "root_path": "/llm",
        "region": "eu",
        "cors": {"origins": ["https://app.example.com"]},
        "trusted_proxies": [NETWORK],
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
        "admin_key": "another-admin-key-0123456789",
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
        "answer_seconds": 77,
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
    "health": {"probe_seconds": 7777, "probe_timeout": 7, "probe_concurrency": 7},
    "notices": {"webhooks": {"ops": WEBHOOK}, "keep_days": 7},
    "egress": {"only_hosts": ["hooks.example.com"], "https_only": True, "redirects": 1},
    "capture": {"keep_days": 77, "max_bytes": 7777, "max_total_bytes": 7 << 20},
    "privacy": {"default": "internal", "detect": [{"matches": "secret-[0-9]+"}], "unreadable": "public"},
    "prices": {"unknown": "free", "ceiling": {"input": 7, "output": 7}},
}
"""Another value for each setting."""
EFFECTS: dict[tuple[str, ...], Callable[[Antiphon], object]] = {
    ("server", "region"): lambda it: it.build._routes._around.region,
    ("server", "cors"): lambda it: it.settings.server.cors.origins,
}


def members() -> set[tuple[str, ...]]:
    """Every setting, as far as it has a name: sections of one's own names are one."""
    found: set[tuple[str, ...]] = set()
    for section, field in Settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= {(section, name) for name in inner.model_fields}
        else:
            found.add((section,))
    return found
