from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from antiphon.simulator import Fleet
from tests.kills.children import Nursery
from tests.kills.workload import providers


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    async with providers() as fleet:
        yield fleet
