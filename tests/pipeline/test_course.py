"""How often, when and with which key a deployment is asked again, and who is left alone."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate

import pytest

from antiphon.errors import BreakerOpen, Exhausted, Kind
from antiphon.resilience.breaker import State, state_of
from tests.pipeline.fakes import (
    BAD_KEY,
    BAD_REQUEST,
    BROKEN,
    BUSY,
    DOWN,
    JSON,
    LATE,
    LIMITED,
    NO_MODEL,
    REFUSED,
    ROLE,
    TOO_LONG,
    Script,
    answer,
    chunk,
    refusal,
    streamed,
    told,
)

# ------------------------------------------------------------------ retries


@pytest.mark.parametrize("failure", [LIMITED, BUSY, LATE])
async def test_a_07_three_calls_wait_one_second_and_two(house, failure):
    h = house("one", "two", attempts=3, backoff=1, factor=2, jitter="none")
    h.script(one=failure, two=answer("2"))
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "one", "two"]
    assert h.clock.slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("failure", "asked"),
    [(LIMITED, 3), (BUSY, 3), (LATE, 3), (DOWN, 1), (BROKEN, 1), (REFUSED, 1)],
    ids=["rate_limit", "overload", "timeout", "server_error", "broken", "refused"],
)
async def test_a_07_only_on_what_is_said(house, failure, asked):
    on = ["rate_limit", "overload", "timeout"]
    h = house("one", "two", attempts=3, backoff=0, on=on)
    h.script(one=failure, two=answer("2"))
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one"] * asked + ["two"]


async def test_m_04_once_again_then_the_other_with_its_own_retry_then_a_clear_error(house, caplog):
    caplog.set_level(logging.WARNING, "antiphon")
    h = house("one", "two", attempts=2, backoff=1, jitter="none")
    slow = Script(500, [b"{}"], delay=0.25)
    h.script(one=[LATE, DOWN], two=[BUSY, slow])
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert h.upstream.asked == ["one", "one", "two", "two"]
    assert h.clock.slept == [1.0, 1.0]
    assert [(each.deployment, each.error.code, each.seconds) for each in error.attempts] == [
        ("one/m", "first_byte_timeout", 0.0),
        ("one/m", "server_error", 0.0),
        ("two/m", "server_is_overloaded", 0.0),
        ("two/m", "http_500", 0.25),
    ]
    assert error.message.endswith("Please try again.")


@pytest.mark.parametrize(
    ("jitter", "waits"), [("none", [2, 4]), ("equal", [1.5, 3]), ("full", [1, 2])]
)
async def test_chance_spreads_waits(house, jitter, waits):
    h = house("one", attempts=3, backoff=2, jitter=jitter)
    h.pipeline.chance = lambda: 0.5
    h.script(one=DOWN)
    await h.fails()
    assert h.clock.slept == waits


async def test_no_wait_goes_beyond_the_deadline(house):
    h = house("one", "two", attempts=5, backoff=8, factor=1, deadline=20, jitter="none")
    h.script(one=DOWN, two=answer("2"))
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "one", "two"]
    assert h.clock.slept == [8, 8]


async def test_a_spent_retry_budget_leads_to_the_next(house):
    h = house("one", "two", attempts=2, backoff=0, budget={"floor": 1, "share": 0})
    h.script(one=LIMITED, two=answer("2"))
    for _ in range(3):
        assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "two", "one", "two", "one", "two"]
    h.clock.time += 1
    h.script(two=DOWN)
    h.upstream.calls.clear()
    await h.fails()
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert {each.reason for each in error.passed_over} == {"retry_budget"}


async def test_the_budget_counts_calls_that_are_made_and_not_those_that_were_thought_of(house):
    """Fifty that fail together may not all come back because each saw room."""
    h = house("one", attempts=2, backoff=1, jitter="none", concurrency=100)
    h.script(one=LIMITED)
    errors = await asyncio.gather(*(h.fails() for _ in range(50)))
    assert len(errors) == 50
    assert len(h.upstream.calls) <= 50 + 3 * 50


# ------------------------------------------------------------------ rest


async def test_a_key_rests_and_the_next_one_is_used(house):
    h = house("one", "two", keys=("sk-1", "sk-2"))
    h.script(one=[refusal(429, "rate_limit_exceeded", retry_after=30), answer("1")])
    assert await h.ask() == "1"
    assert h.upstream.asked == ["one", "one"]
    assert h.clock.slept == []
    tired = b"sk-1" if b"sk-1" in h.upstream.calls[0].head else b"sk-2"
    h.upstream.calls.clear()
    for _ in range(4):
        assert await h.ask() == "1"
    assert not any(tired in call.head for call in h.upstream.calls)
    h.clock.time += 30
    h.upstream.calls.clear()
    for _ in range(4):
        await h.ask()
    assert any(tired in call.head for call in h.upstream.calls)


async def test_where_all_keys_rest_the_next_deployment_is_asked(house):
    h = house("one", "two", keys=("sk-1", "sk-2"))
    h.script(one=refusal(429, "rate_limit_exceeded", retry_after=30), two=answer("2"))
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "two"]
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "two", "two"], "it is passed over"


async def test_a_busy_server_rests_with_all_its_keys(house):
    h = house("one", "two", keys=("sk-1", "sk-2"))
    h.script(one=refusal(503, "overloaded", retry_after=30), two=answer("2"))
    assert await h.ask() == "2"
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "two", "two"]


async def test_a_rest_that_is_soon_over_is_waited_for(house):
    h = house("one", attempts=1)
    h.script(one=[refusal(429, "rate_limit_exceeded", retry_after=7), answer("1")])
    await h.fails()
    assert await h.ask() == "1"
    assert h.clock.slept == [7]


async def test_a_rest_that_is_long_is_told_in_full(house):
    h = house("one", attempts=1)
    h.script(one=refusal(429, "rate_limit_exceeded", retry_after=90))
    await h.fails()
    h.clock.time += 30
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert (error.error_kind, error.retry_after, error.attempts) == (Kind.RATE_LIMITED, 60, ())
    assert [each[:2] for each in error.passed_over] == [("one/m", "keys")]
    assert "in 60 s" in error.message
    assert len(h.upstream.calls) == 1
    assert h.deployment("one").health.consecutive_failures == 0, "it is busy, and not down"


async def test_a_year_is_an_hour(house):
    h = house("one", attempts=1)
    h.script(one=[refusal(429, retry_after=31_536_000), answer("1")])
    await h.fails()
    h.clock.time += 3599 - 10
    assert isinstance(await h.fails(), Exhausted)
    h.clock.time += 11
    assert await h.ask() == "1"


async def test_a_shorter_wish_does_not_end_a_longer_one(house):
    h = house("one", attempts=1)
    long, short = (refusal(429, retry_after=seconds) for seconds in (60, 1))
    h.script(one=[long, short, answer("1")])
    await asyncio.gather(h.fails(), h.fails())
    h.clock.time += 30
    assert isinstance(await h.fails(), Exhausted)


@pytest.mark.parametrize("value", [b"0", b"-5", b"soon", b"Thu, 01 Jan 1970 00:00:00 GMT", b"nan"])
async def test_what_is_no_hint_is_none(house, value):
    h = house("one", attempts=2, backoff=1)
    limited = Script(429, [b"{}"], (JSON, (b"retry-after", value)))
    h.script(one=[limited, answer("1")])
    assert await h.ask() == "1"
    assert h.clock.slept == [1]


async def test_a_date_is_read_against_our_clock_where_the_answer_has_none(house):
    h = house("one", attempts=2, backoff=1)
    then = formatdate(h.clock.now() + 6, usegmt=True).encode()
    limited = Script(429, [b"{}"], (JSON, (b"retry-after", then)))
    h.script(one=[limited, answer("1")])
    assert await h.ask() == "1"
    assert h.clock.slept == [pytest.approx(6, abs=1)]


# ------------------------------------------------------------------ keys


async def test_a_key_that_one_model_refuses_is_kept_for_the_others(house):
    h = house("one", "two")
    h.script(one=answer("1"), two=answer("2"))
    one = h.deployment("one")
    key = one.keys.live[0]
    key.answered["one/other"] = h.clock.time
    h.script(one=BAD_KEY)
    assert await h.ask() == "2"
    assert one.keys.alive
    h.upstream.calls.clear()
    assert await h.ask() == "2"
    assert h.upstream.asked == ["two"], "this model it is not shown again"


# ------------------------------------------------------------------ windows


async def test_a_prompt_that_is_too_long_goes_on_to_larger_windows_only(house):
    h = house(windows={"one": 8_000, "two": 4_000, "three": 32_000})
    h.script(one=TOO_LONG, two=answer("2"), three=answer("3"))
    assert await h.ask() == "3"
    assert h.upstream.asked == ["one", "three"]
    assert [h.deployment(name).health.failures for name in ("one", "two", "three")] == [0, 0, 0]


async def test_where_no_window_is_larger_the_caller_is_told(house):
    h = house("one", "two", windows={"one": 8_000, "two": 8_000})
    h.script(one=TOO_LONG, two=answer("2"))
    error = await h.fails()
    assert error.error_kind is Kind.CONTEXT_TOO_LONG
    assert h.upstream.asked == ["one"]


# ------------------------------------------------------------------ the breaker

STRICT = {"breaker": {"failures": 2, "open_for": 30, "strict": True}}


@pytest.mark.parametrize("failure", [BAD_REQUEST, TOO_LONG, LIMITED, NO_MODEL, BAD_KEY])
async def test_what_says_nothing_of_health_does_not_count(house, failure):
    h = house("one", attempts=1)
    h.script(one=failure)
    for _ in range(8):
        await h.fails()
    assert h.deployment("one").health.consecutive_failures == 0
    assert not h.deployment("one").health.opened


@pytest.mark.parametrize("failure", [DOWN, BUSY, LATE, BROKEN, REFUSED])
async def test_k_06_opens_after_five_and_names_upstream_and_seconds(house, failure):
    h = house("one", attempts=1)
    h.script(one=failure)
    for _ in range(5):
        assert not isinstance(await h.fails(), BreakerOpen)
    h.clock.time += 18.5
    error = await h.fails()
    assert isinstance(error, BreakerOpen)
    assert (error.upstream, error.seconds, error.retry_after) == ("one/m", 41.5, 41.5)
    assert (error.status, len(h.upstream.calls)) == (503, 5)
    h.clock.time += 41.5
    h.script(one=answer("1"))
    assert await h.ask() == "1"
    assert state_of(h.deployment("one").health, h.clock.time) is State.CLOSED
    h.check_clean(7)


async def test_retries_are_attempts_that_count(house):
    h = house("one", attempts=8, backoff=0, budget={"share": 1})
    h.script(one=DOWN)
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert len(h.upstream.calls) == 5, "the breaker ends it"
    assert h.deployment("one").health.opened


async def test_one_request_is_believed_twice_where_others_could_be_asked(house):
    h = house("one", "two", attempts=8, backoff=0)
    h.script(one=DOWN, two=answer("2"))
    assert await h.ask() == "2"
    assert h.deployment("one").health.consecutive_failures == 2


async def test_strict_ones_are_not_asked_though_all_others_failed(house):
    h = house("one", "two", attempts=1, route=STRICT)
    h.script(one=DOWN, two=answer("2"))
    for _ in range(2):
        await h.ask()
    h.script(two=LIMITED)
    h.upstream.calls.clear()
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert h.upstream.asked == ["two"]
    assert [each[:2] for each in error.passed_over] == [("one/m", "breaker")]
    assert error.passed_over[0].seconds == 30


async def test_where_all_are_open_the_caller_hears_of_each(house):
    h = house("one", "two", attempts=1, route=STRICT)
    h.script(one=DOWN, two=DOWN)
    for _ in range(2):
        await h.fails()
    error = await h.fails()
    assert isinstance(error, BreakerOpen)
    assert [each.deployment for each in error.passed_over] == ["one/m", "two/m"]
    assert "one/m is probed in 30 s, two/m is probed in 30 s" in error.message


async def half_open(h) -> None:
    h.script(one=DOWN)
    for _ in range(5):
        await h.fails()
    h.clock.time += 60
    h.upstream.calls.clear()


async def test_fifty_together_make_one_probe(house):
    h = house("one", attempts=1, concurrency=100)
    await half_open(h)
    h.script(one=Script(200, answer("1").body, delay=0.5))
    answers = await asyncio.gather(*(h.ask() for _ in range(50)), return_exceptions=True)
    assert len(h.upstream.calls) == 1
    assert answers.count("1") == 1
    assert sum(isinstance(each, BreakerOpen) for each in answers) == 49
    assert await h.ask() == "1"


@pytest.mark.parametrize("step", range(1, 5))
async def test_a_probe_whose_caller_leaves_gives_its_place_back(house, step):
    h = house("one", attempts=1)
    await half_open(h)
    h.script(one=answer("1"))
    h.upstream.cancel_at = h.upstream.steps + step
    task = asyncio.ensure_future(h.ask())
    await asyncio.wait((task,))
    h.upstream.cancel_at = 0
    if task.cancelled():
        assert h.deployment("one").health.probe is None
        assert h.deployment("one").health.opened
    assert await h.ask() == "1"
    assert not h.deployment("one").health.opened


@pytest.mark.parametrize("said", [BAD_REQUEST, LIMITED, TOO_LONG])
async def test_a_probe_that_says_nothing_gives_its_place_back(house, said):
    h = house("one", attempts=1)
    await half_open(h)
    h.script(one=[said, answer("1")])
    await h.fails()
    assert await h.ask() == "1"


async def test_a_probe_that_fails_is_not_tried_again(house):
    h = house("one", attempts=5, backoff=1)
    await half_open(h)
    h.upstream.calls.clear()
    await h.fails()
    assert len(h.upstream.calls) == 1
    error = await h.fails()
    assert isinstance(error, BreakerOpen)
    assert error.seconds == pytest.approx(60, abs=1)


async def test_the_first_words_of_a_stream_close_it(house):
    h = house("one", attempts=1)
    await half_open(h)
    h.script(one=streamed(ROLE, chunk("1"), 100.0, chunk("2"), BROKEN.on_send))
    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        await reply.next()
        assert not h.deployment("one").health.opened
    h.script(one=told("x"))
    assert b'"x"' in await h.stream()


async def test_an_attempt_from_before_changes_nothing(house):
    h = house("one", attempts=1, concurrency=10)
    h.script(one=[Script(200, answer("late").body, delay=5), *[DOWN] * 5])
    early = asyncio.ensure_future(h.ask())
    await asyncio.sleep(0)
    for _ in range(5):
        await h.fails()
    assert await early == "late"
    assert h.deployment("one").health.opened


@pytest.mark.parametrize(("seconds", "failures"), [(1, 0), (600, 1)])
async def test_a_caller_s_own_patience_says_nothing_of_the_deployment(house, seconds, failures):
    h = house("one", attempts=1, deadline=600)
    h.script(one=LATE)
    exchange = h.exchange()
    plan = h.pipeline.route(exchange)
    exchange.deadline = exchange.started + seconds
    h.upstream.on_call = lambda: h.clock.wait(700)
    walk = h.pipeline.walk(exchange, plan)
    with pytest.raises(Exhausted):
        await walk.open()
    assert h.deployment("one").health.failures == failures


async def test_it_is_known_when_the_first_comes_back(house):
    h = house("one", "two", attempts=1, route=STRICT)
    h.script(one=DOWN, two=DOWN)
    for _ in range(2):
        await h.fails()
    exchange = h.exchange()
    plan = h.pipeline.route(exchange)
    walk = h.pipeline.walk(exchange, plan)
    with pytest.raises(BreakerOpen):
        await walk.open()
    assert walk.course.comes_back_at() == h.clock.time + 30
