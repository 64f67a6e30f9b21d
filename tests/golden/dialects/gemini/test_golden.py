"""Each case means what it meant, and is written as it was."""

from pathlib import Path

import pytest

from antiphon.dialects.gemini import GEMINI
from tests.golden.dialects.gemini.cases import CASES
from tests.golden.dialects.results import results_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Path) -> None:
    for name, content in results_of(case, GEMINI).items():
        assert content.decode() == (case / name).read_text(encoding="utf-8"), f"{case.name}/{name}"
