"""The exposition, by the eyes of Prometheus' own library; and labels that nobody can flood."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from antiphon.errors import Disposition, Kind, NotAnAnswer, UpstreamRefused
from antiphon.model.usage import Usage
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.series import OTHER, Counter, Histogram, Reading, exposition
from antiphon.telemetry.words import word_of
from tests.house.source import modules

EDGES = (0.005, 0.5, 600)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NASTY = ["", "\\", '"', "\n", 'a"} 1\nb{x="', "\u2028", "\\n", "} 5", "é", "x\x85y"]


class Given(Collector):
    def __init__(self, *families: object) -> None:
        self.families = families

    def collect(self):
        return self.families


@given(
    st.lists(st.tuples(text, text, st.integers(0, 10**15)), max_size=8, unique_by=lambda x: x[:2])
)
def test_a_counter_is_written_as_the_library_writes_it(rows):
    ours = Counter("t_total", "Help.", ("a", "b"))
    theirs = CounterMetricFamily("t", "Help.", labels=("a", "b"))
    for a, b, value in rows:
        ours.of(a, b).value = value
        theirs.add_metric((a, b), value)
    assert parsed(exposition([ours])) == parsed(generate_latest(Given(theirs)))


@pytest.mark.parametrize("label", NASTY)
def test_a_histogram_is_written_as_the_library_writes_it(label):
    ours = Histogram("t", "Help.", ("a",), EDGES)
    theirs = HistogramMetricFamily("t", "Help.", labels=("a",))
    for measure in (0.001, 0.005, 0.4, 0.6, 1000):
        ours.of(label).observe(measure)
    buckets = [("0.005", 2), ("0.5", 3), ("600", 4), ("+Inf", 5)]
    theirs.add_metric((label,), buckets, 1001.006)
    assert parsed(exposition([ours])) == parsed(generate_latest(Given(theirs)))
    assert exposition([ours]) == exposition([ours]), "a second scrape says the same"


def parsed(exposed: bytes) -> object:
    found = list(text_string_to_metric_families(exposed.decode()))
    return [
        (
            each.name,
            each.type,
            each.documentation,
            sorted((s.name, sorted(s.labels.items()), s.value) for s in each.samples),
        )
        for each in found
    ]


def test_readings():
    plain = Reading("t_up", "Help.", lambda: 1)
    by_state = Reading("t_state", "Help.", lambda: {"idle": 2, "busy": 3}, label="state")
    counted = Reading("t_total", "Help.", lambda: 4, kind="counter")
    [up, state, total] = text_string_to_metric_families(
        exposition([plain, by_state, counted]).decode()
    )
    assert [each.value for each in up.samples] == [1]
    assert [(each.labels["state"], each.value) for each in state.samples] == [
        ("idle", 2),
        ("busy", 3),
    ]
    assert (total.type, total.samples[0].value) == ("counter", 4)


def test_all_of_it_can_be_read():
    metrics = Metrics()
    by = metrics.deployment("one", "m")
    by.succeeded(1.0, 0.2, Usage())
    by.charged(
        "team", Usage(input_tokens=3, cache_write_1h_tokens=4, image_tokens=5), 2_000_000_000
    )
    families = {
        each.name: each for each in text_string_to_metric_families(metrics.exposition().decode())
    }
    tokens = {each.labels["type"]: each.value for each in families["antiphon_tokens"].samples}
    assert tokens == {"input": 3, "output": 0, "cache_write": 4, "image": 5}
    [cost] = families["antiphon_cost_usd"].samples
    assert (cost.labels, cost.value) == ({"team": "team", "provider": "one", "model": "m"}, 2)


# ------------------------------------------------------------------ bounds


def test_names_that_pass_through_are_bounded_and_those_of_the_configuration_are_not():
    metrics = Metrics()
    metrics.bind("one", "own")
    for number in range(10_000):
        by = metrics.deployment("one", f"passed-{number}")
        by.charged("team", Usage(input_tokens=1), 1)
        metrics.route("*").succeeded(by)
    metrics.deployment("one", "own").charged("team", Usage(input_tokens=7), 1)
    exposed = metrics.exposition().decode()
    assert exposed.count("\n") < 20_000
    models = {each.labels["model"] for each in samples(exposed, "antiphon_tokens_total")}
    assert len(models) == 202
    assert {OTHER, "own"} <= models
    assert sum(each.value for each in samples(exposed, "antiphon_tokens_total")) == 10_007
    assert sum(each.value for each in samples(exposed, "antiphon_requests_total")) == 10_000


def test_codes_of_providers_are_no_labels():
    metrics = Metrics()
    by = metrics.deployment("one", "m")
    for number in range(10_000):
        by.failed(1.0, refused(f"hostile-{number}"))
    by.failed(1.0, NotAnAnswer("", code="not_a_stream"))
    [*codes] = [
        (each.labels["code"], each.value)
        for each in samples(metrics.exposition().decode(), "antiphon_attempts_total")
    ]
    assert codes == [("ok", 0), ("rate_limited", 10_000), ("not_a_stream", 1)]


def refused(code: str) -> UpstreamRefused:
    return UpstreamRefused("", kind=Kind.RATE_LIMITED, disposition=Disposition.TRANSIENT, code=code)


def test_teams_are_bounded():
    metrics = Metrics()
    by = metrics.deployment("one", "m")
    for number in range(10_000):
        by.charged(f"team-{number}", Usage(), 1)
    costs = samples(metrics.exposition().decode(), "antiphon_cost_usd_total")
    assert len(costs) == 201
    assert round(sum(each.value for each in costs) * 1e9) == 10_000


def test_a_series_has_a_bound_of_its_own():
    counter = Counter("t_total", "Help.", ("a",), bound=3)
    for number in range(10):
        counter.of(str(number)).value += 1
    assert [line.split(" ")[1] for line in "".join(counter.lines()).splitlines()] == [
        "1",
        "1",
        "1",
        "7",
    ]


def samples(exposed: str, name: str) -> list:
    return [
        sample
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
        if sample.name == name
    ]


def test_the_word_of_an_error_is_chosen_here():
    """Every error that is not a provider's refusal has a code that stands in our code."""
    ours = {"ConnectFailed", "UpstreamTimeout", "UpstreamBroken", "NotAnAnswer", "UpstreamError"}
    found = 0
    for path, tree in modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ours
            ):
                [code] = [each.value for each in node.keywords if each.arg == "code"]
                assert is_literal(code, tree), f"{path}:{node.lineno}"
                found += 1
    assert found > 20
    assert word_of(refused("anything")) == "rate_limited"


def is_literal(node: ast.expr, tree: ast.Module) -> bool:
    match node:
        case ast.IfExp(body=body, orelse=other):
            return is_literal(body, tree) and is_literal(other, tree)
        case ast.Name(id=name):
            given = [pair for each in ast.walk(tree) for pair in assigned(each) if pair[0] == name]
            return bool(given) and all(isinstance(value, ast.Constant) for _, value in given)
        case _:
            return isinstance(node, ast.Constant)


def assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            return [(ast.unparse(name), value) for name, value in zip(names, values, strict=True)]
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
        case _:
            return []
