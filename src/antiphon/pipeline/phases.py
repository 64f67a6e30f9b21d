"""The order of everything, on one page.

authenticate, admit, lookup, route and attempt, relay, record: an exchange passes them in this order
and no other. `record` runs whatever happens, and never awaits, so a caller who hangs up cannot
prevent it.

Hot path.
"""

from __future__ import annotations

from asyncio import Event
from collections.abc import Callable
from functools import partial
from random import SystemRandom  # noqa: TID251  spreads retries; a test seeds it
from types import TracebackType

import msgspec

from antiphon.cache.config import CacheSettings
from antiphon.clock import Clock
from antiphon.dialects.base import Payload
from antiphon.errors import (
    AntiphonError,
    Forbidden,
    InvalidRequest,
    ModelNotFound,
)
from antiphon.limits.concurrency import Concurrency
from antiphon.model.principal import Principal
from antiphon.pipeline.able import more_calls, who_can
from antiphon.pipeline.accounts import Accounts, told
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.caching import Caching, Lookup
from antiphon.pipeline.capturing import captured
from antiphon.pipeline.choosing import Choice, Question
from antiphon.pipeline.course import Course
from antiphon.pipeline.degrading import Degrading, remark
from antiphon.pipeline.descent import Descent
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.facts import Headers
from antiphon.pipeline.ladder import Degrade
from antiphon.pipeline.limiting import Limiting, leave
from antiphon.pipeline.plan import Plan, Snapshot, check_scope
from antiphon.pipeline.recording import Recording
from antiphon.pipeline.replies import AwaitedStream, StreamReply, WholeReply, whole_reply
from antiphon.pipeline.sharing import StoredStream
from antiphon.pipeline.streaming import ProviderStream
from antiphon.pipeline.turns import Turns
from antiphon.pipeline.walking import Walking
from antiphon.pipeline.wishes import read_wishes, wishes_in
from antiphon.pipeline.wishing import chosen_by, wished
from antiphon.providers.transport import Upstream
from antiphon.telemetry.metrics import Metrics

_MOST_HOPS = 4
"""Gateways of our kind in a row; more of them is a provider that points back to us."""


class Pipeline:
    """Carries exchanges through their phases.

    Args:
        transport: The only socket to models.
        accounts: Where every attempt is written down.
        concurrency: How many exchanges may be under way at once.
        heartbeat: Seconds of silence after which a stream's caller is sent a sign of life.
        cache: How much memory stored answers may take.

    Attributes:
        chance: Between 0 and 1; spreads retries.
        caching: Answers that are given again; to be entered before the first request.
        limiting: Takes what exchanges take of limits; None where none is set.
    """

    def __init__(
        self,
        *,
        transport: Upstream,
        accounts: Accounts,
        concurrency: Concurrency,
        metrics: Metrics,
        clock: Clock,
        heartbeat: float,
        cache: CacheSettings | None = None,
    ) -> None:
        self._transport = transport
        self.chance: Callable[[], float] = SystemRandom().random
        self.accounts = accounts
        self._concurrency = concurrency
        self.recording = Recording(metrics, clock=clock)
        self._clock = clock
        self._heartbeat = heartbeat
        self.caching = Caching(
            cache or CacheSettings(),
            clock=clock,
            heartbeat=heartbeat,
            accounts=accounts,
            walk=self.walk,
            record=self.record,
        )
        self.degrading = Degrading(
            clock=clock,
            accounts=accounts,
            metrics=metrics,
            own=self._own,
            pooled=self._pooled,
        )
        self.limiting: Limiting | None = None
        self.live: set[Exchange] = set()
        self._idle: Event | None = None

    def adopt(self, *, concurrency: int, heartbeat: float, cache: CacheSettings) -> None:
        """Go by other settings from now on; who is under way already is not turned away."""
        self._concurrency.bound = concurrency
        self._heartbeat = heartbeat
        self.caching.adopt(cache, heartbeat)

    def open(self, exchange: Exchange) -> Passage:
        """The exchange's answer, as an asynchronous context manager.

        Raises (on entry):
            CallerError: No such model, no right to it, no key.
            Overloaded: Too much is under way.
            UpstreamError, Exhausted: No deployment gave an answer.
        """
        return Passage(self, exchange)

    def route(self, exchange: Exchange) -> Plan:
        """Find the plan of the name that was asked for.

        Raises:
            InvalidRequest: It came through too many gateways.
            ModelNotFound: Nothing goes by that name.
            Forbidden: The caller may not ask for it.
        """
        if exchange.hops > _MOST_HOPS:
            raise InvalidRequest("The request goes round in a circle of gateways.")
        if exchange.wishful or wishes_in(exchange.payload):
            exchange.wishes, exchange.payload = read_wishes(exchange.headers, exchange.payload)
        passing = exchange.passing
        if passing is not None and passing.stores:
            plan = passing.store(exchange.snapshot, exchange.principal)
        else:
            plan = self.plan(exchange.snapshot, exchange.payload.model, exchange.principal)
        exchange.plan = plan
        wishes = exchange.wishes
        if wishes is None:
            exchange.deadline = exchange.started + plan.deadline
            return plan
        wishes.check(plan.overrides, plan.alias)
        seconds = wishes.seconds(plan.deadline, plan.overrides, stream=exchange.payload.stream)
        exchange.deadline = exchange.started + seconds
        return plan

    @staticmethod
    def plan(snapshot: Snapshot, model: str, principal: Principal) -> Plan:
        """The plan of a name, for this caller.

        Raises:
            ModelNotFound: Nothing goes by that name.
            Forbidden: The caller may not ask for it.
        """
        try:
            plan = snapshot.plan(model)
        except ModelNotFound as error:
            # Whoever may not use a name does not hear of it either.
            raise ModelNotFound(model, [*filter(principal.may_use, error.nearest)]) from None
        check_scope(principal)
        if not principal.may_use(model):
            raise Forbidden(f"This key may not use the model {model!r}.", param="model")
        return plan

    def choose(self, exchange: Exchange, plan: Plan) -> None:
        """Find who answers, where that is not plain.

        Raises:
            NothingCleared: Nobody may be sent what is asked.
            InvalidRequest: It is marked with a word that means nothing.
            ModelNotFound: Its caller lists a name that it may not use, or that nobody goes by.
        """
        chooser, wishes = plan.chooser, exchange.wishes
        exchange.choice = None
        if wishes is not None and wishes.chooses:
            exchange.choice = chosen_by(exchange, plan, wishes, self._question(exchange))
        elif exchange.foreseen or not chooser.is_plain(exchange.payload, exchange.sensitivity):
            exchange.choice = chooser.choose(self._question(exchange), exchange.started)

    def _question(self, exchange: Exchange) -> Question:
        asked = self.question(exchange.payload, exchange.principal, exchange.headers)
        if not exchange.foreseen:
            return asked
        spending = self.accounts.spending
        share = None if spending is None else spending.share_seen
        return msgspec.structs.replace(asked, share=share, shown=True)

    def question(self, payload: Payload, principal: Principal, headers: Headers) -> Question:
        """A request, as far as it is chosen for."""
        spending = self.accounts.spending
        share = None if spending is None else spending.share
        return Question(payload, principal, headers, share)

    def admit(self, exchange: Exchange) -> None:
        """Take a place; `Passage` gives it back."""
        self._concurrency.take()
        self.live.add(exchange)

    def leave(self, exchange: Exchange) -> None:
        """Give the place back."""
        self.live.discard(exchange)
        self._concurrency.give()
        if self._idle is not None and not self.live:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no exchange is under way."""
        self._idle = Event()
        if self.live:
            await self._idle.wait()

    def hurry(self) -> None:
        """Let whoever waits for `idle` go on."""
        if self._idle is not None:
            self._idle.set()

    def walk(self, exchange: Exchange, plan: Plan) -> Walking:
        """The walk of an exchange through those who may answer it, and down its route's ladder.

        Raises:
            As `able.who_can`.
        """
        if plan.degrade is None or exchange.passing is not None:
            return self._own(exchange, plan)
        return Descent(self.degrading, exchange, plan, plan.degrade)

    def _pooled(self, exchange: Exchange, plan: Plan) -> Walk:
        """Through those of another route, for a request that goes as far as it does at its own.

        Raises:
            NothingCleared: None of them may be sent what is asked.
            As `able.who_can`.
        """
        asked, choice = exchange.plan, exchange.choice
        assert asked is not None
        least = asked.chooser.least if choice is None else choice.ask.sensitivity
        question = msgspec.structs.replace(self._question(exchange), least=least)
        chosen, wishes = plan.chooser.choose(question, self._clock.monotonic()), exchange.wishes
        if wishes is not None and wishes.preferences is not None:
            chosen = wished([chosen], wishes.preferences, exchange.payload)
        return self._walk(exchange, plan, chosen)

    def _own(self, exchange: Exchange, plan: Plan) -> Walk:
        """Through those of the route itself."""
        return self._walk(exchange, plan, exchange.choice)

    def _walk(self, exchange: Exchange, plan: Plan, choice: Choice | None) -> Walk:
        chosen = who_can(exchange, plan, choice)
        limiting, turns = self.limiting, None
        if limiting is not None and limiting.limits.book.attempted:
            turns = Turns(limiting, exchange, self._clock)
        made = len(exchange.attempts)
        more = more_calls(choice, plan)
        course = Course(exchange, plan, self._clock, chosen, turns, self.chance, made, more)
        return Walk(exchange, plan, self._transport, self._clock, self.accounts, course, turns)

    async def stream(self, exchange: Exchange, walk: Walking) -> AwaitedStream:
        """A stream whose status may go out."""
        reply = ProviderStream(exchange, walk, self._clock, self._heartbeat)
        await reply.start()
        return reply

    def record(self, exchange: Exchange) -> None:
        """Write down and tell what happened. Never awaits, so it cannot be cancelled."""
        if exchange.limited is not None:
            leave(exchange)
        outcome, attempts = exchange.outcome, exchange.attempts
        if outcome is not None and not (attempts and attempts[-1].last):
            self.accounts.unanswered(exchange, outcome)
        self.recording.exchange(exchange, self._clock.monotonic())
        if exchange.capture is not None:
            exchange.capture.end(None if outcome is None else told(outcome), exchange.stop)


class Passage:
    """One exchange inside the pipeline; leaving it gives back what it took and records it."""

    __slots__ = ("_admitted", "_exchange", "_lookup", "_pipeline", "_walk")

    def __init__(self, pipeline: Pipeline, exchange: Exchange) -> None:
        self._pipeline = pipeline
        self._exchange = exchange
        self._lookup: Lookup | None = None
        self._walk: Walking | None = None
        self._admitted = False

    async def __aenter__(self) -> WholeReply | StreamReply:
        pipeline, exchange = self._pipeline, self._exchange
        try:
            plan = pipeline.route(exchange)
            pipeline.choose(exchange, plan)
            pipeline.admit(exchange)
            self._admitted = True
            reply = await self._reply(plan)
            return reply if exchange.capture is None else captured(reply, exchange.capture)
        except BaseException as error:
            self._leave(error)
            raise

    async def _reply(self, plan: Plan) -> WholeReply | StreamReply:
        """The answer, or what stands in for it on a route with a ladder."""
        if plan.degrade is None or self._exchange.passing is not None:
            return await self._asked(plan)
        try:
            reply = await self._asked(plan)
        except AntiphonError as error:
            told = self._instead(plan.degrade, error)
            if told is None:
                raise
            exchange = self._exchange
            if exchange.payload.stream:
                return StoredStream(told, exchange.payload.dialect.stream_type)
            return WholeReply(told, structured=exchange.structured)
        if isinstance(reply, AwaitedStream):
            reply.instead = partial(self._late, plan.degrade)
        return reply

    def _late(self, degrade: Degrade, error: AntiphonError) -> bytes | None:
        """The same behind a head that is out: marked where its dialect has room for it."""
        told = self._instead(degrade, error)
        return None if told is None else remark(self._exchange) + told

    def _instead(self, degrade: Degrade, error: AntiphonError) -> bytes | None:
        return self._pipeline.degrading.instead(self._exchange, degrade, self._lookup, error)

    async def _asked(self, plan: Plan) -> WholeReply | StreamReply:
        """The answer: what is known already, or what a deployment says."""
        pipeline, exchange = self._pipeline, self._exchange
        if plan.cache is not None and exchange.passing is None:
            self._lookup = pipeline.caching.question(exchange, plan, plan.cache)
        limiting = pipeline.limiting
        if limiting is not None and (gate := limiting.admit(exchange, plan)) is not None:
            await limiting.wait(exchange, gate)
        if plan.tap is not None and exchange.passing is None and exchange.embeds is None:
            exchange.capture = plan.tap.begin(
                exchange.id, exchange.payload, exchange.principal, plan.alias
            )
        if self._lookup is not None:
            return await self._lookup.answer()
        self._walk = walk = pipeline.walk(exchange, plan)
        if exchange.payload.stream:
            return await pipeline.stream(exchange, walk)
        return await whole_reply(exchange, walk)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        exchange = self._exchange
        if error is not None and exchange.outcome is None and not exchange.complete:
            exchange.outcome = exchange.interrupted or error
        goes_on = False
        try:
            if self._lookup is not None:
                goes_on = self._lookup.leave()
            if self._walk is not None:
                self._walk.abandon()
        finally:
            try:
                if self._admitted:
                    self._pipeline.leave(exchange)
            finally:
                if not goes_on:
                    self._pipeline.record(exchange)
