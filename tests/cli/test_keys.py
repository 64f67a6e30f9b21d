"""`antiphon keys`: at a gateway, and at the database itself."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest

from antiphon.clock import SystemClock
from antiphon.gateway.books import SCHEMAS
from antiphon.storage.database import Database
from antiphon.usage.ledger.ledger import Ledger
from tests.cli.inside import Inside
from tests.cli.processes import PATIENCE

ADMIN = "admin-key-0123456789abcdef"


def test_without_a_gateway(antiphon, inside):
    done = antiphon("keys", "create", "nightly", "--expires-in", "30d")
    text, told = done.stdout, done.stderr
    assert text.startswith("ak-1")
    assert text.count("\n") == 1
    assert "antiphon.db" in told
    [key] = json.loads(antiphon("keys", "list", "--json").stdout)
    assert key["name"] == "nightly"
    assert "key" not in key
    rotated = json.loads(inside("keys", "rotate", key["id"], "--overlap", "0", "--json").stdout)
    assert rotated["key"] != text.strip()
    assert len(rotated["secrets"]) == 1
    assert key["id"] in inside("keys", "list").stdout
    inside("keys", "revoke", key["id"])
    assert inside("keys", "list").stdout == "there is no key\n"
    assert json.loads(inside("keys", "show", key["id"], "--json").stdout)["state"] == "revoked"


def test_at_a_gateway(configured, inside, closed_port):
    with configured.serving("--port", str(closed_port)) as served:
        url, key = ["--url", served.address], {"ANTIPHON_ADMIN_KEY": served.admin_key}
        made = json.loads(configured("keys", "create", *url, "--json", **key).stdout)
        over_http = served.get(f"/api/v1/keys/{made['id']}", served.admin_key).json()
        assert {**over_http, "key": made["key"]} == made
        assert json.loads(inside("keys", "list", "--json", "--offline").stdout) == [over_http]
        assert "ANTIPHON_ADMIN_KEY" in inside("keys", "list", *url, status=1).stderr
        wrong = inside("keys", "list", *url, status=1, ANTIPHON_ADMIN_KEY="wrong").stderr
        assert "does not know this key" in wrong


def test_what_is_done_at_one_process_holds_at_another(configured, inside, closed_port):
    """Also what is done at the database itself, while both serve."""
    asked = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
    configured.write((configured.home / "antiphon.yaml").read_text() + "auth: {required: true}\n")

    def status(served, key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        url = f"{served.address}/v1/chat/completions"
        return httpx2.post(url, json=asked, headers=headers, timeout=20).status_code

    with configured.serving("--port", str(closed_port)) as one, configured.serving() as two:
        here = ["--url", one.address]
        admin = {"ANTIPHON_ADMIN_KEY": one.admin_key}
        keys = [
            json.loads(inside("keys", "create", *here, "--json", **admin).stdout),
            json.loads(inside("keys", "create", "--offline", "--json").stdout),
        ]
        for key in keys:
            assert {status(served, key["key"]) for served in (one, two)} == {200}
        inside("keys", "revoke", keys[0]["id"], "--offline")
        inside("keys", "revoke", keys[1]["id"], *here, **admin)
        end = time.monotonic() + PATIENCE
        while {status(served, key["key"]) for served in (one, two) for key in keys} != {401}:
            assert time.monotonic() < end
        entries = json.loads(inside("audit", "list", "--json", *here, **admin).stdout)
        assert [(each["act"], each["via"], each["actor"]) for each in entries[:4]] == [
            ("key.revoke", "api", "admin"),
            ("key.revoke", "cli", "local"),
            ("key.create", "cli", "local"),
            ("key.create", "api", "admin"),
        ]
        assert "all is well" in inside("audit", "verify").stdout


def open_ledger(path: Path) -> None:
    """As a gateway does when it first starts there."""
    database = Database(f"sqlite:///{path}", SCHEMAS)
    Ledger(database, clock=SystemClock())
    database.close()


def test_which_gateway_is_asked(
    configured, inside, closed_port, tmp_path_factory, monkeypatch, capsys
):
    """The one at the configured address, if it keeps the configured database."""
    inside("keys", "create")
    other = Inside(tmp_path_factory.mktemp("other"), monkeypatch, capsys)
    other.write(f"server: {{port: {closed_port}}}")
    other("keys", "create", "theirs")
    open_ledger(other.home / "data" / "antiphon.db")
    with configured.serving("--port", str(closed_port)) as served:
        admin = {"ANTIPHON_ADMIN_KEY": served.admin_key}
        here = {"ANTIPHON_PORT": str(closed_port), **admin}
        made = json.loads(inside("keys", "create", "--role", "admin", "--json", **here).stdout)
        [entry] = json.loads(inside("audit", "list", "--limit", "1", "--json", **here).stdout)
        assert (entry["via"], entry["target"]) == ("api", made["id"])
        assert "keeps another database" in other("keys", "list", status=1, **admin).stderr
        assert len(json.loads(other("keys", "list", "--offline", "--json").stdout)) == 1
        url = ["--url", served.address]
        assert len(json.loads(other("keys", "list", "--json", *url, **admin).stdout)) == 2
        mine = ["--key-env", "MINE", *url]
        other("teams", "create", "web", *mine, MINE=made["key"])
        assert "lacks" in other("organisations", "list", *mine, status=1, MINE=made["key"]).stderr
        assert "set MINE" in other("teams", "list", *mine, status=1, **admin).stderr
        assert "no spaces" in other("teams", "list", *mine, status=2, MINE="a b").stderr


def test_something_else_listens_there(inside):
    class Else(BaseHTTPRequestHandler):
        def do_GET(self):
            told.append(self.headers.get("authorization"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    told: list[str | None] = []
    with HTTPServer(("127.0.0.1", 0), Else) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        inside.write(f"server: {{port: {server.server_port}}}")
        done = inside("keys", "create", ANTIPHON_ADMIN_KEY="admin-0123456789abcdef")
        assert done.stdout.startswith("ak-1")
        assert "is no Antiphon" in done.stderr
        url = ["--url", f"http://127.0.0.1:{server.server_port}"]
        assert "is no Antiphon" in inside("keys", "list", *url, status=1).stderr
        server.shutdown()
    assert set(told) == {None}, "and is given no key"


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
def test_asked_wrongly(inside, arguments, told, status):
    assert told in inside("keys", *arguments, status=status).stderr
