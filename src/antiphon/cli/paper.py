"""What can be printed where we print: its width, its characters, and whether anybody reads it.

Names and messages come from callers and providers, so nothing that steers a terminal passes.
"""

from __future__ import annotations

import select
import shutil
import sys
import threading

import msgspec


class Strokes(msgspec.Struct, frozen=True):
    """The characters of a drawing.

    Attributes:
        waiting: No byte has come yet.
        first: The first byte.
        answering: The answer comes.
        pause: Nothing is under way.
        cut: Something is left out.
    """

    waiting: str
    first: str
    answering: str
    pause: str
    cut: str


_UNICODE = Strokes("─", "●", "━", "·", "…")
_ASCII = Strokes("-", "o", "=", ".", "~")
_MOST_COLUMNS = 200


class Paper:
    """Standard output."""

    def __init__(self) -> None:
        self._encoding = sys.stdout.encoding or "ascii"
        self.strokes = _UNICODE if self._can("".join(msgspec.structs.astuple(_UNICODE))) else _ASCII
        self.columns = min(shutil.get_terminal_size().columns, _MOST_COLUMNS)

    def write(self, text: str) -> None:
        """Print a text as a line, at once."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def cut(self, text: str, most: int) -> str:
        """A text in at most so many characters."""
        return text if len(text) <= most else text[: most - 1] + self.strokes.cut

    def _can(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True


def clean(text: str) -> str:
    """A text for one line, with nothing that steers a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def clean_lines(text: str) -> str:
    """The same for many lines."""
    return "\n".join(clean(line.replace("\t", "    ")) for line in text.split("\n"))


def pause(seconds: float) -> None:
    """Wait, but not longer than somebody reads what we print.

    Raises:
        BrokenPipeError: Nobody does any more.
    """
    try:
        watch = select.poll()
        # No event is asked for: what is told all the same is that the other end is closed.
        watch.register(sys.stdout.fileno(), 0)
    except (OSError, AttributeError):
        threading.Event().wait(seconds)
        return
    if watch.poll(seconds * 1000):
        raise BrokenPipeError
