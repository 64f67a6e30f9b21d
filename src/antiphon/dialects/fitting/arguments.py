"""The text inside `{"input": "…"}`, read while it is being written.

Hot path: one `feed` for each piece of a call's arguments. The pieces may be cut anywhere: in an
escape, between the halves of a surrogate pair.
"""

from __future__ import annotations

import enum
import re
from typing import Final

_ESCAPES: Final = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_SPECIAL: Final = re.compile(r'["\\]')
_UNICODE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_LOW: Final = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_UNICODE_BEGUN: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_LOW_BEGUN: Final = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z")
_BLANK: Final = " \t\r\n"
_REPLACEMENT: Final = "\ufffd"
_HIGH: Final = range(0xD800, 0xDC00)
_LOWS: Final = range(0xDC00, 0xE000)


class Unescaper:
    r"""What a JSON string means, read in pieces; it begins behind the opening quote.

    Half a surrogate pair means U+FFFD. An escape that JSON does not know means its own letters,
    since a model that writes `\d` means them.
    """

    __slots__ = ("_rest", "closed")

    def __init__(self) -> None:
        self._rest = ""
        self.closed = False

    def feed(self, piece: str) -> tuple[str, str]:
        """What this piece adds to the string's meaning, and what stands behind its end."""
        if not self._rest and "\\" not in piece and '"' not in piece:
            return piece, ""
        data, self._rest = self._rest + piece, ""
        out: list[str] = []
        at = 0
        while True:
            special = _SPECIAL.search(data, at)
            if special is None:
                out.append(data[at:])
                return "".join(out), ""
            where = special.start()
            out.append(data[at:where])
            if data[where] == '"':
                self.closed = True
                return "".join(out), data[where + 1 :]
            means, at = _escape(data, where)
            if at < 0:
                self._rest = data[where:]
                return "".join(out), ""
            out.append(means)


def _escape(data: str, at: int) -> tuple[str, int]:
    """What the escape there means, and where it ends; -1 where that is still to come."""
    if _UNICODE_BEGUN.match(data, at):
        return "", -1
    letter = data[at + 1]
    if letter != "u":
        return _ESCAPES.get(letter, f"\\{letter}"), at + 2
    found = _UNICODE.match(data, at)
    if found is None:
        return "\\u", at + 2
    code = int(found[1], 16)
    if code in _HIGH:
        return _pair(code, data, found.end())
    return _REPLACEMENT if code in _LOWS else chr(code), found.end()


def _pair(high: int, data: str, at: int) -> tuple[str, int]:
    """What the first half of a pair means with what stands behind it."""
    low = _LOW.match(data, at)
    if low is not None:
        return chr(0x10000 + ((high - 0xD800) << 10) + (int(low[1], 16) - 0xDC00)), low.end()
    if _LOW_BEGUN.match(data, at):
        return "", -1
    return _REPLACEMENT, at


class _At(enum.Enum):
    START = enum.auto()
    NAME = enum.auto()
    IN_NAME = enum.auto()
    COLON = enum.auto()
    VALUE = enum.auto()
    OTHER = enum.auto()
    INPUT = enum.auto()
    DONE = enum.auto()
    RAW = enum.auto()


class InputReader:
    """The text of `input` in an object of JSON; other members are passed over.

    What turns out to be no such object is passed on as it is.
    """

    __slots__ = ("_at", "_depth", "_held", "_name", "_quoted", "_skipped", "_string")

    def __init__(self) -> None:
        self._at = _At.START
        self._held: list[str] = []
        self._string = Unescaper()
        self._name: list[str] = []
        self._depth = 0
        self._quoted = False
        self._skipped = False

    def feed(self, piece: str) -> str:
        """The text that this piece adds."""
        if self._at is _At.INPUT:
            return self._input(piece)
        if self._at is _At.RAW:
            return piece
        if self._at is _At.DONE:
            return ""
        return self._scan(piece)

    def end(self) -> str:
        """What was held back; nothing more will come."""
        held = "".join(self._held)
        self._held.clear()
        return held

    def _scan(self, piece: str) -> str:
        self._held.append(piece)
        at = 0
        while at < len(piece):
            at = self._pass(piece, at)
            if self._at is _At.RAW:
                return self.end()
            if self._at is _At.INPUT:
                self._held.clear()
                return self._input(piece[at:])
        return ""

    def _input(self, piece: str) -> str:
        text, _ = self._string.feed(piece)
        if self._string.closed:
            self._at = _At.DONE
        return text

    def _pass(self, piece: str, at: int) -> int:
        """Read on, outside the input; returns the place behind what was read."""
        if self._at is _At.IN_NAME:
            return self._in_name(piece, at)
        if self._at is _At.OTHER:
            return self._other(piece, at)
        if piece[at] not in _BLANK:
            self._step(piece[at])
        return at + 1

    def _step(self, letter: str) -> None:
        """One letter between strings."""
        match self._at, letter:
            case _At.START, "{":
                self._at = _At.NAME
            case _At.NAME, '"':
                self._at = _At.IN_NAME
                self._string, self._name = Unescaper(), []
            case _At.COLON, ":":
                self._at = _At.VALUE
            case _At.VALUE, '"' if self._is_input:
                self._at, self._string = _At.INPUT, Unescaper()
            case _At.VALUE, _ if not self._is_input and letter not in ",}]:":
                self._at, self._depth, self._quoted = _At.OTHER, 0, False
                self._nest(letter)
            case _:
                self._at = _At.RAW

    @property
    def _is_input(self) -> bool:
        return "".join(self._name) == "input"

    def _in_name(self, piece: str, at: int) -> int:
        text, behind = self._string.feed(piece[at:])
        self._name.append(text)
        if self._string.closed:
            self._at = _At.COLON
        return len(piece) - len(behind)

    def _other(self, piece: str, at: int) -> int:
        """Pass over the value of another member, as far as the piece goes."""
        for place in range(at, len(piece)):
            letter = piece[place]
            if self._depth == 0 and not self._quoted:
                if letter == ",":
                    self._at = _At.NAME
                    return place + 1
                if letter == "}":
                    # The object ends, and it held no input.
                    self._at = _At.RAW
                    return place + 1
            self._nest(letter)
        return len(piece)

    def _nest(self, letter: str) -> None:
        if self._quoted:
            if self._skipped:
                self._skipped = False
            elif letter == "\\":
                self._skipped = True
            elif letter == '"':
                self._quoted = False
        elif letter == '"':
            self._quoted = True
        elif letter in "[{":
            self._depth += 1
        elif letter in "]}":
            self._depth -= 1
