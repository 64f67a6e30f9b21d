"""The labelled sentences, read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent


class Sentence(NamedTuple):
    """One labelled message; `earlier` as a user said it, the oldest first."""

    id: str
    language: str
    route: str
    kind: str
    earlier: tuple[str, ...]
    text: str


def sentences(name: str = "sentences.tsv") -> list[Sentence]:
    """All of one file."""
    return [
        Sentence(
            each[0],
            each[1],
            each[2],
            each[3],
            tuple(_plain(turn) for turn in each[4].split("\\f")) if each[4] else (),
            _plain(each[5]),
        )
        for each in _rows(name)
    ]


def second_labels() -> dict[str, tuple[str, str]]:
    """By id, the language and the route that somebody else gave, of `second.tsv`."""
    return {each[0]: (each[1], each[2]) for each in _rows("second.tsv")}


def _rows(name: str) -> list[list[str]]:
    lines = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def _plain(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")
