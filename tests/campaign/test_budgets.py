"""A thousand callers at once against a budget of a hundred answers, twenty times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.purses import charged, crowd, leased

pytestmark = pytest.mark.campaign


@pytest.mark.parametrize("number", range(20))
async def test_a_thousand_callers(tmp_path: Path, number: int):
    limit = 100 * 250_000 + number
    bound = await crowd(tmp_path, 1000, limit)
    spent, held = leased(tmp_path, "team", "org_default/web")
    assert held == 0
    assert limit - bound < spent <= limit
    assert spent == charged(tmp_path)
