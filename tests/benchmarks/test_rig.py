"""The benchmark's own arithmetic: a rig that counts wrongly proves nothing."""

import asyncio
import sys

import msgspec
import pytest
from benchmarks.figures import Figure, hot_path_budgets, road_figures
from benchmarks.hot_cases import CASES
from benchmarks.hot_path import TrulyWaitedError, drive, measure
from benchmarks.road import answers, machine, table
from benchmarks.road.process import BrokenRunError, running
from benchmarks.road.results import Results, Sample
from benchmarks.road.standin import Kind
from benchmarks.road.targets import NGINX
from benchmarks.road.template import fill, free_ports


def sample(kind: Kind, target: str, number: int, *, case: str = "burst", **values: float) -> Sample:
    return Sample(case, str(kind), target, number, values)


def test_a_burst_is_a_hundred_events_that_end_as_openai_ends_them():
    stream = answers.stream(100)
    events = [msgspec.json.decode(frame.removeprefix(b"data: ")) for frame in stream.events]

    assert len(events) == 100
    assert events[0]["choices"][0]["delta"]["role"] == "assistant"
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] == 278
    assert stream.body.endswith(b"\n\ndata: [DONE]\n\n")
    assert stream.body.count(b"\n\n") == len(stream.frames) == 101


def test_question_and_answer_are_about_a_kilobyte():
    assert 900 <= len(answers.question(streamed=False)) <= 1100
    assert 1000 <= len(answers.completion()) <= 1200


def test_the_marginal_event_leaves_out_what_an_answer_costs_anyway():
    results = Results(
        [
            sample(Kind.ONE, "x", 0, cpu_us=50.0),
            sample(Kind.BURST, "x", 0, cpu_us=50.0 + 99 * 2),
            sample(Kind.ONE, "x", 1, cpu_us=60.0),
            sample(Kind.BURST, "x", 1, cpu_us=60.0 + 99 * 4),
        ]
    )

    marginal = table.marginal(results, "x", Kind.BURST)

    assert marginal is not None
    assert (marginal.low, marginal.middle, marginal.high) == (2.0, 3.0, 4.0)


def test_ratios_pair_the_rounds():
    rounds = [(60.0, 20.0), (90.0, 45.0), (80.0, 20.0)]
    results = Results(
        [
            sample(Kind.PLAIN, target, number, case="plain", cpu_us=value)
            for number, pair in enumerate(rounds)
            for target, value in zip(("x", NGINX), pair, strict=True)
        ]
    )

    assert table.measured_figures(results, "x") == {"plain_ratio": 3.0}


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(2.8, "reached (stretch)"), (3.5, "reached"), (3.51, "NOT reached")],
)
def test_a_figure_judges(measured: float, verdict: str):
    assert Figure("a", "A", "x", most=3.5, stretch=2.8).judge(measured) == verdict


def test_every_case_has_a_budget_and_every_budget_a_case():
    assert CASES.keys() == hot_path_budgets().keys()


def test_every_figure_can_be_measured():
    values = dict.fromkeys(
        ("cpu_us", "cpu_us_event", "ready_s", "idle_rss_mb", "streams_rss_mb", "grown_rss_mb"), 1.0
    )
    cases = (
        "plain",
        "hit",
        "miss",
        "everything",
        "burst",
        "translated",
        "drip",
        "startup",
        "memory",
        "soak",
    )
    results = Results(
        [
            sample(kind, target, 0, case=case, **values)
            for case in cases
            for kind in Kind
            for target in ("x", NGINX)
        ]
    )

    assert table.measured_figures(results, "x").keys() == road_figures().keys()


def test_an_async_case_is_driven_without_a_loop():
    async def answer() -> int:
        return 42

    assert drive(answer()) == 42
    assert measure("case", lambda: answer, 1.0).least_us > 0


def test_an_async_case_that_waits_is_refused():
    with pytest.raises(TrulyWaitedError):
        drive(asyncio.sleep(0))


def test_a_template_with_an_unknown_name_is_refused():
    with pytest.raises(KeyError, match="PORT"):
        fill("antiphon.yaml", {})


def test_free_ports_differ():
    assert len(set(free_ports(8))) == 8


def test_missing_tools_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(machine.shutil, "which", lambda *_, **__: None)

    with pytest.raises(machine.MissingToolError, match=r"apt-get install nginx-light .* wrk"):
        machine.find_tools()


def test_cpu_of_a_whole_tree_is_counted_and_the_tree_ends_with_us(tmp_path):
    burn = "x = sum(range(3_000_000)); print(x, flush=True)"
    script = f"{sys.executable} -c '{burn}'; {sys.executable} -c '{burn}; import time; time.sleep(60)'; true"
    with running(
        "burn", ["sh", "-c", script], folder=tmp_path, cores=machine.share_cores().load
    ) as process:
        while (tmp_path / "burn.log").read_bytes().count(b"\n") < 2:
            process.check()
        # One child has ended, the other lives: both must count.
        both = process.quiet_cpu_ns()
        assert both > 40_000_000
        assert process.memory().rss > 5

    with pytest.raises(BrokenRunError, match="ended with status"):
        process.check()
