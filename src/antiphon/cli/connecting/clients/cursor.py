"""Cursor, whose settings are entered by hand, and which asks from its own servers."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.cli.connecting.clients.base import Client
from antiphon.cli.connecting.facts import Facts


class _Cursor(Client):
    name = "cursor"
    title = "Cursor"
    language = "text"

    @override
    def text(self, facts: Facts) -> str:
        return (
            "Cursor Settings > Models > API Keys\n"
            f"  OpenAI API Key            {facts.key.shown}\n"
            f"  Override OpenAI Base URL  {facts.openai_url}\n"
            f"  Add Custom Model          {facts.model}\n"
        )

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        told = ["The address holds for all models of OpenAI that Cursor asks while it is on."]
        if facts.local:
            told.append(
                "Cursor asks from its own servers, which do not reach this machine: give the "
                "gateway a public https address, with auth.required, and name it with --url."
            )
        return told


CURSOR: Client = _Cursor()
