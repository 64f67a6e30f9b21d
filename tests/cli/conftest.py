"""Real processes, each with a home of its own, against pretend providers in another process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.inside import Inside
from tests.cli.processes import Antiphon, ended, started


@pytest.fixture(scope="session")
def providers(tmp_path_factory) -> Iterator[list[str]]:
    """Base URLs of two pretend providers, by `antiphon simulate` itself."""
    home = tmp_path_factory.mktemp("simulate")
    with started(home, "simulate", "--port", "0", "--latency", "instant", "--json") as process:
        lines: list[str] = []
        while not lines or lines[-1] != "]":
            line = process.stdout.readline()
            assert line, f"it ended: {process.stderr.read()}"
            lines.append(line.rstrip())
        yield [each["base_url"] for each in json.loads("\n".join(lines))]
        assert ended(process) == 0


@pytest.fixture
def antiphon(tmp_path: Path) -> Antiphon:
    return Antiphon(tmp_path)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch, capsys) -> Inside:
    return Inside(tmp_path, monkeypatch, capsys)


@pytest.fixture
def configured(antiphon: Antiphon, providers: list[str]) -> Antiphon:
    """With a file in the working folder: `fast` falls back from one provider to the other."""
    (antiphon.home / "antiphon.yaml").write_text(
        f"""server: {{port: 0, drain_seconds: 1}}
providers:
  one: {{dialect: openai_chat, base_url: {providers[0]}, api_key: any}}
  two: {{dialect: openai_chat, base_url: {providers[1]}, api_key: any}}
models:
  fast: [one/sim-small, two/sim-small]
  broken: {{deployments: [one/fault:server-error], retry: {{attempts: 1}}}}
  slow: one/fault:stall-inside
"""
    )
    return antiphon


@pytest.fixture
def closed_port() -> int:
    """A port on which nothing listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
