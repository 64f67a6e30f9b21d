"""Configured models that are switched off, or are about to be, each at the line that names it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from antiphon.providers.retirement import SOON_DAYS
from tests.unit.config.conftest import Load, Refusal, Still

OPENAI = "providers:\n  openai: {api_key: k}\n"


def on(day: str) -> Still:
    return Still(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def told(load_text: Load, text: str, day: str) -> list[str]:
    found = load_text(text, clock=on(day)).warnings
    return [each[each.index("antiphon.yaml") :] for each in found]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-14", ""),
        ("2026-11-15", "is switched off by its maker on 2027-01-14, in 60 days"),
        ("2027-01-13", "is switched off by its maker on 2027-01-14, in 1 day"),
        ("2027-01-14", "is switched off by its maker on 2027-01-14, in 0 days"),
        ("2027-01-15", "was to be switched off by its maker on 2027-01-14"),
        ("2028-06-01", "was to be switched off by its maker on 2027-01-14"),
    ],
)
def test_a_model_of_a_route_is_told_of_in_time(load_text: Load, day: str, said: str) -> None:
    assert SOON_DAYS == 60
    where = "antiphon.yaml:4:3: models.fast: 'openai/gpt-4o'"
    wanted = [f"{where} {said}; its maker offers gpt-6-luna"] if said else []
    assert told(load_text, OPENAI + "models:\n  fast: openai/gpt-4o\n", day) == wanted


def test_each_model_once_routes_first_and_then_the_lists_of_providers(load_text: Load) -> None:
    text = (
        "providers:\n  openai: {api_key: k, models: [gpt-4o, o3-mini, gpt-6-luna]}\n"
        "models:\n  one: openai/gpt-4o\n  two: [openai/gpt-6-luna, openai/gpt-4o]\n"
    )
    assert [
        each.partition(" ")[2].split(" ")[0:2] for each in told(load_text, text, "2026-12-01")
    ] == [
        ["models.one:", "'openai/gpt-4o'"],
        ["providers.openai.models:", "'openai/o3-mini'"],
    ]


def test_a_day_without_a_successor_names_none(load_text: Load) -> None:
    (said,) = told(load_text, OPENAI + "models: {fast: openai/gpt-5.1}", "2027-04-01")
    assert said.endswith("is switched off by its maker on 2027-04-01, in 0 days")


def test_weights_on_ones_own_machines_are_switched_off_by_nobody(load_text: Load) -> None:
    text = "providers: {vllm: {base_url: 'http://gpu:8000'}}\nmodels: {fast: vllm/kimi-k2-0711}\n"
    assert told(load_text, text, "2026-12-01") == []


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("retires: ''", None),
        ("retires: 2027-06-30", None),
        ("successor: gpt-6.1-sol", "on 2027-01-14, in 44 days; its maker offers gpt-6.1-sol"),
        ("retires: 2026-12-24", "on 2026-12-24, in 23 days; its maker offers gpt-6-luna"),
    ],
)
def test_what_the_configuration_knows_better(load_text: Load, own: str, said: str | None) -> None:
    text = f"providers:\n  openai: {{api_key: k, models: {{gpt-4o: {{{own}}}}}}}\n"
    found = told(load_text, text + "models: {fast: openai/gpt-4o}\n", "2026-12-01")
    assert [each.partition("maker ")[2] for each in found] == ([said] if said else [])


@pytest.mark.parametrize("day", ["2027-02-30", "soon", "20270114", "2027-W03-4"])
def test_a_day_that_is_none(refusal: Refusal, day: str) -> None:
    text = f"providers:\n  openai: {{api_key: k, models: {{m: {{retires: '{day}'}}}}}}\n"
    (found,) = refusal(text)
    assert "models.m.retires: must be a day as YYYY-MM-DD, or empty" in found
