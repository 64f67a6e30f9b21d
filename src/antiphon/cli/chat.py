"""`antiphon chat`: a conversation in the terminal, or one question and its answer.

Answers go to standard output. Thoughts, tool calls and figures go to standard error, so that a
pipe gets the answer alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from antiphon.cli.output import (
    NOTHING_TO_REACH,
    describe,
    fail,
    looping,
    remark,
    run,
    say,
    show_json,
)
from antiphon.errors import AntiphonError
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.listing import to_try
from antiphon.model.events import ReasoningDelta, TextDelta, ToolCallStarted, UsageReported
from antiphon.model.usage import Usage

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
    turns: Turns = [_turn("system", system)] if system else []
    question = _question(prompt)
    if question:
        turns.append(_turn("user", question))
        run(_ask_once(config, model, turns, as_json=as_json))
    elif as_json or not sys.stdin.isatty():
        fail("there is nothing to ask: give a prompt, or pipe one in", 2)
    else:
        _converse(config, model, turns)


def _question(prompt: Sequence[str]) -> str:
    """The arguments, and below them what is piped in."""
    question = " ".join(prompt).strip()
    if sys.stdin.isatty():
        return question
    piped = sys.stdin.buffer.read().decode(errors="replace").strip()
    return f"{question}\n\n{piped}".strip()


def _turn(role: str, text: str) -> dict[str, str]:
    # An argument that is not UTF-8 reaches us as lone surrogates, which no JSON can hold.
    return {"role": role, "content": text.encode(errors="replace").decode()}


async def _ask_once(config: Path | None, model: str | None, turns: Turns, *, as_json: bool) -> None:
    async with Antiphon.from_config(config) as gateway:
        chosen = await _chosen(gateway, model)
        if as_json:
            show_json(await gateway.chat(model=chosen, messages=turns))
        else:
            await _answer(gateway, chosen, turns)


def _converse(config: Path | None, model: str | None, turns: Turns) -> None:
    """Question and answer in turn; the loop runs only while there is an answer to wait for.

    So Ctrl-C at the prompt is the terminal's own, and Ctrl-C in an answer ends that answer.
    """
    with suppress(ModuleNotFoundError):
        import_module("readline")  # arrow keys and history, by being there
    with looping() as runner:
        gateway = runner.run(_started(config))
        try:
            chosen = runner.run(_chosen(gateway, model))
            say(f"Talking to {chosen}. Ctrl-C stops an answer; Ctrl-D or Ctrl-C here ends it.")
            while (line := _read_line()) is not None:
                if not line:
                    continue
                turns.append(_turn("user", line))
                try:
                    text = runner.run(_answer(gateway, chosen, turns))
                except AntiphonError as error:
                    turns.pop()
                    remark(f"\nantiphon: {describe(error)}")
                except KeyboardInterrupt:
                    turns.pop()
                    remark("\n[stopped]")
                else:
                    turns.append(_turn("assistant", text))
        finally:
            runner.run(_stopped(gateway))


async def _started(config: Path | None) -> Antiphon:
    return await Antiphon.from_config(config).__aenter__()


async def _stopped(gateway: Antiphon) -> None:
    await gateway.__aexit__(None, None, None)


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
                    remark(f"\n[asks for the tool {name}]")
                case UsageReported(usage=Usage() as usage) if sys.stdout.isatty():
                    sys.stderr.write(f"\n[{usage.input_total} + {usage.output_total} tokens]")
                case _:
                    pass
    say()
    return "".join(pieces)


async def _chosen(gateway: Antiphon, model: str | None) -> str:
    """The model that was named, else one that can be reached."""
    if not gateway.settings.providers:
        fail(NOTHING_TO_REACH)
    if model is not None:
        return model
    entries = await gateway.reachable()
    if not entries:
        for name, reason in gateway.unreachable.items():
            remark(f"{name}: {reason}")
        fail("no model can be reached; name one with --model PROVIDER/MODEL")
    return to_try([entry.name for entry in entries])


def _read_line() -> str | None:
    """What was typed; None at the end."""
    try:
        return input("> ").strip()
    except (EOFError, KeyboardInterrupt):
        say()
        return None
