"""Limits of a file: what is understood, and every mistake at its line."""

from __future__ import annotations

import pytest

from antiphon.config.load import load
from antiphon.errors import ConfigurationError
from antiphon.limits.config import of_section
from antiphon.limits.limit import Measure, QueueBounds, Scope

BEGINS = """providers: {lab: {base_url: 'http://127.0.0.1:1/v1'}}
models: {fast: {deployments: [lab/x], aliases: [quick]}}
limits:
  rules:
"""
RULES = {
    "scope: key": "limits.rules.0: limits nothing: give requests, tokens, dollars, concurrency, "
    "tokens_per_request or bytes_per_request",
    "scope: keys, requests: 1": "limits.rules.0.scope: 'keys' is not 'key', 'user', 'team', "
    "'department', 'organisation', 'alias', 'deployment', 'provider' or 'provider_key'; did you "
    "mean 'key'?",
    "scope: key, requests: -1": "limits.rules.0.requests: must be at least 0",
    "scope: key, requests: .nan": "limits.rules.0.requests: must be a number",
    "scope: key, requests: 1.5": "limits.rules.0.requests: must be a whole number",
    "scope: key, requests: true": "limits.rules.0.requests: must be a number",
    "scope: key, tokens: 9999999999999999": "limits.rules.0.tokens: must be at most 1e+15",
    "scope: key, dollars: .inf": "limits.rules.0.dollars: must be a number",
    "scope: key, dollars: -0.01": "limits.rules.0.dollars: must be at least 0",
    "scope: key, requests: 1, per: 0": "limits.rules.0.per: must be 'second', 'minute', 'hour' or "
    "'day', or must be at least 1",
    "scope: key, requests: 1, per: fortnight": "limits.rules.0.per: 'fortnight' is not 'second', "
    "'minute', 'hour' or 'day', or must be a whole number",
    "scope: key, requests: 1, whn_full: queue": "limits.rules.0.whn_full: is not a setting; did you "
    "mean 'when_full'?",
    "scope: key, name: a, share: total, requests: 1": "limits.rules.0: a limit by name is that one's "
    "own: leave out share, or name",
    "scope: alias, organisation: org_2, requests: 1": "limits.rules.0: the scope alias is no "
    "organisation's: leave out organisation",
    "scope: provider, tokens_per_request: 1": "limits.rules.0: tokens_per_request and "
    "bytes_per_request are not for a provider: what a model takes is known of it",
    "scope: key, requests: 1, queue: {length: 0}, when_full: queue": "limits.rules.0.queue.length: "
    "must be at least 1",
    "scope: alias, name: fats, requests: 1": "limits.rules.0.name: no model is called 'fats'; did "
    "you mean 'fast'?",
    "scope: alias, name: quick, requests: 1": "limits.rules.0.name: is another name of 'fast': give "
    "that one",
    "scope: provider, name: lap, requests: 1": "limits.rules.0.name: no provider is called 'lap'; "
    "did you mean 'lab'?",
    "scope: deployment, name: lab/y, requests: 1": "limits.rules.0.name: no deployment is called "
    "'lab/y'; did you mean 'lab/x'?",
}


def mistakes(tmp_path, text: str) -> list[str]:
    path = tmp_path / "antiphon.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ={})
    return [str(each).partition("antiphon.yaml:")[2] for each in caught.value.mistakes]


@pytest.mark.parametrize("rule", RULES)
def test_a_mistake_is_told_at_its_line(tmp_path, rule):
    [told] = mistakes(tmp_path, f"{BEGINS}    - {{{rule}}}\n")
    line, _, rest = told.partition(":")
    assert line == "5"
    assert rest.partition(": ")[2] == RULES[rule]


def test_two_of_the_same_are_a_mistake(tmp_path):
    rules = (
        "    - {scope: user, requests: 4, tokens: 9}\n    - {scope: user, requests: 5, per: 60}\n"
    )
    assert mistakes(tmp_path, BEGINS + rules) == [
        "6:7: limits.rules.1: each user has a limit of requests in the same window already"
    ]


def test_limits_of_providers(tmp_path):
    text = """providers:
  lab:
    base_url: 'http://127.0.0.1:1/v1'
    limits: {requests_per_minute: 0, tokens_per_minute: 100000, concurrency: 4, when_full: queue}
    key_limits: {concurrency: 2}
limits: {queue: {length: 7, seconds: 8, step: 2}}
"""
    path = tmp_path / "antiphon.yaml"
    path.write_text(text)
    settings = load(path, environ={}).settings
    made = of_section(settings.limits, settings.providers)
    assert [(each.scope, each.measure, each.bound, each.seconds) for each in made] == [
        (Scope.PROVIDER, Measure.REQUESTS, 0, 60),
        (Scope.PROVIDER, Measure.TOKENS, 100_000, 60),
        (Scope.PROVIDER, Measure.CONCURRENCY, 4, 0),
        (Scope.PROVIDER_KEY, Measure.CONCURRENCY, 2, 0),
    ]
    assert [each.queue for each in made] == [QueueBounds(7, 8.0, 2.0)] * 3 + [None]
    text = text.replace("concurrency: 2", "concurrency: -2")
    assert mistakes(tmp_path, text)[0].endswith("key_limits.concurrency: must be at least 0")
