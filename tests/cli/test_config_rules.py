"""What `antiphon config check` says of rules that cannot be meant."""

from __future__ import annotations

import json

import pytest

HEAD = """providers:
  lab: {base_url: 'http://127.0.0.1:1/v1', dialect: openai_chat}
models:
  other: lab/other
  smart:
    deployments: [lab/small]
    rules:
"""
FIRST = 8
"""The line on which the rules begin."""


def checked(antiphon, *rules: str) -> list[tuple[int, str]]:
    """The lines of the mistakes, with what is said of them."""
    antiphon.write(HEAD + "".join(f"      - {each}\n" for each in rules))
    done = antiphon("config", "check", "--json", status=1)
    return [
        (int(row["where"].split(":")[1]), row["message"])
        for row in json.loads(done.stdout)["mistakes"]
    ]


SHAPES = [
    ("{name: a, when: {language: mandarin}, use: lab/x}", "is not 'zh'"),
    ("{name: b, when: {langage: zh}, use: lab/x}", "did you mean 'language'"),
    ("{name: c, when: {message: '(a'}, use: lab/x}", "unclosed group"),
    ("{name: d, when: {message: '(?<=a)b'}, use: lab/x}", "look-around"),
    ("{name: e, when: {tags: []}, use: lab/x}", "at least 1"),
    ("{name: f, when: {needs: imagess}, use: lab/x}", "did you mean 'images'"),
    ("{name: g, when: {sensitivity: secret}, use: lab/x}", "'public'"),
    ("{name: h, when: {budget_used: {over: 80}}, use: lab/x}", "at most 10"),
    ("{name: i, when: {tokens: {}}, use: lab/x}", "needs over or under"),
    ("{name: j, use: []}", "at least 1"),
    ("{name: k, when: {tags: b}}", "required"),
    ("{name: 'A b', use: lab/x}", "must match"),
]
MEANINGS = [
    ("{name: a, when: {tokens: {over: 10, under: 5}}, use: lab/x}", "contradicts itself"),
    ("{name: b, when: {headers: {x-a: ['*', b]}}, use: lab/x}", "is any value"),
    ("{name: c, when: {team: c}, use: labb/x}", "no provider is called 'labb'"),
    ("{name: d, when: {team: d}, use: othr}", "called 'othr'; did you mean 'other'"),
    ("{name: e, when: {team: e}, use: smart}", "leads back to itself"),
    ("{name: f, when: {team: f}, use: 'lab/*'}", 'a "*" only where'),
    ("{name: g, when: {team: g}, use: [lab/x, lab/x]}", "named twice"),
]


@pytest.mark.parametrize("rules", [SHAPES, MEANINGS], ids=["shapes", "meanings"])
def test_every_mistake_has_its_line(antiphon, rules):
    found = checked(antiphon, *(text for text, _ in rules))
    assert [line for line, _ in found] == [FIRST + index for index in range(len(rules))]
    for (_, message), (_, words) in zip(found, rules, strict=True):
        assert words in message


def test_what_rules_are_to_each_other(antiphon):
    found = checked(
        antiphon,
        "{name: long, when: {tokens: {over: 99}}, use: lab/x}",
        "{name: short, when: {tokens: {under: 100}}, use: lab/x}",
        "{name: short, when: {language: zh}, use: lab/x}",
    )
    assert [line for line, _ in found] == [FIRST + 2, FIRST + 2]
    assert {message for _, message in found} == {
        "rule 2 has this name already",
        "can never match: the rules long and short together match before it all that it would",
    }


def test_rules_that_lead_round_in_a_circle(antiphon):
    antiphon.write(
        HEAD.replace("other: lab/other", "other: [lab/other, smart]")
        + "      - {name: a, use: other}\n"
    )
    done = antiphon("config", "check", status=1)
    assert f"antiphon.yaml:{FIRST}:" in done.stderr
    assert "leads back to itself: smart -> other -> smart" in done.stderr
