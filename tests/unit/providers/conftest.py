from __future__ import annotations

from collections.abc import Callable

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.provider import Provider

NOVEMBER_2026 = 1_795_000_000.0


class FakeClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return 1_000.0 + self.passed

    def now(self) -> float:
        return NOVEMBER_2026 + self.passed

    def move(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


MakeProvider = Callable[..., Provider]


@pytest.fixture
def make(catalog: Catalog, clock: FakeClock) -> MakeProvider:
    def make_provider(name: str, **settings: object) -> Provider:
        return Provider(
            name,
            ProviderSettings.model_validate(settings),
            catalog=catalog,
            dialects=DIALECTS,
            clock=clock,
        )

    return make_provider
