"""Open WebUI, which reads variables of its environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from antiphon.cli.connecting.clients.base import Client
from antiphon.cli.connecting.facts import Facts
from antiphon.cli.connecting.forms import ENV, Settings

_FILE = "open-webui.env"
_IMAGE = "ghcr.io/open-webui/open-webui:main"

_KEPT = (
    "Open WebUI takes these at its first start and keeps them; later they are changed under "
    "Admin Panel > Settings > Connections, or ENABLE_PERSISTENT_CONFIG=false stands beside them."
)


class _OpenWebUi(Client):
    name = "open-webui"
    title = "Open WebUI"
    language = "env"
    form = ENV

    @override
    def text(self, facts: Facts) -> str:
        return ENV.merged(None, self.settings(facts, facts.key.shown))

    @override
    def settings(self, facts: Facts, key: str) -> Settings:
        return {
            "OPENAI_API_BASE_URLS": facts.openai_url,
            "OPENAI_API_KEYS": key,
            "DEFAULT_MODELS": facts.model,
            "ENABLE_OLLAMA_API": "false",
        }

    @override
    def place(self, environ: Mapping[str, str], home: Path) -> Path:
        return Path(_FILE)

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        network = "--network=host -e PORT=3000" if facts.local else "-p 3000:8080"
        start = (
            f"docker run -d --name open-webui {network} --env-file {_FILE} "
            f"-v open-webui:/app/backend/data {_IMAGE}"
        )
        told = [start, _KEPT]
        if facts.local:
            told.append(
                "A container reaches this machine's gateway only on the host's network, as above."
            )
        if facts.key.referred:
            told.append(
                f"docker takes the lines of the file as they are: put the text of "
                f"{facts.key.variable} in its place, as --write does."
            )
        return told


OPEN_WEBUI: Client = _OpenWebUi()
