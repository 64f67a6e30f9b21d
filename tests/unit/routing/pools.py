"""Candidates for tests: deployments as the configuration makes them, asked by nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from antiphon.dialects.registry import DIALECTS
from antiphon.model.ask import Ask
from antiphon.providers.catalog import load_catalog
from antiphon.providers.config import PricingSettings, ProviderSettings
from antiphon.providers.provider import Provider
from antiphon.routing.candidate import Candidate

_CATALOG = load_catalog()


class StillClock:
    def __init__(self) -> None:
        self.at = 1_000.0
        self.day = 1_790_000_000.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> float:
        return self.day


def candidate(
    name: str,
    *,
    weight: float = 1.0,
    base_url: str = "https://api.example.com/v1",
    model: Mapping[str, object] | None = None,
    **settings: object,
) -> Candidate:
    said = {
        "dialect": "openai_chat",
        "base_url": base_url,
        "api_key": "sk-x",
        "models": {"m": model or {}},
        **settings,
    }
    provider = Provider(
        name,
        ProviderSettings.model_validate(said),
        catalog=_CATALOG,
        dialects=DIALECTS,
        clock=StillClock(),
        prices=PricingSettings(),
    )
    return Candidate(provider.deployment("m"), weight)


def pool(count: int, *, weights: Sequence[float] = ()) -> list[Candidate]:
    return [
        candidate(f"p{each}", weight=weights[each] if weights else 1.0) for each in range(count)
    ]


def names(candidates: Sequence[Candidate]) -> list[str]:
    return [each.deployment.provider for each in candidates]


def asking(*, tokens: int = 1_000, answer: int = 500, conversation: str = "") -> Ask:
    ask = Ask()
    ask.tokens = tokens
    ask.answer_tokens = answer
    ask.conversation = conversation
    return ask
