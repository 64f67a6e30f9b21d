"""Shares budgets with the other processes of this machine: takes portions, reports, gives back.

A turn reads, in one breath on the event loop, what was spent and how far the journal is written;
tells it to the store on a thread of its own; and puts the answers into the purses, on the event
loop again. So what the store knows to be spent is always exactly what the journal says up to a
place, and whoever adopts the journal reads on from there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from antiphon.clock import Clock
from antiphon.errors import StorageFailed
from antiphon.leases.store import LeaseStore
from antiphon.leases.terms import Mark, OwnerClosed, Standing, Wish
from antiphon.usage.budgets.budgets import Budgets, Waiting, look_again
from antiphon.usage.budgets.purse import NEVER, Purse
from antiphon.usage.journal.journal import Journal, Seam, nowhere
from antiphon.usage.journal.segment import Segment

_log = logging.getLogger("antiphon.budgets")
_EAGER, _IDLE = 0.02, 1.0
"""Seconds between two turns, while somebody waits for money and while nobody does."""
_LEAST = 0.005
"""Seconds between two turns that leave somebody waiting, whoever calls."""
_UNUSED = 5.0
"""Seconds after which a portion that nobody uses goes back."""
_POLL = 0.05
"""Seconds between two looks whether to stop, while the event loop is waited for."""
_T = TypeVar("_T")


class Crossing(NamedTuple):
    """A share of a budget that was reached; told once for all processes together.

    Attributes:
        purse: Of the budget.
        share: Per mille.
    """

    purse: Purse[Waiting]
    share: int


class Report(NamedTuple):
    """What is said to the store in one turn."""

    turn: int
    wishes: list[Wish]
    marks: list[Mark]


class Sharing:
    """The turns, as a service beside the road.

    Args:
        budgets: Of this process.
        store: Shared by all.
        journal: Of this process; its name is the owner's.
        clock: For how long a portion was not used.
        post: Has the event loop call a function soon, from whatever thread.
        warn: Called on the event loop when a share is reached.
        seam: Where tests let the process die: `exchange`, `exchanged`, `applied`, `leave`, `left`.

    Attributes:
        trouble: Why the store cannot be asked, or empty.
    """

    name = "leases"

    def __init__(
        self,
        budgets: Budgets,
        store: LeaseStore,
        journal: Journal,
        *,
        clock: Clock,
        post: Callable[[Callable[[], None]], object],
        warn: Callable[[Crossing], None] = lambda _crossing: None,
        seam: Seam = nowhere,
    ) -> None:
        self.trouble = ""
        self._budgets = budgets
        self._store = store
        self._journal = journal
        self._clock = clock
        self._post = post
        self._warn = warn
        self._seam = seam
        self._wake = threading.Event()
        self._ending = False
        self._known = False
        self._left = False
        self._turn = 0
        self._marked: dict[int, Mark] = {}
        # Nothing opens any more in segments before the present one, and nobody reserved yet.
        self._before = max((each.head.number for each in journal.segments), default=1) - 1
        budgets.nudge = self.wake

    def wake(self) -> None:
        """Have the next turn come now."""
        self._wake.set()

    def is_reported(self, segment: Segment) -> bool:
        """Whether the store knows all that stands in a sealed segment, so that it may go.

        For the shipper to ask, before it takes a segment off the disk.
        """
        mark = self._marked.get(number := segment.head.number)
        return (
            number <= self._before
            or self._left
            or (mark is not None and mark.whole and mark.upto == segment.at)
        )

    def run(self, stop: threading.Event) -> None:
        """Take turns until `stop` is set, and leave if nothing is open; on a thread of its own."""
        self._ending = False
        while not stop.is_set():
            self._wake.clear()
            self.turn()
            eager = any(purse.waiting for purse in list(self._budgets.purses.values()))
            if eager:
                # A crowd for whom there is nothing now must not keep the store busy.
                stop.wait(_LEAST)
            self._wake.wait(_EAGER if eager and not self.trouble else _IDLE)
        self.leave()

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        self._ending = True
        self._wake.set()

    def turn(self) -> None:
        """One turn. Where the store fails, the next one says the same again."""
        report = self._on_loop(self.report)
        if report is None:
            return
        self._seam("exchange")
        try:
            self._register()
            standings = self._store.exchange(self._journal.owner, report.wishes, report.marks)
        except StorageFailed as error:
            self._fails(error.message)
            return
        except OwnerClosed as error:
            self._fails(error.message)
            why = error.message
            self._on_loop(lambda: self._budgets.shut(why))
            return
        self._seam("exchanged")
        self.trouble = self._budgets.trouble = ""
        self._marked.update((mark.segment, mark) for mark in report.marks)
        self._on_loop(lambda: self.apply(report, standings))
        self._seam("applied")

    def leave(self) -> bool:
        """Give everything back and be forgotten; whether that was possible.

        Not while an attempt is under way: its money stays held until its journal is adopted. For
        when the road is empty, since it reads purses from whatever thread it is called on.
        """
        if not self._known or self._left:
            return self._left
        purses = self._budgets.purses.values()
        if self._journal.open_attempts or any(purse.reserved for purse in purses):
            return False
        wishes = [_wish(purse) for purse in purses]
        self._seam("leave")
        try:
            self._store.leave(self._journal.owner, wishes)
        except (StorageFailed, OwnerClosed) as error:
            _log.error("The leases are left for the next process to adopt: %s", error.message)
            return False
        self._left = True
        self._budgets.shut("this process has given its leases back")
        self._seam("left")
        return True

    # on the event loop

    def report(self) -> Report:
        """What there is to say; read in one breath."""
        now = self._clock.monotonic()
        self._turn += 1
        wishes: list[Wish] = []
        purses = self._budgets.purses
        for key, purse in tuple(purses.items()):
            wish = _told(purse, now)
            if wish.done and not purse.number and not purse.spent:
                del purses[key]  # nobody ever had anything of it
            else:
                wishes.append(wish)
        marks: list[Mark] = []
        segments = [each for each in self._journal.segments if each.head.number > self._before]
        for segment in segments:
            number = segment.head.number
            mark = Mark(number, segment.at, segment.sealed and not segment.live)
            if self._marked.get(number) != mark:
                marks.append(mark)
        # What the shipper took away is never asked for again.
        present = {segment.head.number for segment in segments}
        for number in [each for each in self._marked if each not in present]:
            del self._marked[number]
        return Report(self._turn, wishes, marks)

    def apply(self, report: Report, standings: list[Standing]) -> None:
        """Put the store's answers into the purses, and serve those who wait."""
        now = self._clock.monotonic()
        purses = self._budgets.purses
        for wish in report.wishes:
            if wish.done:
                purse = purses.pop(wish.pot[:3])
                look_again(purse)
        wanted = {wish.pot[:3]: wish.want for wish in report.wishes}
        answered: list[tuple[Purse[Waiting], int]] = []
        for standing in standings:
            purse = purses.get(standing.pot[:3])
            if purse is None:
                continue
            purse.number = standing.number
            given = standing.taken - purse.taken
            purse.taken = standing.taken
            purse.free += given
            purse.others = standing.others
            purse.best = standing.best
            purse.asked = standing.asked
            purse.answered = report.turn
            purse.answered_at = now
            if standing.crossed:
                self._warn(Crossing(purse, standing.crossed))
            answered.append((purse, given))
        for purse, given in answered:
            self._budgets.serve(purse)
            self._budgets.remember(purse)
            purse.full = purse.free
            if given > 0 or wanted.get(purse.pot[:3]):
                # Where nothing more is to be had, it does not help to ask.
                purse.low = purse.free // 2 if given > 0 else NEVER
                purse.hungry = False
            elif purse.hungry:
                # It fell low after it was said that it is not.
                self.wake()
            elif purse.low == NEVER:
                purse.low = purse.free // 2
            if purse.asked and purse.free > 0:
                self.wake()

    # beside it

    def _on_loop(self, call: Callable[[], _T]) -> _T | None:
        """What a function gives that the event loop calls; None where that has ended."""
        done = threading.Event()
        given: list[_T] = []

        def called() -> None:
            try:
                given.append(call())
            finally:
                done.set()

        try:
            self._post(called)
        except RuntimeError:  # the loop is closed
            return None
        while not done.wait(_POLL):
            if self._ending:
                return None
        return given[0] if given else None

    def _register(self) -> None:
        """Be known to the store, from the moment on at which the journal can be found."""
        if self._known:
            return
        folder, owner = self._journal.folder, self._journal.owner
        if not (folder / owner).is_dir():
            raise StorageFailed("there is no journal yet to lease money with", code="unavailable")
        self._store.register(owner, folder, through=self._before)
        self._known = True

    def _fails(self, why: str) -> None:
        if not self.trouble:
            _log.error("No money can be leased: %s", why)
        self.trouble = self._budgets.trouble = why


def _told(purse: Purse[Waiting], now: float) -> Wish:
    """What is said of a purse; what is to go back is out of it from now on."""
    target = purse.target(now)
    while purse.waiting and purse.waiting[0].future.done():
        purse.waiting.popleft()
    unused = purse.parting or now - purse.used_at >= _UNUSED
    if purse.asked or (unused and not purse.waiting):
        purse.give_back()
    done = unused and not purse.waiting and not purse.reserved
    if purse.waiting:
        needs = [each.need(purse) for each in purse.waiting if not each.future.done()]
        # The first for whom it is short here; others wait for another purse.
        need = next((each for each in needs if each > purse.free), 0)
        want = max(target, 4 * need, sum(needs)) - purse.free
        return _wish(purse)._replace(need=need and need - purse.free, want=want)
    if (purse.hungry and not purse.asked) or purse.free < 0:
        want = max(target - purse.free, 0)
        purse.hungry = want > 0
        return _wish(purse)._replace(want=want)
    return _wish(purse)._replace(done=done)


def _wish(purse: Purse[Waiting]) -> Wish:
    budget = purse.budget
    return Wish(
        purse.pot,
        purse.number,
        budget.limit,
        purse.spent,
        purse.taken,
        steps=budget.steps,
    )
