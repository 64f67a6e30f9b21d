"""Answers that are given again: what stands between admission and the providers.

On a route with a cache a request is looked up first, and joins a call that answers the same
question if one is under way. Whatever it is given leaves a row: its own attempts, or one of no
cost that says where the answer came from.

Hot path for hits: a key, a look-up, the row, and the bytes as they are stored.
"""

from __future__ import annotations

from asyncio import Task, TaskGroup, sleep
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from antiphon.cache.config import CacheSettings
from antiphon.cache.directives import Wishes, wishes_of
from antiphon.cache.entry import Entry, Piece, pack
from antiphon.cache.errors import NotStored
from antiphon.cache.flight import Reader
from antiphon.cache.flights import Flights
from antiphon.cache.memory import ExactCache
from antiphon.cache.policy import CachePolicy
from antiphon.cache.replay import replay
from antiphon.cache.storable import Ending, WhyNot
from antiphon.cache.wall import Tenant
from antiphon.clock import Clock
from antiphon.errors import AccountingUnavailable
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import MISS, Cached, Exchange
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.pipeline.sharing import SharedCall, SharedStream, StoredStream
from antiphon.pipeline.walking import Walking
from antiphon.providers.deployment import Deployment
from antiphon.usage.journal.record import DEGRADED, HIT, SHARED, STALE

_FOR_A_WHILE = {"breaker", "keys"}
"""Why one is passed over that would else have answered."""
_SWEPT_EVERY = 60.0
"""Seconds between two looks for answers whose time is over."""


class Caching:
    """The stored answers of one process, and the calls that requests share.

    An asynchronous context manager: on exit, calls that are under way end.

    Args:
        settings: How much memory they may take.
        clock: For their age.
        heartbeat: Seconds of silence after which a stream's caller is sent a sign of life.
        accounts: Where rows go.
        walk: Makes the candidates of a request.
        record: Writes down a request whose call outlived its caller.

    Attributes:
        memory: The answers.
        flights: The calls.
    """

    def __init__(
        self,
        settings: CacheSettings,
        *,
        clock: Clock,
        heartbeat: float,
        accounts: Accounts,
        walk: Callable[[Exchange, Plan], Walking],
        record: Callable[[Exchange], None],
    ) -> None:
        self.memory = ExactCache(settings, clock=clock)
        self.flights = Flights[SharedCall](most_held=settings.max_entry_bytes)
        self.clock = clock
        self.heartbeat = heartbeat
        self.accounts = accounts
        self.walk = walk
        self.record = record
        self._group = TaskGroup()
        self._sweeper: Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._group = TaskGroup()
        await self._group.__aenter__()
        self._sweeper = self._group.create_task(self._sweep())
        await self.flights.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        del kind, error, traceback
        if self._sweeper is not None:
            self._sweeper.cancel()
        try:
            await self.flights.__aexit__(None, None, None)
        finally:
            await self._group.__aexit__(None, None, None)

    def adopt(self, settings: CacheSettings, heartbeat: float) -> None:
        """Go by other settings from now on; what is stored stays, as far as there is room."""
        self.memory.adopt(settings)
        self.flights.most_held = settings.max_entry_bytes
        self.heartbeat = heartbeat

    def question(self, exchange: Exchange, plan: Plan, policy: CachePolicy) -> Lookup | None:
        """What a request asks, if it can be stored and shared; else None: it goes its own way.

        Raises:
            NotStored: It cannot be, and the caller wants a stored answer only.
        """
        wishes = wishes_of(exchange.cache_control)
        principal, payload = exchange.principal, exchange.payload
        tenant = Tenant.of(principal, organisation=principal.tenant)
        choice, lines = exchange.choice, exchange.forwarded
        if choice is not None:
            lines += choice.mark
        key = policy.key(tenant, payload.dialect.name, payload.body, lines)
        if key is not None:
            return Lookup(self, exchange, plan, policy, wishes, tenant, key)
        exchange.cached = Cached(MISS)
        if wishes.only:
            raise NotStored
        return None

    async def _sweep(self) -> None:
        while True:
            await sleep(_SWEPT_EVERY)
            await self.memory.sweep()


class Lookup:
    """One request that may be answered from memory, or by a call that it shares."""

    __slots__ = (
        "_caching",
        "_exchange",
        "_key",
        "_left",
        "_plan",
        "_policy",
        "_reader",
        "_tenant",
        "_under_way",
        "_unwell",
        "_wishes",
    )

    def __init__(
        self,
        caching: Caching,
        exchange: Exchange,
        plan: Plan,
        policy: CachePolicy,
        wishes: Wishes,
        tenant: Tenant,
        key: bytes,
    ) -> None:
        self._caching = caching
        self._exchange = exchange
        self._plan = plan
        self._policy = policy
        self._wishes = wishes
        self._tenant = tenant
        self._key = key
        self._reader: Reader[SharedCall] | None = None
        self._unwell: Sequence[Deployment] = ()
        self._under_way = False
        self._left = False

    async def answer(self) -> WholeReply | StreamReply:
        """The answer: stored, shared, or made for this request.

        Raises:
            NotStored: None is stored, and the caller wants no other.
            AccountingUnavailable: What is given cannot be written down.
            UpstreamError, Exhausted: No deployment gave one.
        """
        exchange, policy, wishes = self._exchange, self._policy, self._wishes
        entry = self._caching.memory.find(self._key, policy, wishes)
        if entry is not None:
            told = self._told(entry, HIT)
            if told is not None:
                return self._reply(told)
            # It cannot be said in the form that is asked for.
            policy.tally.hits -= 1
            policy.tally.misses += 1
        exchange.cached = Cached(MISS)
        if wishes.only:
            raise NotStored
        return await self._asked()

    def leave(self) -> bool:
        """The request is over for its caller. Gives whether its record has to wait.

        It has to where others are still given what this request pays for: it is recorded then.
        """
        reader, self._reader = self._reader, None
        if reader is not None:
            # Each would keep the other, and the request's body with them.
            self._caching.flights.leave(reader)
        self._left = self._under_way
        return self._left

    # what its stream must know

    def heard(self) -> None:
        """Something of the answer is about to be handed out: note whose call it is."""
        exchange, reader = self._exchange, self._reader
        assert reader is not None
        if reader.pays or not (reader.joined or reader.taken):
            return
        call = reader.call
        lead = None if call is None else call.exchange
        by = lead.attempts[-1].deployment.name if lead is not None and lead.attempts else ""
        exchange.cached = Cached(SHARED, deployment=by, shares=lead)
        if lead is not None:
            exchange.warnings = lead.warnings
            exchange.structured = lead.structured
            exchange.stop = lead.stop

    def finished(self) -> None:
        """All of the answer is about to have been handed out; who does not pay leaves a row."""
        reader = self._reader
        assert reader is not None
        if reader.pays:
            return
        self._policy.tally.shared += 1
        # The answer is good all the same: what it cost stands on another's account.
        with suppress(AccountingUnavailable):
            self._caching.accounts.given(self._exchange, SHARED)

    def stale(self) -> bytes | None:
        """An answer that is too old, in place of none; None where there is none to give.

        Raises:
            AccountingUnavailable: It cannot be written down.
        """
        entry = self._caching.memory.find_stale(self._key, self._policy, self._wishes)
        return None if entry is None else self._told(entry, STALE)

    # inside

    def _told(self, entry: Entry, word: str) -> bytes | None:
        """What a stored answer is in the form that is asked for, written down; None if it is not.

        Raises:
            AccountingUnavailable: It cannot be written down.
        """
        exchange, caching = self._exchange, self._caching
        told = replay(entry, exchange.payload)
        if told is None:
            return None
        now = caching.clock.monotonic()
        if exchange.payload.stream:
            exchange.first_token_at = now
        exchange.stop, exchange.structured = entry.stop, entry.structured
        exchange.warnings = list(entry.warnings)
        if word == STALE:
            exchange.warnings.append(DEGRADED + STALE)
        caching.accounts.given(exchange, word)
        exchange.cached = Cached(word, entry.age(now), entry.deployment)
        exchange.complete = True
        return told

    def _reply(self, told: bytes) -> WholeReply | StreamReply:
        exchange = self._exchange
        if exchange.payload.stream:
            return StoredStream(told, exchange.payload.dialect.stream_type)
        return WholeReply(told, structured=exchange.structured)

    async def _asked(self) -> WholeReply | StreamReply:
        """The answer of a call: one that is under way, or a new one."""
        exchange, caching, flights = self._exchange, self._caching, self._caching.flights
        streams = exchange.payload.stream
        # Whoever has another deadline than its route would end the call for all others by it.
        usual = exchange.deadline == exchange.started + self._plan.deadline
        if self._policy.share and self._wishes.shares and usual:
            self._reader = reader = flights.join(self._key, self._begin, stream=streams)
        else:
            self._reader = reader = flights.own(self._begin)
        if streams:
            stream = SharedStream(exchange, reader, self, caching.clock, caching.heartbeat)
            await stream.start()
            return stream
        piece = await reader.next()
        assert piece is not None
        self.heard()
        self.finished()
        exchange.complete = True
        return WholeReply(piece.shown, structured=exchange.structured)

    def _begin(self) -> SharedCall:
        exchange, caching, plan = self._exchange, self._caching, self._plan
        walk = caching.walk(exchange, plan)
        started, deployments = exchange.started, self._order()
        if len(deployments) > 1:
            self._unwell = [
                each for each in deployments if not each.is_well(started) or each.wakes_at(started)
            ]
        self._under_way = True
        return SharedCall(exchange, walk, caching.clock, stored=self._landed, over=self._over)

    def _landed(self, pieces: Sequence[Piece] | None) -> None:
        self._under_way = False
        if pieces is None:
            self._policy.tally.refused(WhyNot.TOO_LARGE)
            return
        exchange, policy, caching = self._exchange, self._policy, self._caching
        shown, bare = pack(pieces)
        structured = exchange.structured
        entry = Entry(
            exchange.payload.stream,
            shown,
            bare,
            caching.clock.monotonic(),
            policy.keeps,
            exchange.usage,
            exchange.stop,
            policy.alias,
            exchange.attempts[-1].deployment.name,
            exchange.id,
            exchange.principal.subject,
            tuple(exchange.warnings),
            structured,
            self._tenant,
        )
        ending = Ending(
            exchange.stop,
            fallback=self._is_fallback(),
            degraded=bool(exchange.degraded),
            continued=bool(exchange.continued),
            capped=exchange.attempts[-1].capped,
            vectors=exchange.embeds is not None,
            invalid=structured is not None and structured.valid is False,
        )
        caching.memory.offer(self._key, entry, policy, self._wishes, ending)

    def _over(self) -> None:
        self._under_way = False
        if self._left:
            self._caching.record(self._exchange)

    def _order(self) -> Sequence[Deployment]:
        choice = self._exchange.choice
        return self._plan.deployments if choice is None else choice.deployments

    def _is_fallback(self) -> bool:
        """Whether another deployment answered than the first that can do what is asked.

        One that stands before it was passed over because it cannot, unless it was failing at the
        time, or was asked.
        """
        attempts = self._exchange.attempts
        last = attempts[-1].deployment
        order = self._order()
        if last is order[0]:
            return False
        asked = [each.deployment for each in attempts]
        passed_over = self._exchange.passed_over
        for each in order:
            if each is last:
                return False
            if each in self._unwell or each in asked or passed_over.get(each) in _FOR_A_WHILE:
                return True
        return False
