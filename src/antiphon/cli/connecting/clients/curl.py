"""curl, and a shell to start it from."""

from __future__ import annotations

import shlex

import msgspec
from typing_extensions import override

from antiphon.cli.connecting.clients.base import HELLO, Client, Program
from antiphon.cli.connecting.facts import Facts


class _Curl(Program):
    name = "curl"
    title = "curl"
    language = "sh"

    @override
    def text(self, facts: Facts) -> str:
        asked = {"model": facts.model, "messages": [{"role": "user", "content": HELLO}]}
        lines = [f"curl -sS {shlex.quote(f'{facts.openai_url}/chat/completions')}"]
        if facts.key.referred:
            lines.append(f'-H "authorization: Bearer ${facts.key.variable}"')
        elif not facts.key.absent:
            lines.append(f"-H {shlex.quote(f'authorization: Bearer {facts.key.written}')}")
        lines.append("-H 'content-type: application/json'")
        lines.append(f"-d {shlex.quote(msgspec.json.encode(asked).decode())}")
        return " \\\n  ".join(lines) + "\n"


CURL: Client = _Curl()
