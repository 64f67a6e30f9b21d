"""`antiphon models active`: at a gateway, at the database, and in processes beside."""

from __future__ import annotations

import json
import time

import httpx2

ASKED = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}


def answers(address: str) -> str:
    answer = httpx2.post(f"{address}/v1/chat/completions", json=ASKED, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-antiphon-deployment"]


def comes(address: str, deployment: str) -> None:
    """Within the second that is promised."""
    until = time.monotonic() + 1
    while answers(address) != deployment:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_switch_reaches_every_process_and_the_next_start(configured):
    with configured.serving("--port", "0") as served, configured.serving("--port", "0") as beside:
        admin = served.admin_key
        url, key = ["--url", served.address], {"ANTIPHON_ADMIN_KEY": admin}
        assert answers(beside.address) == "one/sim-small"
        done = configured("models", "active", "fast", "two/sim-small", *url, **key)
        assert done.stdout == "two/sim-small\n"
        assert "fast asks two/sim-small" in done.stderr
        comes(served.address, "two/sim-small")
        comes(beside.address, "two/sim-small")
        told = json.loads(configured("models", "active", "--json", *url, **key).stdout)["data"]
        assert [(each["model"], each["deployment"]) for each in told] == [
            ("broken", None),
            ("fast", "two/sim-small"),
            ("slow", None),
        ]
        shown = configured("models", "status", "fast", *url, **key).stdout.splitlines()
        assert [line.split()[:2] for line in shown[1:]] == [
            ["one/sim-small", "yes"],
            ["two/sim-small", "yes"],
        ]
        assert "fast" in shown[2].split()
    with configured.serving("--port", "0") as served:
        assert answers(served.address) == "two/sim-small"
        # Who has the database itself needs no gateway; one that runs sees it all the same.
        configured("models", "active", "fast", "--reset", "--offline")
        comes(served.address, "one/sim-small")
        audit = served.get("/api/v1/audit?target=fast", admin).json()["data"]
        assert [(each["act"], each["via"]) for each in audit] == [
            ("model.reset", "cli"),
            ("model.switch", "api"),
        ]


def test_what_is_wrong_is_said(configured, inside):
    def active(*words: str, status: int = 0):
        return inside("models", "active", *words, "--offline", status=status)

    assert "there is no database yet" in active("fast", status=1).stderr
    inside("keys", "create", "--offline")
    wrong = active("fast", "three/x", status=2).stderr
    assert "'fast' has no deployment 'three/x'; it has one/sim-small, two/sim-small" in wrong
    assert "no such model" in active("none", status=1).stderr
    assert "no such switch" in active("fast", "--reset", status=1).stderr
    assert "name a model" in active("--reset", status=2).stderr
    active("fast", "two/sim-small")
    assert "two/sim-small" in active("fast").stdout.splitlines()[1]
    file = configured.home / "antiphon.yaml"
    file.write_text(file.read_text().replace(", two/sim-small]", "]"))
    shown = active().stdout
    assert "two/sim-small (without force: the model has no such deployment)" in shown
