"""One call to providers that several requests wait for, and what has come of it.

All that has come is held back while it fits, so whoever joins later gets it from its beginning.
Once it does not fit, nobody joins any more, and the rest slides: what every reader has had is let
go, a reader who holds up more than the bound is left behind, and the call waits for the fastest
one, so that a single slow caller slows his provider as he would without sharing. What is held back
is never more than the bound and two pieces.

Sans I/O: futures are the only thing of the event loop here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from antiphon.cache.entry import Piece
from antiphon.cache.errors import LeftBehind
from antiphon.errors import AntiphonError

END = Piece(b"", b"")
"""Stands for the good end of an answer."""
_MOST_AT_ONCE = 64 << 10
"""Bytes that a reader is given in one piece, more or less."""


class Call(Protocol):
    """One call to providers, on the account of the request that it was made for.

    The pipeline implements it: an attempt that walks its candidates, a relay that hides no usage,
    the rows of the payer. It belongs to nobody's connection. A whole answer is a call of one piece.
    """

    async def next(self) -> Piece:
        """What comes next; `END` at the good end.

        Cancelled where nobody waits any more.

        Raises:
            AntiphonError: It failed. What came before stays good for who has it.
        """
        ...

    def landed(self, pieces: Sequence[Piece] | None) -> None:
        """The answer is whole: these are all of its pieces, or None if they were too long to hold.

        Called once, before any reader sees the end, and while the next equal request would still
        join: an answer that is stored here is found by it.
        """
        ...

    async def rest(self) -> None:
        """Readers have heard that the answer is whole; what else its connection needs, shortly."""
        ...

    def close(self) -> None:
        """It is over, whatever became of it; called once. An open answer is let go of."""
        ...


CallT = TypeVar("CallT", bound=Call)


class Flight(Generic[CallT]):
    """A call under way, with its readers.

    Attributes:
        readers: In the order in which they came.
        call: The call that is under way, or was last.
        payer: Who pays for it; None before it is begun, and once that reader has left.
        place: Where it is listed for who asks the same; None where it is not.
        trimmed: Its beginning is gone: nobody can join.
        ended: The answer is whole.
    """

    __slots__ = (
        "_first",
        "_held",
        "_most",
        "_pieces",
        "_room",
        "call",
        "ended",
        "payer",
        "place",
        "readers",
        "trimmed",
    )

    def __init__(self, most: int) -> None:
        """A flight that holds back at most so many bytes."""
        self._most = most
        self._pieces: deque[Piece] = deque()
        self._first = 0
        self._held = 0
        self._room: asyncio.Future[None] | None = None
        self.readers: dict[Reader[CallT], None] = {}
        self.call: CallT | None = None
        self.payer: Reader[CallT] | None = None
        self.place: tuple[bytes, bool] | None = None
        self.trimmed = False
        self.ended = False

    @property
    def held(self) -> int:
        """Bytes that are held back now."""
        return self._held

    @property
    def pieces(self) -> Sequence[Piece] | None:
        """All that came, if it was held back to its beginning."""
        return None if self.trimmed else tuple(self._pieces)

    @property
    def last(self) -> int:
        """The number that the next piece will have."""
        return self._first + len(self._pieces)

    def lead(self) -> CallT:
        """Begin a call for the reader who has waited the longest."""
        self.payer = payer = next(iter(self.readers))
        payer.pays = True
        self.call = call = payer.begin()
        return call

    def put(self, piece: Piece) -> int:
        """A piece has come; gives how many readers it leaves behind.

        Only a piece that comes while too much is unread leaves anybody behind, so whoever reads as
        soon as it is woken never is.
        """
        left = self._make_room() if self._held > self._most else 0
        self._pieces.append(piece)
        self._held += piece.size
        if self._held > self._most:
            self.trimmed = True
            self._let_go()
        for reader in self.readers:
            reader.wake()
        return left

    async def room(self) -> None:
        """Wait until another piece may come: what is unread fits, or somebody has read it all."""
        while not self._has_room():
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None

    def end(self) -> None:
        """The answer is whole."""
        self.ended = True
        for reader in self.readers:
            reader.wake()

    def fail(self, error: AntiphonError, *, everyone: bool) -> None:
        """The call failed, and what it said is void.

        Told are its payer and whoever has had some of it, or everyone; the others read on, from
        the beginning of the next call.
        """
        for reader in list(self.readers):
            if everyone or reader is self.payer or reader.taken:
                rest = self._rest(reader) if reader.taken else None
                del self.readers[reader]
                reader.heard = self.call
                reader.fail(error, rest)
        self._pieces.clear()
        self._first = self._held = 0
        self.trimmed = False
        self.payer = None

    def take(self, reader: Reader[CallT]) -> Piece:
        """What a reader has not had yet; some is there."""
        start = at = reader.position - self._first
        pieces, size = self._pieces, 0
        if len(pieces) == start + 1:
            piece, at = pieces[start], start + 1
        else:
            while at < len(pieces) and size < _MOST_AT_ONCE:
                size += len(pieces[at].shown)
                at += 1
            piece = _joined([pieces[each] for each in range(start, at)])
        reader.position = self._first + at
        reader.taken = True
        reader.heard = self.call
        self._read_on()
        return piece

    def leave(self, reader: Reader[CallT]) -> None:
        """A reader is gone."""
        self.readers.pop(reader, None)
        if self.payer is reader:
            self.payer = None
        if self.readers:
            self._read_on()

    def _read_on(self) -> None:
        """Somebody has read on, or left."""
        if self.trimmed:
            self._let_go()
            if self._room is not None and not self._room.done() and self._has_room():
                self._room.set_result(None)

    def _has_room(self) -> bool:
        return self._held <= self._most or self._fastest() == self.last

    def _fastest(self) -> int:
        return max(reader.position for reader in self.readers)

    def _make_room(self) -> int:
        """Leave readers behind until what is unread fits; the fastest ones stay."""
        left, fastest = 0, self._fastest()
        while self._held > self._most and self._first < fastest:
            for reader in [each for each in self.readers if each.position == self._first]:
                del self.readers[reader]
                if self.payer is reader:
                    self.payer = None
                reader.left_behind()
                left += 1
            self._let_go()
        return left

    def _let_go(self) -> None:
        """Forget what every reader has had."""
        slowest = min(reader.position for reader in self.readers)
        while self._first < slowest:
            self._held -= self._pieces.popleft().size
            self._first += 1

    def _rest(self, reader: Reader[CallT]) -> Piece | None:
        """All that is here and that a reader has not had."""
        start = reader.position - self._first
        unread = [self._pieces[each] for each in range(start, len(self._pieces))]
        return _joined(unread) if unread else None


class Reader(Generic[CallT]):
    """One request's view of a flight. Whoever has one says `Flights.leave` in the end.

    Attributes:
        begin: Begins a call on this request's account.
        flight: Where it reads; another one, once it was left behind before it had anything.
        position: The number of the piece that it reads next.
        taken: It has had something.
        heard: The call that it has had something of, or whose failure it was told.
        joined: The call was under way when it came.
        pays: A call was made on this request's account; who never pays has a row of no cost.
    """

    __slots__ = (
        "_alone",
        "_failure",
        "_rest",
        "_waiter",
        "begin",
        "flight",
        "heard",
        "joined",
        "pays",
        "position",
        "taken",
    )

    def __init__(
        self,
        begin: Callable[[], CallT],
        flight: Flight[CallT],
        alone: Callable[[Reader[CallT]], Flight[CallT]],
        *,
        joined: bool,
    ) -> None:
        """A reader of a flight; `alone` begins one that nobody else reads."""
        self.begin = begin
        self.flight = flight
        self.position = 0
        self.taken = False
        self.heard: CallT | None = None
        self.joined = joined
        self.pays = False
        self._alone = alone
        self._failure: AntiphonError | None = None
        self._rest: Piece | None = None
        self._waiter: asyncio.Future[bool] | None = None
        flight.readers[self] = None

    @property
    def call(self) -> CallT | None:
        """The call that it reads, for what it has to tell; None before one was begun.

        It stays the one that it has heard, though others go on with another after a failure.
        """
        return self.heard or self.flight.call

    @property
    def shared(self) -> bool:
        """It was given something for which another request pays: `x-antiphon-cache: shared`."""
        return self.taken and not self.pays

    @property
    def done(self) -> bool:
        """All of a whole answer was taken: what comes next is `END`."""
        flight = self.flight
        return flight.ended and self.position == flight.last and self._rest is None

    async def next(self, patience: float | None = None) -> Piece | None:
        """What comes next, `END` at the good end, or None if so many seconds were silent.

        The `bare` of a piece may be empty.

        Raises:
            LeftBehind: It read too slowly.
            AntiphonError: The call failed.
        """
        while True:
            if self._rest is not None:
                rest, self._rest = self._rest, None
                return rest
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self.position < self.flight.last:
                return self.flight.take(self)
            if self.flight.ended:
                return END
            if not await self._woken(patience):
                return None

    def wake(self) -> None:
        """Something has changed."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    def fail(self, error: AntiphonError, rest: Piece | None = None) -> None:
        """It gets nothing more but this rest, and then this error."""
        self._failure, self._rest = error, rest
        self.wake()

    def left_behind(self) -> None:
        """What it would read next is gone: it asks anew if it has had nothing, and paid nothing."""
        if self.taken or self.pays:
            self.fail(LeftBehind())
            return
        self.position = 0
        self.joined = False
        self.flight = self._alone(self)

    async def _woken(self, patience: float | None) -> bool:
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = None if patience is None else loop.call_later(patience, _give_up, waiter)
        try:
            return await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


def _give_up(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)


def _joined(pieces: Sequence[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    shown = b"".join([piece.shown for piece in pieces])
    if all(piece.bare is piece.shown for piece in pieces):
        return Piece.of(shown)
    return Piece(shown, b"".join([piece.bare for piece in pieces]))
