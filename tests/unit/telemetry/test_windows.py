"""Percentiles and paces, whatever the clock does."""

from __future__ import annotations

import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import (
    CallerLeft,
    ConnectFailed,
    Exhausted,
    FailedAttempt,
    InvalidRequest,
    Kind,
    NotAnAnswer,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
)
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.windows import SAMPLES, Figures, Window
from antiphon.telemetry.words import Fault, fault_of

LATE = UpstreamTimeout("", code="idle_timeout")
NO_CONNECTION = ConnectFailed("", code="connect_refused")


def test_percentiles_are_samples():
    window = Window()
    for number in range(1, 101):
        window.answered(1.0, number / 1000, number / 10_000, 0)
    figures = window.figures(1.0)
    latency, first = figures.latency_ms, figures.first_token_ms
    assert [latency.p50, latency.p95, latency.p99] == [50, 95, 99]
    assert [first.p50, first.p95, first.p99] == pytest.approx([5, 9.5, 9.9])
    assert (figures.requests, figures.samples) == (100, 100)


def test_only_the_last_ones_count():
    window = Window()
    for _ in range(SAMPLES):
        window.answered(1.0, 9.0, 0.0, 0)
    for _ in range(SAMPLES):
        window.answered(1.0, 1.0, 0.0, 0)
    figures = window.figures(1.0)
    assert figures.latency_ms.p99 == 1000
    assert (figures.requests, figures.samples) == (2 * SAMPLES, SAMPLES)
    assert figures.first_token_ms is None


def test_nothing_yet():
    figures = Window().figures(5.0)
    assert figures.latency_ms is None
    assert (figures.requests, figures.requests_per_second, figures.tokens_per_second) == (0, 0, 0)
    assert figures.failures == {"timeout": 0, "connection": 0, "api": 0, "other": 0}


def test_the_last_minute():
    window = Window()
    for second in range(120):
        window.answered(1000.0 + second, 0.5, 0.0, 30)
    figures = window.figures(1119.5)
    assert (figures.requests_per_second, figures.tokens_per_second) == (1, 30)
    assert figures.output_speed.p50 == 60
    later = window.figures(1149.0)
    assert later.requests_per_second == pytest.approx(0.5, abs=0.02)
    assert window.figures(1300.0).requests_per_second == 0


def test_a_young_window_is_not_taken_for_a_minute():
    window = Window()
    for _ in range(10):
        window.answered(50.0, 0.1, 0.0, 0)
    assert window.figures(52.0).requests_per_second == 5


def test_what_went_wrong():
    window = Window()
    window.failed(1.0, Fault.TIMEOUT)
    window.failed(1.0, Fault.API)
    window.cancelled(1.0)
    figures = window.figures(1.0)
    assert figures.failures == {"timeout": 1, "connection": 0, "api": 1, "other": 0}
    assert (figures.requests, figures.cancelled, figures.samples) == (3, 1, 0)
    assert figures.requests_per_second == 3


times = st.floats(min_value=-1e6, max_value=1e9, allow_nan=False)


@given(st.lists(st.tuples(times, times, times), max_size=30), times)
def test_a_clock_that_jumps_makes_no_figure_negative(samples, now):
    window = Window()
    for at, seconds, first in samples:
        window.answered(at, seconds, first, 3)
        window.failed(at, Fault.OTHER)
    check(window.figures(now))
    check(window.figures(now - 100))


def check(figures: Figures) -> None:
    numbers = [figures.requests_per_second, figures.tokens_per_second]
    for each in (figures.latency_ms, figures.first_token_ms, figures.output_speed):
        if each is not None:
            assert each.p50 <= each.p95 <= each.p99
            numbers += [each.p50, each.p95, each.p99]
    assert all(number >= 0 and math.isfinite(number) for number in numbers)


@given(
    st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=99).filter(
        lambda x: len(x) % 2
    )
)
def test_the_middle_is_the_median(samples):
    window = Window()
    for each in samples:
        window.answered(1.0, each, 0.0, 0)
    assert window.figures(1.0).latency_ms.p50 == pytest.approx(median(samples) * 1000)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (LATE, "timeout"),
        (NO_CONNECTION, "connection"),
        (UpstreamBroken("", code="reset"), "connection"),
        (NotAnAnswer("", code="not_a_stream"), "api"),
        (UpstreamError("", code="pool_exhausted"), "other"),
        (InvalidRequest(""), "other"),
        (CallerLeft(""), "other"),
        (
            Exhausted(
                "",
                kind=Kind.UPSTREAM,
                attempts=[FailedAttempt("a", LATE), FailedAttempt("b", NO_CONNECTION)],
            ),
            "connection",
        ),
        (Exhausted("", kind=Kind.TIMEOUT, attempts=[]), "timeout"),
    ],
)
def test_sorts_of_errors(error, fault):
    assert fault_of(error) == fault


def test_names_of_a_gateway():
    metrics = Metrics()
    metrics.bind("one", "m")
    metrics.route("fast").window.answered(1.0, 0.1, 0.0, 5)
    metrics.route("").failed(None, 1.0, InvalidRequest(""))
    latencies = metrics.latencies(1.0)
    assert list(latencies.aliases) == ["fast"]
    assert list(latencies.deployments) == ["one/m"]
