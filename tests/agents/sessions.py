"""Whole sessions of coding agents: tools called at once, results, thoughts that go back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx2

from antiphon.simulator import Simulator
from tests.agents import claude_code, claude_reader, codex, codex_reader

KEY: Final = "sk-of-the-agent-0123456789"
PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="


class Line(NamedTuple):
    """Where an agent asks, under which model's name, and who answers in the end."""

    http: httpx2.AsyncClient
    model: str
    simulator: Simulator

    @property
    def arrived(self) -> str:
        """The body of the last request that reached the provider."""
        return self.simulator.received[-1].body.decode()

    async def ask(self, path: str, headers: Mapping[str, str], body: object) -> bytes:
        """A whole answer."""
        answer = await self.http.post(path, headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def claude(self, messages: list[Any]) -> claude_reader.Turn:
        """One turn with Claude Code."""
        body = claude_code.request(self.model, messages)
        return claude_reader.read(await self.ask(claude_code.PATH, claude_code.headers(KEY), body))

    async def codex(self, items: list[Any]) -> codex_reader.Turn:
        """One turn with Codex."""
        body = codex.request(self.model, items)
        return codex_reader.read(await self.ask(codex.PATH, codex.headers(KEY), body))


async def claude_session(line: Line) -> None:
    """Two tools at once, one of which fails; then a reminder and an order in between."""
    messages = claude_code.opening("Use Bash and Read, both at once.")
    turn = await line.claude(messages)
    assert [call["name"] for call in turn.calls()] == ["Bash", "Read"]
    assert turn.stop == "tool_use"
    assert turn.thoughts()
    bash, read = turn.calls()
    assert isinstance(bash["input"]["command"], str)

    shown = [claude_code.text("1\tprint('shop')"), claude_code.picture(PIXEL)]
    messages += [
        claude_code.echoed(turn.content),
        claude_code.results(
            claude_code.result(bash, "exit 1: no such shop", failed=True),
            claude_code.result(read, shown),
            reminder="<system-reminder>[say: on it]</system-reminder>",
        ),
    ]
    turn = await line.claude(messages)
    assert (turn.said(), turn.stop) == ("on it", "end_turn")
    assert "exit 1: no such shop" in line.arrived
    assert "print('shop')" in line.arrived

    messages += [
        claude_code.echoed(turn.content),
        claude_code.user("And now?"),
        {"role": "system", "content": "The user is in a hurry. [say: noted]"},
    ]
    turn = await line.claude(messages)
    assert (turn.said(), turn.stop) == ("noted", "end_turn")
    assert turn.usage["input_tokens"] > 0
    assert turn.usage["output_tokens"] > 0


async def codex_session(line: Line) -> None:
    """Two functions at once, then a patch, then the end."""
    items = codex.opening("Call exec_command and update_plan, both at once.")
    turn = await line.codex(items)
    assert [call["name"] for call in turn.calls()] == ["exec_command", "update_plan"]
    command, plan = turn.calls()
    assert "cmd" in json.loads(command["arguments"])

    items += [codex.echoed(item) for item in turn.items]
    items += [
        codex.output_of(command, "Exit code: 0\nOutput:\n2 files"),
        codex.output_of(plan, [{"type": "input_text", "text": "Plan updated, step 1"}]),
    ]
    turn = await line.codex(items)
    assert turn.calls() == []
    assert turn.text == turn.said() != ""
    assert "2 files" in line.arrived
    assert "Plan updated, step 1" in line.arrived

    items += [codex.echoed(item) for item in turn.items]
    items += [codex.message("user", "Now use apply_patch.")]
    turn = await line.codex(items)
    [patch] = turn.calls()
    assert (patch["type"], patch["name"]) == ("custom_tool_call", "apply_patch")
    assert patch["input"]

    items += [codex.echoed(item) for item in turn.items]
    items += [codex.output_of(patch, "Success. Updated: M shop.py")]
    items += [codex.message("user", "[say: all done]")]
    turn = await line.codex(items)
    assert turn.said() == turn.text == "all done"
    assert turn.usage.total_tokens == turn.usage.input_tokens + turn.usage.output_tokens
    assert "M shop.py" in line.arrived
