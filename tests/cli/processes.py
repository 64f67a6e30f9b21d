"""Starting `antiphon` as a user does: another process, its own home, nothing of our environment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

import antiphon

COMMAND = (sys.executable, "-m", "antiphon")
PATIENCE = 20
PACKAGES = str(Path(antiphon.__file__).parents[1])
"""Where the package that is tested stands: not always where the environment has it from."""


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Next to nothing: no key of the machine that the tests run on is found."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANTIPHON_DATA": str(home / "data"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": PACKAGES,
        **(more or {}),
    }


@contextmanager
def started(home: Path, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A process that goes on by itself; killed at the end if it is still there."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=home,
        env=environment(home, env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int = signal.SIGINT) -> int:
    """The exit status after a signal."""
    process.send_signal(number)
    return process.wait(PATIENCE)


class Antiphon:
    """The command line in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def admin_key_file(self) -> Path:
        return self.home / "data" / "admin.key"

    def write(self, text: str, name: str = "antiphon.yaml") -> None:
        (self.home / name).write_text(text)

    def __call__(
        self, *arguments: str, stdin: str | bytes = "", status: int = 0, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must exit with this status, and never with a traceback."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.home,
            env=environment(self.home, env),
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        assert done.returncode == status, f"{done.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    @contextmanager
    def serving(self, *arguments: str, **env: str) -> Iterator[Served]:
        """`antiphon serve`, once it has said all that it says."""
        with started(self.home, "serve", *arguments, **env) as process:
            lines: list[str] = []
            while not lines or not re.search(r"^    curl|can be reached right now", lines[-1]):
                line = process.stdout.readline()
                assert line, f"it ended:\n{''.join(lines)}\n{process.stderr.read()}"
                lines.append(line.rstrip("\n"))
            yield Served(process, lines)


class Served:
    """A gateway in a process of its own, and what it printed."""

    def __init__(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        self.process = process
        self.text = "\n".join(lines)
        self.address = re.search(r"serves on (\S+)", self.text)[1]
        self.curl = lines[-1].strip()

    @property
    def admin_key(self) -> str | None:
        found = re.search(r"admin key, shown only now: (\S+)", self.text)
        return found and found[1]

    def get(self, path: str, key: str = "") -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.get(f"{self.address}{path}", headers=headers, timeout=PATIENCE)

    def models(self) -> list[str]:
        return [each["id"] for each in self.get("/v1/models").json()["data"]]
