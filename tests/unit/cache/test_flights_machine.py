"""Any order of arrivals, departures, failures and slow readers: what must hold throughout.

Whoever gets anything gets one call's answer from its beginning, whole or with an error at its
end; every call has one payer; no call outlives those who wait for it; what is held is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from antiphon.cache.entry import Piece
from antiphon.cache.errors import LeftBehind
from antiphon.cache.flight import END, Reader
from antiphon.cache.flights import Flights
from antiphon.errors import (
    AntiphonError,
    ConnectFailed,
    Disposition,
    Forbidden,
    InternalFault,
    Kind,
    UpstreamRefused,
)
from tests.unit.cache.loops import LeapingLoop, ScriptedCall, settle

MOST = 60
LONGEST = 25
PLACES = [(b"a", True), (b"a", True), (b"a", False), (b"b", True)]
REFUSED = UpstreamRefused(
    "no", kind=Kind.BAD_REQUEST, disposition=Disposition.CALLERS_FAULT, code="bad"
)
FAILURES = {
    "down": lambda: ConnectFailed("down", code="connect_failed"),
    "personal": lambda: Forbidden("no money"),
    "refused": lambda: REFUSED,
    "defect": ZeroDivisionError,
}


class Told(ScriptedCall):
    """A call that remembers what it has said."""

    def __init__(self, number: int) -> None:
        super().__init__(str(number))
        self.text = b""
        self.ended = self.failed = False

    @property
    def over(self) -> bool:
        return self.ended or self.failed or self.closed > 0


class Request:
    """One of those who ask."""

    def __init__(self, reader: Reader[Told], *, eager: bool, place: tuple[bytes, bool]) -> None:
        self.reader = reader
        self.eager = eager
        self.place = place
        self.got = b""
        self.of: Told | None = None
        self.paid: list[Told] = []
        self.error: AntiphonError | None = None
        self.whole = False
        self.gone = False

    @property
    def done(self) -> bool:
        return self.whole or self.gone or self.error is not None


class Sharing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=LeapingLoop)
        self.calls: list[Told] = []
        self.requests: list[Request] = []
        self.flights: Flights[Told] = Flights(most_held=MOST)
        self.stop = asyncio.Event()
        self.open = self.runner.get_loop().create_task(self.stay())
        self.go(settle())

    async def stay(self) -> None:
        async with self.flights:
            await self.stop.wait()

    def go(self, work: Coroutine[object, object, None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(10):
                await work

        self.runner.run(bounded())

    def after(self) -> None:
        """What happens by itself: tasks run on, and eager readers read."""
        self.go(settle())
        for _ in range(6):
            for request in self.requests:
                if request.eager and not request.done:
                    self.go(self.read(request))

    async def read(self, request: Request) -> None:
        reader = request.reader
        try:
            piece = await reader.next(0.01)
        except AntiphonError as error:
            request.error = error
            return
        finally:
            await settle()
        if piece is END:
            request.whole = True
        elif piece is not None:
            if request.of is None:
                request.of = reader.call
            request.got += piece.shown

    # ------------------------------------------------------------------ what happens

    @rule(place=st.sampled_from(PLACES), eager=st.lists(st.booleans(), min_size=1, max_size=3))
    def arrive(self, place: tuple[bytes, bool], eager: list[bool]) -> None:
        for each in eager:
            if sum(not each.done for each in self.requests) < 8:
                self.join(place, eager=each)
        self.after()

    def join(self, place: tuple[bytes, bool], *, eager: bool) -> None:
        mine: list[Request] = []

        def begin() -> Told:
            call = Told(len(self.calls))
            self.calls.append(call)
            mine[0].paid.append(call)
            return call

        async def join() -> None:
            reader = self.flights.join(place[0], begin, stream=place[1])
            mine.append(Request(reader, eager=eager, place=place))

        self.go(join())
        self.requests.append(mine[0])

    @precondition(lambda self: any(not each.gone for each in self.requests))
    @rule(data=st.data())
    def depart(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from([each for each in self.requests if not each.gone]))
        flight, call = request.reader.flight, request.reader.call
        others = len([each for each in flight.readers if each is not request.reader])
        running = call is not None and not call.over

        async def leave() -> None:
            self.flights.leave(request.reader)

        self.go(leave())
        request.gone = True
        self.go(settle())
        if running and call is not None:
            assert call.closed == (0 if others else 1)
        self.after()

    def running(self) -> list[Told]:
        return [call for call in self.calls if not call.over]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), sizes=st.lists(st.integers(0, LONGEST), min_size=1, max_size=4))
    def speak(self, data: st.DataObject, sizes: list[int]) -> None:
        call = data.draw(st.sampled_from(self.running()))
        for size in sizes:
            said = (b"%s:%d;" % (call.name.encode(), len(call.text)) + b"." * size)[:size]
            call.text += said
            call.say(Piece(said, b"") if size % 3 == 0 else said)
            self.after()

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def land(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.running()))
        call.ended = True
        call.land()
        self.after()

    @precondition(lambda self: self.running())
    @rule(data=st.data(), how=st.sampled_from(sorted(FAILURES)))
    def fail(self, data: st.DataObject, how: str) -> None:
        call = data.draw(st.sampled_from(self.running()))
        call.failed = True
        begun = len(self.calls)
        call.say(FAILURES[how]())
        self.after()
        assert len(self.calls) - begun <= 1

    @precondition(lambda self: any(not each.done for each in self.requests))
    @rule(data=st.data())
    def read_slowly(self, data: st.DataObject) -> None:
        waiting = [each for each in self.requests if not each.done]
        self.go(self.read(data.draw(st.sampled_from(waiting))))
        self.after()

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def everybody_hears_one_answer_from_its_beginning(self) -> None:
        for request in self.requests:
            if request.got:
                assert request.of is not None
                assert request.of.text.startswith(request.got)
            if request.whole:
                call = request.reader.call
                assert call is not None
                assert call.ended
                assert request.got == call.text

    @invariant()
    def every_call_has_one_payer_who_pays_once(self) -> None:
        payers = [request for request in self.requests if request.paid]
        assert sum(len(request.paid) for request in payers) == len(self.calls)
        assert all(len(request.paid) == 1 and request.reader.pays for request in payers)
        assert sum(request.reader.pays for request in self.requests) == len(payers)

    @invariant()
    def only_what_went_wrong_is_told(self) -> None:
        for request in self.requests:
            if isinstance(request.error, LeftBehind):
                call = request.of or (request.paid[0] if request.paid else None)
                assert call is not None
                assert len(call.text) > MOST
            elif isinstance(request.error, Forbidden):
                assert request.paid or request.got
            elif request.error is not None:
                assert isinstance(request.error, ConnectFailed | UpstreamRefused | InternalFault)

    @invariant()
    def calls_live_as_long_as_somebody_waits(self) -> None:
        assert all(call.closed <= 1 for call in self.calls)
        assert all(call.closed == 1 or not call.landed_with for call in self.calls)
        held = self.flights._tasks
        assert all(flight.readers for flight in held)
        assert sum(call.closed == 0 for call in self.calls) == len(held)
        assert self.flights.statistics.open == len(held)
        assert set(self.flights._listed.values()) <= set(held)

    @invariant()
    def what_is_held_is_bounded(self) -> None:
        for flight in self.flights._tasks:
            assert flight.held <= MOST + 2 * LONGEST
            assert flight.held == sum(piece.size for piece in flight._pieces)

    @invariant()
    def what_landed_was_all_of_it(self) -> None:
        for call in self.calls:
            for pieces in call.landed_with:
                if pieces is None:
                    assert len(call.text) > MOST
                else:
                    assert b"".join(piece.shown for piece in pieces) == call.text

    def teardown(self) -> None:
        async def leave() -> None:
            for request in self.requests:
                self.flights.leave(request.reader)
            await settle()
            self.stop.set()
            await self.open

        self.go(leave())
        assert len(self.flights) == 0
        assert all(call.closed == 1 for call in self.calls)
        self.runner.close()


class TestSharing(Sharing.TestCase):
    settings = settings(
        max_examples=50,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.campaign
class TestSharingLong(Sharing.TestCase):
    settings = settings(
        max_examples=400,
        stateful_step_count=80,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
