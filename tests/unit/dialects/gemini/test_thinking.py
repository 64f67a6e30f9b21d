"""How hard to think: budgets and levels."""

import json

import pytest

from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.model.parts import Author, Extra, Text, Turn
from antiphon.model.request import ChatRequest, ReasoningAsk
from antiphon.wire.shallow import Members

ASKED = (Turn(Author.USER, (Text("Hello"),)),)


def write(asked: ReasoningAsk, model: str, *, adaptive: bool | None = None) -> object:
    request = ChatRequest("m", ASKED, reasoning=asked)
    body = GEMINI.encode_request(request, Target(model, adaptive=adaptive))
    config = json.loads(body.get("generationConfig", b"{}"))
    return config.get("thinkingConfig")


@pytest.mark.parametrize(
    ("effort", "level", "budget"),
    [
        ("minimal", "MINIMAL", 128),
        ("low", "LOW", 1024),
        ("medium", "MEDIUM", 2048),
        ("high", "HIGH", 4096),
        ("xhigh", "XHIGH", 8192),
        ("max", "XHIGH", 16384),
    ],
)
def test_efforts(effort: str, level: str, budget: int) -> None:
    asked, shown = ReasoningAsk(effort), {"includeThoughts": True}
    assert write(asked, "gemini-3-pro") == {"thinkingLevel": level, **shown}
    assert write(asked, "gemini-2.5-flash") == {"thinkingBudget": budget, **shown}
    assert write(asked, "any", adaptive=False) == {"thinkingBudget": budget, **shown}
    assert write(asked, "gemini-2.0-flash") is None


@pytest.mark.parametrize(
    ("asked", "model", "written"),
    [
        (ReasoningAsk("none"), "gemini-2.5-flash", {"thinkingBudget": 0}),
        (ReasoningAsk(budget=0), "gemini-2.5-pro", {"thinkingBudget": 128}),
        (ReasoningAsk("none"), "gemini-3-flash", {"thinkingLevel": "MINIMAL"}),
        (ReasoningAsk(budget=0), "gemini-3-flash", {"thinkingLevel": "MINIMAL"}),
        (
            ReasoningAsk(budget=5000, summary="omitted"),
            "gemini-3-pro",
            {"thinkingLevel": "MEDIUM", "includeThoughts": False},
        ),
        (
            ReasoningAsk(budget=99999, summary="omitted"),
            "gemini-2.5-flash",
            {"thinkingBudget": 24576, "includeThoughts": False},
        ),
        (
            ReasoningAsk(budget=99, summary="omitted"),
            "gemini-2.5-flash-lite",
            {"thinkingBudget": 512, "includeThoughts": False},
        ),
        (
            ReasoningAsk(budget=-1),
            "gemini-2.5-flash",
            {"thinkingBudget": -1, "includeThoughts": True},
        ),
        (ReasoningAsk(summary="auto"), "gemini-3-pro", {"includeThoughts": True}),
    ],
)
def test_budgets_and_none(asked: ReasoningAsk, model: str, written: object) -> None:
    assert write(asked, model) == written


def test_a_level_that_nobody_knows_is_a_budget_where_there_are_no_levels() -> None:
    asked = ReasoningAsk("thinking_level_unspecified", extra=Extra(DIALECT, {}))
    assert write(asked, "gemini-2.5-flash") == {"thinkingBudget": 2048}


def test_what_a_caller_of_this_dialect_said_stays() -> None:
    for config in (
        {"thinkingBudget": 99999},
        {"thinkingLevel": "HIGH", "includeThoughts": False},
        {"thinkingLevel": "LEVEL_OF_TOMORROW"},
    ):
        body = {"model": "m", "contents": [{"parts": [{"text": "x"}]}]}
        body["generationConfig"] = {"thinkingConfig": config}
        request = GEMINI.decode_request(Members.parse(json.dumps(body).encode()))
        assert request.reasoning is not None
        assert write(request.reasoning, "gemini-3-pro") == config


def test_a_level_is_a_budget_for_models_that_know_no_levels() -> None:
    body = b'{"model":"m","contents":[{}],"generationConfig":{"thinkingConfig":{"thinking_level":"low"}}}'
    request = GEMINI.decode_request(Members.parse(body))
    assert request.reasoning is not None
    assert request.reasoning.effort == "low"
    assert write(request.reasoning, "gemini-2.5-flash") == {"thinkingBudget": 1024}
