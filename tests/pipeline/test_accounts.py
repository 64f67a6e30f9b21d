"""What an exchange leaves in the journal: written before it goes out, and before its end does."""

from __future__ import annotations

import asyncio
import json

import pytest

from antiphon.errors import AccountingUnavailable, Draining, Exhausted, Kind, UpstreamBroken
from antiphon.model.usage import Usage
from antiphon.providers.estimate import Calibration
from antiphon.usage.journal.record import (
    Charge,
    Closed,
    Opened,
    Outcome,
    Record,
    Unanswered,
    usage_of,
)
from tests.pipeline.fakes import (
    BAD_KEY,
    DONE,
    DOWN,
    LATE,
    REFUSED,
    REPLY,
    ROLE,
    STOP,
    TOO_LONG,
    House,
    Script,
    answer,
    chunk,
    streamed,
    told,
)

HELLO = {"model": "road", "messages": [{"role": "user", "content": "x"}]}


def closed(house: House) -> list[Closed]:
    return [record for record in house.written() if isinstance(record, Closed)]


def opened(house: House) -> list[Opened]:
    return [record for record in house.written() if isinstance(record, Opened)]


def usage_chunk(**counts: int) -> bytes:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: %b\n\n" % json.dumps({**head, "choices": [], "usage": counts}).encode()


def estimate(begun: Opened) -> int:
    """What so many bytes are taken to be for a model of which nothing is known."""
    estimated = Calibration().tokens(begun.input_bound)
    assert 0 < estimated < begun.input_bound
    return estimated


async def test_before_it_goes_out(house):
    h = house("one")
    h.script(one=answer())
    seen: list[list[Record]] = []
    h.upstream.on_call = lambda: seen.append(h.written())
    await h.ask()
    [[record]] = seen
    assert isinstance(record, Opened)
    assert (record.request, record.attempt, record.alias) == ("req_1", 1, "road")
    assert (record.provider, record.model, record.stream) == ("one", "m", False)
    assert record.key_id == "anonymous"


async def test_a_whole_answer(house):
    h = house("one")
    h.script(one=answer())
    await h.ask()
    [record] = closed(h)
    assert (record.outcome, record.charge, record.last) == (Outcome.OK, Charge.REPORTED, True)
    assert usage_of(record) == Usage(input_tokens=3, output_tokens=2)
    assert record.stop == "stop"
    assert h.pipeline.recorded[0].attempts[0].cost == record.cost
    assert 0 < record.cost <= opened(h)[0].cost_bound


async def test_before_the_end_goes_out(house):
    """The terminal event is handed out only once the end stands in the journal."""
    h = house("one")
    h.script(one=streamed(ROLE, chunk("hi"), STOP, DONE))
    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        while True:
            piece = await reply.next()
            assert bool(closed(h)) == (b"[DONE]" in piece)
            if reply.ended:
                break
        await reply.drain()


async def test_a_stream_that_is_counted(house):
    h = house("one")
    counted = usage_chunk(prompt_tokens=7, completion_tokens=5, total_tokens=12)
    h.script(one=streamed(ROLE, chunk("hi"), STOP, counted, DONE))
    await h.stream()
    [record] = closed(h)
    assert usage_of(record) == Usage(input_tokens=7, output_tokens=5)
    assert record.charge == Charge.REPORTED
    assert record.first_token <= record.request_total


async def test_a_stream_that_is_not_counted(house):
    """The prompt by its bytes, and the answer by the text that passed."""
    h = house("one")
    h.script(one=told("four", "four", "äö"))
    await h.stream()
    [record], [begun] = closed(h), opened(h)
    assert record.charge == Charge.ESTIMATED
    assert record.outcome == Outcome.OK
    assert usage_of(record) == Usage(input_tokens=estimate(begun), output_tokens=3)


async def test_a_whole_answer_that_is_not_counted(house):
    h = house("one")
    message = {"role": "assistant", "content": "twelve bytes"}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    body = {**REPLY, "choices": choices, "usage": None}
    h.script(one=Script(body=[json.dumps(body).encode()]))
    await h.ask()
    [record] = closed(h)
    assert (record.charge, usage_of(record).output_tokens) == (Charge.ESTIMATED, 3)


async def test_thought_and_arguments_are_counted_too(house):
    h = house("one")
    call = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "12345678"}}
    h.script(
        one=streamed(
            ROLE,
            chunk(reasoning_content="1234"),
            chunk(tool_calls=[call]),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": "1234"}}]),
            UpstreamBroken("Reset.", code="reset"),
        )
    )
    await h.stream()
    [record] = closed(h)
    assert (record.outcome, record.code) == (Outcome.FAILED, "reset")
    assert usage_of(record).output_tokens >= 3


async def test_who_leaves_is_charged_for_what_passed(house):
    h = house("one")
    h.script(one=streamed(ROLE, chunk("12345678"), chunk("1234"), STOP, DONE))
    exchange = h.exchange(stream=True)
    async with h.pipeline.open(exchange) as reply:
        await reply.next()
    [record] = closed(h)
    assert (record.outcome, record.code, record.last) == (
        Outcome.CANCELLED,
        "client_closed",
        True,
    )
    assert record.charge == Charge.ESTIMATED
    assert usage_of(record).output_tokens == 2
    assert usage_of(record).input_tokens == estimate(opened(h)[0])
    assert record.cost > 0


async def test_who_leaves_after_the_provider_has_counted(house):
    """Its figures where they are more, and never less than what passed."""
    h = house("one")
    counted = usage_chunk(prompt_tokens=7, completion_tokens=1, total_tokens=8)
    h.script(one=streamed(ROLE, counted, chunk("1234" * 5), STOP, DONE))
    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        await reply.next()
    [record] = closed(h)
    assert usage_of(record) == Usage(input_tokens=7, output_tokens=5)
    assert record.charge == Charge.ESTIMATED


async def test_what_the_gateway_ends(house):
    h = house("one")
    h.script(one=streamed(ROLE, chunk("1234"), 5.0, STOP, DONE))
    exchange = h.exchange(stream=True)
    async with h.pipeline.open(exchange) as reply:
        await reply.next()
        exchange.abort(Draining("The gateway is shutting down."))
    [record] = closed(h)
    assert (record.outcome, record.code) == (Outcome.CANCELLED, "overloaded")


@pytest.mark.parametrize(
    ("script", "outcome", "code"),
    [
        (REFUSED, Outcome.FAILED, "connect_refused"),
        (DOWN, Outcome.REFUSED, "server_error"),
        (BAD_KEY, Outcome.REFUSED, "invalid_api_key"),
        (TOO_LONG, Outcome.REFUSED, "context_length_exceeded"),
    ],
)
async def test_what_costs_nothing(house, script, outcome, code):
    """Nothing was sent, or the provider said no: and the request itself is written down."""
    h = house("one", attempts=1)
    h.script(one=script)
    error = await h.fails()
    [record] = closed(h)
    assert (record.outcome, record.code, record.charge) == (outcome, code, Charge.NOTHING)
    assert (record.cost, record.last) == (0, False)
    [ended] = [each for each in h.written() if isinstance(each, Unanswered)]
    assert (ended.request, ended.attempts) == ("req_1", 1)
    assert (ended.status, ended.code) == (error.status, error.error_kind)


async def test_a_provider_that_said_nothing_in_time(house):
    """It was given the request, and may charge for it."""
    h = house("one", attempts=1)
    h.script(one=Script(body=[UpstreamBroken("Reset.", code="reset")]))
    await h.fails()
    [record] = closed(h)
    assert (record.charge, record.outcome) == (Charge.ESTIMATED, Outcome.FAILED)
    assert usage_of(record) == Usage(input_tokens=estimate(opened(h)[0]))


async def test_a_whole_answer_that_breaks_half_way(house):
    """What had come of it is counted, though nobody could read it."""
    h = house("one", attempts=1)
    h.script(one=Script(body=[b"x" * 400, UpstreamBroken("Reset.", code="reset")]))
    await h.fails()
    [record] = closed(h)
    assert (record.charge, usage_of(record).output_tokens) == (Charge.ESTIMATED, 100)


async def test_who_leaves_a_whole_answer_is_charged_its_bound(house):
    """It is being made on, for all anybody knows."""
    h = house("one")
    h.script(one=answer())
    h.upstream.cancel_at = 2
    task = asyncio.create_task(h.ask(max_tokens=50))
    with pytest.raises(asyncio.CancelledError):
        await task
    [begun], [record] = opened(h), closed(h)
    assert (record.outcome, record.charge) == (Outcome.CANCELLED, Charge.ASSUMED)
    assert usage_of(record) == Usage(input_tokens=begun.input_bound, output_tokens=50)
    assert record.cost <= begun.cost_bound


async def test_each_attempt_has_its_row(house):
    h = house("one", "two", "three")
    h.script(one=DOWN, two=LATE, three=answer())
    await h.ask()
    rows = [(each.attempt, each.outcome, each.code, each.last) for each in closed(h)]
    assert rows == [
        (1, Outcome.REFUSED, "server_error", False),
        (2, Outcome.FAILED, "first_byte_timeout", False),
        (3, Outcome.OK, "", True),
    ]
    assert [each.provider for each in opened(h)] == ["one", "two", "three"]
    assert not [each for each in h.written() if isinstance(each, Unanswered)]
    h.check_clean(1)


async def test_no_live_key_is_an_attempt_too(house):
    h = house("one", attempts=2)
    h.script(one=BAD_KEY)
    await h.fails()
    await h.fails()
    assert [each.code for each in closed(h)] == ["invalid_api_key", "no_live_key"]
    h.check_clean(2)


async def test_a_name_that_is_not_there(house):
    h = house("one")
    error = await h.fails(model="nothing")
    [record] = h.written()
    assert isinstance(record, Unanswered)
    assert (record.alias, record.status, record.code) == ("nothing", 404, "model_not_found")
    assert record.message == error.message


@pytest.mark.parametrize("stream", [False, True])
async def test_without_room_nothing_is_asked(house, stream, monkeypatch):
    h = house("one", "two")
    h.script(one=answer(), two=answer())

    def full(_record: Opened) -> None:
        raise AccountingUnavailable("The accounting is unavailable.", retry_after=1)

    monkeypatch.setattr(h.journal, "open", full)
    error = await h.fails(**({"stream": True} if stream else {}))
    assert isinstance(error, AccountingUnavailable)
    assert (error.status, error.retry_after) == (503, 1)
    assert h.upstream.calls == []
    assert h.pipeline.recorded[0].attempts == []
    h.check_clean(1)


async def test_what_runs_goes_on_when_the_disk_is_full(house, monkeypatch):
    h = house("one")
    h.script(one=told("hi"))

    def full(_record: Opened) -> None:
        raise AccountingUnavailable("The accounting is unavailable.")

    async with h.pipeline.open(h.exchange(stream=True)) as reply:
        monkeypatch.setattr(h.journal, "open", full)
        while not reply.ended:
            await reply.next()
        await reply.drain()
    assert [each.outcome for each in closed(h)] == [Outcome.OK]


@pytest.mark.parametrize(
    ("members", "tokens"),
    [
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 20, "max_tokens": 10}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": 10**12}, 32_768),
        ({"max_tokens": "ten"}, 32_768),
        ({"n": 2}, 65_536),
        ({}, 32_768),
    ],
)
async def test_the_bound_of_the_answer(house, members, tokens):
    h = house("one")
    h.script(one=answer())
    await h.ask(**members)
    [record] = opened(h)
    assert record.output_bound == tokens
    assert record.input_bound == len(h.upstream.calls[0].body)
    rates = h.deployment("one").rates
    assert record.cost_bound == rates.bound(record.input_bound, tokens)


async def test_a_clock_that_jumps(house, monkeypatch):
    """Durations come of the clock that does not jump."""
    h = house("one")
    h.script(one=streamed(ROLE, chunk("hi"), 2.0, STOP, DONE))
    jumps = iter([1.7e9, 1.6e9, 1.8e9, 1.0, 0.0, 0.0, 0.0])
    monkeypatch.setattr(h.clock, "now", lambda: next(jumps))
    await h.stream()
    [begun], [record] = opened(h), closed(h)
    assert begun.started_at == 1.7e15
    assert record.ended_at == begun.started_at + record.total
    assert record.total == 2_000_000
    assert min(record.first_byte, record.overhead, record.request_total) >= 0


class Disk:
    """A group of waits that tells when it was waited for."""

    def __init__(self, house: House, *, fails_at: int = 0) -> None:
        self.house = house
        self.waits: list[tuple[int, int]] = []
        self.fails_at = fails_at

    async def wait(self, _segments: object) -> None:
        self.waits.append((len(self.house.upstream.calls), len(closed(self.house))))
        if len(self.waits) == self.fails_at:
            raise OSError(5, "Input/output error")


@pytest.mark.parametrize("stream", [False, True])
async def test_power_is_waited_for_twice(house, stream, monkeypatch):
    """Before the request goes out, and once the end is written; nothing goes out before."""
    h = house("one")
    h.script(one=told("hi") if stream else answer())
    disk = Disk(h)
    monkeypatch.setattr(h.journal, "_group", disk)
    h.pipeline.accounts.keep(h.journal)
    if stream:
        await h.stream()
    else:
        await h.ask()
    assert disk.waits == [(0, 0), (1, 1)]


async def test_a_disk_that_fails_before_the_call(house, monkeypatch):
    h = house("one")
    h.script(one=answer())
    monkeypatch.setattr(h.journal, "_group", Disk(h, fails_at=1))
    h.pipeline.accounts.keep(h.journal)
    with pytest.raises(AccountingUnavailable):
        await h.ask()
    assert h.upstream.calls == []
    [record] = closed(h)
    assert (record.outcome, record.charge, record.cost) == (
        Outcome.CANCELLED,
        Charge.NOTHING,
        0,
    )


async def test_a_disk_that_fails_before_the_end(house, monkeypatch):
    """The answer is not given, since it could be forgotten; what it cost is not."""
    h = house("one")
    h.script(one=answer())
    monkeypatch.setattr(h.journal, "_group", Disk(h, fails_at=2))
    h.pipeline.accounts.keep(h.journal)
    with pytest.raises(AccountingUnavailable):
        await h.ask()
    assert [each.charge for each in closed(h)] == [Charge.REPORTED]


async def test_all_that_failed_is_told(house):
    h = house("one", "two", attempts=1)
    h.script(one=DOWN, two=DOWN)
    error = await h.fails()
    assert isinstance(error, Exhausted)
    assert error.error_kind is Kind.UPSTREAM
    [record] = [each for each in h.written() if isinstance(each, Unanswered)]
    assert (record.attempts, record.alias) == (2, "road")
