"""Each case means what it meant, and is written as it was."""

from pathlib import Path

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from tests.golden.dialects.anthropic_messages.cases import CASES
from tests.golden.dialects.results import results_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Path) -> None:
    for name, content in results_of(case, ANTHROPIC_MESSAGES).items():
        assert content.decode() == (case / name).read_text(encoding="utf-8"), f"{case.name}/{name}"
