"""The clients that can be connected, by the names that people give on the command line."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.cli.connecting.clients.ai_sdk import AI_SDK
from antiphon.cli.connecting.clients.base import Client
from antiphon.cli.connecting.clients.claude import CLAUDE
from antiphon.cli.connecting.clients.codex import CODEX
from antiphon.cli.connecting.clients.curl import CURL
from antiphon.cli.connecting.clients.cursor import CURSOR
from antiphon.cli.connecting.clients.langchain import LANGCHAIN
from antiphon.cli.connecting.clients.open_webui import OPEN_WEBUI
from antiphon.cli.connecting.clients.python import PYTHON

__all__ = ["CLIENTS", "Client"]

CLIENTS: Mapping[str, Client] = {
    each.name: each for each in (CLAUDE, CODEX, CURSOR, OPEN_WEBUI, LANGCHAIN, AI_SDK, PYTHON, CURL)
}
