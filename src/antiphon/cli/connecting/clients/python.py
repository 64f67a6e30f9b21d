"""OpenAI's own library for Python."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.cli.connecting.clients.base import HELLO, Client, Program, quoted
from antiphon.cli.connecting.facts import Facts, Key


class _Python(Program):
    name = "python"
    title = "OpenAI's library for Python"
    language = "python"

    @override
    def text(self, facts: Facts) -> str:
        return f"""{imports(facts.key)}from openai import OpenAI

client = OpenAI(
    base_url={quoted(facts.openai_url)},
    api_key={python_key(facts.key)},
)
answer = client.chat.completions.create(
    model={quoted(facts.model)},
    messages=[{{"role": "user", "content": {quoted(HELLO)}}}],
)
print(answer.choices[0].message.content)
"""

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        return ["pip install openai"]


def imports(key: Key) -> str:
    """What a program has to import to find its key."""
    return "import os\n\n" if key.referred else ""


def python_key(key: Key) -> str:
    """The key as an expression of Python."""
    return f"os.environ[{quoted(key.variable)}]" if key.referred else quoted(key.written)


PYTHON: Client = _Python()
