"""`antiphon config plan` and `reload`, SIGHUP and watched files, at a process of its own."""

from __future__ import annotations

import json
import signal
import time

import httpx2
import pytest

from tests.cli.processes import ended

BEFORE = """server: {port: PORT}
auth:
  keys: [{key: caller-key-0123456789abcdef, team: web}]
providers:
  lab: {dialect: openai_chat, base_url: URL1, api_key: sk-very-secret-one}
  spare: {dialect: openai_chat, base_url: URL2, api_key: any}
models:
  fast: lab/large
  old: spare/x
"""
AFTER = """server: {port: 4999, heartbeat_seconds: 10}
auth:
  keys: [{key: caller-key-0123456789abcdef, team: search}]
providers:
  lab: {dialect: openai_chat, base_url: URL1, api_key: sk-very-secret-two}
models:
  fast: [lab/tiny, lab/large]
  new: {deployments: [lab/tiny], cache: {ttl: 60}}
  "*": {passthrough: true}
"""
PLAN = """server
  ~ port: PORT -> 4999  (needs a restart: the listener is open)
  ~ heartbeat_seconds: 15 -> 10
auth
  ~ keys.static-c91ad989.team: web -> search
providers.lab
  ~ api_key: changed (not shown)
providers
  - spare: {api_key: (not shown), base_url: URL2, dialect: openai_chat}
models.fast
  ~ deployments: lab/large -> lab/tiny, lab/large
models
  - old: spare/x
  + new: {cache: {ttl: 60}, deployments: lab/tiny}
  + *: {passthrough: true}
so
  callers of fast now get lab/tiny first
  old is not found any more
  callers can ask for new
  names as PROVIDER/MODEL reach their provider now
9 changes: 8 at once, 1 after a restart
"""


@pytest.fixture
def files(inside, providers, closed_port):
    """Two configurations, and how texts name what differs from run to run."""

    def told(text: str) -> str:
        for name, value in (("PORT", closed_port), ("URL1", providers[0]), ("URL2", providers[1])):
            text = text.replace(name, str(value))
        return text

    inside.write(told(BEFORE))
    inside.write(told(AFTER), "after.yaml")
    return told


def plan_in(done) -> str:
    """What a command told, without the warnings before it."""
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("warning: "))


def test_a_plan_of_two_files(inside, files):
    done = inside("config", "plan", "after.yaml", "--against", "antiphon.yaml", status=1)
    assert plan_in(done) == files(PLAN)
    assert "very-secret" not in done.stdout
    rows = inside("config", "plan", "after.yaml", "--against", "antiphon.yaml", "--json", status=1)
    told = json.loads(rows.stdout)
    assert [each["path"] for each in told["changes"] if each["restart"]] == ["server.port"]
    same = inside("config", "plan", "antiphon.yaml", "--against", "antiphon.yaml")
    assert same.stdout.endswith("nothing would change\n")


def test_a_plan_of_a_file_with_mistakes(inside, files):
    inside.write("models: {fast: lbb/x}\nproviders: {lab: {base_url: 7}}\n", "bad.yaml")
    done = inside("config", "plan", "bad.yaml", "--against", "antiphon.yaml", status=2)
    assert "bad.yaml:2:" in done.stderr
    assert done.stdout == ""
    done = inside("config", "plan", "bad.yaml", "--against", "antiphon.yaml", "--json", status=2)
    assert json.loads(done.stdout)["mistakes"][0]["where"].startswith("bad.yaml:")
    assert "no gateway serves here" in inside("config", "plan", status=1).stderr


def test_at_a_gateway(antiphon, files, closed_port):
    with antiphon.serving() as served:
        key = {"ANTIPHON_ADMIN_KEY": served.admin_key}
        assert antiphon("config", "plan", **key).stdout.endswith("nothing would change\n")
        done = antiphon("config", "plan", "after.yaml", **key, status=1)
        assert plan_in(done) == files(PLAN)
        antiphon.write("models: {fast: lbb/x}\nproviders: {lab: {base_url: 7}}\n", "bad.yaml")
        bad = antiphon("config", "plan", "bad.yaml", **key, status=2)
        assert "bad.yaml:2:" in bad.stderr
        assert "what is in force would stay" in bad.stderr

        antiphon.write((antiphon.home / "after.yaml").read_text())
        url = ["--url", served.address]
        done = antiphon("config", "reload", *url, **key)
        assert done.stdout.startswith("generation 2 is in force\n")
        assert "callers of fast now get lab/tiny first" in done.stdout
        assert done.stdout.endswith("9 changes: 8 at once, 1 after a restart\n")
        again = antiphon("config", "reload", *url, **key)
        assert again.stdout.startswith("nothing changed: generation 2 stays in force\n")
        assert served.models()[:2] == ["fast", "new"]

        antiphon.write("models: [")
        done = antiphon("config", "reload", *url, **key, status=1)
        assert "antiphon.yaml:1:10" in done.stderr
        assert served.models()[:2] == ["fast", "new"]
        assert ended(served.process) == 0


def generation(served, wanted: int) -> str:
    """Wait for a generation; gives the deployment that answers `fast` by then."""
    asked = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
    until = time.monotonic() + 20
    while True:
        answer = httpx2.post(f"{served.address}/v1/chat/completions", json=asked, timeout=20)
        assert answer.status_code == 200, answer.text
        if int(answer.headers["x-antiphon-generation"]) >= wanted:
            return answer.headers["x-antiphon-deployment"]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_signal(configured):
    text = (configured.home / "antiphon.yaml").read_text()
    with configured.serving() as served:
        configured.write(text.replace("[one/sim-small, two/sim-small]", "two/sim-small"))
        served.process.send_signal(signal.SIGHUP)
        assert generation(served, 2) == "two/sim-small"
        configured.write("models: [")
        for _ in range(3):
            served.process.send_signal(signal.SIGHUP)
        configured.write(text)
        served.process.send_signal(signal.SIGHUP)
        assert generation(served, 3) == "one/sim-small"
        assert ended(served.process) == 0
        told = served.process.stdout.read()
        assert "generation 2 is in force: 1 change\n" in told


def test_a_watched_file(configured):
    text = (configured.home / "antiphon.yaml").read_text()
    text = text.replace("{port: 0,", "{port: 0, watch: true,")
    configured.write(text)
    with configured.serving() as served:
        assert generation(served, 1) == "one/sim-small"
        configured.write(text.replace("[one/sim-small, two/sim-small]", "two/sim-small"))
        assert generation(served, 2) == "two/sim-small"
        assert ended(served.process, signal.SIGTERM) == 0
