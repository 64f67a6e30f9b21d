"""The seam of a text that one call began and another goes on with.

Who goes on may say again what was said: the last words, or all of it from the beginning; and it
may begin with the white space with which the text so far ended. What is said twice is left out.

Of a text that repeats itself (a row of a table, a line of dashes) nobody can tell whether the next
repetition is one too many, so it stays; and so do a few letters that happen to be the same.
"""

from __future__ import annotations

LONGEST = 200
"""Characters of the text so far that may be said again at its end, at most."""
_MOST_AGAIN = 16_384
"""Characters of a text that may be said again from its beginning."""
_AGAIN = 4
"""Characters that are no chance: words that go on have white space before them, a repetition of
the last one has none."""
_INSIDE = 16
"""The same where they begin inside a word, or where there are no words."""
_ON = 32
"""The same behind white space, as words do that go on: a word may well be said twice."""
_ASTRAY = 16
"""Characters that are the same at the beginning of both: the answer was begun anew, another one."""
_FAR_ASTRAY = 48
"""The same behind white space."""


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
        if rest is None and self._is_astray(held):
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
        told = held.lstrip()
        if told is held or not held[:1].isspace():
            return self._behind(held, _AGAIN, _INSIDE)
        rest = self._behind(held, _ON, _ON)
        return self._behind(told, _ON, _ON) if rest is None else rest

    def _behind(self, held: str, word: int, inside: int) -> str | None:
        """What follows what was said before; None where nothing was.

        Args:
            held: What was said now.
            word: Characters that must be the same where they begin with a word.
            inside: Where they do not.
        """
        again, tail = self._again, self._tail
        if again and held.startswith(again):
            return held[len(again) :]
        # Two words that are not set apart: the second one is the first one again.
        apart = not (tail[-1:].isalnum() and held[:1].isalnum())
        for length in range(min(len(held), len(tail)), word - 1, -1):
            same = held[:length]
            if tail.endswith(same):
                before = tail[: len(tail) - length][-1:]
                begins = not (before.isalnum() and same[0].isalnum())
                if (begins and not apart) or (
                    (begins or length >= inside) and not self._is_rhythm(same)
                ):
                    return held[length:]
        return None

    def _is_astray(self, held: str) -> bool:
        """Whether it begins as the text did."""
        told = held.lstrip()
        common = _common(told, self._said)
        if self._is_rhythm(told[:common]):
            return False
        if len(told) < len(held):
            return common >= _FAR_ASTRAY
        half = (len(self._said) - 1) // 2
        return common >= _ASTRAY or (common >= _AGAIN and common >= half)

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
