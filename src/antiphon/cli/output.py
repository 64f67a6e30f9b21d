"""Printing for people and for programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import NoReturn, TypeVar

import msgspec

from antiphon.errors import AntiphonError, ConfigurationError

Result = TypeVar("Result")

NOTHING_TO_REACH = """no provider is configured.

  * Set a key, such as OPENAI_API_KEY, MOONSHOT_API_KEY, ZAI_API_KEY; or OLLAMA_HOST; or
    LLM_BASE_URL with LLM_API_KEY and LLM_MODEL.
  * Or write an antiphon.yaml: see antiphon.example.yaml and docs/configuration.md.
  * Or look at it first, with pretend providers: antiphon demo"""


def say(text: str = "") -> None:
    """Print a line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def remark(text: str) -> None:
    """Print a line beside the output proper, on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def fail(message: str, status: int = 1) -> NoReturn:
    """Say why, on standard error, and exit."""
    remark(f"antiphon: {message}")
    sys.exit(status)


def describe(error: AntiphonError) -> str:
    """An error for people; the mistakes of a configuration one to a line."""
    if isinstance(error, ConfigurationError) and len(error.mistakes) > 1:
        mistakes = "\n".join(f"  {mistake}" for mistake in error.mistakes)
        return f"the configuration has {len(error.mistakes)} mistakes:\n{mistakes}"
    return error.message


def run(main: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine to its end."""
    with looping() as runner:
        return runner.run(main)


def looping() -> asyncio.Runner:
    """An event loop of uvloop, or of asyncio where uvloop is not to be had."""
    return asyncio.Runner(loop_factory=_loop_factory())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  absent on some platforms
    except ImportError:
        return None
    return uvloop.new_event_loop
