"""Rules as a request meets them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from antiphon.model.ask import Ask, Fact, Sensitivity
from antiphon.model.needs import Need
from antiphon.model.principal import Principal
from antiphon.pipeline.config import RouteSettings
from antiphon.routing.config import LanguageSettings, RuleSettings, WhenSettings
from antiphon.routing.patterns import compile_pattern
from antiphon.routing.rules import Rule, Rules

CHINESE = "请帮我写一封邮件。"


def rules(**whens: Mapping[str, object]) -> Rules:
    return Rules(
        [
            Rule(RuleSettings.model_validate({"name": name, "when": when, "use": "a/b"}), ())
            for name, when in whens.items()
        ],
        LanguageSettings(),
    )


def asked(**facts: object) -> Ask:
    principal = Principal("key", team="blue", department="sales", user="ann")
    ask = Ask(principal, Sensitivity.INTERNAL, 1)
    for name, value in facts.items():
        setattr(ask, name, value)
    return ask


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        ({}, {}),
        ({"language": "zh"}, {"text": CHINESE}),
        ({"language": "zh"}, {"text": "ok", "earlier": [CHINESE]}),
        ({"language": ["ja", "other"]}, {"text": "Hello there, how are you?"}),
        ({"language": "ja"}, {"text": "カレーの作り方を教えて"}),
        ({"task": "APAC Research"}, {"task": "apac research"}),
        ({"tags": ["x", "Draft"]}, {"tags": ["draft", "mail"]}),
        ({"market": "cn"}, {"market": "cn"}),
        ({"message": "(?i)\\bapac\\b"}, {"text": "On the APAC market"}),
        ({"message": ["nothing", "\\p{Han}"]}, {"text": "name: 王"}),
        ({"headers": {"X-App": "Kai"}}, {"headers": {"x-app": "kai"}}),
        ({"headers": {"X-App": "*"}}, {"headers": {"x-app": ""}}),
        ({"metadata": {"Tier": ["gold", "1"]}}, {"metadata": {"Tier": "Gold"}}),
        ({"department": "sales", "team": ["red", "blue"], "user": "ann"}, {}),
        ({"tokens": {"over": 10, "under": 12}}, {"tokens": 11}),
        ({"needs": ["images", "tools"]}, {"needs": frozenset({Need.TOOLS})}),
        ({"sensitivity": ["internal"]}, {}),
        ({"budget_used": {"over": 0.8}}, {"budget_used": 0.81}),
        ({"priority": "high"}, {}),
    ],
)
def test_what_matches(when: dict[str, object], facts: dict[str, object]) -> None:
    some = rules(rule=when)
    ask = asked(**facts)
    matched = some.first(ask)
    assert matched is not None
    assert matched.name == "rule"
    assert [(each.matched, each.reason) for each in some.judged(ask)] == [(True, "")]


@pytest.mark.parametrize(
    ("when", "facts", "reason"),
    [
        ({"language": "zh"}, {"text": "王 called"}, "the language is not zh"),
        ({"language": ["zh", "ja"]}, {"text": ""}, "the language is not zh or ja"),
        ({"task": "apac"}, {}, "the task is not apac"),
        ({"tags": ["x", "y", "z"]}, {"tags": ["q"]}, "there is no x, y or z"),
        ({"market": "cn"}, {}, "the market is not cn"),
        ({"message": "secret"}, {"text": "nothing"}, "the message does not match"),
        (
            {"headers": {"X-App": "kai"}},
            {"headers": {"x-app": "s3cr3t"}},
            "the header x-app has another value, or none",
        ),
        ({"headers": {"X-App": "*"}}, {}, "there is no header x-app"),
        ({"metadata": {"a": "*"}}, {}, "there is no metadata a"),
        ({"department": "hr"}, {}, "the department is not hr"),
        ({"team": "red"}, {}, "the team is not red"),
        ({"user": "bob"}, {}, "the user is not bob"),
        ({"tokens": {"over": 10}}, {"tokens": 10}, "the prompt is not over 10"),
        (
            {"budget_used": {"over": 0.5, "under": 1}},
            {"budget_used": 1.0},
            "the used share is not over 0.5 and under 1",
        ),
        ({"needs": "images"}, {}, "there is no images"),
        ({"sensitivity": "public"}, {}, "the sensitivity is not public"),
        ({"priority": ["low", "normal"]}, {}, "the priority is not low or normal"),
        ({"team": "red", "user": "bob"}, {}, "the team is not red; the user is not bob"),
    ],
)
def test_what_does_not_match_says_why_and_shows_nothing(
    when: dict[str, object], facts: dict[str, object], reason: str
) -> None:
    some = rules(rule=when)
    ask = asked(**facts)
    assert some.first(ask) is None
    assert [(each.matched, each.reason) for each in some.judged(ask)] == [(False, reason)]


def test_the_first_that_matches_counts() -> None:
    some = rules(red={"team": "red"}, blue={"team": "blue"}, all={})
    matched = some.first(asked())
    assert matched is not None
    assert matched.name == "blue"
    assert [each.rule for each in some.judged(asked())] == ["red", "blue"]


def test_rules_need_no_more_than_they_ask_for() -> None:
    assert rules(a={"team": "x"}, b={}).facts == Fact.NOTHING
    assert rules(a={"language": "zh"}, b={"tags": "x"}).facts == Fact.LANGUAGE | Fact.TAGS
    whole = rules(
        a={
            "message": "x",
            "headers": {"a": "b"},
            "metadata": {"a": "b"},
            "tokens": {"over": 1},
            "needs": "tools",
            "budget_used": {"over": 1},
            "market": "cn",
        }
    )
    assert whole.facts == (
        Fact.TEXT
        | Fact.HEADERS
        | Fact.METADATA
        | Fact.TOKENS
        | Fact.NEEDS
        | Fact.BUDGET
        | Fact.TAGS
    )


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"message": "(a"}, "is no pattern: unclosed group"),
        ({"message": "(?=a)b"}, "look-around"),
        ({"message": "(a)\\1"}, "backreferences are not supported"),
        ({"message": "a{1000}{1000}"}, "too large"),
        ({"message": ""}, "at least 1"),
        ({"tags": []}, "at least 1"),
        ({"language": "mandarin"}, "'zh', 'ja', 'ko' or 'other'"),
        ({"tokens": {}}, "needs over or under"),
        ({"budget_used": {"over": 80}}, "less than or equal to 10"),
        ({"needs": "vision"}, "Input should be"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_what_is_no_rule(when: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error") as refused:
        WhenSettings.model_validate(when)
    assert words in str(refused.value)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", ".*a.*a.*a.*a.*b", "(.*)*b"])
def test_a_pattern_does_not_take_for_ever(pattern: str) -> None:
    assert not compile_pattern(pattern).search("a" * 60_000)


def test_half_a_surrogate_pair_hides_nothing() -> None:
    assert compile_pattern("secret").search("\ud800 secret")
    assert not compile_pattern("secret").search("\ud800 public")


def test_a_rule_without_a_name_goes_by_its_place():
    rules = RouteSettings.model_validate(
        {
            "deployments": ["lab/x"],
            "rules": [
                {"when": {"language": "zh"}, "use": ["lab/y"]},
                {"name": "urgent", "when": {"priority": "high"}, "use": ["lab/y"]},
                {"when": {"tags": "t"}, "use": ["lab/y"]},
            ],
        }
    ).rules
    assert [each.name for each in rules] == ["rule-1", "urgent", "rule-3"]
