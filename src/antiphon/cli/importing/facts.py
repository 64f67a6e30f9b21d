"""What a file of LiteLLM's knows of a model: its sizes, what it can, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from antiphon.cli.importing.report import Report
from antiphon.cli.importing.values import NoValue, flag_of, number_of
from antiphon.providers.config import MOST_PRICE
from antiphon.yamlfile.places import Path

SIZES: Mapping[str, str] = {
    "max_input_tokens": "context",
    "max_output_tokens": "max_output",
    "max_tokens": "max_output",
}
ABILITIES: Mapping[str, str] = {
    "supports_vision": "vision",
    "supports_audio_input": "audio",
    "supports_function_calling": "tools",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
    "supports_assistant_prefill": "prefill",
}
PRICES: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "output_cost_per_reasoning_token": "reasoning",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "input_cost_per_request": "request",
}
_MILLION = 1_000_000
_BY_THE_REQUEST = "request"
_MOST_TOKENS = 1_000_000_000


def facts_of(
    given: Mapping[str, tuple[Path, object]], *, model: str, report: Report
) -> Mapping[str, object]:
    """The facts in the form of `providers.NAME.models.MODEL`.

    Args:
        given: The members that say something of it, with their paths.
        model: What it is called, for people.
        report: Told of each.
    """
    facts: dict[str, object] = {}
    for name, (path, value) in given.items():
        try:
            if name in SIZES:
                _size(facts, SIZES[name], value)
            elif name in ABILITIES:
                facts[ABILITIES[name]] = flag_of(value)
            else:
                continue
        except NoValue as error:
            report.dropped(path, str(error))
        else:
            report.mapped(path, f"known of {model} at its provider")
    prices = _prices(given, model, report)
    if prices:
        facts["prices"] = prices
    return facts


def _size(facts: dict[str, object], member: str, value: object) -> None:
    number = number_of(value)
    if number is None:
        return
    if not 1 <= number <= _MOST_TOKENS:
        raise NoValue("must be a number of tokens")
    facts.setdefault(member, int(number))


def _prices(
    given: Mapping[str, tuple[Path, object]], model: str, report: Report
) -> dict[str, float]:
    prices: dict[str, float] = {}
    paths: list[Path] = []
    for name, word in PRICES.items():
        if name not in given:
            continue
        path, value = given[name]
        try:
            number = number_of(value)
            if number is not None:
                prices[word] = _dollars(number, word)
                paths.append(path)
        except NoValue as error:
            report.dropped(path, str(error))
    if prices and not {"input", "output"} <= prices.keys():
        for path in paths:
            report.dropped(
                path,
                "a price of your own names both, that of prompts and that of answers",
                "set providers.NAME.models.MODEL.prices",
            )
        return {}
    for path in paths:
        report.mapped(path, f"price of {model}, in dollars per million tokens")
    return prices


def _dollars(number: float, word: str) -> float:
    """Dollars per million tokens, without the noise of binary fractions."""
    exact = Decimal(str(number)) * (1 if word == _BY_THE_REQUEST else _MILLION)
    if exact > MOST_PRICE:
        raise NoValue("is no price")
    return int(exact) if exact == int(exact) else float(exact)
