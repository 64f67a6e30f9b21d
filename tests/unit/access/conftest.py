from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.access.tenancy import Tenancy


@pytest.fixture
def tenancy(tmp_path: Path) -> Iterator[Tenancy]:
    tenancy = Tenancy(tmp_path)
    yield tenancy
    tenancy.close()
