"""Which deployment is asked when, how often, and what is said when none answers."""

from __future__ import annotations

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Payload
from antiphon.errors import (
    CallerError,
    Exhausted,
    Forbidden,
    Kind,
    ModelNotFound,
    Overloaded,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
)
from antiphon.model.principal import Principal
from antiphon.pipeline.failures import _NO_ENDPOINT
from antiphon.providers.breaking import USUAL
from antiphon.providers.keys import DEAD_FOR
from antiphon.wire.shallow import Members
from tests.pipeline.fakes import (
    BAD_KEY,
    BAD_REQUEST,
    BROKEN,
    BUSY,
    DOWN,
    FORBIDDEN,
    LATE,
    LIMITED,
    NO_MODEL,
    NO_MONEY,
    NO_TIME_TO_CONNECT,
    REFUSED,
    TOO_LONG,
    Script,
    answer,
    refusal,
    streamed,
    told,
)

# ------------------------------------------------------------------ order


async def test_the_first_one_is_asked_first(house):
    h = house()
    h.script(one=answer("1"), two=answer("2"), three=answer("3"))
    assert await h.ask() == "1"
    assert h.upstream.asked == ["one"]
    h.check_clean(1)


@pytest.mark.parametrize(
    "failure", [DOWN, BUSY, LIMITED, REFUSED, LATE, BROKEN, NO_MODEL, FORBIDDEN, BAD_KEY, TOO_LONG]
)
async def test_the_next_one_is_asked_when_one_fails(house, failure):
    h = house()
    h.script(one=failure, two=failure, three=answer("3"))
    assert await h.ask() == "3"
    assert h.upstream.asked == ["one", "two", "three"]
    assert h.clock.slept == []
    h.check_clean(1)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_caller_s_fault_is_nobody_else_s(house, stream):
    h = house()
    h.script(one=BAD_REQUEST, two=answer())
    error = await h.fails(stream=stream)
    assert isinstance(error, UpstreamRefused)
    assert error.error_kind is Kind.BAD_REQUEST
    assert h.upstream.asked == ["one"]
    assert h.deployment("one").health.failures == 0
    h.check_clean(1)


async def test_who_failed_often_is_left_alone_for_a_while(house):
    h = house("one", "two")
    h.script(one=DOWN, two=answer("2"))
    for _ in range(USUAL.failures):
        assert await h.ask() == "2"
    h.upstream.calls.clear()
    assert await h.ask() == "2"
    assert h.upstream.asked == ["two"]
    h.clock.time += USUAL.open_for
    h.upstream.calls.clear()
    h.script(one=answer("1"))
    assert await h.ask() == "1"
    assert h.deployment("one").health.consecutive_failures == 0


async def test_who_is_left_alone_is_asked_after_all(house):
    h = house("one", "two")
    h.script(one=[DOWN] * USUAL.failures + [answer("1")], two=answer("2"))
    for _ in range(USUAL.failures):
        await h.ask()
    h.script(two=DOWN)
    h.upstream.calls.clear()
    assert await h.ask() == "1"
    assert h.upstream.asked == ["two", "one"]


async def test_where_all_are_left_alone_they_are_asked_by_turns(house):
    h = house(attempts=1)
    h.script(one=DOWN, two=DOWN, three=DOWN)
    for _ in range(USUAL.failures):
        await h.fails()
    h.upstream.calls.clear()
    for _ in range(4):
        h.clock.time += 1
        error = await h.fails()
    assert h.upstream.asked == ["one", "two", "three", "one"], "one of them a request"
    assert isinstance(error, Exhausted)
    assert {each.deployment for each in error.passed_over} == {"two/m", "three/m"}


# ------------------------------------------------------------------ bounds


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_attempts_are_those_of_one_deployment(house, attempts):
    h = house("one", "two", attempts=attempts, backoff=0)
    h.script(one=DOWN, two=DOWN)
    await h.fails()
    assert h.upstream.asked == ["one"] * attempts + ["two"] * attempts
    h.check_clean(1)


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
async def test_the_calls_of_a_request_are_bounded(house, calls):
    h = house("one", "two", attempts=2, calls=calls, backoff=0)
    h.script(one=DOWN, two=DOWN)
    await h.fails()
    assert h.upstream.asked == ["one", "one", "two", "two"][:calls]
    h.check_clean(1)


async def test_by_default_there_are_further_rounds(house):
    h = house("one", "two")
    h.script(one=DOWN, two=DOWN)
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert h.upstream.asked == ["one", "two"] * 3
    assert [each.deployment for each in error.attempts] == ["one/m", "two/m"] * 3
    assert h.clock.slept == [0.5, 1.0]


async def test_a_round_waits_longer_than_the_one_before(house):
    h = house("one", attempts=4, backoff=1, factor=3)
    h.script(one=DOWN)
    await h.fails()
    assert h.clock.slept == [1, 3, 9]


async def test_the_provider_says_how_long_to_wait(house):
    h = house("one", attempts=2, backoff=0.5)
    h.script(one=[refusal(429, "rate_limit_exceeded", retry_after=7), answer("1")])
    assert await h.ask() == "1"
    assert h.clock.slept == [7]


async def test_a_provider_that_asks_for_too_long_is_not_asked_again(house):
    h = house("one", "two", attempts=5, backoff=1)
    h.script(one=refusal(429, retry_after=3600), two=[DOWN, answer("2")])
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "two", "two"]
    h.upstream.calls.clear()
    assert await h.ask() == "2"
    assert h.upstream.asked == ["two"], "and not by others either"


async def test_what_will_not_pass_is_not_tried_again(house):
    h = house("one", "two", attempts=9, backoff=1)
    h.script(one=NO_MODEL, two=FORBIDDEN)
    await h.fails()
    assert h.upstream.asked == ["one", "two"]
    assert h.clock.slept == []


async def test_no_round_begins_that_would_begin_after_the_deadline(house):
    h = house("one", attempts=9, backoff=8, factor=1, deadline=20)
    h.script(one=DOWN)
    await h.fails()
    assert h.upstream.asked == ["one"] * 3
    assert h.clock.slept == [8, 8]


async def test_no_attempt_begins_after_the_deadline(house):
    h = house("one", "two", deadline=5)
    h.script(one=Script(500, [b"{}"], delay=6), two=answer("2"))
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert error.error_kind is Kind.TIMEOUT
    assert h.upstream.asked == ["one"]


async def test_every_call_has_the_exchange_s_deadline(house):
    h = house("one", "two", deadline=50)
    h.script(one=DOWN, two=answer())
    began = h.clock.time
    await h.ask()
    assert [call.deadline for call in h.upstream.calls] == [began + 50] * 2


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize("failure", [BAD_KEY, NO_MONEY])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_dead_key_is_followed_by_the_next_one(house, failure, stream):
    h = house("one", "two", keys=("sk-1", "sk-2"))
    h.script(one=[failure, told("1") if stream else answer("1")], two=answer("2"))
    await (h.stream() if stream else h.ask())
    assert h.upstream.asked == ["one", "one"]
    sent = [call.head for call in h.upstream.calls]
    assert b"sk-1" in sent[0] or b"sk-2" in sent[0]
    assert (b"sk-1" in sent[0]) == (b"sk-2" in sent[1])
    assert h.deployment("one").health.failures == 0
    h.check_clean(1)


async def test_the_last_dead_key_ends_the_deployment(house):
    h = house("one", "two", keys=("sk-1", "sk-2"), attempts=4)
    h.script(one=BAD_KEY, two=answer("2"))
    assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "one", "two"]
    h.upstream.calls.clear()
    assert await h.ask() == "2"
    assert h.upstream.asked == ["two"]
    h.clock.time += 10 * DEAD_FOR
    assert await h.ask() == "2"
    assert h.upstream.asked == ["two", "two"], "it is not tried again before it is replaced"


async def test_a_key_without_money_is_tried_again(house):
    h = house("one", "two")
    h.script(one=[NO_MONEY, answer("1")], two=answer("2"))
    assert await h.ask() == "2"
    h.clock.time += DEAD_FOR - 1
    assert await h.ask() == "2"
    h.clock.time += 1
    assert await h.ask() == "1"


async def test_keys_do_not_escape_the_bound_of_attempts(house):
    h = house("one", keys=tuple(f"sk-{n}" for n in range(9)), attempts=3)
    h.script(one=BAD_KEY)
    await h.fails()
    assert len(h.upstream.calls) == 3


# ------------------------------------------------------------------ when all failed

ALL = [
    ([LIMITED, LIMITED], Kind.RATE_LIMITED, 429, None),
    ([LATE, LATE], Kind.TIMEOUT, 504, None),
    ([NO_TIME_TO_CONNECT, LATE], Kind.TIMEOUT, 504, None),
    ([REFUSED, REFUSED], Kind.OVERLOADED, 503, None),
    ([BUSY, BUSY], Kind.OVERLOADED, 503, None),
    ([REFUSED, NO_TIME_TO_CONNECT], Kind.OVERLOADED, 503, None),
    ([BROKEN, BROKEN], Kind.UPSTREAM, 502, None),
    ([DOWN, DOWN], Kind.UPSTREAM, 502, None),
    ([LIMITED, DOWN], Kind.UPSTREAM, 502, None),
    ([LIMITED, LATE], Kind.UPSTREAM, 502, None),
    ([LATE, DOWN], Kind.UPSTREAM, 502, None),
    ([BAD_KEY, BAD_KEY], Kind.UPSTREAM, 502, False),
    ([NO_MONEY, BAD_KEY], Kind.UPSTREAM, 502, False),
    ([BAD_KEY, NO_MODEL], Kind.UPSTREAM, 502, False),
    ([FORBIDDEN, FORBIDDEN], Kind.UPSTREAM, 502, False),
    ([BAD_KEY, DOWN], Kind.UPSTREAM, 502, None),
    ([TOO_LONG, DOWN], Kind.UPSTREAM, 502, None),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("scripts", "kind", "status", "should_retry"), ALL)
async def test_what_is_said_when_all_failed(house, scripts, kind, status, should_retry, stream):
    h = house("one", "two", attempts=1)
    h.script(one=scripts[0], two=scripts[1])
    error = await h.fails(stream=stream)
    assert isinstance(error, Exhausted)
    assert (error.error_kind, error.status, error.should_retry) == (kind, status, should_retry)
    assert [each.deployment for each in error.attempts] == ["one/m", "two/m"]
    assert "'road'" in error.message
    assert ("try again" in error.message) == (should_retry is not False)
    h.check_clean(1)


async def test_of_several_waits_the_shortest_is_told(house):
    h = house(attempts=1)
    h.script(
        one=refusal(429, "rate_limit_exceeded", retry_after=30),
        two=refusal(429, "rate_limit_exceeded", retry_after=12),
        three=refusal(429, "rate_limit_exceeded"),
    )
    error = await h.fails()
    assert (error.error_kind, error.retry_after) == (Kind.RATE_LIMITED, 12)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(TOO_LONG, Kind.CONTEXT_TOO_LONG), (NO_MODEL, Kind.MODEL_NOT_FOUND)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_where_all_say_the_same_of_the_request_it_is_told(house, failure, kind, stream):
    h = house("one", "two")
    h.script(one=failure, two=failure)
    error = await h.fails(stream=stream)
    assert isinstance(error, UpstreamRefused)
    assert error.error_kind is kind
    assert h.upstream.asked == ["one", "two"]


async def test_too_long_is_no_sign_of_illness(house):
    h = house("one", "two")
    h.script(one=TOO_LONG, two=answer("2"))
    for _ in range(5):
        assert await h.ask() == "2"
    assert h.upstream.asked == ["one", "two"] * 5
    assert h.deployment("one").health.failures == 0


# ------------------------------------------------------------------ before the walk


async def test_an_unknown_model_is_recorded_and_takes_no_place(house):
    h = house()
    with pytest.raises(ModelNotFound, match="road"):
        await h.ask(model="raod")
    assert h.upstream.calls == []
    h.check_clean(1)


async def test_a_foreign_model_is_recorded_and_takes_no_place(house):
    h = house()
    exchange = h.exchange()
    exchange.principal = Principal(key_id="k", models=frozenset({"other"}))
    with pytest.raises(Forbidden):
        async with h.pipeline.open(exchange):
            pass
    h.check_clean(1)


async def test_no_place_is_left(house):
    h = house(concurrency=1)
    h.script(one=answer())
    async with h.pipeline.open(h.exchange()):
        error = await h.fails()
        assert isinstance(error, Overloaded)
        assert error.retry_after
    assert await h.ask() == "hi"
    h.check_clean(3)


async def test_a_request_that_nobody_can_do_gives_its_place_back(house):
    h = house(concurrency=1)
    h.script(one=answer())
    bodies = (
        b'{"model":"road","max_tokens":9,"messages":[{"role":"user","content":[{"type":"smell"}]}]}',
        b'{"model":"road","max_tokens":9,"messages":[{"role":"wizard","content":"x"}]}',
    )
    for body in bodies:
        exchange = h.exchange()
        exchange.payload = Payload(ANTHROPIC_MESSAGES, Members.parse(body))
        with pytest.raises(CallerError):
            async with h.pipeline.open(exchange):
                pass
        assert not h.pipeline.live
    assert await h.ask() == "hi"
    h.check_clean(3)


# ------------------------------------------------------------------ errors inside an answer


@pytest.mark.parametrize(
    "bad",
    [
        Script(body=[b""]),
        Script(body=[b"<html>"]),
        Script(body=[b"{}"]),
        Script(body=[b'{"error": {"message": "x"}}']),
        Script(body=[b'{"choices": []}']),
        Script(body=[b"\xff"]),
        Script(body=[b'{"choices', UpstreamBroken("Cut.", code="truncated")]),
        Script(body=[UpstreamTimeout("Late.", code="idle_timeout")]),
        Script(204),
        Script(302, [b""]),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_no_answer_goes_to_the_next(house, bad, stream):
    h = house("one", "two")
    h.script(one=bad, two=told("2") if stream else answer("2"))
    assert b"2" in (await h.stream() if stream else (await h.ask()).encode())
    assert h.upstream.asked == ["one", "two"]
    h.check_clean(1)


async def test_an_error_body_that_breaks_off_is_still_an_error(house):
    h = house("one", attempts=1)
    h.script(one=Script(500, [b"{", UpstreamBroken("Cut.", code="truncated")]))
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert error.attempts[0][1].code == "http_500"


async def test_an_error_body_that_does_not_end_is_not_waited_for(house):
    h = house("one", attempts=1)
    h.script(one=Script(500, [b"{", 1000.0, b"}"]))
    began = h.clock.time
    await h.fails()
    assert h.clock.time - began < 10


async def test_an_error_body_without_end_is_not_read_whole(house):
    h = house("one", attempts=1)
    h.script(one=Script(500, [b"x" * 10_000] * 1000))
    await h.fails()
    assert len(h.upstream.answers[0].left) > 900


async def test_a_stream_s_error_goes_to_the_next(house):
    h = house("one", "two")
    h.script(one=streamed(b'data: {"error": {"message": "x"}}\n\n'), two=told("2"))
    assert b'"2"' in await h.stream()


@pytest.mark.parametrize(
    ("message", "is_absent"),
    [
        ("File Not Found", True),
        ("Not Found", True),
        ("Invalid URL (POST /v1/responses)", True),
        ("Unexpected endpoint or method. (POST /v1/responses)", True),
        ("The model 'x' was not found", False),
        ("model not found, try pulling it first", False),
    ],
)
def test_how_servers_say_that_they_have_no_such_endpoint(message: str, is_absent: bool) -> None:
    assert (_NO_ENDPOINT.search(message) is not None) is is_absent
