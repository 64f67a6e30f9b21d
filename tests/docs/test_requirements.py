"""Every proof that docs/requirements.md names is there, and every id is answered."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "requirements.md"
TEXT = PAGE.read_text("utf-8")
PAGES_WITH_PROOFS = (PAGE, *sorted((ROOT / "docs" / "decisions").glob("*.md")))
PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
PROOFS = sorted({proof for page in PAGES_WITH_PROOFS for proof in PROOF.findall(page.read_text())})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LAST = {"G": 59, "K": 24, "M": 22}
"""The last number of each sheet."""


@pytest.mark.parametrize(("file", "name"), PROOFS)
def test_the_proof_is_there(file, name):
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    names = {each.name for each in ast.walk(tree) if isinstance(each, FUNCTIONS)}
    assert not name or name in names


def test_every_row_has_a_verdict_and_says_what_is_missing():
    rows = re.findall(r"^\| ([GKM]-\d\d) \| (\S+) \| (.+) \| (.*)\|$", TEXT, re.MULTILINE)
    assert rows
    for id_, verdict, proof, missing in rows:
        assert verdict in {"yes", "part"}, id_
        assert proof.strip(), id_
        assert bool(missing.strip()) == (verdict == "part"), id_


def test_every_id_is_a_row_or_not_yet():
    claimed = set(re.findall(r"^\| ([GKM]-\d\d) \|", TEXT, re.MULTILINE))
    later = TEXT.partition("## Not yet")[2].partition("Parts")[0]
    waiting: set[str] = set()
    for letter, first, last in re.findall(r"([GKM])-(\d\d)(?: to [GKM]-(\d\d))?", later):
        waiting |= {f"{letter}-{n:02}" for n in range(int(first), int(last or first) + 1)}
    known = {f"{letter}-{n:02}" for letter, last in LAST.items() for n in range(1, last + 1)}
    # The sheet of the gateway has a gap between two of its parts.
    known -= {f"G-{n}" for n in range(45, 50)}
    assert claimed | waiting == known
    assert not claimed & waiting
