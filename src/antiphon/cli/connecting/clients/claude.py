"""Claude Code, which reads the `env` of its `settings.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from antiphon.cli.connecting.clients.base import Client
from antiphon.cli.connecting.facts import Facts
from antiphon.cli.connecting.forms import JSON, Settings
from antiphon.cli.connecting.probing import MESSAGES

_SIZES = ("opus", "sonnet", "haiku")
_CLASHES = {
    "env.ANTHROPIC_API_KEY": "ANTHROPIC_API_KEY stands in the same env and is sent as well: "
    "take it out",
    "apiKeyHelper": "apiKeyHelper fetches another key: take it out",
    "model": "`model` names a model of its own, which needs a route of that name",
}


class _Claude(Client):
    name = "claude"
    title = "Claude Code"
    language = "json"
    wire = MESSAGES
    form = JSON
    prefers = ("claude-sonnet", "claude-opus", "claude", "anthropic")

    @override
    def text(self, facts: Facts) -> str:
        return JSON.merged(None, self.settings(facts, facts.key.shown))

    @override
    def settings(self, facts: Facts, key: str) -> Settings:
        sizes = {f"ANTHROPIC_DEFAULT_{size.upper()}_MODEL": _of(facts, size) for size in _SIZES}
        env = {
            "ANTHROPIC_BASE_URL": facts.url,
            "ANTHROPIC_AUTH_TOKEN": key,
            "ANTHROPIC_MODEL": facts.model,
            **sizes,
            "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
            "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        }
        return {"env": env}

    @override
    def place(self, environ: Mapping[str, str], home: Path) -> Path:
        folder = environ.get("CLAUDE_CONFIG_DIR", "").strip()
        return (Path(folder) if folder else home / ".claude") / "settings.json"

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        told = ["An env of settings.json beats the same names in the shell."]
        if facts.key.referred:
            told.append(
                f"settings.json cannot refer to a variable: put the text of {facts.key.variable} "
                "in its place, as --write does."
            )
        return told

    @override
    def clashes(self, members: Mapping[str, object]) -> Sequence[str]:
        return [said for name, said in _CLASHES.items() if members.get(name)]


def _of(facts: Facts, size: str) -> str:
    """The model that stands for one of Claude's sizes: the one that is called so, else any."""
    return next((name for name in facts.models if "claude" in name and size in name), facts.model)


CLAUDE: Client = _Claude()
