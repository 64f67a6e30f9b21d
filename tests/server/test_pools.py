"""Names of models: pools of pools, names with a star, and windows."""

from __future__ import annotations

import pytest

from antiphon.errors import ConfigurationError
from antiphon.simulator import SimulatorSpec
from tests.server.stage import HELLO, KEY, stage

TWO = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
PRICED = {"prices": {"input": 1, "output": 1}}


async def post(road, model, messages=HELLO, **more):
    body = {"model": model, "messages": messages, **more}
    headers = {"authorization": f"Bearer {KEY}"}
    return await road.http.post("/v1/chat/completions", json=body, headers=headers)


async def test_an_entry_may_name_another_model_and_all_behind_it(tmp_path):
    models = {
        "base": {"deployments": ["one/sim-small", "two/sim-small"], "aliases": ["ground"]},
        "agent": {"deployments": ["one/sim-large", "ground"], "retry": {"backoff": 0}},
        "short": "base",
    }
    async with stage(tmp_path, TWO, models=models) as road:
        assert [each.name for each in road.gateway.snapshot.plan("agent").deployments] == [
            "one/sim-large",
            "one/sim-small",
            "two/sim-small",
        ]
        road.first.arm("server-error")
        answer = await post(road, "agent")
        assert answer.headers["x-antiphon-deployment"] == "two/sim-small"
        assert (await post(road, "short")).status_code == 200


async def test_a_star_stands_for_the_same_text_and_the_longest_beginning_wins(tmp_path):
    models = {
        "sim-*": {"deployments": ["one/sim-*", "two/sim-*"], "retry": {"backoff": 0}},
        "sim-l*": {"deployments": ["two/sim-l*"]},
        "team/*": "one/*",
    }
    async with stage(tmp_path, TWO, models=models) as road:
        assert (await post(road, "sim-small")).headers["x-antiphon-deployment"] == "one/sim-small"
        assert (await post(road, "sim-large")).headers["x-antiphon-deployment"] == "two/sim-large"
        assert (await post(road, "team/x:y")).headers["x-antiphon-deployment"] == "one/x:y"
        # The label of metrics is the pattern: callers choose the rest.
        assert road.gateway.snapshot.plan("sim-small").alias == "sim-*"
        road.first.arm("server-error")
        assert (await post(road, "sim-small")).headers["x-antiphon-deployment"] == "two/sim-small"
        missing = await post(road, "nothing-like-it")
        assert missing.status_code == 404


CIRCLES = {
    "itself": ({"a": {"deployments": ["a"]}}, "models.a.deployments.0: leads back to itself"),
    "an alias of its own": (
        {"a": {"deployments": ["b"], "aliases": ["b"]}},
        "models.a.deployments.0: leads back to itself: a -> a",
    ),
    "each other": (
        {"a": ["one/x", "b"], "b": ["c"], "c": ["a"]},
        "models.a.1: leads back to itself: a -> b -> c -> a",
    ),
    "by a rule": (
        {
            "a": {
                "deployments": ["one/x"],
                "rules": [{"name": "r", "when": {"tags": "t"}, "use": "a"}],
            }
        },
        "leads back to itself: a -> a",
    ),
    "a star without one": ({"a": ["one/x-*"]}, 'takes a "*" only where'),
    "two stars": ({"a*b*": ["one/x-*"]}, 'may have one "*"'),
    "a star for a provider": ({"a*": ["*/x"]}, "stands for a model, not for a provider"),
    "nobody": ({"a": ["bb"]}, "no model is called 'bb'"),
}


@pytest.mark.parametrize("name", CIRCLES)
async def test_names_that_lead_nowhere_or_round_are_refused(tmp_path, name):
    models, message = CIRCLES[name]
    with pytest.raises(ConfigurationError) as refused:
        async with stage(tmp_path, TWO, models=models):
            pass
    assert message in str(refused.value)


def long(words: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": " ".join(["word"] * words)}]


async def test_a_prompt_goes_where_it_fits_and_failover_keeps_to_that(tmp_path):
    entries = {
        "one": {"models": {"sim-small": {"context": 1000, **PRICED}}},
        "two": {"models": {"sim-small": {"context": 8000, **PRICED}}},
    }
    models = {"both": {"deployments": ["one/sim-small", "two/sim-small"], "retry": {"backoff": 0}}}
    async with stage(tmp_path, TWO, providers_of=entries, models=models) as road:
        assert (await post(road, "both")).headers["x-antiphon-deployment"] == "one/sim-small"
        # More bytes than the window has tokens, but not more tokens.
        assert (await post(road, "both", long(600))).headers[
            "x-antiphon-deployment"
        ] == "one/sim-small"
        large = await post(road, "both", long(3000))
        assert large.headers["x-antiphon-deployment"] == "two/sim-small"
        assert large.headers["x-antiphon-attempts"] == "1"
        before = len(road.first.received)
        road.second.arm("server-error")
        failed = await post(road, "both", long(3000))
        assert failed.status_code >= 500
        assert len(road.first.received) == before


async def test_what_fits_nowhere_is_refused_with_its_size_and_the_windows(tmp_path):
    entries = {
        "one": {"models": {"sim-small": {"context": 1000, **PRICED}}},
        "two": {"models": {"sim-small": {"context": 2000, **PRICED}}},
    }
    async with stage(tmp_path, TWO, providers_of=entries) as road:
        refused = await post(road, "both", long(9000))
        assert refused.status_code == 400
        message = refused.json()["error"]["message"]
        assert "one/sim-small takes 1000" in message
        assert "two/sim-small takes 2000" in message
        assert refused.json()["error"]["code"] == "context_length_exceeded"
        assert not road.first.received
        assert not road.second.received
