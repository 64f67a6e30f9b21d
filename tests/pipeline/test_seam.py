"""What goes on with a text is told once, whatever of it was said before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.pipeline.seam import LONGEST, Seam

TEXT = (
    "In practice, the quiet harbour measures what the morning brought. Usually a careful reader "
    "repeats three reasons and a doubt; nothing else moves.\n\nOn balance, the Zürich office keeps "
    "a list of plain numbers, and that is enough. 起初看来每个小咖啡馆都带着前一天的工作。 As a rule, an "
    "early draft answers more than it promises, which is the point."
)


def told(said: str, pieces: list[str]) -> str:
    seam = Seam(said)
    out = "".join(seam.feed(piece) if seam.open else piece for piece in pieces)
    return out + (seam.close() if seam.open else "")


def in_pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@given(
    st.integers(0, len(TEXT)),
    st.integers(1, 40),
    st.sampled_from(["as it is", "its tail", "all of it", "a space before its tail"]),
    st.integers(16, LONGEST - 1),
)
def test_any_text_in_two_pieces(cut, size, how, tail):
    said, rest = TEXT[:cut], TEXT[cut:]
    base = said.rstrip()
    again = {
        "as it is": "",
        "its tail": base[-tail:].lstrip(),
        "all of it": base,
        "a space before its tail": f" {base[-tail:]}" if base else "",
    }[how]
    if 0 < len(again.strip()) < (40 if how.startswith("a space") else 16):
        # So little may be said twice by chance.
        again = ""
    goes_on = again + TEXT[len(base) :]
    assert said + told(said, in_pieces(goes_on, size)) == said + rest


@pytest.mark.parametrize(
    ("said", "goes_on", "whole"),
    [
        ("one two\n\n", "\n\nthree", "one two\n\nthree"),
        ("one two\n\n", "three", "one two\n\nthree"),
        ("one two\n", "\n\nthree", "one two\n\nthree"),
        ("one two ", " three", "one two three"),
        ("one two", " three", "one two three"),
        ("a list:\n", "\n  - x", "a list:\n  - x"),
        # A few letters are the same by chance.
        ("ha", "ha", "haha"),
        ("the Zo", "o is open", "the Zoo is open"),
        ("train letters", " letters again", "train letters letters again"),
        ("under glass north", " glass north", "under glass north glass north"),
        # A message that begins anew with the last word does so without a space.
        ("train letters", "letters again", "train letters again"),
        # A text that repeats itself goes on repeating itself.
        ("| --- | --- |", " --- | --- |", "| --- | --- | --- | --- |"),
        ("----------", "----------", "--------------------"),
        ("ho ho ho ho ho", " ho ho ho ho", "ho ho ho ho ho ho ho ho ho"),
        # All of a short text is no chance.
        ("Hello", "Hello, and welcome", "Hello, and welcome"),
        ("", "three", "three"),
    ],
)
def test_what_is_doubtful_stays(said, goes_on, whole):
    for size in (1, 3, 100):
        assert said + told(said, in_pieces(goes_on, size)) == whole


def test_little_is_held_back():
    seam = Seam(TEXT)
    assert seam.feed(" Then nothing") == " Then nothing"
    seam = Seam(TEXT)
    assert [seam.feed(word) for word in ("which", " is", " the", " point.", " Then")] == [
        *[""] * 4,
        " Then",
    ]


@pytest.mark.parametrize("said", [TEXT, TEXT[:100], TEXT[:30]])
def test_another_answer_with_the_same_beginning_is_none(said):
    seam = Seam(said)
    for piece in in_pieces(said[: len(said) // 2] + "But no.", 9):
        assert not (seam.open and seam.feed(piece))
    assert seam.astray
