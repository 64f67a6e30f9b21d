"""A share of the fuzz over the whole document; all of it is in the campaign."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from antiphon.server.problems import is_managed
from tests.kills.children import Nursery
from tests.surface.fuzzing import BEARER, SHARE, Surface, running


@pytest.fixture(scope="module")
def surface(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    with running(nursery, tmp_path_factory.mktemp("surface")) as surface:
        yield surface


def test_as_admin(surface):
    done = surface.fuzz(BEARER, SHARE, is_managed)
    rest = settings(SHARE, max_examples=1)
    done += surface.fuzz(BEARER, rest, lambda path: not is_managed(path))
    paths = surface.document.raw_schema["paths"]
    assert {label.split(" ", 1)[1] for label in done} == set(paths), "nothing is left out"
    assert surface.statuses[200] > 50
    assert surface.statuses[201] > 5


def test_as_nobody(surface):
    before = surface.statuses[401]
    assert surface.fuzz({}, settings(SHARE, max_examples=1), is_managed)
    assert surface.statuses[401] - before > 30
