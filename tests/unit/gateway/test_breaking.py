"""Whose figures the breaker of a deployment has."""

from __future__ import annotations

import pytest

from antiphon.errors import ConfigurationError
from antiphon.gateway.gateway import Antiphon

LAB = {"dialect": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "api_key": "any"}
ONE = ["lab/one"]


def gateway(tmp_path, models: dict[str, object], **entry: object) -> Antiphon:
    settings = {
        "storage": {"data_dir": str(tmp_path)},
        "providers": {"lab": {**LAB, **entry}},
        "models": models,
    }
    return Antiphon.from_config(settings, environ={})


def figures(made: Antiphon, model: str) -> tuple[int, float]:
    [deployment] = made.snapshot.plan(model).deployments
    return deployment.breaking[:2]


def test_those_of_the_route_else_of_the_provider_else_the_usual_ones(tmp_path):
    models = {
        "own": {"deployments": ["lab/own"], "breaker": {"failures": 2, "open_for": 9}},
        "plain": ["lab/plain"],
    }
    made = gateway(tmp_path, models)
    assert (figures(made, "own"), figures(made, "plain")) == ((2, 9), (5, 60))
    made = gateway(tmp_path, models, breaker={"failures": 7})
    assert (figures(made, "own"), figures(made, "plain")) == ((2, 9), (7, 60))


def test_routes_that_disagree_about_a_deployment_are_refused(tmp_path):
    models = {
        "first": {"deployments": ONE, "breaker": {"failures": 2}},
        "second": {"deployments": ONE, "breaker": {"failures": 3}},
    }
    with pytest.raises(ConfigurationError) as raised:
        gateway(tmp_path, models)
    assert "differs from that of 'first', which has the deployment lab/one too" in str(raised.value)
    models["second"]["breaker"] = {"failures": 2}
    assert figures(gateway(tmp_path, models), "second") == (2, 60)


def test_one_that_says_nothing_goes_by_the_other(tmp_path):
    models = {"quiet": ONE, "own": {"deployments": ONE, "breaker": {"failures": 2}}}
    assert figures(gateway(tmp_path, models), "quiet") == (2, 60)


def test_a_name_with_a_star_takes_what_is_left(tmp_path):
    models = {
        "own": {"deployments": ONE, "breaker": {"failures": 2}},
        "x-*": {"deployments": ["lab/*"], "breaker": {"failures": 9}},
    }
    made = gateway(tmp_path, models)
    assert (figures(made, "x-one"), figures(made, "x-two")) == ((2, 60), (9, 60))
