"""Whether providers are there: doctor, prober and a start without a configuration."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import httpx2
import msgspec
import pytest

from antiphon.config.load import load
from antiphon.config.local import listens
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.health import HealthDetail
from antiphon.providers.catalog import Catalog, load_catalog, parse_catalog
from antiphon.server.serve import serving
from antiphon.simulator import Simulator, SimulatorSpec
from tests.cli.processes import environment

KEY, BAD, ADMIN = "good-key-0123456789", "wrong-key-012345678", "admin-key-0123456789abcdef"
VERTEX = "/v1/projects/p/locations/eu/publishers/google"
EXPRESS = "/v1/publishers/google"
GOOGLES = SimulatorSpec(name="google", models=("gemini-3.5-flash-lite",), keys=frozenset({KEY}))
LOCAL = SimulatorSpec(name="local", models=("llama3.2:latest",))
PROBED = {
    "gemini": ("models", 1, ""),
    "gemini_bad": ("models", None, "It answered with 400."),
    "gemini_chat": ("models", 1, ""),
    "ollama": ("models", 1, ""),
    "ollama_off": ("models", None, "The provider refuses connections."),
    "vertex": ("connection", None, ""),
    "vertex_express": ("connection", None, ""),
}


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def entries(google: Simulator, local: Simulator) -> dict[str, object]:
    gemini = f"{google.url}/v1beta"
    return {
        "gemini": {"base_url": gemini, "api_key": KEY},
        "gemini_bad": {"catalog": "gemini", "base_url": gemini, "api_key": BAD},
        "gemini_chat": {
            "catalog": "gemini",
            "dialect": "openai_chat",
            "base_url": f"{gemini}/openai",
            "api_key": KEY,
        },
        "vertex": {"base_url": google.url + VERTEX, "api_key": KEY},
        "vertex_express": {"base_url": google.url + EXPRESS, "api_key": KEY},
        "ollama": {"base_url": local.url},
        "ollama_off": {"catalog": "ollama", "base_url": f"http://127.0.0.1:{closed_port()}"},
    }


async def test_the_prober_asks_each_in_its_own_shape(tmp_path: Path) -> None:
    async with Simulator(GOOGLES) as google, Simulator(LOCAL) as local:
        settings = {
            "server": {"port": 0, "drain_seconds": 0.5},
            "auth": {"admin_key": ADMIN},
            "storage": {"data_dir": str(tmp_path)},
            "health": {"probe_seconds": 3600},
            "providers": entries(google, local),
            "models": {"*": {"passthrough": True}},
        }
        gateway = Antiphon(load(settings, environ={}))
        async with gateway, serving(gateway) as address:
            found = await until_probed(address)
    shown = {each.provider: each.probe for each in found.upstreams}
    assert {name: (p.asked, p.models, p.error) for name, p in shown.items() if p} == PROBED
    asked = {each.target for each in google.received}
    assert asked == {"/v1beta/models?pageSize=1000", "/v1beta/openai/models"}
    assert {each.target for each in local.received} == {"/api/tags"}


async def until_probed(address: str) -> HealthDetail:
    headers = {"authorization": f"Bearer {ADMIN}"}
    async with (
        asyncio.timeout(10),
        httpx2.AsyncClient(base_url=address, headers=headers, verify=False) as http,
    ):
        while True:
            answer = await http.get("/health/detailed")
            found = msgspec.json.decode(answer.content, type=HealthDetail)
            if all(each.probe for each in found.upstreams):
                return found


async def test_the_doctor_examines_them(tmp_path: Path) -> None:
    async with Simulator(GOOGLES) as google, Simulator(LOCAL) as local:
        settings = {"providers": entries(google, local), "models": {"*": {"passthrough": True}}}
        (tmp_path / "antiphon.yaml").write_bytes(msgspec.json.encode(settings))
        status, out, err = await run(tmp_path, "doctor", "--json", "--samples", "1")
    assert (status, err) == (1, "")
    report = msgspec.json.decode(out)
    made = {
        each["deployment"].partition("/")[0]: {
            check["check"]: (check["status"], check["detail"]) for check in each["checks"]
        }
        for each in report["deployments"]
    }
    for name in ("gemini", "gemini_chat", "vertex", "vertex_express", "ollama"):
        states = {status for status, _ in made[name].values()}
        assert states <= {"ok", "skip"}, (name, made[name])
        talked = [made[name][check][0] for check in ("chat", "stream", "tools", "json", "errors")]
        assert talked == ["ok"] * 5, name
    assert made["gemini"]["key"][1].startswith("accepted: ")
    assert made["gemini_bad"]["key"][0] == "fail"
    assert "API key not valid" in made["gemini_bad"]["key"][1]
    assert made["vertex"]["key"] == (
        "skip",
        "there is no list of models to show it to; chat tells",
    )
    assert made["ollama_off"]["connect"] == (
        "fail",
        "127.0.0.1: The provider refuses connections. Is ollama running there?",
    )


async def test_a_key_of_gemini_alone_is_enough(tmp_path: Path) -> None:
    async with Simulator(GOOGLES) as google:
        url = f"{google.url}/v1beta"
        env = {"GEMINI_API_KEY": KEY, "GEMINI_BASE_URL": url}
        status, out, err = await run(tmp_path, "models", **env)
        assert (status, "gemini/gemini-3.5-flash-lite" in out) == (0, True), err
        status, out, err = await run(tmp_path, "chat", "Hello", **env)
        assert (status, bool(out.strip())) == (0, True), err
        paths = [each.path for each in google.received]
        assert paths[-1].startswith("/v1beta/")


async def test_an_ollama_that_runs_here_is_found() -> None:
    async with Simulator(LOCAL) as local:
        loaded = load(environ={}, catalog=catalog_at(local.url), listening=listens)
        assert list(loaded.settings.providers) == ["ollama"]
        named = {"OLLAMA_HOST": "http://10.0.0.9:11434"}
        loaded = load(environ=named, catalog=catalog_at(local.url), listening=listens)
        assert loaded.settings.providers["ollama"].base_url == "http://10.0.0.9:11434"


@pytest.mark.parametrize("listening", [listens, None])
async def test_none_is_found_where_nothing_listens(listening) -> None:
    catalog = catalog_at(f"http://127.0.0.1:{closed_port()}")
    loaded = load(environ={}, catalog=catalog, listening=listening)
    assert not loaded.settings.providers


def catalog_at(url: str) -> Catalog:
    """A catalog whose Ollama is at this address by itself."""
    usual = load_catalog()
    row = f"""
    [ollama]
    dialect = "ollama"
    base_url = "{url}"
    base_url_env = ["OLLAMA_HOST"]
    key_optional = true
    self_hosted = true
    docs = "https://docs.ollama.com/api/chat"
    tier = "verified"
    """
    return Catalog(parse_catalog(row), models=usual.models, prices=usual.prices)


async def run(home: Path, *arguments: str, **env: str) -> tuple[int | None, str, str]:
    """The command, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "antiphon",
        *arguments,
        cwd=home,
        env=environment(home, env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
