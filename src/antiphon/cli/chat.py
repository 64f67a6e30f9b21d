"""`antiphon chat`: a conversation in the terminal, or one question and its answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from antiphon.cli.output import fail, run, say, show_json
from antiphon.errors import AntiphonError
from antiphon.gateway.gateway import Antiphon
from antiphon.model.events import ReasoningDelta, TextDelta, ToolCallStarted, UsageReported

Turns = list[dict[str, str]]


def chat_command(
    prompt: Sequence[str],
    *,
    model: str | None,
    system: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Ask once if there is something to ask, else converse."""
    question = " ".join(prompt)
    if not sys.stdin.isatty():
        piped = sys.stdin.read().strip()
        question = f"{question}\n\n{piped}".strip() if piped else question
        if not question:
            fail("there is nothing to ask: give a prompt, or pipe one in", 2)
    turns: Turns = [{"role": "system", "content": system}] if system else []
    run(_converse(config, model, turns, question, as_json=as_json))


async def _converse(
    config: Path | None, model: str | None, turns: Turns, question: str, *, as_json: bool
) -> None:
    async with Antiphon.from_config(config) as gateway:
        chosen = model or await _first_model(gateway)
        if question:
            turns.append({"role": "user", "content": question})
            if as_json:
                show_json(await gateway.chat(model=chosen, messages=turns))
            else:
                await _answer(gateway, chosen, turns)
            return
        say(f"Talking to {chosen}. An empty line or Ctrl-D ends it.")
        while line := _read_line():
            turns.append({"role": "user", "content": line})
            try:
                text = await _answer(gateway, chosen, turns)
            except AntiphonError as error:
                sys.stderr.write(f"\nantiphon: {error.message}\n")
                turns.pop()
                continue
            turns.append({"role": "assistant", "content": text})


async def _answer(gateway: Antiphon, model: str, turns: Turns) -> str:
    """Print an answer as it comes; returns its text."""
    pieces: list[str] = []
    async with gateway.stream(model=model, messages=turns) as events:
        async for event in events:
            match event:
                case TextDelta(text=text):
                    pieces.append(text)
                    sys.stdout.write(text)
                    sys.stdout.flush()
                case ReasoningDelta(text=text):
                    sys.stderr.write(text)
                    sys.stderr.flush()
                case ToolCallStarted(name=name):
                    sys.stderr.write(f"\n[asks for the tool {name}]\n")
                case UsageReported(usage=usage) if sys.stdout.isatty():
                    sys.stderr.write(f"\n[{usage.input_total} + {usage.output_total} tokens]")
                case _:
                    pass
    say()
    return "".join(pieces)


async def _first_model(gateway: Antiphon) -> str:
    entries = await gateway.reachable()
    if not entries:
        fail("no model can be reached; see `antiphon models`, or try `antiphon demo`")
    return entries[0].name


def _read_line() -> str:
    try:
        return input("> ").strip()
    except EOFError:
        say()
        return ""
