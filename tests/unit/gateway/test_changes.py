"""What a plan tells of two configurations, and what it never tells."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.config.load import load
from antiphon.gateway.changes import Changes, changes_between

BASE: dict[str, Any] = {
    "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1", "api_key": "sk-SECRET-1"}},
    "models": {"fast": "lab/a"},
}


def changes(before: dict[str, Any], after: dict[str, Any], **more: Any) -> Changes:
    olds, news = (load({**BASE, **each}, environ={}).settings for each in (before, after))
    return changes_between(olds, news, **{"hidden": frozenset(), **more})


def lines(found: Changes) -> list[str]:
    return [f"{each.kind} {each.path}: {each.before} -> {each.after}" for each in found.changes]


def test_nothing():
    assert changes({}, {}) == Changes(changes=(), effects=())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"server": {"watch": True}}, "changed server.watch: false -> true"),
        (
            {"models": {"fast": {"deployments": ["lab/a"], "cache": {}}}},
            {},
            "removed models.fast.cache: {} -> ",
        ),
        (
            {},
            {"models": {"fast": [{"model": "lab/a", "weight": 3}]}},
            "changed models.fast.deployments: lab/a -> {model: lab/a, weight: 3}",
        ),
        (
            {"limits": {"rules": [{"scope": "team", "name": "web", "requests": 5}]}},
            {"limits": {"rules": [{"scope": "team", "name": "web", "requests": 7}]}},
            "changed limits.rules.team web minute.requests: 5 -> 7",
        ),
        (
            {"budgets": {"limits": [{"scope": "team", "limit": 5}]}},
            {},
            "removed budgets.limits.team org_default month: {limit: 5, scope: team} -> ",
        ),
        (
            {},
            {"auth": {"keys": [{"key": "SECRET-2", "models": ["fast"]}]}},
            "added auth.keys.static-4b41d3ca:  -> {key: (not shown), models: fast}",
        ),
    ],
)
def test_one_thing(before, after, told):
    [line] = lines(changes(before, after))
    assert line == told


def test_the_order_of_a_list_that_has_names():
    rules = [{"scope": "team", "name": name, "usual": "low"} for name in ("web", "app")]
    found = changes({"limits": {"priorities": rules}}, {"limits": {"priorities": rules[::-1]}})
    told = "changed limits.priorities: in the order team web, team app -> team app, team web"
    assert lines(found) == [told]


def test_no_secret_is_shown():
    before = {"auth": {"keys": [{"key": "SECRET-2"}], "admin_key": "SECRET-3"}}
    after = {
        "auth": {
            "keys": [{"key": "SECRET-4", "team": "web"}],
            "proxies": [{"secrets": ["SECRET-5" * 5]}],
            "admin_key": "SECRET-6",
        },
        "providers": {
            "lab": {
                **BASE["providers"]["lab"],
                "api_key": ["sk-SECRET-7", "sk-SECRET-8"],
                "headers": {"x-token": "SECRET-9"},
            },
            "more": {"base_url": "http://127.0.0.1:9/v1", "api_key": "sk-SECRET-0"},
        },
        "notices": {
            "webhooks": {
                "ops": {
                    "url": "https://hooks.example.com/x",
                    "secret": "whsec_U0VDUkVULVNFQ1JFVC1TRUNSRVQtU0VDUkVU",
                }
            }
        },
        "telemetry": {"otlp": {"headers": {"x-key": "SECRET-T"}}},
    }
    for found in (changes(before, after), changes(after, before)):
        told = str(found)
        assert "SECRET" not in told
        assert "U0VDUkVU" not in told
        assert "providers.lab.api_key" in told
        assert "admin_key" in told


def test_nor_what_came_from_elsewhere():
    hidden = frozenset({("server", "root_path"), ("models", "fast")})
    found = changes(
        {},
        {"server": {"root_path": "/the-content-of-a-file"}, "models": {"fast": "lab/from-there"}},
        hidden=hidden,
    )
    assert "the-content" not in str(found)
    assert "from-there" not in str(found)
    assert found.effects == ("callers of fast get other deployments",)
