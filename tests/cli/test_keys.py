"""`antiphon keys`: at a gateway, and at the database itself."""

from __future__ import annotations

import json

import pytest

ADMIN = "admin-key-0123456789abcdef"


def test_without_a_gateway(antiphon):
    done = antiphon("keys", "create", "nightly", "--expires-in", "30d")
    text, told = done.stdout, done.stderr
    assert text.startswith("ak-1")
    assert text.count("\n") == 1
    assert "antiphon.db" in told
    [key] = json.loads(antiphon("keys", "list", "--json").stdout)
    assert key["name"] == "nightly"
    assert "key" not in key
    rotated = json.loads(antiphon("keys", "rotate", key["id"], "--overlap", "0", "--json").stdout)
    assert rotated["key"] != text.strip()
    assert len(rotated["secrets"]) == 1
    assert key["id"] in antiphon("keys", "list").stdout
    antiphon("keys", "revoke", key["id"])
    assert antiphon("keys", "list").stdout == "there is no key\n"
    assert json.loads(antiphon("keys", "show", key["id"], "--json").stdout)["state"] == "revoked"


def test_at_a_gateway(configured, closed_port):
    with configured.serving("--port", str(closed_port)) as served:
        url, key = ["--url", served.address], {"ANTIPHON_ADMIN_KEY": served.admin_key}
        made = json.loads(configured("keys", "create", *url, "--json", **key).stdout)
        over_http = served.get(f"/api/v1/keys/{made['id']}", served.admin_key).json()
        assert {**over_http, "key": made["key"]} == made
        assert json.loads(configured("keys", "list", "--json", "--offline").stdout) == [over_http]
        assert "ANTIPHON_ADMIN_KEY" in configured("keys", "list", *url, status=1).stderr
        wrong = configured("keys", "list", *url, status=1, ANTIPHON_ADMIN_KEY="wrong").stderr
        assert "does not know this key" in wrong


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        (["list"], "there is no database yet", 1),
        (["create", "--expires-in", "soon"], "--expires-in", 2),
        (["create", "--role", "root"], "role", 2),
        (["create", "--team", "team_no"], "There is no such team", 1),
        (["create", "--url", "http://127.0.0.1:9"], "no gateway serves", 1),
        (["create", "--url", "x", "--offline"], "choose one", 2),
    ],
)
def test_asked_wrongly(antiphon, arguments, told, status):
    assert told in antiphon("keys", *arguments, status=status).stderr
