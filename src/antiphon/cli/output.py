"""Printing for people and for programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import NoReturn, TypeVar

import msgspec

Result = TypeVar("Result")


def say(text: str = "") -> None:
    """Print a line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def fail(message: str, status: int = 1) -> NoReturn:
    """Say why, on standard error, and exit."""
    sys.stderr.write(f"antiphon: {message}\n")
    sys.exit(status)


def run(main: Coroutine[object, object, Result]) -> Result:
    """Run a coroutine on uvloop, or on asyncio where uvloop is not to be had."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  absent on some platforms
    except ImportError:
        return None
    return uvloop.new_event_loop
