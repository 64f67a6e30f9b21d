from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.usage.budgets.bank import Bank


@pytest.fixture
def bank(tmp_path) -> Iterator[Bank]:
    bank = Bank(tmp_path)
    yield bank
    bank.close()
