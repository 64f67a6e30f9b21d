"""Rules that can never match, held against every request that could."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.model.ask import Ask
from antiphon.routing.checks import mistakes
from antiphon.routing.config import RuleSettings
from antiphon.routing.language import Language
from antiphon.routing.rules import Rule

LANGUAGES: Sequence[Language] = ("zh", "ja", "ko", "")
TAGS = ((), ("a",), ("b",), ("a", "b"))
HEADERS: Sequence[dict[str, str]] = ({}, {"x-app": "1"}, {"x-app": "2"}, {"x-app": "9"})


def rule(name: str, **when: object) -> RuleSettings:
    return RuleSettings.model_validate({"name": name, "when": when, "use": "some/model"})


def never(rules: Sequence[RuleSettings]) -> dict[str, str]:
    """The rules that are said never to match."""
    found = mistakes(rules)
    return {rules[int(each.path[0])].name: each.message for each in found if each.path[1] == "when"}


def asks() -> Iterator[tuple[Ask, Language]]:
    """One request of each kind that the rules below can tell apart."""
    shares = (0.0, 0.25, 0.4, 0.5, 1.0)
    for language, tags, headers, tokens, share in product(
        LANGUAGES, TAGS, HEADERS, range(5), shares
    ):
        ask = Ask()
        ask.tags, ask.headers, ask.tokens, ask.budget_used = tags, headers, tokens, share
        yield ask, language


ALL = list(asks())


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def bounds(*values: float) -> st.SearchStrategy[dict[str, float]]:
    return st.dictionaries(st.sampled_from(["over", "under"]), st.sampled_from(values), min_size=1)


whens = st.fixed_dictionaries(
    {},
    optional={
        "language": some("zh", "ja", "ko", "other"),
        "tags": some("a", "b"),
        "headers": st.fixed_dictionaries({"X-App": some("1", "2") | st.just(["*"])}),
        "tokens": bounds(1, 2, 3),
        "budget_used": bounds(0.25, 0.5),
    },
)


@given(st.lists(whens, min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_rule_is_refused_exactly_if_no_request_comes_to_it(
    every: list[dict[str, object]],
) -> None:
    rules = [rule(f"r{index}", **when) for index, when in enumerate(every)]
    compiled = [Rule(each, ()) for each in rules]
    reached = {
        next((each.name for each in compiled if each.matches(ask, language)), "")
        for ask, language in ALL
    }
    assert set(never(rules)) == {each.name for each in rules} - reached


def test_the_message_names_the_rules_that_come_before() -> None:
    found = never(
        [
            rule("short", tokens={"under": 100}),
            rule("long", tokens={"over": 99}),
            rule("mandarin", language="zh"),
        ]
    )
    assert found == {
        "mandarin": "can never match: the rules short and long together match before it all that "
        "it would"
    }
    found = never([rule("asian", language=["zh", "ja"]), rule("mandarin", language="zh", tags="x")])
    assert found == {
        "mandarin": "can never match: whatever it would match, the rule asian matches before it"
    }


@pytest.mark.parametrize(
    "when",
    [
        {"tokens": {"over": 10, "under": 5}},
        {"tokens": {"over": 10, "under": 11}},
        {"budget_used": {"over": 0.5, "under": 0.5}},
    ],
)
def test_bounds_that_leave_nothing_between_them_contradict(when: dict[str, object]) -> None:
    assert never([rule("odd", **when)]) == {"odd": "contradicts itself: no request can ever match"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"message": "a"}, {"message": "b"}),
        ({"message": ["a", "b"]}, {"message": "c"}),
        ({"tags": "a"}, {"tags": ["a", "b"]}),
        ({"needs": "images"}, {"needs": "tools"}),
        ({"headers": {"a": "1"}}, {"headers": {"b": "1"}}),
        ({"headers": {"a": "1"}}, {"metadata": {"a": "1"}}),
        ({"department": "sales"}, {"team": "sales"}),
        ({"language": "zh", "priority": "low"}, {"language": "zh"}),
        ({"market": ["cn", "hk"]}, {"market": "sg"}),
        ({"sensitivity": "restricted"}, {"sensitivity": ["restricted", "public"]}),
    ],
)
def test_what_leaves_something_is_not_refused(
    first: dict[str, object], second: dict[str, object]
) -> None:
    assert never([rule("first", **first), rule("second", **second)]) == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"language": "zh"}),
        ({"message": ["a", "b"]}, {"message": "b", "language": "zh"}),
        ({"tags": ["a", "b"]}, {"tags": "b"}),
        ({"headers": {"A": "*"}}, {"headers": {"a": "1"}}),
        ({"headers": {"A": "X"}}, {"headers": {"a": "x"}}),
        ({"task": ["APAC"]}, {"task": "apac"}),
        ({"priority": ["low", "normal", "high"]}, {"task": "x"}),
        ({"needs": ["images", "tools"]}, {"needs": "tools"}),
    ],
)
def test_what_leaves_nothing_is_refused(
    first: dict[str, object], second: dict[str, object]
) -> None:
    assert list(never([rule("first", **first), rule("second", **second)])) == ["second"]


def test_a_hundred_rules_are_judged_at_once() -> None:
    tags = [f"t{number}" for number in range(100)]
    assert never([rule(each, tags=each, language="zh") for each in tags]) == {}
