"""`antiphon notices`: at a gateway, and at the database itself."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from antiphon import verify_webhook

ADMIN = "admin-key-0123456789abcdef"


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver(status: int = 204) -> Iterator[http.server.HTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.status, server.came = status, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write(antiphon, hook: http.server.HTTPServer, secret: str, port: int) -> None:
    where = f"http://localhost:{hook.server_port}/hook"
    antiphon.write(
        f"""server: {{port: {port}}}
auth: {{admin_key: {ADMIN}}}
providers: {{lab: {{base_url: "http://127.0.0.1:9/v1", api_key: any}}}}
models: {{fast: lab/any}}
egress: {{inside_hosts: [localhost], ports: [{hook.server_port}]}}
notices: {{webhooks: {{ops: {{url: "{where}", secret: {secret}}}}}}}
"""
    )


def told(done) -> list[dict]:
    return json.loads(done.stdout)


def test_a_test_is_taken_or_not(antiphon, inside, closed_port):
    secret = inside("notices", "secret").stdout.strip()
    with receiver() as hook:
        write(antiphon, hook, secret, closed_port)
        with antiphon.serving():
            done = inside("notices", "test")
            assert "delivered" in done.stdout
            [(headers, body)] = hook.came
            [notice] = told(inside("notices", "list", "--json"))
            assert verify_webhook(body, headers, secret).id == notice["event"]
            inside("notices", "retry", notice["id"])
            while len(hook.came) < 2:
                time.sleep(0.01)
            hook.status = 503
            failed = inside("notices", "test", "ops", "--json", status=1)
            assert told(failed)[0]["message"] == "The receiver answered with 503."
            assert inside("notices", "test", "none", status=1).stderr.endswith("no such webhook.\n")
            assert (
                "The receiver answered with 503."
                in inside("notices", "list", "--state", "pending").stdout
            )


def test_what_is_asked_for_without_a_gateway_is_sent_by_the_next(antiphon, inside, closed_port):
    secret = inside("notices", "secret").stdout.strip()
    with receiver() as hook:
        write(antiphon, hook, secret, closed_port)
        with antiphon.serving():
            pass
        assert inside("notices", "list").stdout == "there is no notice\n"
        [made] = told(inside("notices", "test", "--wait", "0", "--json"))
        assert (made["state"], hook.came) == ("pending", [])
        assert "pending" in inside("notices", "show", made["id"]).stdout
        with antiphon.serving():
            while not hook.came:
                time.sleep(0.01)
    [(headers, body)] = hook.came
    assert verify_webhook(body, headers, secret).id == made["event"]


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["list", "--state", "lost"], "state", 2),
        (["show", "dlv_0"], "There is no such notice", 1),
        (["retry", "dlv_0"], "There is no such notice", 1),
        (["test"], "There is no such webhook", 1),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else None,
)
def test_asked_wrongly(inside, arguments, said, status):
    inside("teams", "create", "web")
    assert said in inside("notices", *arguments, status=status).stderr
