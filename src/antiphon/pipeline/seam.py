"""The seam of a text that one call began and another goes on with.

Who goes on may say again what was said: the last words, or all of it from the beginning; and it
may begin with the white space with which the text so far ended. What is said twice is left out.

Of a text that repeats itself (a row of a table, a line of dashes) nobody can tell whether the next
repetition is one too many, so it stays; and so do a few letters that happen to be the same.
"""

from __future__ import annotations

LONGEST = 200
"""Characters of the text so far that may be said again at its end, at most."""
SHORTEST = 8
"""Characters that must be the same: fewer are so by chance."""
_MOST_AGAIN = 16_384
"""Characters of a text that may be said again from its beginning."""
_WORD = 4
"""Characters of a text so short that its repetition is no chance, where all of it is repeated."""
_ASTRAY = 48
"""Characters that are the same at the beginning of both: the answer was begun anew, another one."""


class Seam:
    """Takes what goes on with a text, and gives what is new of it.

    Args:
        said: The text so far.

    Attributes:
        open: It is not known yet where the new text begins.
        astray: What came is no continuation: it begins as the text did, and goes on otherwise.
    """

    __slots__ = ("_again", "_blank", "_held", "_said", "_tail", "astray", "open")

    def __init__(self, said: str) -> None:
        self._said = said
        base = said.rstrip()
        self._blank = said[len(base) :]
        self._tail = base[-LONGEST:]
        # From the beginning it can be said again only where there is more than its end.
        self._again = base if LONGEST < len(base) <= _MOST_AGAIN else ""
        self._held = ""
        self.open = True
        self.astray = False

    def feed(self, text: str) -> str:
        """What is new, as far as it is known; the rest is held back until it is."""
        self._held += text
        return "" if self._may_be_more(self._held) else self.close()

    def close(self) -> str:
        """What is new of all that was held back."""
        self.open = False
        held, self._held = self._held, ""
        rest = self._rest(held)
        if rest is None and _common(held.lstrip(), self._said) >= _ASTRAY:
            self.astray = True
            return ""
        return self._after_blank(held if rest is None else rest)

    def _may_be_more(self, held: str) -> bool:
        """Whether more text could show that more of this was said before."""
        told = held.lstrip()
        if not told:
            return len(held) <= LONGEST
        if any(
            (len(each) <= LONGEST and each in self._tail) or self._again.startswith(each)
            for each in {held, told}
        ):
            return True
        # White space behind what was said again may stand there already, too.
        return bool(self._blank) and held[-1].isspace() and not (self._rest(held) or "x").strip()

    def _rest(self, held: str) -> str | None:
        """What follows what was said before, behind white space or not; None where nothing was."""
        rest = self._behind(held)
        return self._behind(held.lstrip()) if rest is None else rest

    def _behind(self, held: str) -> str | None:
        """What follows what was said before; None where nothing was."""
        again, tail = self._again, self._tail
        if again and held.startswith(again):
            return held[len(again) :]
        for length in range(min(len(held), len(tail)), SHORTEST - 1, -1):
            if tail.endswith(held[:length]) and not self._is_rhythm(held[:length]):
                return held[length:]
        whole = not again and _WORD <= len(tail) < SHORTEST and held.startswith(tail)
        return held[len(tail) :] if whole and not self._is_rhythm(tail) else None

    def _is_rhythm(self, said: str) -> bool:
        """Whether the text so far ends with this more than once, or this repeats itself."""
        if self._tail.endswith(said + said):
            return True
        return any(said.startswith(said[at:]) for at in range(1, len(said) * 2 // 3 + 1))

    def _after_blank(self, rest: str) -> str:
        """Without the white space that stands there already."""
        text = rest.lstrip()
        blank = rest[: len(rest) - len(text)]
        common = _common(blank, self._blank)
        if not common and "\n" in self._blank and "\n" not in blank:
            return text
        return blank[common:] + text


def _common(one: str, other: str) -> int:
    """Characters at the beginning that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
