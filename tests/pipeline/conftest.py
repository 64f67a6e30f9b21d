from __future__ import annotations

from collections.abc import Callable

import pytest

from antiphon.pipeline import course
from tests.pipeline.fakes import House


@pytest.fixture
def house(tmp_path, monkeypatch) -> Callable[..., House]:
    """Makes houses; the waits between two rounds move their clock."""

    def make(*names: str, **options: object) -> House:
        made = House(tmp_path, names or ("one", "two", "three"), **options)
        monkeypatch.setattr(course, "sleep", made.clock.sleep)
        return made

    return make
