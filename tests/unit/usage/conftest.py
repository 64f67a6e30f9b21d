from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.usage.books import Office


@pytest.fixture
def office(tmp_path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.database.close()
