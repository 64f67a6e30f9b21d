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
        ("claude-opus-5-5", 1_000_000, 128_000),
        ("anthropic/claude-sonnet-4.5", 200_000, 64_000),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000, 64_000),
        ("claude-opus-4-1@20250805", 200_000, 32_000),
        ("claude-opus-4-20250514", 200_000, 32_000),
        ("claude-3-5-sonnet-latest", 200_000, 8_192),
        ("claude-3-haiku-20240307", 200_000, 4_096),
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
        ("glm-5.3-flash", "reasoning_off", False),
        ("glm-5.2", "reasoning_off", True),
        ("kimi-k3.1-pro", "reasoning_off", False),
        ("kimi-k2.7-code-highspeed", "reasoning_off", False),
        ("kimi-k2.6", "reasoning_off", True),
        ("deepseek-reasoner", "successor", "deepseek-v4-flash"),
        ("deepseek-v3.2", "retires", ""),
        ("gemini-2.5-pro-preview-05-06", "retires", "2026-12-01"),
        ("gemini-2.5-flash-lite", "retires", ""),
        ("gemini-2.5-flash-image", "retires", ""),
        ("something-new", "tools", None),
    ],
)
def test_facts(catalog: Catalog, name: str, fact: str, value: object) -> None:
    assert getattr(catalog.models.row(name), fact) == value


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("claude-opus-5-5", (False, False, False, True, False, True)),
        ("claude-sonnet-5-5", (False, False, False, True, False, True)),
        ("claude-haiku-5-5", (False, False, None, True, True, True)),
        ("claude-fable-5-2", (False, False, False, True, False, True)),
        ("claude-fable-5-1@20260901", (False, False, False, True, False, True)),
        ("claude-fable-5", (False, False, None, True, False, True)),
        ("claude-fable-5-20260609", (False, False, None, True, False, True)),
        ("claude-opus-5", (False, False, True, True, True, True)),
        ("anthropic/claude-opus-5.5", (False, False, False, True, False, True)),
        ("claude-sonnet-5", (False, False, True, True, True, True)),
        ("claude-opus-4-8", (False, False, True, True, True, True)),
        ("claude-opus-4-7", (False, False, True, True, True, False)),
        ("claude-opus-4-6", (True, False, True, True, True, False)),
        ("claude-sonnet-4-6", (True, False, True, True, True, False)),
        ("claude-sonnet-4-5-20250929", (True, True, True, False, True, False)),
        ("claude-3-7-sonnet-20250219", (True, True, True, False, True, False)),
    ],
)
def test_what_the_claudes_take(catalog: Catalog, name: str, taken: tuple[object, ...]) -> None:
    row = catalog.models.row(name)
    found = (row.sampling, row.prefill, row.forced_tools)
    assert (*found, row.adaptive, row.reasoning_off, row.later_system) == taken


def test_every_claude_that_has_a_price_has_facts(catalog: Catalog) -> None:
    for name in (
        "claude-2", "claude-3-5-haiku-latest", "claude-3-5-sonnet", "claude-3-7-sonnet-latest",
        "claude-3-haiku", "claude-3-opus-latest", "claude-3-sonnet", "claude-fable-5",
        "claude-fable-5-1", "claude-fable-5-2", "claude-haiku-4-5", "claude-haiku-5-5",
        "claude-mythos-5-2", "claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-5",
        "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5",
        "claude-opus-5-5", "claude-sonnet-4-0", "claude-sonnet-4-5", "claude-sonnet-4-6",
        "claude-sonnet-5", "claude-sonnet-5-5", "claude-v1",
    ):  # fmt: skip
        assert catalog.models.row(name).match, name
        quote = catalog.prices.quote(["anthropic"], name, now=1_795_000_000)
        assert quote.card is not None, name


def test_a_model_asks_for_three_quirks_at_most(catalog: Catalog) -> None:
    for row in catalog.models.rows:
        assert len(row.quirks) <= 3, row.match


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
