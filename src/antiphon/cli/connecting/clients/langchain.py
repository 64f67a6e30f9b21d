"""LangChain for Python, with its package for OpenAI."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.cli.connecting.clients.base import HELLO, Client, Program, quoted
from antiphon.cli.connecting.clients.python import imports, python_key
from antiphon.cli.connecting.facts import Facts


class _LangChain(Program):
    name = "langchain"
    title = "LangChain"
    language = "python"

    @override
    def text(self, facts: Facts) -> str:
        return f"""{imports(facts.key)}from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    model={quoted(facts.model)},
    base_url={quoted(facts.openai_url)},
    api_key={python_key(facts.key)},
)
print(model.invoke({quoted(HELLO)}).text)
"""

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        return ["pip install langchain-openai"]


LANGCHAIN: Client = _LangChain()
