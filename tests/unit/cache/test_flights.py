"""Calls that equal requests share, one situation at a time."""

import asyncio

import pytest

from antiphon.cache.entry import Piece
from antiphon.cache.errors import LeftBehind
from antiphon.cache.flight import END, Reader
from antiphon.cache.flights import Flights
from antiphon.errors import (
    ConnectFailed,
    Disposition,
    Draining,
    Forbidden,
    InternalFault,
    Kind,
    UpstreamBroken,
    UpstreamRefused,
)
from tests.unit.cache.loops import ScriptedCall, run, settle

KEY = b"k" * 32
DOWN = ConnectFailed("down", code="connect_failed")


class Desk:
    """Flights, and the calls that were begun."""

    def __init__(self, flights: Flights[ScriptedCall]) -> None:
        self.flights = flights
        self.calls: list[ScriptedCall] = []

    def join(self, payer: str = "", *, key: bytes = KEY, stream: bool = True):
        def begin() -> ScriptedCall:
            self.calls.append(ScriptedCall(payer))
            return self.calls[-1]

        return self.flights.join(key, begin, stream=stream)


def flying(most: int = 1000):
    """Runs a test with flights that hold back so many bytes."""

    def wrap(test):
        def ran() -> None:
            async def main() -> None:
                async with asyncio.timeout(60), Flights[ScriptedCall](most_held=most) as flights:
                    await test(Desk(flights))

            run(main)

        ran.__name__ = test.__name__
        return ran

    return wrap


async def read(reader: Reader[ScriptedCall]) -> bytes:
    """All that a reader is given, to the good end."""
    got = b""
    while (piece := await reader.next()) is not END:
        assert piece is not None
        got += piece.shown
    return got


@flying()
async def test_equal_requests_share_one_call_and_the_first_pays(desk: Desk):
    readers = [desk.join(str(number)) for number in range(5)]
    await settle()
    assert [call.name for call in desk.calls] == ["0"]
    desk.calls[0].land(b"one", b"two")
    assert [await read(each) for each in readers] == [b"onetwo"] * 5
    assert [each.pays for each in readers] == [True, False, False, False, False]
    assert [each.joined for each in readers] == [False, True, True, True, True]
    assert all(each.call is desk.calls[0] for each in readers)
    assert desk.calls[0].closed == 1
    for each in readers:
        desk.flights.leave(each)
    assert desk.flights.statistics.joined == 4
    assert (desk.flights.statistics.open, desk.flights.statistics.abandoned) == (0, 0)


@flying()
async def test_whoever_joins_late_hears_it_from_the_beginning(desk: Desk):
    first = desk.join()
    await settle()
    desk.calls[0].say(b"one")
    assert await first.next() == Piece.of(b"one")
    late = desk.join()
    desk.calls[0].land(b"two")
    assert await read(late) == b"onetwo"


@flying()
async def test_other_questions_and_other_forms_are_other_calls(desk: Desk):
    desk.join("a")
    desk.join("b", key=b"x" * 32)
    desk.join("c", stream=False)
    await settle()
    assert [call.name for call in desk.calls] == ["a", "b", "c"]


@flying()
async def test_what_landed_is_told_whole_before_anybody_sees_the_end(desk: Desk):
    reader = desk.join()
    await settle()
    usage = Piece(b"usage", b"")
    desk.calls[0].land(b"one", usage)
    assert await reader.next() == Piece(b"oneusage", b"one")
    assert desk.calls[0].landed_with == [(Piece.of(b"one"), usage)]
    after = desk.join("after")
    await settle()
    assert after.call is desk.calls[1]


@flying()
async def test_the_payer_leaves_and_the_call_goes_on(desk: Desk):
    payer, other = desk.join("payer"), desk.join("other")
    await settle()
    desk.flights.leave(payer)
    await settle()
    assert desk.calls[0].closed == 0
    desk.calls[0].land(b"one")
    assert await read(other) == b"one"
    assert (payer.pays, other.pays, len(desk.calls)) == (True, False, 1)


@flying()
async def test_nobody_is_left_and_the_call_is_cancelled_once(desk: Desk):
    readers = [desk.join(), desk.join()]
    await settle()
    for each in readers:
        desk.flights.leave(each)
        desk.flights.leave(each)
    assert len(desk.flights) == 0
    again = desk.join("again")
    await settle()
    assert [call.closed for call in desk.calls] == [1, 0]
    assert again.call is desk.calls[1]
    assert desk.flights.statistics.abandoned == 1


@flying()
async def test_a_call_that_nobody_waited_for_is_never_begun(desk: Desk):
    desk.flights.leave(desk.join())
    await settle()
    assert desk.calls == []


@flying()
async def test_a_reader_that_is_cancelled_while_it_waits(desk: Desk):
    first, second = desk.join(), desk.join()
    waiting = asyncio.ensure_future(first.next())
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    desk.flights.leave(first)
    desk.calls[0].land(b"one")
    assert await read(second) == b"one"


@flying()
async def test_one_new_leader_where_the_call_fails(desk: Desk):
    readers = [desk.join(str(number)) for number in range(4)]
    await settle()
    desk.calls[0].say(DOWN)
    await settle()
    assert [call.name for call in desk.calls] == ["0", "1"]
    with pytest.raises(ConnectFailed):
        await readers[0].next()
    desk.calls[1].land(b"good")
    assert [await read(each) for each in readers[1:]] == [b"good"] * 3
    assert [each.pays for each in readers] == [True, True, False, False]
    assert [call.closed for call in desk.calls] == [1, 1]
    assert desk.flights.statistics.elected == 1


@flying()
async def test_a_second_failure_of_the_provider_is_told_to_all(desk: Desk):
    readers = [desk.join() for _ in range(5)]
    await settle()
    desk.calls[0].say(DOWN)
    await settle()
    desk.calls[1].say(DOWN)
    await settle()
    assert len(desk.calls) == 2
    for each in readers:
        with pytest.raises(ConnectFailed):
            await each.next()
    assert len(desk.flights) == 0


@flying()
async def test_a_failure_of_the_payer_is_nobody_elses(desk: Desk):
    readers = [desk.join(str(number)) for number in range(5)]
    for number in range(4):
        await settle()
        desk.calls[number].say(Forbidden("no money"))
    await settle()
    desk.calls[4].land(b"good")
    for each in readers[:4]:
        with pytest.raises(Forbidden):
            await each.next()
    assert await read(readers[4]) == b"good"


@flying()
async def test_a_refusal_that_everybody_would_get_is_told_to_all_at_once(desk: Desk):
    refusal = UpstreamRefused(
        "no", kind=Kind.BAD_REQUEST, disposition=Disposition.CALLERS_FAULT, code="bad"
    )
    readers = [desk.join() for _ in range(3)]
    await settle()
    desk.calls[0].say(refusal)
    for each in readers:
        with pytest.raises(UpstreamRefused):
            await each.next()
    assert len(desk.calls) == 1


@flying()
async def test_who_has_had_some_of_a_broken_stream_gets_the_rest_and_the_error(desk: Desk):
    payer, reading, waiting = desk.join(), desk.join(), desk.join()
    await settle()
    desk.calls[0].say(b"one")
    assert await reading.next() == Piece.of(b"one")
    desk.calls[0].say(b"two", UpstreamBroken("cut", code="truncated"))
    await settle()
    assert await reading.next() == Piece.of(b"two")
    with pytest.raises(UpstreamBroken):
        await reading.next()
    with pytest.raises(UpstreamBroken):
        await payer.next()
    assert payer.call is reading.call is desk.calls[0]
    desk.calls[1].land(b"whole")
    assert await read(waiting) == b"whole"
    assert waiting.call is desk.calls[1]


@flying()
async def test_the_payer_has_left_and_then_the_call_fails(desk: Desk):
    payer, other = desk.join(), desk.join("other")
    await settle()
    desk.flights.leave(payer)
    desk.calls[0].say(DOWN)
    await settle()
    desk.calls[1].land(b"good")
    assert await read(other) == b"good"
    assert (desk.calls[1].name, other.pays) == ("other", True)


@flying()
async def test_a_defect_ends_its_own_flight_only(desk: Desk):
    broken, fine = desk.join(), desk.join(key=b"x" * 32)
    await settle()
    desk.calls[0].say(ZeroDivisionError())
    with pytest.raises(InternalFault):
        await broken.next()
    desk.calls[1].land(b"good")
    assert await read(fine) == b"good"


@flying()
async def test_silence_is_told_and_the_reader_goes_on(desk: Desk):
    reader = desk.join()
    assert await reader.next(15) is None
    assert asyncio.get_running_loop().time() == pytest.approx(1015)
    desk.calls[0].land(b"one")
    assert await reader.next(15) == Piece.of(b"one")
    assert await reader.next(15) is END


@flying(most=10)
async def test_nobody_joins_what_was_too_long_to_hold(desk: Desk):
    first = desk.join()
    await settle()
    desk.calls[0].say(b"12345", b"678901")
    await settle()
    second = desk.join()
    await settle()
    assert second.call is desk.calls[1]
    desk.calls[0].land(b"2")
    assert await read(first) == b"123456789012"
    assert desk.calls[0].landed_with == [None]


@flying(most=10)
async def test_a_single_slow_reader_slows_the_provider_and_is_never_left_behind(desk: Desk):
    reader = desk.join()
    await settle()
    desk.calls[0].land(*[b"%05d" % number for number in range(100)])
    for number in range(10):
        await settle()
        assert desk.calls[0].asked <= 2 + 3 * (number + 1)
        await reader.next()
    assert desk.flights.statistics.left_behind == 0
    left = await read(reader)
    assert left.endswith(b"00099")


@flying(most=10)
async def test_a_laggard_with_some_of_it_is_detached_and_the_others_go_on(desk: Desk):
    fast, slow = desk.join(), desk.join()
    await settle()
    desk.calls[0].say(b"00000")
    await settle()
    await fast.next()
    await slow.next()
    reading = asyncio.ensure_future(read(fast))
    for number in range(1, 5):
        desk.calls[0].say(b"%05d" % number)
        await settle()
    with pytest.raises(LeftBehind) as caught:
        await slow.next()
    assert caught.value.status == 408
    desk.calls[0].land(b"end")
    assert (await reading).endswith(b"end")
    assert desk.flights.statistics.left_behind == 1


@flying(most=10)
async def test_a_laggard_that_has_had_nothing_makes_a_call_of_its_own(desk: Desk):
    fast, slow = desk.join("fast"), desk.join("slow")
    reading = asyncio.ensure_future(read(fast))
    await settle()
    for number in range(5):
        desk.calls[0].say(b"%05d" % number)
        await settle()
    assert [call.name for call in desk.calls] == ["fast", "slow"]
    desk.calls[1].land(b"own")
    assert await read(slow) == b"own"
    assert (slow.pays, slow.joined) == (True, False)
    desk.calls[0].land()
    await reading


@flying(most=10)
async def test_a_long_call_fails_and_a_short_one_lands_in_its_place(desk: Desk):
    payer, waiting = desk.join(), desk.join()
    await settle()
    desk.calls[0].say(b"123456", b"789012")
    await settle()
    await payer.next()
    desk.calls[0].say(DOWN)
    await settle()
    desk.calls[1].land(b"short")
    assert await read(waiting) == b"short"
    assert desk.calls[1].landed_with == [(Piece.of(b"short"),)]
    assert waiting.flight.held == 5


@flying(most=10)
async def test_a_whole_answer_over_the_bound_reaches_everybody_who_waits(desk: Desk):
    readers = [desk.join(stream=False) for _ in range(3)]
    await settle()
    desk.calls[0].land(b"x" * 1000)
    await settle()
    assert [await read(each) for each in readers] == [b"x" * 1000] * 3
    assert len(desk.calls) == 1


def test_when_the_gateway_stops_all_are_told_and_all_calls_are_closed():
    async def main() -> None:
        async with Flights[ScriptedCall](most_held=10) as flights:
            desk = Desk(flights)
            reader = desk.join()
            await settle()
        with pytest.raises(Draining):
            await reader.next()
        assert desk.calls[0].closed == 1
        with pytest.raises(Draining):
            desk.join()
        flights.leave(reader)
        assert flights.statistics.open == 0

    run(main)
