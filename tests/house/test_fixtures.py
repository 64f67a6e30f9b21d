"""Every provider of the catalog is known: by its traffic, or by what its documentation shows."""

from __future__ import annotations

from antiphon.providers.catalog import load_catalog
from tests.providers.fixtures import load_fixtures

CATALOG = load_catalog()
FIXTURES = load_fixtures()


def test_every_row_has_its_fixture() -> None:
    assert {fixture.row for fixture in FIXTURES.values()} == set(CATALOG)
    assert [name for name in CATALOG if name not in FIXTURES] == []


def test_only_what_was_recorded_is_verified() -> None:
    recorded = {fixture.row for fixture in FIXTURES.values() if fixture.is_recorded}
    assert {name for name, row in CATALOG.items() if row.tier == "verified"} == recorded


def test_a_list_that_is_asked_for_is_known() -> None:
    for name, row in CATALOG.items():
        assert row.lists_models == (FIXTURES[name].models is not None), name
