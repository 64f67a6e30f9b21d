"""What the guide says of failing over: its configuration, at pretend providers, does it."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from antiphon.errors import BreakerOpen, Exhausted
from antiphon.simulator import FaultRule
from tests.docs.pages import blocks
from tests.server.stage import HELLO, stage

PAGE = "docs/guides/failing-over.md"
[WRITTEN] = [each.text for each in blocks("yaml", PAGE)]
PLACES = {
    "anthropic/claude-sonnet-5-5": "one/sim-small",
    "moonshot/moonshot-v1-128k": "two/sim-small",
}


def route(**changed: object) -> dict[str, Any]:
    """The route of the page, its deployments replaced by pretend ones."""
    smart = dict(YAML(typ="safe").load(WRITTEN)["models"]["smart"])
    smart["deployments"] = [PLACES[each] for each in smart["deployments"]]
    smart["retry"] = {**smart["retry"], "backoff": 0.01}
    return {**smart, **changed}


async def test_the_route_of_the_page_asks_one_again_and_then_the_other(tmp_path):
    async with stage(tmp_path, models={"smart": route()}) as road:
        road.first.arm(FaultRule("server-error", count=2))
        answer = await road.client.chat.completions.with_raw_response.create(
            model="smart", messages=HELLO
        )
        assert answer.headers["x-antiphon-deployment"] == "two/sim-small"
        assert answer.headers["x-antiphon-attempts"] == "3"


async def test_when_nobody_gives_an_answer(tmp_path):
    async with stage(tmp_path, models={"smart": route()}) as road:
        for each in road.simulators:
            each.arm("overloaded")
        with pytest.raises(Exhausted) as raised:
            await road.gateway.chat(model="smart", messages=HELLO)
        told = [each.deployment for each in raised.value.attempts]
        assert set(told) == {"one/sim-small", "two/sim-small"}
        assert "Please try again" in raised.value.message


async def test_a_route_of_one_is_left_alone_and_says_for_how_long(tmp_path):
    one = route(deployments=["one/sim-small"], retry={"attempts": 1})
    async with stage(tmp_path, models={"solo": one}) as road:
        road.first.arm("server-error")
        for _ in range(5):
            with pytest.raises(Exhausted):
                await road.gateway.chat(model="solo", messages=HELLO)
        with pytest.raises(BreakerOpen) as raised:
            await road.gateway.chat(model="solo", messages=HELLO)
        assert raised.value.upstream == "one/sim-small"
        assert 50 < raised.value.seconds <= 60
