"""Streams without a network: commit points, heartbeats, how they end, and who leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import AntiphonError, Exhausted, Kind, UpstreamBroken, UpstreamTimeout
from antiphon.pipeline.relay import Relay
from antiphon.wire.shallow import Members
from tests.pipeline.fakes import (
    BAD_KEY,
    DONE,
    DOWN,
    LATE,
    REFUSED,
    ROLE,
    STOP,
    House,
    answer,
    chunk,
    streamed,
    text_of,
    told,
)

BEAT = OPENAI_CHAT.heartbeat
BROKEN = UpstreamBroken("Reset.", code="reset")


def error_of(stream: bytes) -> dict[str, object]:
    frames = [frame for frame in stream.split(b"\n\n") if frame.startswith(b"data: {")]
    return json.loads(frames[-1][6:])["error"]


# ------------------------------------------------------------------ commit points


async def test_the_stream_comes_as_it_was_sent(house):
    h = house()
    h.script(one=told("a", "b"))
    assert await h.stream() == ROLE + chunk("a") + chunk("b") + STOP + DONE
    h.check_clean(1)


async def test_before_content_another_one_begins_anew(house):
    h = house("one", "two")
    h.script(one=streamed(ROLE, ROLE, BROKEN), two=told("2"))
    assert await h.stream() == ROLE + chunk("2") + STOP + DONE
    assert h.upstream.asked == ["one", "two"]
    h.check_clean(1)


@pytest.mark.parametrize(
    "breaks", [BROKEN, UpstreamTimeout("Late.", code="idle_timeout"), b"data: {x\n\n"]
)
async def test_after_content_the_failure_is_an_event(house, breaks):
    h = house("one", "two")
    h.script(one=streamed(ROLE, chunk("1"), breaks), two=told("2"))
    got = await h.stream()
    assert got.startswith(ROLE + chunk("1"))
    assert text_of(got) == "1"
    assert error_of(got)["message"]
    assert h.upstream.asked == ["one"]
    assert isinstance(h.pipeline.recorded[0].outcome, AntiphonError)
    h.check_clean(1)


async def test_content_and_failure_in_one_read_are_still_free(house):
    """Nothing was sent yet, so nothing is lost."""
    h = house("one", "two")
    h.script(one=streamed(ROLE + chunk("1") + b"data: {x\n\n"), two=told("2"))
    assert text_of(await h.stream()) == "2"


async def test_thought_and_calls_are_content_too(house):
    for delta in (
        {"reasoning_content": "hm"},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]},
    ):
        h = house("one", "two")
        h.script(one=streamed(ROLE, chunk(**delta), BROKEN), two=told("2"))
        assert error_of(await h.stream())
        assert h.upstream.asked == ["one"]


async def test_status_waits_for_content(house):
    h = house("one")
    h.script(one=streamed(ROLE, 5.0, chunk("1"), STOP, DONE))
    began = h.clock.time
    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        assert h.clock.time == began + 5
        assert await reply.next() == ROLE + chunk("1")
        assert h.pipeline.recorded == []


@pytest.mark.parametrize("padding", [[b": c\n\n"] * 64, [b": %b\n\n" % (b"x" * 90_000)] * 3])
async def test_a_long_preamble_is_let_go(house, padding):
    h = house("one", "two")
    h.script(one=streamed(*padding, BROKEN), two=told("2"))
    got = await h.stream()
    assert got.startswith(b": ")
    # Nothing of an answer was in it: the next one gives all of it.
    assert text_of(got) == "2"
    assert got.endswith(DONE)
    assert h.upstream.asked == ["one", "one", "two"]


async def test_a_shorter_one_is_not(house):
    h = house("one", "two")
    h.script(one=streamed(*[b": c\n\n"] * 60, BROKEN), two=told("2"))
    assert await h.stream() == ROLE + chunk("2") + STOP + DONE


# ------------------------------------------------------------------ heartbeats


async def test_silence_is_filled(house):
    h = house("one", heartbeat=10)
    h.script(one=streamed(ROLE, 35.0, chunk("1"), 25.0, STOP, DONE, delay=15))
    got = await h.stream()
    # At 10, 20, 30 and 40 seconds; content at 50; at 60 and 70; the end at 75.
    assert got.count(BEAT) == 4 + 2
    assert text_of(got) == "1"
    assert got.replace(BEAT, b"") == ROLE + chunk("1") + STOP + DONE


async def test_the_first_beat_lets_the_status_out(house):
    h = house("one", heartbeat=10)
    h.script(one=streamed(ROLE, chunk("1"), STOP, DONE, delay=100))
    began = h.clock.time
    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        assert h.clock.time == began + 10
        assert await reply.next() == BEAT


async def test_after_a_beat_failover_is_free(house):
    h = house("one", "two", heartbeat=10)
    h.script(one=streamed(ROLE, 15.0, BROKEN), two=told("2"))
    assert await h.stream() == BEAT + ROLE + chunk("2") + STOP + DONE


async def test_after_a_beat_the_end_of_all_is_an_event(house):
    h = house("one", heartbeat=10, attempts=1)
    h.script(one=streamed(15.0, BROKEN))
    got = await h.stream()
    assert got.startswith(BEAT)
    assert error_of(got)["code"] == "upstream_error"
    assert isinstance(h.pipeline.recorded[0].outcome, Exhausted)


async def test_a_backoff_is_filled_too(house):
    h = house("one", heartbeat=2, attempts=2, backoff=9)
    h.script(one=[DOWN, told("1")])
    got = await h.stream()
    assert got.count(BEAT) == 4
    assert text_of(got) == "1"
    assert sum(h.clock.slept) == pytest.approx(9)


# ------------------------------------------------------------------ ends


async def test_done_is_added_where_it_was_forgotten(house):
    h = house("one")
    h.script(one=streamed(ROLE, chunk("1"), STOP))
    assert await h.stream() == ROLE + chunk("1") + STOP + DONE


async def test_a_stream_without_an_end_is_broken(house):
    h = house("one")
    h.script(one=streamed(ROLE, chunk("1")))
    got = await h.stream()
    assert b"[DONE]" not in got.split(b"error")[0]
    assert error_of(got)


async def test_an_empty_stream_goes_to_the_next(house):
    for empty in (streamed(), streamed(ROLE, DONE), streamed(DONE), streamed(b": c\n\n")):
        h = house("one", "two")
        h.script(one=empty, two=told("2"))
        assert text_of(await h.stream()) == "2"


async def test_an_answer_of_nothing_but_its_end_is_one(house):
    h = house("one", "two")
    h.script(one=streamed(ROLE, STOP, DONE))
    assert await h.stream() == ROLE + STOP + DONE


async def test_a_whole_answer_in_place_of_a_stream_goes_to_the_next(house):
    h = house("one", "two")
    h.script(one=answer(), two=told("2"))
    assert text_of(await h.stream()) == "2"


async def test_a_failure_after_the_end_spoils_nothing(house):
    h = house("one")
    h.script(one=streamed(ROLE, chunk("1"), STOP, DONE, BROKEN))
    assert text_of(await h.stream()) == "1"
    assert h.pipeline.recorded[0].outcome is None
    assert h.deployment("one").health.successes == 1
    h.check_clean(1)


async def test_usage_is_known_though_it_is_hidden(house):
    counted = (
        b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    )
    h = house("one")
    h.script(one=streamed(ROLE, chunk("1"), STOP, counted, DONE))
    assert b"usage" not in await h.stream()
    assert h.pipeline.recorded[0].usage.total == 5
    shown = await h.stream(stream_options={"include_usage": True})
    assert shown == ROLE + chunk("1") + STOP + counted + DONE


# ------------------------------------------------------------------ who leaves

ROADS = {
    "whole": ({"one": answer("1")}, False),
    "whole after failures": ({"one": DOWN, "two": REFUSED, "three": answer("3")}, False),
    "whole after a dead key": ({"one": BAD_KEY, "two": answer("2")}, False),
    "whole after a round": ({"one": DOWN, "two": LATE, "three": [DOWN, answer("3")]}, False),
    "stream": ({"one": told("a", "b")}, True),
    "stream after failures": (
        {"one": streamed(ROLE, BROKEN), "two": DOWN, "three": told("3")},
        True,
    ),
    "stream with beats": ({"one": streamed(ROLE, 35.0, chunk("1"), 35.0, STOP, DONE)}, True),
    "stream that breaks": ({"one": streamed(ROLE, chunk("1"), BROKEN)}, True),
    "stream of nobody": ({"one": DOWN, "two": LATE, "three": REFUSED}, True),
}


async def run(h: House, stream: bool) -> None:
    with contextlib.suppress(AntiphonError):
        await (h.stream() if stream else h.ask())


@pytest.mark.parametrize("road", ROADS)
async def test_whoever_leaves_whenever_leaves_nothing(house, road):
    scripts, stream = ROADS[road]
    at = 0
    while True:
        at += 1
        h = house(attempts=6, backoff=1, heartbeat=10)
        h.script(**{k: list(v) if isinstance(v, list) else v for k, v in scripts.items()})
        h.upstream.cancel_at = at
        task = asyncio.ensure_future(run(h, stream))
        await asyncio.wait([task])
        h.check_clean(1)
        if h.upstream.steps < at:
            assert not task.cancelled()
            break
        exchange = h.pipeline.recorded[0]
        if not exchange.complete:
            assert task.cancelled()
            assert isinstance(exchange.outcome, asyncio.CancelledError)
            assert b"client_closed" in h.metrics.exposition()
    assert at > 2


async def test_who_leaves_during_a_backoff_leaves_nothing(house, monkeypatch):
    h = house("one", attempts=2)
    h.script(one=DOWN)
    waits = asyncio.Event()

    async def endless(seconds: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("antiphon.pipeline.course.sleep", endless)
    task = asyncio.ensure_future(h.ask())
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    h.check_clean(1)


async def test_a_defect_of_the_reader_is_recorded_once(house):
    h = house("one")
    h.script(one=told("a"))

    async def read() -> None:
        async with h.pipeline.open(h.exchange(stream=True)):
            raise LookupError

    with pytest.raises(LookupError):
        await read()
    assert b'"internal"' in h.metrics.exposition()
    h.check_clean(1)


async def test_a_defect_of_the_transport_is_recorded_once(house):
    h = house("one")
    h.upstream.on_call = lambda: (_ for _ in ()).throw(LookupError())
    with pytest.raises(LookupError):
        await h.ask()
    h.check_clean(1)


async def test_what_was_answered_is_recorded_as_such(house):
    h = house("one", "two")
    h.script(one=DOWN, two=answer())
    await h.ask()
    exchange = h.pipeline.recorded[0]
    assert exchange.outcome is None
    assert [each.deployment.name for each in exchange.attempts] == ["one/m", "two/m"]
    assert exchange.attempts[0].error is not None
    assert exchange.attempts[1].error is None
    assert exchange.usage.total == 5
    assert all(each.ended_at for each in exchange.attempts)


async def test_idle_waits_for_the_last_one(house):
    h = house("one")
    h.script(one=told("a"))
    async with h.pipeline.open(h.exchange(stream=True)):
        waiting = asyncio.ensure_future(h.pipeline.idle())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 1)


async def test_hurry_ends_the_wait(house):
    h = house("one")
    h.script(one=told("a"))
    async with h.pipeline.open(h.exchange(stream=True)):
        waiting = asyncio.ensure_future(h.pipeline.idle())
        await asyncio.sleep(0)
        h.pipeline.hurry()
        await asyncio.wait_for(waiting, 1)


# ------------------------------------------------------------------ the relay alone


def relay(*, wants_usage: bool = False) -> Relay:
    asked = {"model": "m", "messages": [1], "stream": True}
    if wants_usage:
        asked["stream_options"] = {"include_usage": True}
    return Relay(OPENAI_CHAT, Payload(OPENAI_CHAT, Members.parse(json.dumps(asked).encode())))


def test_the_relay_passes_bytes_on_wherever_they_are_cut():
    whole = b": c\r\n\r\n" + ROLE + chunk("a") + STOP + DONE
    for size in range(1, len(whole) + 1):
        r = relay()
        got = b"".join(r.feed(whole[at : at + size]) for at in range(0, len(whole), size))
        assert got == whole
        assert (r.ended, r.useful, r.finished, r.failure) == (True, True, True, None)


def test_the_relay_keeps_what_came_before_an_error():
    r = relay()
    assert r.feed(ROLE + chunk("a") + b"data: {x\n\n" + chunk("b")) == ROLE + chunk("a")
    assert r.failure is not None
    assert r.failure.error_kind is Kind.UPSTREAM


@pytest.mark.parametrize("cut", range(1, len(DONE)))
def test_a_terminal_event_that_is_cut_is_made_whole(cut):
    r = relay()
    got = r.feed(ROLE + chunk("a") + STOP + DONE[:cut])
    got += r.finish()
    assert r.failure is None
    assert r.ended
    assert got == ROLE + chunk("a") + STOP + DONE


@pytest.mark.parametrize("cut", range(1, 30))
def test_an_event_that_is_cut_is_not_passed_on(cut):
    r = relay()
    got = r.feed(ROLE + chunk("a") + chunk("b")[: -cut - 2])
    got += r.finish()
    assert got == ROLE + chunk("a")
    assert r.failure is not None


def test_the_last_event_may_lack_its_blank_line():
    r = relay()
    got = r.feed(ROLE + chunk("a") + STOP + DONE.strip()) + r.finish()
    assert got == ROLE + chunk("a") + STOP + DONE
    assert r.ended


async def test_a_stream_in_one_read_has_a_first_token(house):
    h = house("one")
    h.script(one=streamed(ROLE + chunk("a") + STOP + DONE))
    exchange = h.exchange(stream=True)
    async with h.pipeline.open(exchange) as reply:
        while not reply.ended:
            await reply.next()
    assert exchange.first_token_at
    assert sum(h.metrics.first_token.of("road").counts) == 1
