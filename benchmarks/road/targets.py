"""What can stand on the road: the gateway, nginx, nothing, or any other command.

Every target is started afresh for each kind of answer, so that one case never warms or soils
another, and all of them talk to the same stand-in.
"""

import contextlib
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.road import answers
from benchmarks.road.machine import Cores, Tools
from benchmarks.road.process import BrokenRunError, Process, running
from benchmarks.road.ready import wait_until_ready
from benchmarks.road.standin import Kind, Standin
from benchmarks.road.template import fill, free_ports, nginx_user

ANTIPHON, NGINX, DIRECT = "antiphon", "nginx", "direct"
_STREAMED = frozenset({Kind.BURST, Kind.ONE, Kind.SIZED, Kind.DRIP, Kind.SLOW})
# The gateway would find the person's own providers in the environment; it gets only these.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


class Rows(NamedTuple):
    """Attempts in a ledger: all of them, and those that were answered from a cache."""

    all: int
    given: int


@dataclass(frozen=True, slots=True)
class Started:
    """A target that answers: where to ask, and whose cost to count (the stand-in's for direct)."""

    name: str
    port: int
    process: Process
    ca_file: Path | None = None
    ledger: Path | None = None
    key: str = answers.KEY

    def rows(self) -> Rows | None:
        """What is in the ledger, of a gateway that keeps one."""
        if self.ledger is None:
            return None
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as found:
            query = "SELECT count(*), count(*) FILTER (WHERE provider = 'cache') FROM attempts"
            return Rows(*found.execute(query).fetchone())

    @property
    def origin(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to start a target: its command, its environment and the port that it will listen on."""

    command: list[str]
    port: int
    environment: Mapping[str, str] | None = None
    ready_path: str = "/readyz"


@dataclass(frozen=True, slots=True)
class Target:
    """A named way to reach the stand-in; `command` is set for a gateway that is not ours."""

    name: str
    command: str | None = None

    @property
    def exact(self) -> bool:
        """Whether streams must arrive byte for byte, as they do with equal dialects."""
        return self.command is None

    @property
    def translates(self) -> bool:
        """Whether it can be asked in another dialect than the stand-in's."""
        return self.name not in {NGINX, DIRECT}

    @property
    def guards(self) -> bool:
        """Whether it has limits and budgets as ours, or is what ours is compared with."""
        return self.command is None

    @property
    def is_process(self) -> bool:
        return self.name != DIRECT

    @contextlib.contextmanager
    def started(
        self, kind: Kind, standin: Standin, tools: Tools, cores: Cores, folder: Path
    ) -> Iterator[Started]:
        """Run the target toward one kind of answer, on the core under test."""
        if not self.is_process:
            # Straight to a stand-in that speaks TLS, the caller has to speak it too.
            ca_file = standin.ca_file if kind is Kind.TLS else None
            yield Started(self.name, standin.ports[kind], standin.process, ca_file)
            return
        folder.mkdir()
        plan = self.plan(kind, standin, tools, folder)
        ours = self.name == ANTIPHON
        key = _make_key(folder, plan) if ours and kind is Kind.EVERYTHING else answers.KEY
        with running(
            self.name,
            plan.command,
            folder=folder,
            cores=cores.tested,
            environment=plan.environment,
        ) as process:
            wait_until_ready(process, plan.port, path=plan.ready_path)
            ledger = folder / "data" / "antiphon.db" if ours else None
            yield Started(self.name, plan.port, process, ledger=ledger, key=key)

    def plan(self, kind: Kind, standin: Standin, tools: Tools, folder: Path) -> Plan:
        """Write the target's configuration and say how to start it."""
        (port,) = free_ports(1)
        if self.name == NGINX:
            return _plan_nginx(kind, standin, tools, folder, port)
        config = _write_antiphon(kind, standin, folder, port)
        if self.command is None:
            command = [sys.executable, "-m", "antiphon", "serve", "--config", str(config)]
            known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
            return Plan(command, port, environment=known)
        blanks = {
            "port": port,
            "upstream": _base_url(kind, standin),
            "upstream_port": standin.ports[kind],
            "config": config,
            "python": sys.executable,
            "ca_file": standin.ca_file,
            "key": answers.KEY,
        }
        words, _, ready = self.command.partition(" @ready=")
        command = [word.format_map(blanks) for word in shlex.split(words)]
        return Plan(command, port, ready_path=ready or "/readyz")


def _plan_nginx(kind: Kind, standin: Standin, tools: Tools, folder: Path, port: int) -> Plan:
    tls = (
        f"proxy_ssl_trusted_certificate {standin.ca_file}; proxy_ssl_verify on;"
        " proxy_ssl_server_name on; proxy_ssl_name localhost; proxy_ssl_session_reuse on;"
    )
    values = {
        "USER": nginx_user(),
        "PORT": port,
        "UPSTREAM": f"127.0.0.1:{standin.ports[kind]}",
        "SCHEME": "https" if kind is Kind.TLS else "http",
        "BUFFERING": "off" if kind in _STREAMED else "on",
        "TLS": tls if kind is Kind.TLS else "",
    }
    (folder / "proxy.conf").write_text(fill("nginx/proxy.conf", values), encoding="utf-8")
    return Plan([tools.nginx, "-p", str(folder), "-c", "proxy.conf", "-e", "stderr"], port)


def _write_antiphon(kind: Kind, standin: Standin, folder: Path, port: int) -> Path:
    values = {
        "PORT": port,
        "KEY": answers.KEY,
        "UPSTREAM": _base_url(kind, standin),
        "CA_FILE": f'\n    ca_file: "{standin.ca_file}"' if kind is Kind.TLS else "",
        "CACHE": ", cache: {}" if kind.is_cached else "",
        "DATA": folder / "data",
    }
    config = folder / "antiphon.yaml"
    name = "everything.yaml" if kind is Kind.EVERYTHING else "antiphon.yaml"
    config.write_text(fill(name, values), encoding="utf-8")
    return config


def _make_key(folder: Path, plan: Plan) -> str:
    """Make a key in the database, of a user in a team, before the gateway starts."""
    made = ""
    for words in (
        ("teams", "create", "bench"),
        ("users", "create", "bench", "--team", "bench"),
        ("keys", "create", "bench", "--team", "bench", "--user", "bench"),
    ):
        command = [sys.executable, "-m", "antiphon", *words, "--offline"]
        command += ["--config", str(folder / "antiphon.yaml")]
        done = subprocess.run(
            command, env=plan.environment, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            raise BrokenRunError(f"{shlex.join(command)}\n{done.stderr}")
        made = done.stdout.strip()
    return made


def _base_url(kind: Kind, standin: Standin) -> str:
    if kind is Kind.TLS:
        return f"https://localhost:{standin.ports[kind]}/v1"
    return f"http://127.0.0.1:{standin.ports[kind]}/v1"
