"""The page on clients says what the tests of this folder run."""

from __future__ import annotations

from tests.sdks.jobs import CASES
from tests.sdks.matrix_page import MEANINGS, PAGE, TITLES, page
from tests.sdks.test_matrix import PROVIDERS


def test_the_tables_are_current() -> None:
    written = PAGE.read_text("utf-8")
    assert page(written) == written, "run `python -m tests.sdks.matrix_page`"


def test_every_case_and_every_provider_is_there() -> None:
    assert list(MEANINGS) == list(CASES)
    assert tuple(TITLES) == PROVIDERS
