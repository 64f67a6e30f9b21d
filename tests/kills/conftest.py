from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon.simulator import Fleet
from tests.kills.workload import providers


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with providers() as fleet:
        yield fleet
