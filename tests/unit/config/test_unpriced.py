"""Prices that cannot be used, and models that have none, each at the line that says so."""

from __future__ import annotations

import pytest

FAR = """providers:
  far:
    base_url: https://llm.example.com/v1
"""


def with_prices(prices: str) -> str:
    return FAR + f"    models:\n      m: {{prices: {prices}}}\n"


MISTAKES = {
    "negative": ("{input: -0.000001, output: 2}", "input: must not be negative"),
    "huge": ("{input: 1000000.01, output: 2}", "input: must be at most 1,000,000 dollars"),
    "enormous": (f"{{input: 1, output: 1{'0' * 400}}}", "output: must be a number"),
    "not a number": ("{input: .nan, output: 2}", "input: must be a number"),
    "infinite": ("{input: 1, output: .inf}", "output: must be a number"),
    "a word": ("{input: cheap, output: 2}", "input: must be a number"),
    "a flag": ("{input: true, output: 2}", "input: must be a number"),
    "a list": ("{input: [1], output: 2}", "input: must be a number"),
    "half a price": ("{input: 1}", "output: is required"),
    "a misspelt word": (
        "{input: 1, output: 2, cache_reed: 1}",
        "cache_reed: is not a setting; did you mean 'cache_read'?",
    ),
    "a request": ("{input: 1, output: 2, request: -1}", "request: must not be negative"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_price_that_cannot_be_used(refusal, case):
    prices, message = MISTAKES[case]
    found = refusal(with_prices(prices))
    assert len(found) == 1
    where, _, rest = found[0].partition(": ")
    assert where.startswith("antiphon.yaml:5:")
    assert rest == f"providers.far.models.m.prices.{message}"


def test_the_dearest_and_the_cheapest_price_that_can(load_text):
    loaded = load_text(with_prices("{input: 1000000, output: 0, cache_read: 1e-12}"))
    given = loaded.settings.providers["far"].models["m"].prices.in_billionths()
    # A price under a billionth is a billionth: what is asked for is never made free by rounding.
    assert given == {"input": 10**15, "output": 0, "cache_read": 1}


def test_every_mistake_of_the_section_at_once(refusal):
    found = refusal(
        FAR + "    unknown_prices: never\n    ceiling_prices: {input: -1, output: .nan}\n"
        "prices:\n  unknown: perhaps\n  ceiling: {input: 2}\n"
    )
    assert found == [
        "antiphon.yaml:4:5: providers.far.unknown_prices: 'never' is not 'deny', 'ceiling' or 'free'",
        "antiphon.yaml:5:22: providers.far.ceiling_prices.input: must not be negative",
        "antiphon.yaml:5:33: providers.far.ceiling_prices.output: must be a number",
        "antiphon.yaml:7:3: prices.unknown: 'perhaps' is not 'deny', 'ceiling' or 'free'",
        "antiphon.yaml:8:3: prices.ceiling.output: is required",
    ]


# ------------------------------------------------------------------ models without a price

ROUTES = """models:
  one: far/x
  two: [far/x, far/y]
  three: {deployments: [far/z]}
"""
MEND = "this provider is not in the price book; set providers.far.models"


def test_what_is_denied_is_a_mistake_with_its_line_and_the_mend(refusal):
    found = refusal(FAR + "prices: {unknown: deny}\n" + ROUTES)
    denied = "has no price, and such models are denied"
    assert found == [
        f"antiphon.yaml:6:3: models.one: 'far/x' {denied}: {MEND}.x.prices",
        f"antiphon.yaml:7:16: models.two.1: 'far/y' {denied}: {MEND}.y.prices",
        f"antiphon.yaml:8:25: models.three.deployments.0: 'far/z' {denied}: {MEND}.z.prices",
    ]


def test_the_entry_alone_can_deny(refusal, load_text):
    denying = FAR + "    unknown_prices: deny\n"
    assert len(refusal(denying + ROUTES)) == 3
    assert load_text(denying).warnings == ()
    priced = "    models: {x: {prices: {input: 1, output: 2}}}\n"
    assert load_text(denying + priced + "models: {one: far/x}").warnings == ()


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [("ceiling", "is charged at the ceiling"), ("free", "is not charged at all")],
)
def test_what_is_charged_without_a_price_is_told_at_the_start(load_text, policy, outcome):
    loaded = load_text(FAR + f"prices: {{unknown: {policy}}}\n" + ROUTES)
    told = [each[each.index("antiphon.yaml") :] for each in loaded.warnings]
    unpriced = f"has no price and {outcome}"
    assert told == [
        f"antiphon.yaml:6:3: models.one: 'far/x' {unpriced}: {MEND}.x.prices",
        f"antiphon.yaml:7:16: models.two.1: 'far/y' {unpriced}: {MEND}.y.prices",
        f"antiphon.yaml:8:25: models.three.deployments.0: 'far/z' {unpriced}: {MEND}.z.prices",
    ]


def test_known_own_and_self_hosted_models_are_not_worth_a_word(load_text):
    loaded = load_text(
        "providers:\n  openai: {api_key: k}\n  lab: {base_url: 'http://127.0.0.1:1/v1'}\n"
        "  far: {base_url: 'https://llm.example.com', models: {x: {prices: {input: 1, output: 2}}}}\n"
        "models: {a: openai/gpt-4o, b: lab/anything, c: far/x}\n"
        "prices: {unknown: deny}\n"
    )
    assert loaded.warnings == ()


def test_a_mistaken_entry_is_reported_for_itself_alone(refusal):
    found = refusal(
        "providers:\n  far: {base_url: 'https://llm.example.com', catalog: nowhere}\n"
        "prices: {unknown: deny}\nmodels: {a: far/x}\n"
    )
    assert len(found) == 1
    assert "no such row" in found[0]
