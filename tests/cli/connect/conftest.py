"""One gateway that requires a key, in a process of its own, and a home for each test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import Antiphon

KEY = "key-of-a-client-0123456789"
LIMITED_KEY = "key-of-another-0123456789"
MODELS = r"""models:
  fast: [one/sim-small, two/sim-small]
  claude-big: one/sim-reason
  claude-haiku-9: two/sim-small
  broken: {deployments: [one/fault:server-error], retry: {attempts: 1}}
  'odd/it''s:"$HOME"\é': one/sim-small
  "*": {passthrough: true}
"""


class Connecting:
    """`antiphon connect`, in a home of its own, for a gateway that runs."""

    def __init__(self, home: Path, address: str) -> None:
        self.home = home
        self.address = address
        self.run = Antiphon(home)
        self.env: dict[str, str] = {"ANTIPHON_KEY": KEY}

    def __call__(self, *arguments: str, status: int = 0, **env: str):
        more = {**self.env, **env}
        return self.run("connect", *arguments, "--url", self.address, status=status, **more)

    def text(self, *arguments: str, **env: str) -> str:
        return self(*arguments, **env).stdout

    def told(self, *arguments: str, status: int = 0, **env: str) -> dict:
        return json.loads(self(*arguments, "--json", status=status, **env).stdout)

    def file(self, name: str, text: str | bytes | None = None, mode: int = 0o600) -> Path:
        """A file below the home; with this in it, where something is given."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path.chmod(mode)
        return path

    def everything(self) -> dict[str, tuple[int, bytes | None]]:
        """All that stands below the home: modes and contents."""
        return {
            path.relative_to(self.home).as_posix(): (
                path.lstat().st_mode,
                path.read_bytes() if path.is_file() else None,
            )
            for path in self.home.rglob("*")
        }


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, providers) -> Iterator[str]:
    """The address of a gateway."""
    antiphon = Antiphon(tmp_path_factory.mktemp("gateway"))
    antiphon.write(
        f"""server: {{port: 0, drain_seconds: 1}}
auth:
  required: true
  keys:
    - {{key: {KEY}}}
    - {{key: {LIMITED_KEY}, models: [fast]}}
providers:
  one: {{dialect: openai_chat, base_url: {providers[0]}, api_key: any}}
  two: {{dialect: openai_chat, base_url: {providers[1]}, api_key: any}}
{MODELS}"""
    )
    with antiphon.serving() as served:
        yield served.address


@pytest.fixture
def connect(tmp_path: Path, gateway: str) -> Connecting:
    home = tmp_path / "home"
    home.mkdir()
    return Connecting(home, gateway)
