"""The guides on strategies: the example is a strategy that works, and the commands are real."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from ruamel.yaml import YAML

from antiphon.config.load import load
from antiphon.errors import ConfigurationError
from antiphon.model.ask import Ask
from antiphon.providers.deployment import Deployment, Health
from antiphon.providers.models import ModelFacts
from antiphon.providers.pace import Pace
from antiphon.routing.strategies.config import StrategySettings
from tests.docs.pages import ROOT, blocks
from tests.server.stage import stage
from tests.unit.routing.pools import asking, candidate, names
from tests.unit.routing.test_strategies import order

WRITING, CHOOSING = "docs/guides/writing-a-strategy.md", "docs/guides/strategies.md"
[EXAMPLE] = [each.text for each in blocks("python", WRITING)]
[ROUTE] = [each.text for each in blocks("yaml", WRITING)]


@pytest.fixture(autouse=True)
def not_yet_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "night_shift", raising=False)
    yield
    sys.modules.pop("night_shift", None)


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    (tmp_path / "night_shift.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def said() -> list[object]:
    return YAML(typ="safe", pure=True).load(ROUTE)["strategy"]


def test_the_example_orders_candidates(on_path):
    cloud, own = candidate("cloud"), candidate("own", base_url="http://127.0.0.1:1/v1")
    always = {"custom": {"path": "night_shift:NightShift", "options": {"begins": 0, "ends": 0}}}
    assert names(order(always).of([cloud, own], asking(), 0.0)[0]) == ["own", "cloud"]
    never = {"custom": {"path": "night_shift:NightShift", "options": {"begins": 24, "ends": 0}}}
    assert names(order(never).of([cloud, own], asking(), 0.0)[0]) == ["cloud", "own"]
    slow = Ask(priority=-1)
    assert names(order(never).of([cloud, own], slow, 0.0)[0]) == ["own", "cloud"]


async def test_the_route_of_the_guide_answers(on_path):
    models = {"pool": {"deployments": ["one/sim-small", "two/sim-small"], "strategy": said()}}
    async with stage(on_path, models=models) as road:
        body = {"model": "pool", "messages": [{"role": "user", "content": "Hi"}]}
        answer = await road.http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200
        assert answer.headers["x-antiphon-deployment"] == "one/sim-small"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ImportError('no licence')", "cannot be imported: no licence"),
        ("class NightShift: ...", "is no subclass of Strategy"),
        ("def", "cannot be imported: invalid syntax"),
        (
            EXAMPLE.replace("zone: str", "area: str").replace("ZoneInfo(zone)", "1"),
            "cannot be made",
        ),
    ],
    ids=["import", "no strategy", "syntax", "options"],
)
def test_one_that_cannot_be_made_is_a_mistake_with_its_line(tmp_path, monkeypatch, source, why):
    (tmp_path / "night_shift.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "antiphon.yaml"
    path.write_text(
        "providers: {lab: {base_url: 'http://127.0.0.1:1/v1'}}\n"
        f"models:\n  pool:\n    deployments: [lab/x]\n    {ROUTE}"
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ={})
    [mistake] = map(str, caught.value.mistakes)
    assert re.search(r"antiphon\.yaml:5:\d+: models\.pool\.strategy\.0\.custom", mistake)
    assert why in mistake


def test_one_that_fails_costs_nobody_an_answer(tmp_path, monkeypatch, caplog):
    (tmp_path / "night_shift.py").write_text(EXAMPLE.replace("return [0] * len(pool)", "1 / 0"))
    monkeypatch.syspath_prepend(tmp_path)
    candidates = [candidate("a"), candidate("b")]
    for broken in ("1 / 0", "return [0]", "return [float('nan')] * 2", "return 'ab'"):
        source = re.sub(r"return \[0\] \* len\(pool\).*", broken, EXAMPLE)
        module = f"broken_{abs(hash(broken))}"
        (tmp_path / f"{module}.py").write_text(source)
        said = {"custom": {"path": f"{module}:NightShift", "options": {"begins": 24, "ends": 0}}}
        candidates[0].deployment.pace.in_flight = 1
        by = order(said, "least_busy")
        assert names(by.of(candidates, asking(), 0.0)[0]) == ["b", "a"]
        assert names(by.of(candidates, asking(), 0.0)[0]) == ["b", "a"]
    assert len([each for each in caplog.records if each.name == "antiphon.routing"]) == 4


def test_every_strategy_is_in_the_guide():
    text = (ROOT / CHOOSING).read_text("utf-8")
    told = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    assert sorted(told) == sorted([*StrategySettings.model_fields, "strategy"])


def test_what_a_strategy_may_use_is_there():
    text = (ROOT / WRITING).read_text("utf-8")
    table = text.partition("## What it may use")[2]
    known = {
        *(Ask.__slots__ + Deployment.__slots__ + Pace.__slots__ + Health.__slots__),
        *ModelFacts.__struct_fields__,
        *("weight", "local", "likely", "deployment", "model", "ask", "facts"),
    }
    for name in re.findall(r"`(?:\w+\.)*\.?([a-z_]+)`", table):
        assert name in known | {"now", "antiphon", "shown", "routing"}, name
    ast.parse(EXAMPLE)
