"""What each client is told is given to that client, or done as it does: it gets an answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib

import httpx2
import pytest

from antiphon.cli.connecting.clients import CLIENTS
from tests.agents import claude_code, claude_reader, codex, codex_reader
from tests.cli.connect.conftest import KEY, Connecting
from tests.cli.processes import PATIENCE, environment
from tests.sdks.javascript import FOLDER, node_binary

ANSWER = "This is a simulated answer."
ODD = 'odd/it\'s:"$HOME"\\é'
PROGRAMS = {
    "python": ("ask.py", [sys.executable]),
    "langchain": ("ask.py", [sys.executable]),
    "ai-sdk": ("ask.mjs", []),
    "curl": ("ask.sh", ["bash"]),
}


def ran(connect: Connecting, client: str, text: str, **env: str) -> str:
    """What a program prints, run in an environment that holds next to nothing."""
    name, command = PROGRAMS[client]
    if client == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    if client == "ai-sdk":
        command = [str(node_binary())]
        modules = connect.home / "node_modules"
        modules.symlink_to(FOLDER / "node_modules")
    path = connect.file(name, text)
    done = subprocess.run(
        [*command, str(path)],
        env=environment(connect.home, env),
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_claude_code(address: str, env: dict[str, str], model: str) -> claude_reader.Turn:
    """What Claude Code does with the `env` of its settings."""
    url, headers = env["ANTHROPIC_BASE_URL"], claude_code.headers(env["ANTHROPIC_AUTH_TOKEN"])
    assert url == address
    assert httpx2.head(url, headers=headers).status_code == 200
    listed = httpx2.get(f"{url}{claude_code.MODELS_PATH}", headers=headers).json()
    assert env["ANTHROPIC_MODEL"] in {each["id"] for each in listed["data"]}
    turns = [claude_code.user("Fix the shop.")]
    body = claude_code.request(model, turns)
    answer = httpx2.post(f"{url}{claude_code.PATH}", headers=headers, json=body, timeout=PATIENCE)
    assert answer.status_code == 200
    return claude_reader.read(answer.content)


def as_codex(settings: dict, env: dict[str, str]) -> codex_reader.Turn:
    """What Codex does with its `config.toml`."""
    provider = settings["model_providers"][settings["model_provider"]]
    assert provider["wire_api"] == "responses"
    headers = codex.headers(env[provider["env_key"]]) if "env_key" in provider else {}
    answer = httpx2.post(
        f"{provider['base_url'].rstrip('/')}/responses",
        headers=headers,
        json=codex.request(settings["model"], codex.opening("Fix the shop.")),
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    return codex_reader.read(answer.content)


@pytest.mark.parametrize("client", PROGRAMS)
def test_a_program_runs_as_it_is_printed(connect, client):
    done = connect(client, "-m", "fast")
    assert KEY not in done.stdout + done.stderr
    assert "ANTIPHON_KEY" in done.stdout
    assert ANSWER in ran(connect, client, done.stdout, ANTIPHON_KEY=KEY)


@pytest.mark.parametrize("client", PROGRAMS)
def test_a_program_with_a_key_that_was_typed_and_an_odd_model(connect, client):
    text = connect.text(client, "--key", KEY, "-m", ODD, ANTIPHON_KEY="")
    assert "ANTIPHON_KEY" not in text
    assert ANSWER in ran(connect, client, text)


def test_a_program_finds_its_key_under_another_name(connect):
    text = connect.text("python", "-m", "fast", "--key-env", "TEAM_KEY", TEAM_KEY=KEY)
    assert ANSWER in ran(connect, "python", text, TEAM_KEY=KEY)


def test_claude_code(connect):
    done = connect("claude", "--write")
    settings = json.loads(connect.file(".claude/settings.json").read_bytes())
    env = settings["env"]
    assert KEY not in done.stdout + done.stderr
    assert (env["ANTHROPIC_MODEL"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("claude-big",) * 2
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "claude-haiku-9"
    for name in ("ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"):
        turn = as_claude_code(connect.address, env, env[name])
        assert turn.content


def test_what_is_printed_for_claude_code_is_what_is_written(connect):
    shown = json.loads(connect.text("claude"))
    connect("claude", "--write")
    written = json.loads(connect.file(".claude/settings.json").read_bytes())
    assert shown["env"].pop("ANTHROPIC_AUTH_TOKEN") == "${ANTIPHON_KEY}"
    assert written["env"].pop("ANTHROPIC_AUTH_TOKEN") == KEY
    assert shown == written


@pytest.mark.parametrize("model", ["fast", ODD])
def test_codex(connect, model):
    shown = tomllib.loads(connect.text("codex", "-m", model))
    connect("codex", "--write", "-m", model)
    path = connect.file(".codex/config.toml")
    assert KEY not in path.read_text()
    assert tomllib.loads(path.read_text()) == shown
    assert as_codex(shown, {"ANTIPHON_KEY": KEY}).items


def test_open_webui(connect):
    connect("open-webui", "--write", "-m", "fast")
    lines = connect.file("open-webui.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines)
    [base] = env["OPENAI_API_BASE_URLS"].split(";")
    [key] = env["OPENAI_API_KEYS"].split(";")
    headers = {"authorization": f"Bearer {key}"}
    listed = httpx2.get(f"{base}/models", headers=headers).json()["data"]
    assert env["DEFAULT_MODELS"] in {each["id"] for each in listed}
    asked = {
        "model": env["DEFAULT_MODELS"],
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    answer = httpx2.post(f"{base}/chat/completions", headers=headers, json=asked, timeout=PATIENCE)
    assert answer.text.endswith("data: [DONE]\n\n")
    frames = [frame.removeprefix("data: ") for frame in answer.text.split("\n\n")[:-2]]
    chunks = [json.loads(frame) for frame in frames]
    said = (each["delta"].get("content") or "" for chunk in chunks for each in chunk["choices"])
    assert "".join(said).startswith(ANSWER)
    assert chunks[-1]["usage"]


def test_what_cursor_is_told_by_hand(connect):
    done = connect("cursor", "-m", "fast")
    said = dict(line.strip().split("  ", 1) for line in done.stdout.splitlines()[1:])
    assert said["Override OpenAI Base URL"].strip() == f"{connect.address}/v1"
    assert said["Add Custom Model"].strip() == "fast"
    assert KEY not in done.stdout
    assert "own servers" in done.stderr
    before = connect.everything()
    assert "by hand" in connect("cursor", "--write", status=2).stderr
    assert connect.everything() == before


def test_a_gateway_that_requires_no_key(configured, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with configured.serving() as served:
        connect = Connecting(home, served.address)
        connect.env = {}
        for client in ("python", "curl"):
            text = connect.text(client, "-m", "fast")
            assert "ANTIPHON_KEY" not in text
            assert ANSWER in ran(connect, client, text)
        settings = tomllib.loads(connect.text("codex", "-m", "fast"))
        assert as_codex(settings, {}).items
        env = json.loads(connect.text("claude", "-m", "fast"))["env"]
        assert as_claude_code(served.address, env, "fast").content


def test_the_help_names_every_client(antiphon):
    told = " ".join(antiphon("connect", "--help").stdout.split())
    *first, last = CLIENTS
    assert f"{', '.join(first)} or {last}" in told
