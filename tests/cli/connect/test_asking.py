"""Where the gateway is, which model is taken, what the probe says, and what goes wrong."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.cli.connect.conftest import KEY, LIMITED_KEY, MODELS, Connecting
from tests.transport.hostile import Server, says, sized


def test_the_probe_speaks_the_clients_dialect(connect):
    for client, dialect in (
        ("claude", "anthropic_messages"),
        ("codex", "openai_responses"),
        ("curl", "openai_chat"),
    ):
        told = connect.told(client, "-m", "fast")
        assert told["dialect"] == dialect
        probe = told["probe"]
        assert (probe["ok"], probe["dialect"], probe["model"]) == (True, dialect, "fast")
        assert probe["deployment"] == "one/sim-small"
        assert 0 < probe["output_tokens"] <= 256
        assert probe["milliseconds"] > 0
        assert probe["cost"] is not None


def test_what_people_are_told(connect):
    done = connect("claude", "-m", "fast")
    assert "at most 256 tokens" in done.stderr
    assert "ok: fast answered from one/sim-small" in done.stderr
    assert "settings.json; --write puts it there" in done.stderr
    json.loads(done.stdout)
    done = connect("codex", "-m", "fast")
    assert "export ANTIPHON_KEY=..." in done.stderr


def test_a_model_is_chosen(connect):
    assert connect.told("claude")["model"] == "claude-big"
    assert connect.told("curl")["model"] == "fast"
    assert connect.told("claude", ANTIPHON_KEY=LIMITED_KEY)["model"] == "fast"


def test_a_model_that_is_not_there(connect):
    done = connect("curl", "-m", "fats", status=1)
    assert "did you mean 'fast'?" in done.stderr
    assert "claude-big" in done.stderr
    assert done.stdout == ""
    assert "offers no model" in connect("curl", "-m", "../x?y=é", status=1).stderr
    for bad in (" ", "a\nOPENAI_API_KEYS=b"):
        assert "names no model" in connect("open-webui", "-m", bad, status=2).stderr


def test_a_model_that_fails(connect):
    done = connect("curl", "-m", "broken", status=1)
    assert done.stdout.startswith("curl ")
    assert "answered 502" in done.stderr
    assert "antiphon logs req_" in done.stderr
    told = connect.told("curl", "-m", "broken", status=1)
    assert told["probe"]["ok"] is False
    assert "502" in told["probe"]["error"]


def test_keys(connect):
    done = connect("curl", status=1, ANTIPHON_KEY="")
    assert "set ANTIPHON_KEY, or give --key" in done.stderr
    wrong = "wrong-key-0123456789"
    done = connect("curl", "--key", wrong, status=1)
    assert "none of the gateway's" in done.stderr
    done = connect("curl", "-m", "claude-big", status=1, ANTIPHON_KEY=LIMITED_KEY)
    assert "offers no model" in done.stderr
    for bad in ("with space", ""):
        assert connect("curl", "--key", bad, status=2).stdout == ""
    done = connect("curl", "--key-env", "TEAM_KEY", status=2, TEAM_KEY="a b")
    assert "TEAM_KEY" in done.stderr
    assert "no name" in connect("curl", "--key-env", "A-B", status=2).stderr


def test_a_key_from_the_env_file(connect):
    connect.file(".env", f"TEAM_KEY={KEY}\n")
    done = connect("claude", "--write", "--key-env", "TEAM_KEY", ANTIPHON_KEY="")
    assert KEY not in done.stdout + done.stderr
    assert KEY in connect.file(".claude/settings.json").read_text()


@pytest.mark.parametrize("client", ["claude", "codex", "cursor", "open-webui"])
def test_a_key_is_only_shown_where_it_was_typed(connect, client):
    done = connect(client, "--json")
    assert KEY not in done.stdout + done.stderr
    assert "ANTIPHON_KEY" in done.stdout
    done = connect(client, "--key", KEY, ANTIPHON_KEY="another-key-0123456789")
    assert KEY in done.stdout + done.stderr
    assert "another-key" not in done.stdout + done.stderr


def test_nobody_is_asked(antiphon, closed_port):
    url = ("--url", f"http://127.0.0.1:{closed_port}")
    done = antiphon("connect", "curl", "-m", "any", "--no-probe", *url)
    assert f":{closed_port}/v1/chat/completions" in done.stdout
    assert done.stderr == ""
    done = antiphon("connect", "curl", "--no-probe", *url, status=1)
    assert "does not answer" in done.stderr
    assert "antiphon serve" in done.stderr
    assert "provider" not in done.stderr


def test_a_url(antiphon):
    arguments = ("connect", "claude", "-m", "any", "--no-probe", "--url")
    shown = json.loads(antiphon(*arguments, "https://gateway.example/llm/v1/").stdout)
    assert shown["env"]["ANTHROPIC_BASE_URL"] == "https://gateway.example/llm"
    done = antiphon(*arguments, "http://me:secret@x", status=2)
    assert done.stderr.startswith("antiphon: --url: ")
    assert "secret" not in done.stderr


def test_the_address_of_the_configuration(configured, closed_port, tmp_path):
    text = (configured.home / "antiphon.yaml").read_text()
    shown = configured("connect", "curl", "-m", "fast", "--no-probe", status=2)
    assert "server.port is 0" in shown.stderr
    server = f"server: {{host: 0.0.0.0, port: {closed_port}, root_path: /llm}}\n"
    auth = "auth: {required: true, keys: [{key: 0123456789abcdef0123}]}\n"
    configured.write(server + auth + text.partition("\n")[2])
    done = configured("connect", "curl", "-m", "fast", "--no-probe")
    assert f"http://127.0.0.1:{closed_port}/llm/v1/chat/completions" in done.stdout
    assert '"authorization: Bearer $ANTIPHON_KEY"' in done.stdout
    done = configured("connect", "claude", "-m", "fast", "--no-probe", "--write", status=1)
    assert "none was given" in done.stderr
    assert not (configured.home / ".claude").exists()
    configured.write("server: {port: x}\n")
    assert "server.port" in configured("connect", "curl", status=1).stderr


def test_without_a_configuration(antiphon):
    done = antiphon("connect", "curl", "-m", "any", "--no-probe")
    assert "http://127.0.0.1:4100/v1/" in done.stdout
    done = antiphon("connect", "curl", "-m", "any", "--no-probe", ANTIPHON_PORT="4242")
    assert "http://127.0.0.1:4242/v1/" in done.stdout


def test_asked_wrongly(connect):
    assert "did you mean 'claude'?" in connect("claudia", status=2).stderr
    assert "either" in connect("claude", "--write", "--restore", status=2).stderr
    assert "belongs to --restore" in connect("claude", "--force", status=2).stderr


def test_the_list_that_a_key_sees_is_the_gateways(connect):
    names = [line.partition(":")[0].strip() for line in MODELS.splitlines()[1:4]]
    assert set(
        connect("curl", "-m", "nothing-near", status=1).stderr.split("it offers ")[1].split(", ")
    ) > set(names)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        ("404 Not Found", b"<html>nothing here</html>", "is this an Antiphon?"),
        ("200 OK", b"<html>a page</html>", "is no gateway"),
        ("200 OK", b'{"data": []}', "offers no model"),
        ("500 Broken", b"", "answered 500"),
    ],
)
async def test_somebody_who_is_no_gateway(tmp_path, status, body, told):
    server = Server(says(sized(body, status=status)))
    await server.start()
    connect = Connecting(tmp_path, f"http://127.0.0.1:{server.origin.port}")
    done = await asyncio.to_thread(connect, "curl", status=1)
    await server.aclose()
    assert told in done.stderr
    assert done.stdout == ""
