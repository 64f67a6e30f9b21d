"""In which language somebody writes, as far as the script tells: Chinese, Japanese or Korean.

A counter and no model: it counts Han characters, kana, hangul and other letters. Chinese is Han
without kana or hangul, simplified or traditional. What has more than one of them is decided so:

- English with a Chinese name stays English: Han must have its share of the words, and up to two
  thirds the text must also speak Chinese, by its particles or its wide punctuation.
- Whoever pastes code or a document below a question asks in the first line: a first line that
  speaks Chinese is enough, and so is a text that is Chinese for the most part.
- Short Japanese may have no kana. It shows itself by forms that only Japan has, by simplified and
  traditional ones side by side (as in 会議), or by a few words.
- Chinese may quote kana or hangul: it shows itself by forms that Japan does not have.

This runs for every request of a route that asks for it: ASCII costs nothing, 1 KB of other text
about 2 us. The sentences that it is measured by: `tests/unit/routing/sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from antiphon.routing.characters import forms

Language = Literal["zh", "ja", "ko", ""]
"""`""` is any other."""

SHARE: Final = 0.3
SHORT: Final = 16

_LONGEST: Final = 8192
"""Characters that are looked at; of a longer text its two ends."""
_CLOSE: Final = 128
"""Up to so many characters, words are counted and not estimated."""
_HEAD: Final = 64
"""Characters whose forms are looked at."""
_BRIEF: Final = 256
"""Bytes up to which a single kana counts."""
_FEW: Final = 40
"""Han characters after which Japanese has kana."""
_SOUNDS: Final = 2
"""Characters of a word, where kana or hangul spell it."""
_MOSTLY: Final = 0.65
"""The share from which a text is Chinese without speaking it."""
_WORD_BYTES: Final = 6
"""Of a usual word and the space after it."""

_SPEAKS: Final = re.compile(
    "[\u3001\u3002\uff01\uff1a\uff1b\uff1f"  # wide punctuation; a comma may end a greeting
    "的了吗嗎呢吧么麼们們这這那哪怎什谁誰请請帮幫我咱把给給让讓还還没沒係唔嘅喺咗點]"
    "|\uff0c(?!\\s*$)|多少|如何|可以|是否|为何|為何"
    "|一下|总结|總結|翻译|翻譯|解释|解釋|检查|檢查|说|說|讲|講|咋|啥"
)
"""What hardly stands in names and quoted words."""
_REMARKS: Final = ("#", "//", "/*", "*", "--", ";", "<!--")
"""What begins a comment in code."""
_WORD: Final = re.compile(r"[A-Za-z][\w'.-]*", re.ASCII)
_QUOTED: Final = re.compile('"[^"]*"|“[^”]*”')

_KANA_LEAD: Final = 0xE3
_HAN_LEADS: Final = range(0xE4, 0xEA)
_HANGUL_LEADS: Final = range(0xEA, 0xEE)
_CLASSES: Final = bytes(
    b"K"[0] if each == _KANA_LEAD else b"H"[0] if each in _HAN_LEADS else b"G"[0]
    for each in range(256)
)
"""What a character is, by its first byte in UTF-8: K kana or wide punctuation, H Han, G hangul."""
_OTHER: Final = bytes(
    each
    for each in range(256)
    if each != _KANA_LEAD and each not in _HAN_LEADS and each not in _HANGUL_LEADS
)
"""Bytes that begin none of them."""
_NO_HAN: Final = bytes(each for each in range(256) if each not in _HAN_LEADS)


class Scripts:
    """The counter, with the figures of a route."""

    __slots__ = ("_forms", "_mostly", "_share", "_short")

    def __init__(self, *, share: float = SHARE, short: int = SHORT) -> None:
        """Make it ready.

        Args:
            share: Of Han among the words, from which a text can be Chinese.
            short: Columns up to which a text belongs to its conversation; Han takes two.
        """
        self._share = share
        self._mostly = max(share, _MOSTLY)
        self._short = short
        self._forms = forms()

    def language(self, text: str, earlier: Sequence[str] = ()) -> Language:
        """The language of a conversation.

        Args:
            text: What the user said last, with the text that is attached to it.
            earlier: What the user said before, the newest first.
        """
        for before in earlier:
            if not _is_short(text, self._short):
                break
            text = before
        return self.of(text)

    def of(self, text: str) -> Language:
        """The language of a text."""
        if text.isascii():
            return ""
        if len(text) > _LONGEST:
            text = text[: _LONGEST // 2] + text[-_LONGEST // 2 :]
        data = text.encode("utf-8", "ignore")
        marks = data.translate(_CLASSES, _OTHER)
        if not marks:
            return ""
        han = marks.count(b"H")
        if han > _FEW and 4 * (len(marks) - han) < han:
            # Nearly all: what is left is punctuation, or a few words that are quoted.
            share = han / (han + (len(data) - 3 * len(marks)) / _WORD_BYTES)
            return self._of_han(text, share, han)
        kana = marks.count(b"K")
        hangul = len(marks) - han - kana
        if kana:
            # Much of it is punctuation, which Chinese has too; a little does not matter.
            kana = kana - data.count(b"\xe3\x80") if len(data) <= _BRIEF or kana * 4 > han else 0
        others = kana + hangul
        words = _words(text, len(data) - 3 * len(marks))
        if others and (others >= han or not self._forms.foreign.search(text[:_HEAD])):
            spoken = (others + han) / _SOUNDS
            enough = spoken >= self._share * (spoken + words)
            jamo = data.count(b"\xe3\x85")
            return ("ja" if kana - jamo >= hangul + jamo else "ko") if enough else ""
        return self._of_han(text, han / (han + words), han) if han else ""

    def _of_han(self, text: str, share: float, han: int) -> Language:
        """Of a text whose Han has this share of its words."""
        if share >= self._mostly:
            return "ja" if han <= _FEW and self._is_japanese(text) else "zh"
        if "\n" not in text:
            return "zh" if self._speaks(text, share) else ""
        first = text[:_CLOSE].lstrip().partition("\n")[0]
        if self._speaks(first):
            return "zh"
        last = text[-_CLOSE:].rstrip().rpartition("\n")[2].lstrip()
        return "zh" if not last.startswith(_REMARKS) and self._speaks(last) else ""

    def _speaks(self, line: str, share: float | None = None) -> bool:
        """Whether this line, with this share of Han, is somebody speaking Chinese."""
        if line.isascii():
            return False
        if share is None:
            share = _share(line)
        if share >= self._share:
            return _SPEAKS.search(line[:_CLOSE]) is not None
        if len(line) > _CLOSE or not share or ('"' not in line and "“" not in line):
            return False
        unquoted = _QUOTED.sub("", line)
        return _share(unquoted) >= self._share and _SPEAKS.search(unquoted) is not None

    def _is_japanese(self, text: str) -> bool:
        """Whether a few Han characters without kana are Japanese."""
        forms = self._forms
        own, rare = len(forms.japanese.findall(text)), len(forms.rare.findall(text))
        if own or rare:
            return own >= rare
        if forms.simpler.search(text) and forms.fuller.search(text):
            return True
        return forms.words.search(text) is not None


def _share(line: str) -> float:
    """Of Han in the words of one line."""
    data = line.encode("utf-8", "ignore")
    han = len(data.translate(None, _NO_HAN))
    return han / (han + _words(line, len(data) - 3 * han)) if han else 0.0


def _words(text: str, other: int) -> float:
    """Words of other scripts, in so many bytes: counted in a short text, else estimated."""
    if len(text) > _HEAD:
        return other / _WORD_BYTES
    return max(len(_WORD.findall(text)), other / (2 * _WORD_BYTES))


def _is_short(text: str, columns: int) -> bool:
    """Whether it takes no more columns; what has three bytes in UTF-8 takes two."""
    if len(text) > columns:
        return False
    return (
        text.isascii()
        or len(text) + (len(text.encode("utf-8", "ignore")) - len(text)) // 2 <= columns
    )
