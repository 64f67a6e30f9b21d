"""The guide on the ladder: its configuration does what the page says, step after step."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.rendering.sandbox import _FILTERS
from antiphon.resilience.canned import VALUES
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, SimulatorSpec
from tests.docs.pages import ROOT, blocks
from tests.server.stage import Stage

GUIDE = "docs/guides/degrading.md"
[CONFIGURATION] = [each.text for each in blocks("yaml", GUIDE)]


@pytest.fixture
async def road(tmp_path):
    async with Fleet([SimulatorSpec(name="openai"), SimulatorSpec(name="moonshot")]) as fleet:
        said = YAML(typ="safe", pure=True).load(CONFIGURATION)
        for name, each in fleet.items():
            said["providers"][name] |= {"base_url": each.base_url, "api_key": "sk-1"}
        said["providers"]["openai"]["models"] = {"gpt-5.6-terra": {}}
        said["server"] = {"port": 0}
        said["storage"] = {"data_dir": str(tmp_path)}
        gateway = Antiphon(load(said, environ={}))
        async with gateway, serving(gateway) as address:
            running = Stage(gateway, address, fleet)
            async with running.client, running.http:
                yield running


async def ask(road: Stage, text: str, **headers: str):
    body = {"model": "companion", "messages": [{"role": "user", "content": text}]}
    answer = await road.http.post(
        "/v1/chat/completions",
        json=body,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    assert answer.status_code == 200, answer.text
    said = answer.json()["choices"][0]["message"]["content"]
    return answer.headers.get("x-antiphon-degraded", ""), said


async def test_its_configuration_goes_down_step_by_step(road):
    first = await ask(road, "Good morning")
    assert first[0] == ""
    road.first.arm("server-error")
    assert (await ask(road, "Good morning"))[0] == "pool"
    road.second.arm("server-error")
    assert await ask(road, "Good morning") == ("stale", first[1])
    step, text = await ask(road, "Good evening")
    assert step == "canned"
    again = r"(Please try again in \d+ seconds\.\n)?"
    assert re.fullmatch(rf"I cannot answer right now\.\n{again}\(request req_\S+\)", text)
    assert (await ask(road, "今天天气怎么样"))[1].startswith("抱歉")
    _, text = await ask(road, "I am alone", x_antiphon_tags="crisis", x_antiphon_region="AT")
    assert text.endswith("with this.\nTelefonseelsorge: 142 (24/7)")
    _, text = await ask(road, "I am so alone", x_antiphon_tags="crisis")
    assert text.endswith("with this.\nTelefonSeelsorge: 0800 1110111 (24/7)")


def test_every_value_and_every_filter_is_told():
    page = (ROOT / GUIDE).read_text("utf-8")
    for name in (*VALUES, *_FILTERS):
        assert f"`{name}`" in page, name
