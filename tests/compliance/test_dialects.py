"""Each of our dialects passes every check of the kit, and nothing is passed by being empty."""

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.testing.compliance import Outcome, dialect_checks
from antiphon.testing.compliance.subject import SHIPPED

CHECKS = [(name, check) for name, each in SHIPPED.items() for check in dialect_checks(each)]
NOT_TRIED = {
    ("ollama", "usage.details"),
    *(("ollama_generate", name) for name in ("usage.details", "requests.declared")),
    *(("ollama_generate", name) for name in ("tools.results", "tools.offered")),
}
"""Where there is nothing to try: Ollama has no details of usage, and asks no provider to complete."""


@pytest.mark.parametrize(
    ("name", "check"), CHECKS, ids=[f"{name}-{check}" for name, check in CHECKS]
)
def test_a_check(name, check):
    result = check()
    untried = (name, check.name) in NOT_TRIED
    assert result.outcome is (Outcome.NOT_SUPPORTED if untried else Outcome.PASSED)
    assert (result.tried == 0) is untried
    assert result.proves.endswith(".")


def test_every_dialect_is_shipped_with_cases():
    assert DIALECTS.keys() <= SHIPPED.keys()
