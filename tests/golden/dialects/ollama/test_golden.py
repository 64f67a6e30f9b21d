"""Each case means what it meant, and is written as it was."""

from pathlib import Path

import pytest

from tests.golden.dialects.ollama.cases import CASES, dialect_of
from tests.golden.dialects.results import results_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Path) -> None:
    for name, content in results_of(case, dialect_of(case)).items():
        assert content.decode() == (case / name).read_text(encoding="utf-8"), f"{case.name}/{name}"
