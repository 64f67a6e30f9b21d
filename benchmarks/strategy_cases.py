"""What it costs to order ten candidates: setups as in `hot_cases`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from antiphon.clock import SystemClock
from antiphon.gateway.gateway import Antiphon
from antiphon.model.ask import Ask
from antiphon.model.usage import Usage
from antiphon.providers.pace import Pace
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.config import StrategySettings, order_of
from antiphon.routing.strategies.strategy import Surroundings

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_TEN = 10
_USAGE = Usage(input_tokens=100, cache_read_tokens=900, output_tokens=250)


def _pool() -> list[Candidate]:
    prices = {"m": {"prices": {"input": 1, "cache_read": 0.1, "output": 4}}}
    entries = {
        f"p{each}": {
            "dialect": "openai_chat",
            "base_url": f"https://p{each}.example.com/v1",
            "api_key": "sk-benchmark",
            "models": prices,
        }
        for each in range(_TEN)
    }
    route = [f"p{each}/m" for each in range(_TEN)]
    gateway = Antiphon.from_config({"providers": entries, "models": {"road": route}}, environ={})
    pool = [Candidate(each, 1.0 + place % 3) for place, each in enumerate(gateway.deployments())]
    for place, each in enumerate(pool):
        pace = each.deployment.pace
        pace.begin(0.0)
        pace.answered(1.0, _USAGE, 0.2 + place / 20, 4.0 + place / 10)
        if place % 2:
            pace.end()
    return pool


def _ordering(*said: str) -> Setup:
    def setup() -> Timed:
        around = Surroundings(Random(1).random, SystemClock())
        order = order_of([StrategySettings.model_validate(each) for each in said], around)
        pool, ask = _pool(), Ask()
        ask.tokens, ask.answer_tokens, ask.conversation = 1_000, 500, "conversation"
        return lambda: order.of(pool, ask, 2.0)

    return setup


def _measured() -> Timed:
    """`providers.pace`: an attempt begins, its answer is whole, and it ends."""
    pace = Pace()

    def attempt() -> None:
        pace.begin(1.0)
        pace.end()
        pace.answered(2.0, _USAGE, 0.2, 0.8)

    return attempt


def strategy_cases() -> dict[str, Setup]:
    orders = {
        name: _ordering(name)
        for name in ("priority", "weighted", "cheapest", "fastest", "least_busy", "sticky")
    }
    return {
        **{f"routing.{name}_of_ten": setup for name, setup in orders.items()},
        "routing.local_first_cheapest_of_ten": _ordering("local_first", "cheapest"),
        "providers.pace": _measured,
    }
