"""What callers wish of the choice, over HTTP and with the official SDKs, and where that ends."""

from __future__ import annotations

import asyncio
import json

import anthropic
import openai
import pytest

from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from tests.server.stage import HELLO, KEY, Stage, stage

NARROW = "narrow-key-0123456789abcdef"
OTHER = "other-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": "admin-key-0123456789abcdef",
    "keys": [
        {"key": KEY, "team": "web"},
        {"key": OTHER, "team": "web"},
        {"key": NARROW, "models": ["fast", "both"]},
    ],
}
DEAR, CHEAP = {"prices": {"input": 5, "output": 20}}, {"prices": {"input": 1, "output": 2}}
SECRET = {
    "providers_of": {
        "one": {"clearance": "restricted", "models": {"sim-small": DEAR}},
        "two": {"clearance": "internal", "models": {"sim-small": CHEAP}},
    }
}
MODELS = {
    "alone": {"deployments": ["one/sim-small"]},
    "slow": {"deployments": ["two/sim-small"], "deadline": 30},
    "patient": {"deployments": ["two/sim-small"], "deadline": 2, "overrides": {"deadline": 40}},
    "firm": {
        "deployments": ["one/sim-small", "two/sim-small"],
        "overrides": {"models": False, "provider": False},
    },
    "secret": {"deployments": ["one/sim-small"], "sensitivity": "confidential"},
    "kept": {"deployments": ["one/sim-small", "two/sim-small"], "cache": {}},
    "tagged": {
        "deployments": ["one/sim-small"],
        "rules": [{"name": "two", "when": {"tags": "two"}, "use": ["two/sim-small"]}],
    },
    "untagged": {
        "deployments": ["one/sim-small"],
        "rules": [{"name": "two", "when": {"tags": "two"}, "use": ["two/sim-small"]}],
        "overrides": {"tags": False},
    },
}
BY = "x-antiphon-deployment"


@pytest.fixture
async def road(tmp_path):
    async with stage(tmp_path, auth=AUTH, models=MODELS, **SECRET) as running:
        yield running


async def ask(road: Stage, model="both", key=KEY, headers=(), **members):
    return await road.http.post(
        "/v1/chat/completions",
        json={"model": model, "messages": HELLO, **members},
        headers={"authorization": f"Bearer {key}", **dict(headers)},
    )


def refused(answer, status: int, param: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["param"] == param, error
    return error["message"]


@pytest.mark.parametrize("how", ["body", "header"])
async def test_models_are_asked_in_their_order_after_the_one_that_is_asked_for(road, how):
    names = ["slow", "one/sim-large"]
    said = {"models": names} if how == "body" else {}
    headers = {} if how == "body" else {"x-antiphon-models": ", ".join(names)}
    assert (await ask(road, "alone", headers=headers, **said)).headers[BY] == "one/sim-small"
    road.first.arm(FaultRule("server-error", count=1))
    answer = await ask(road, "alone", headers=headers, **said)
    assert (answer.status_code, answer.headers[BY]) == (200, "two/sim-small")
    for each in (road.first, road.second):
        for received in each.received:
            assert b"models" not in received.body, "they are ours: nobody is sent them"


async def test_models_beyond_a_keys_rights_do_not_exist_for_it(road):
    told = [
        refused(await ask(road, "fast", NARROW, models=["both", name]), 404, "model")
        for name in ("slow", "nobody", "two/sim-small")
    ]
    texts = {
        each.replace(name, "X")
        for each, name in zip(told, ("slow", "nobody", "two/sim-small"), strict=True)
    }
    assert len(texts) == 1, "whether it is unknown or forbidden is not told"
    assert (await ask(road, "fast", NARROW, models=["both"])).status_code == 200
    assert road.second.requests == 0


async def test_no_wish_reaches_whom_privacy_forbids(road):
    confidential = {"x-antiphon-sensitivity": "confidential"}
    for said in (
        {"models": ["slow"]},
        {"provider": {"order": ["two"]}},
        {"provider": {"sort": "price"}},
    ):
        answer = await ask(road, headers=confidential, **said)
        assert answer.headers[BY] == "one/sim-small"
    answer = await ask(road, headers=confidential, provider={"only": ["two"]})
    refused(answer, 400, "provider")
    road.first.arm(FaultRule("server-error", count=9))
    answer = await ask(road, headers=confidential, models=["slow", "two/sim-large"])
    assert answer.status_code >= 500
    assert road.second.requests == 0


async def test_what_a_route_says_of_privacy_holds_for_all_that_is_listed(road):
    road.first.arm(FaultRule("server-error", count=9))
    answer = await ask(road, "secret", models=["slow", "both", "two/sim-large"])
    assert answer.status_code >= 500
    answer = await ask(road, "secret", models=["slow"], provider={"only": ["two"]})
    assert answer.status_code in {400, 403}
    assert road.second.requests == 0, "it is not cleared for what that route is asked"


@pytest.mark.parametrize(
    ("wish", "headers", "by"),
    [
        ({"order": ["two"]}, {}, "two"),
        ({"order": ["TWO", "one"]}, {}, "two"),
        ({"only": ["two"]}, {}, "two"),
        ({"ignore": ["one"]}, {}, "two"),
        ({"sort": "price"}, {}, "two"),
        ({"max_price": {"prompt": 2}}, {}, "two"),
        ({"max_price": {"completion": "3.5"}}, {}, "two"),
        ({"max_price": {"prompt": 9, "completion": 30}}, {}, "one"),
        ({}, {"x-antiphon-provider-order": "two,one"}, "two"),
        ({}, {"x-antiphon-provider-only": "two"}, "two"),
        ({}, {"x-antiphon-provider-ignore": "one"}, "two"),
        ({"order": ["one"]}, {"x-antiphon-provider-order": "two"}, "two"),
        ({"allow_fallbacks": True, "data_collection": "allow", "zdr": False}, {}, "one"),
        ({"require_parameters": True}, {}, "one"),
    ],
)
async def test_providers_are_preferred(road, wish, headers, by):
    said = {"provider": wish} if wish else {}
    answer = await ask(road, headers=headers, **said)
    assert (answer.status_code, answer.headers.get(BY)) == (200, f"{by}/sim-small")
    received = (road.first if by == "one" else road.second).received[-1]
    assert json.loads(received.body).keys() == {"model", "messages"}


async def test_fallbacks_can_be_forbidden(road):
    for wish in ({"allow_fallbacks": False}, {"order": ["one"], "allow_fallbacks": False}):
        road.first.arm(FaultRule("server-error", count=2))
        answer = await ask(road, provider=wish)
        assert answer.status_code >= 500
    assert road.second.requests == 0


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"models": "fast"}, "models"),
        ({"models": [""]}, "models"),
        ({"models": ["a"] * 11}, "models"),
        ({"provider": "one"}, "provider"),
        ({"provider": {"order": "one"}}, "provider.order"),
        ({"provider": {"sort": "luck"}}, "provider.sort"),
        ({"provider": {"quantizations": ["fp8"]}}, "provider.quantizations"),
        ({"provider": {"data_collection": "deny"}}, "provider.data_collection"),
        ({"provider": {"zdr": True}}, "provider.zdr"),
        ({"provider": {"max_price": {"image": 1}}}, "provider.max_price.image"),
        ({"provider": {"max_price": {"prompt": -1}}}, "provider.max_price.prompt"),
        ({"provider": {"max_price": {"prompt": "nan"}}}, "provider.max_price.prompt"),
        ({"provider": {"only": ["three"]}}, "provider.only"),
        ({"provider": {"ignore": ["thre"]}}, "provider.ignore"),
        ({"provider": {"max_price": {"prompt": 0.5}}}, "provider"),
    ],
)
async def test_what_nobody_can_promise_is_refused(road, said, param):
    refused(await ask(road, **said), 400, param)
    assert road.first.requests == road.second.requests == 0


async def test_a_route_says_what_may_be_wished(road):
    refused(await ask(road, "firm", models=["fast"]), 400, "models")
    refused(await ask(road, "firm", provider={"order": ["two"]}), 400, "provider")
    assert (await ask(road, "firm", models=None, provider=None)).headers[BY] == "one/sim-small"
    tags = {"x-antiphon-tags": "two"}
    assert (await ask(road, "tagged", headers=tags)).headers[BY] == "two/sim-small"
    assert (await ask(road, "untagged", headers=tags)).headers[BY] == "one/sim-small"


async def test_answers_that_others_wished_for_are_not_given(road):
    assert (await ask(road, "kept")).headers[BY] == "one/sim-small"
    again = await ask(road, "kept")
    assert again.headers["x-antiphon-cache"] == "hit"
    other = await ask(road, "kept", provider={"order": ["two"]})
    assert (other.headers["x-antiphon-cache"], other.headers[BY]) == ("miss", "two/sim-small")
    assert (await ask(road, "kept", provider={"order": ["two"]})).headers[
        "x-antiphon-cache"
    ] == "hit"


async def test_through_the_sdks(road):
    answer = await road.client.chat.completions.with_raw_response.create(
        model="fast",
        messages=HELLO,
        extra_body={"models": ["slow"], "provider": {"ignore": ["one"]}},
    )
    assert answer.headers[BY] == "two/sim-small"
    answer = await road.client.responses.with_raw_response.create(
        model="both", input="Hi", extra_body={"provider": {"only": ["two"]}}
    )
    assert answer.headers[BY] == "two/sim-small"
    async with anthropic.AsyncAnthropic(
        base_url=road.address,
        api_key=KEY,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False, timeout=20),
    ) as claude:
        message = await claude.messages.with_raw_response.create(
            model="both",
            max_tokens=9,
            messages=HELLO,
            extra_body={"provider": {"order": ["two"]}},
        )
        assert message.headers[BY] == "two/sim-small"
    with pytest.raises(openai.BadRequestError) as caught:
        await road.client.chat.completions.create(
            model="both", messages=HELLO, extra_body={"provider": {"zdr": True}}
        )
    assert caught.value.param == "provider.zdr"


@pytest.mark.parametrize("said", ["", "0", "0.9", "-1", "nan", "inf", "1e3", "soon", "1,2"])
async def test_a_deadline_that_is_none_is_refused(road, said):
    answer = await ask(road, headers={"x-antiphon-deadline": said})
    assert "x-antiphon-deadline" in refused(answer, 400)


@pytest.mark.parametrize("said", ["", "0", "-1", "nan", "soon", "600.0"])
async def test_a_time_out_of_a_library_that_is_none_says_nothing(road, said):
    answer = await ask(road, headers={"x-stainless-read-timeout": said})
    assert answer.status_code == 200


async def seconds(road: Stage, model: str, stream: bool = False, **headers: str) -> float:
    """What an explanation says of the deadline: the road's own figure."""
    told = await road.http.post(
        "/api/v1/explain",
        json={
            "request": {"model": model, "messages": HELLO, "stream": stream},
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        },
        headers={"authorization": f"Bearer {KEY}"},
    )
    assert told.status_code == 200, told.text
    return told.json()["deadline_seconds"]


async def test_the_strictest_deadline_counts(road):
    ours, theirs = "x_antiphon_deadline", "x_stainless_read_timeout"
    assert await seconds(road, "slow") == 30
    assert await seconds(road, "slow", **{ours: "4.5"}) == 4.5
    assert await seconds(road, "slow", **{ours: "400"}) == 30
    assert await seconds(road, "slow", **{theirs: "10"}) == pytest.approx(9.5), "so it hears of it"
    assert await seconds(road, "slow", **{theirs: "600"}) == 30
    assert await seconds(road, "slow", **{ours: "4", theirs: "10"}) == 4
    assert await seconds(road, "slow", **{ours: "20", theirs: "10"}) == pytest.approx(9.5)
    assert await seconds(road, "slow", **{theirs: "0.01"}) == 1, "never less: others would pay"
    assert await seconds(road, "slow", stream=True, **{theirs: "10"}) == 30, "it sees signs of life"
    assert await seconds(road, "patient", **{ours: "35"}) == 35
    assert await seconds(road, "patient", **{ours: "99"}) == 40
    assert await seconds(road, "patient", **{theirs: "99"}) == 2


async def test_a_client_with_little_patience_hears_why(tmp_path):
    specs = [SimulatorSpec(name="one", seed=1, latency=Latency(first_token=30))]
    async with stage(tmp_path, specs) as road:
        patient = road.client.with_options(timeout=20)
        with pytest.raises(openai.APIStatusError) as caught:
            await patient.chat.completions.create(
                model="fast", messages=HELLO, extra_headers={"x-stainless-read-timeout": "1.0"}
            )
        assert caught.value.status_code == 504
        deployment = road.gateway.deployments()[0]
        assert deployment.health.consecutive_failures <= 1


async def test_who_is_in_a_hurry_shares_no_call(tmp_path):
    specs = [SimulatorSpec(name="one", seed=1, latency=Latency(first_token=0.2))]
    models = {"kept": {"deployments": ["one/sim-small"], "cache": {}}}
    async with stage(tmp_path, specs, models=models) as road:
        hurried = {"x-antiphon-deadline": "9"}
        answers = await asyncio.gather(
            *(ask(road, "kept", headers=headers) for headers in ({}, hurried, {}, hurried))
        )
        assert {each.status_code for each in answers} == {200}
        words = sorted(each.headers["x-antiphon-cache"] for each in answers)
        assert words == ["miss", "miss", "miss", "shared"]


async def test_the_same_key_with_other_wishes_is_another_question(road):
    once = {"idempotency-key": "again-1"}
    first = await ask(road, headers={**once, "x-antiphon-provider-order": "two"})
    assert first.headers[BY] == "two/sim-small"
    again = await ask(road, headers={**once, "x-antiphon-provider-order": "two"})
    assert again.headers["idempotent-replayed"] == "true"
    patient = {**once, "x-antiphon-provider-order": "two", "x-antiphon-deadline": "20"}
    assert (await ask(road, headers=patient)).headers["idempotent-replayed"] == "true"
    for other in ({}, {"x-antiphon-provider-order": "one"}, {"x-antiphon-sensitivity": "internal"}):
        assert (await ask(road, headers={**once, **other})).status_code == 422
