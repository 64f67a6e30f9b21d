"""The snippets of the pages are configurations that load and programs that run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

import httpx2
import msgspec
import pytest
from ruamel.yaml import YAML

from antiphon.config.load import load
from antiphon.config.settings import Settings
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.health import Health, HealthDetail
from antiphon.server.serve import serving
from antiphon.simulator import FAULTS, FaultRule, Simulator, SimulatorSpec
from tests.docs.pages import Block, blocks

SHAPES = (Health, HealthDetail)
KEY = "key-0123456789abcdef0123456789abcdef"
WEBHOOK_KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
FILES = ("kimi.key", "moonshot.key")
OFFLINE = "docs/guides/offline-development.md"
PEOPLE_RUN = ("README.md", "docs/quickstart.md", "docs/embedding.md", OFFLINE)


def is_configuration(block: Block) -> bool:
    data = YAML(typ="safe", pure=True).load(block.text)
    return isinstance(data, dict) and data.keys() <= Settings.model_fields.keys()


YAMLS = [block for block in blocks("yaml") if is_configuration(block)]
KEYS = {name for each in YAMLS for name in re.findall(r"\b[A-Z][A-Z0-9_]*_KEY\b", each.text)}
KEYS |= {"OPENAI_API_KEY", "MOONSHOT_API_KEY"}
"""Keys that the pages name, and those of rows that they leave to the environment."""


def test_there_are_configurations_to_try():
    assert {"README.md", "docs/quickstart.md"} <= {block.page for block in YAMLS}


@pytest.mark.parametrize("block", YAMLS, ids=lambda block: block.where)
def test_a_configuration_loads(block, tmp_path, certificate):
    for name in FILES:
        (tmp_path / name).write_text(KEY)
    certificate.write_to_path(tmp_path / "lab-ca.pem")
    path = tmp_path / "antiphon.yaml"
    path.write_text(block.text, "utf-8")
    environ = {name: WEBHOOK_KEY if "WEBHOOK" in name else KEY for name in KEYS}
    assert not load(path, environ=environ).warnings


@pytest.fixture(scope="module")
def certificate():
    import trustme

    return trustme.CA().cert_pem


@pytest.mark.parametrize("block", blocks("python", *PEOPLE_RUN), ids=lambda block: block.where)
def test_a_snippet_compiles(block):
    compile(block.text, block.where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.fixture
async def folder(tmp_path, monkeypatch):
    """A working folder whose `antiphon.yaml` names a pretend provider."""
    async with Simulator(SimulatorSpec(name="lab", seed=7)) as lab:
        (tmp_path / "antiphon.yaml").write_text(
            f"providers: {{lab: {{base_url: '{lab.base_url}', api_key: any}}}}\n"
            "models: {fast: lab/sim-small, smart: lab/sim-small}\n"
            "storage: {data_dir: data}\n"
        )
        monkeypatch.chdir(tmp_path)
        yield tmp_path


def program(page: str, holds: str) -> dict[str, object]:
    """A snippet, but for the line that starts a loop of its own."""
    block = next(block for block in blocks("python", page) if holds in block.text)
    names: dict[str, object] = {"__name__": "snippet"}
    text = block.text.replace("asyncio.run(main())", "")
    exec(compile(text, block.where, "exec"), names)
    return names


async def test_the_readmes_program_runs(folder, capsys):
    await program("README.md", "from_config")["main"]()
    assert "This is a simulated answer." in capsys.readouterr().out


async def test_the_embedding_page_runs(folder, capsys):
    await program("docs/embedding.md", "gateway.stream")["main"]()
    out = capsys.readouterr().out
    assert out.count("This is a simulated answer.") == 2


async def test_the_embedding_page_s_test_runs(tmp_path):
    assert await program("docs/embedding.md", "SimulatorSpec")["ask"](str(tmp_path)) == "Hello"


async def test_the_offline_page_s_client_asks():
    async with Simulator() as lab:
        assert await program(OFFLINE, "def ask")["ask"](lab.base_url) == "Hello from nowhere"


def test_the_offline_page_s_tests_pass(tmp_path):
    [block] = [each for each in blocks("python", OFFLINE) if "pytest" in each.text]
    (tmp_path / "test_offline.py").write_text(block.text, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_offline.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


async def test_the_offline_page_s_recording_is_replayed(tmp_path, monkeypatch):
    [block] = blocks("json", OFFLINE)
    (tmp_path / "recordings.jsonl").write_text(block.text, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert await program(OFFLINE, "replayed")["replayed"]() == "content_filter"


def test_the_offline_page_s_rules_are_rules():
    shell = "".join(block.text for block in blocks("sh", OFFLINE))
    rules = re.findall(r"_simulator/faults -d '(.*)'", shell)
    assert rules
    for rule in rules:
        assert msgspec.json.decode(rule, type=FaultRule).fault in FAULTS


def test_the_health_page_s_answers_have_every_member():
    for block, shape in zip(blocks("json", "docs/operating/health.md"), SHAPES, strict=True):
        told = msgspec.json.decode(block.text)
        assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(told, shape))) == told


CLAUDE_CODE, CODEX = "docs/guides/claude-code.md", "docs/guides/codex.md"
GATEWAY = "http://127.0.0.1:4100"


def routes(page: str) -> set[str]:
    """The names that the configuration of a page serves."""
    [block] = [each for each in YAMLS if each.page == page]
    models = YAML(typ="safe", pure=True).load(block.text)["models"]
    aliases = (route.get("aliases", ()) for route in models.values() if isinstance(route, dict))
    return {*models, *(each for some in aliases for each in some)}


def test_claude_code_is_sent_to_names_that_are_served():
    [block] = blocks("json", CLAUDE_CODE)
    told = msgspec.json.decode(block.text)["env"]
    assert told["ANTHROPIC_BASE_URL"] == GATEWAY
    asked = {value for name, value in told.items() if name.endswith("_MODEL")}
    assert len(asked) == 3
    assert asked <= routes(CLAUDE_CODE)
    assert told["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "0"
    assert all("/" not in name and "claude" in name for name in routes(CLAUDE_CODE))


def test_codex_is_sent_to_names_that_are_served():
    [block] = blocks("toml", CODEX)
    told = tomllib.loads(block.text)
    provider = told["model_providers"][told["model_provider"]]
    assert (provider["base_url"], provider["wire_api"]) == (f"{GATEWAY}/v1", "responses")
    assert told["model"] in routes(CODEX)
    [keyed] = [each for each in YAMLS if each.page == CODEX]
    assert f"${{{provider['env_key']}}}" in keyed.text


@pytest.mark.parametrize("page", [CLAUDE_CODE, CODEX, "docs/quickstart.md"])
async def test_the_requests_of_a_page_are_answered(page, tmp_path):
    """Each `curl` with a body, to a gateway whose every name is a pretend provider."""
    asked = [each for block in blocks("sh", page) for each in _asked(block.text)]
    assert asked
    settings = {
        "server": {"port": 0},
        "auth": {"required": True, "keys": [{"key": KEY}]},
        "storage": {"data_dir": str(tmp_path)},
    }
    async with Simulator(SimulatorSpec(name="lab", seed=7)) as lab:
        settings["providers"] = {"lab": {"base_url": lab.base_url, "api_key": "any"}}
        settings["models"] = {body["model"]: "lab/sim-small" for _, body in asked}
        gateway = Antiphon(load(settings, environ={}))
        async with gateway, serving(gateway) as address, httpx2.AsyncClient() as http:
            for path, body in asked:
                headers = {"authorization": f"Bearer {KEY}"}
                answer = await http.post(f"{address}{path}", json=body, headers=headers)
                assert answer.status_code == 200, answer.text


def _asked(shell: str) -> list[tuple[str, dict[str, object]]]:
    """Paths and bodies of the requests in a snippet that go to the gateway."""
    found = re.findall(rf"{GATEWAY}(\S+)(?:[^\n]*\\\n)*[^\n]*-d '(.*?)'", shell)
    return [(path, msgspec.json.decode(body)) for path, body in found]
