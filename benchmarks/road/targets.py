"""What can stand on the road: the gateway, nginx, nothing, or any other command.

Every target is started afresh for each kind of answer, so that one case never warms or soils
another, and all of them talk to the same stand-in.
"""

import contextlib
import os
import shlex
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.road import answers
from benchmarks.road.machine import Cores, Tools
from benchmarks.road.process import Process, running
from benchmarks.road.ready import wait_until_ready
from benchmarks.road.standin import Kind, Standin
from benchmarks.road.template import fill, free_ports, nginx_user

ANTIPHON, NGINX, DIRECT = "antiphon", "nginx", "direct"
_STREAMED = frozenset({Kind.BURST, Kind.ONE, Kind.SIZED, Kind.DRIP, Kind.SLOW})
# The gateway would find the person's own providers in the environment; it gets only these.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class Started:
    """A target that answers: where to ask, and whose cost to count (the stand-in's for direct)."""

    name: str
    port: int
    process: Process
    ca_file: Path | None = None
    ledger: Path | None = None

    def rows(self) -> int | None:
        """Attempts in the ledger, of a gateway that keeps one."""
        if self.ledger is None:
            return None
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as found:
            (count,) = found.execute("SELECT count(*) FROM attempts").fetchone()
        return count

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
        with running(
            self.name,
            plan.command,
            folder=folder,
            cores=cores.tested,
            environment=plan.environment,
        ) as process:
            wait_until_ready(process, plan.port, path=plan.ready_path)
            ledger = folder / "data" / "antiphon.db" if self.name == ANTIPHON else None
            yield Started(self.name, plan.port, process, ledger=ledger)

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
    config.write_text(fill("antiphon.yaml", values), encoding="utf-8")
    return config


def _base_url(kind: Kind, standin: Standin) -> str:
    if kind is Kind.TLS:
        return f"https://localhost:{standin.ports[kind]}/v1"
    return f"http://127.0.0.1:{standin.ports[kind]}/v1"
