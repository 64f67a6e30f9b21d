r"""A text that a simple regular expression matches.

Knows letters, classes, `\d \w \s .`, groups, alternatives and repetition; anchors are read past.
That is what patterns in tool schemas are made of. Anything cleverer yields a text that may not
match.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.dice import Dice

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "d": _DIGITS,
        "w": _LETTERS + _DIGITS + "_",
        "s": " ",
        "D": _LETTERS,
        "W": "-",
        "S": _LETTERS,
        "n": "\n",
        "t": "\t",
        "b": "",
        "B": "",
    }
)
_MORE = 3
_MOST = 4096
_LONGEST = 65_536
_WIDEST = 1024


def text_for(pattern: str, dice: Dice) -> str:
    """A text for the pattern."""
    return _Reader(pattern, dice).alternatives()


class _Reader:
    """Reads the pattern once from left to right and writes as it goes."""

    def __init__(self, pattern: str, dice: Dice) -> None:
        self._pattern = pattern
        self._at = 0
        self._dice = dice
        self._left = _LONGEST

    def alternatives(self) -> str:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return self._dice.choice(options)

    def _sequence(self) -> str:
        written: list[str] = []
        while self._at < len(self._pattern) and self._peek() not in "|)":
            start = self._at
            atom = self._atom()
            end = self._at
            times = self._times()
            resume = self._at
            if times:
                written.append(atom)
            for _ in range(times - 1):
                if self._left < 0:
                    break
                # Read again, so that each repetition throws its own dice.
                self._at = start
                written.append(self._atom())
            self._at = max(resume, end)
        return "".join(written)

    def _atom(self) -> str:
        self._left -= 1
        sign = self._next()
        reader = _ATOMS.get(sign)
        return sign if reader is None else reader(self)

    def group(self) -> str:
        if self._take("?"):
            # (?:...) and (?P<name>...): what follows the mark is an ordinary group.
            while self._next() not in ":>":
                pass
        inner = self.alternatives()
        self._take(")")
        return inner

    def character(self) -> str:
        negated = self._take("^")
        members: list[str] = []
        while self._at < len(self._pattern) and not (members and self._peek() == "]"):
            sign = self._next()
            if sign == "\\":
                members.extend(_CLASSES.get(escaped := self._next(), escaped))
            elif sign == "-" and members and self._peek() not in {"]", ""}:
                first, last = ord(members[-1]), ord(self._next())
                members.extend(map(chr, range(first + 1, min(last, first + _WIDEST) + 1)))
            else:
                members.append(sign)
        self._take("]")
        if negated:
            members = [sign for sign in _LETTERS + _DIGITS if sign not in members]
        return self._dice.choice(members) if members else ""

    def escape(self) -> str:
        members = _CLASSES.get(sign := self._next(), sign)
        return self._dice.choice(members) if members else ""

    def letter(self) -> str:
        return self._dice.choice(_LETTERS)

    def nothing(self) -> str:
        return ""

    def _times(self) -> int:
        low, high = 1, 1
        if self._take("*"):
            low, high = 0, _MORE
        elif self._take("+"):
            low, high = 1, _MORE
        elif self._take("?"):
            low, high = 0, 1
        elif self._take("{"):
            inside, _, rest = self._pattern[self._at :].partition("}")
            self._at = len(self._pattern) - len(rest)
            least, comma, most = inside.partition(",")
            low = _number(least, 0)
            high = _number(most, low + (_MORE if comma else 0))
        self._take("?")  # A lazy repetition matches the same texts.
        return self._dice.between(low, high)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        sign = self._peek()
        self._at += 1
        return sign

    def _take(self, sign: str) -> bool:
        taken = self._peek() == sign
        self._at += taken
        return taken


def _number(digits: str, otherwise: int) -> int:
    return min(int(digits), _MOST) if digits.isdecimal() else otherwise


_ATOMS: Final[Mapping[str, Callable[[_Reader], str]]] = MappingProxyType(
    {
        "(": _Reader.group,
        "[": _Reader.character,
        "\\": _Reader.escape,
        ".": _Reader.letter,
        "^": _Reader.nothing,
        "$": _Reader.nothing,
    }
)
