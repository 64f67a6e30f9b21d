from __future__ import annotations

from datetime import date

import pytest

from antiphon.providers.catalog import Catalog
from antiphon.providers.quirks import QUIRKS


@pytest.mark.parametrize(
    ("name", "context", "max_output"),
    [
        ("gpt-4o", 128_000, 16_384),
        ("openai/gpt-4o-mini", 128_000, 16_384),
        ("GPT-4.1-nano-2025-04-14", 1_047_576, 32_768),
        ("moonshot-v1-8k", 8_192, None),
        ("moonshot-v1-128k", 131_072, None),
        ("accounts/fireworks/models/kimi-k2.6", 262_144, None),
        ("glm-4.6", 200_000, 131_072),
        ("llama3:8b", None, None),
    ],
)
def test_windows(catalog: Catalog, name: str, context: int | None, max_output: int | None) -> None:
    row = catalog.models.row(name)
    assert (row.context, row.max_output) == (context, max_output)


@pytest.mark.parametrize(
    ("name", "fact", "value"),
    [
        ("kimi-k3", "sampling", False),
        ("moonshot-v1-32k", "sampling", True),
        ("moonshot-v1-32k-vision-preview", "vision", True),
        ("glm-5.3", "forced_tools", False),
        ("glm-5.3", "json_schema", True),
        ("glm-4.6", "json_schema", False),
        ("glm-4.6v", "vision", True),
        ("o3", "sampling", False),
        ("o3-mini", "successor", "gpt-5.6-sol"),
        ("gpt-5-chat-latest", "reasoning", None),
        ("gpt-5.2", "sampling", None),
        ("kimi-k2-0711-preview", "retires", "2026-05-25"),
        ("gemini-3.8-flash", "sampling", False),
        ("something-new", "tools", None),
    ],
)
def test_facts(catalog: Catalog, name: str, fact: str, value: object) -> None:
    assert getattr(catalog.models.row(name), fact) == value


def test_quirks_of_models_name_quirks_and_rows(catalog: Catalog) -> None:
    for row in catalog.models.rows:
        assert set(row.quirks) <= set(QUIRKS)
        assert set(row.at) <= set(catalog)
        assert bool(row.quirks) == bool(row.at)


def test_patterns_are_written_as_names_are_matched(catalog: Catalog) -> None:
    for row in catalog.models.rows:
        assert row.match
        assert all(pattern == pattern.lower() and "/" not in pattern for pattern in row.match)


def test_retirements_are_days(catalog: Catalog) -> None:
    days = [row.retires for row in catalog.models.rows if row.retires]
    assert days
    for day in days:
        date.fromisoformat(day)


def test_every_model_that_a_row_shows_is_known(catalog: Catalog) -> None:
    # Else its window is unknown and a long document would be sent where it does not fit.
    for row in catalog.values():
        for model in row.models:
            quote = catalog.prices.quote(row.prices, model, now=0)
            known = catalog.models.row(model).context or quote.context
            assert known or row.name in {"tgi", "perplexity", "mistral", "zai"}, (row.name, model)


def test_no_model_that_a_row_shows_is_retired(catalog: Catalog) -> None:
    for row in catalog.values():
        for model in row.models:
            retires = catalog.models.row(model).retires
            assert not retires or retires > "2026-11-21", (row.name, model)
