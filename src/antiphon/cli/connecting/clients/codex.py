"""Codex, which reads `config.toml` and names the variable of its key there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from antiphon.cli.connecting.clients.base import Client, quoted
from antiphon.cli.connecting.facts import Facts
from antiphon.cli.connecting.forms import TOML, Settings
from antiphon.cli.connecting.probing import RESPONSES

_PROVIDER = "antiphon"


class _Codex(Client):
    name = "codex"
    title = "Codex"
    language = "toml"
    wire = RESPONSES
    form = TOML

    @override
    def text(self, facts: Facts) -> str:
        env_key = "" if facts.key.absent else f"env_key = {quoted(facts.key.variable)}\n"
        return (
            f"model = {quoted(facts.model)}\n"
            f"model_provider = {quoted(_PROVIDER)}\n\n"
            f"[model_providers.{_PROVIDER}]\n"
            'name = "Antiphon"\n'
            f"base_url = {quoted(facts.openai_url)}\n"
            f"{env_key}"
            'wire_api = "responses"\n'
            "supports_websockets = false\n"
        )

    @override
    def settings(self, facts: Facts, key: str) -> Settings:
        provider: Settings = {
            "name": "Antiphon",
            "base_url": facts.openai_url,
            # Codex insists on a variable that is named, so it is not where none is needed.
            "env_key": key or None,
            "wire_api": "responses",
            "supports_websockets": False,
        }
        return {
            "model": facts.model,
            "model_provider": _PROVIDER,
            "model_providers": {_PROVIDER: provider},
        }

    @override
    def written_key(self, facts: Facts) -> str:
        return "" if facts.key.absent else facts.key.variable

    @override
    def place(self, environ: Mapping[str, str], home: Path) -> Path:
        folder = environ.get("CODEX_HOME", "").strip()
        return (Path(folder) if folder else home / ".codex") / "config.toml"

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        if facts.key.absent:
            return ()
        shown = facts.key.shown if facts.key.typed else "..."
        return [f"Codex reads the key from its environment: export {facts.key.variable}={shown}"]

    @override
    def clashes(self, members: Mapping[str, object]) -> Sequence[str]:
        if "profile" in members:
            return ["`profile` chooses a profile, whose model and provider beat these"]
        return ()


CODEX: Client = _Codex()
