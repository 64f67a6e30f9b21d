"""The order of everything, on one page.

authenticate, admit, lookup, route and attempt, relay, record: an exchange passes them in this order
and no other. `record` runs whatever happens, and never awaits, so a caller who hangs up cannot
prevent it.

Hot path.
"""

from __future__ import annotations

from asyncio import Event
from collections.abc import Callable, Iterator
from random import SystemRandom  # noqa: TID251  spreads retries; a test seeds it
from types import TracebackType

import msgspec

from antiphon.cache.config import CacheSettings
from antiphon.clock import Clock
from antiphon.dialects.base import Payload
from antiphon.errors import Forbidden, InvalidRequest, ModelNotFound, NothingCleared
from antiphon.limits.concurrency import Concurrency
from antiphon.model.principal import Principal
from antiphon.pipeline.accounts import Accounts, told
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.caching import Caching, Lookup
from antiphon.pipeline.capturing import captured
from antiphon.pipeline.choosing import Choice, Question
from antiphon.pipeline.course import Course
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.facts import Headers
from antiphon.pipeline.limiting import Limiting, leave
from antiphon.pipeline.losses import candidates
from antiphon.pipeline.plan import Plan, Snapshot, check_scope
from antiphon.pipeline.recording import Recording
from antiphon.pipeline.replies import StreamReply, WholeReply, whole_reply
from antiphon.pipeline.streaming import ProviderStream
from antiphon.pipeline.turns import Turns
from antiphon.pipeline.windows import fitting
from antiphon.pipeline.wishes import Wishes, read_wishes, wishes_in
from antiphon.pipeline.wishing import named, wished
from antiphon.providers.deployment import Deployment
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
            InvalidRequest: It came through too many gateways of our kind.
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
        """
        chooser, wishes = plan.chooser, exchange.wishes
        exchange.choice = None
        if wishes is not None and wishes.chooses:
            exchange.choice = self._wished(exchange, plan, wishes)
        elif exchange.foreseen or not chooser.is_plain(exchange.payload, exchange.sensitivity):
            exchange.choice = chooser.choose(self._question(exchange), exchange.started)

    def _wished(self, exchange: Exchange, plan: Plan, wishes: Wishes) -> Choice:
        """Choose behind all the names that the caller lists, as it prefers.

        Raises:
            As `choose`.
            ModelNotFound: It lists a name that it may not use, or that nobody goes by.
        """
        snapshot, principal, payload = exchange.snapshot, exchange.principal, exchange.payload
        preferences = wishes.preferences
        if preferences is not None:
            preferences.check(snapshot.shelves)
        chosen: list[Choice] = []
        refusal: NothingCleared | None = None
        for each in (plan, *named(snapshot, principal, wishes.models)):
            try:
                chosen.append(each.chooser.choose(self._question(exchange), exchange.started))
            except NothingCleared as error:
                refusal = refusal or error
        if not chosen and refusal is not None:
            raise refusal
        return wished(chosen, preferences, payload)

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

    @staticmethod
    def able(exchange: Exchange, plan: Plan) -> Iterator[Deployment]:
        """Those who may answer and can do what is asked, in the order in which they are asked.

        Raises:
            InvalidRequest: None has the endpoint that is asked for.
            PromptTooLong: It fits none (while candidates are drawn).
        """
        choice, passing = exchange.choice, exchange.passing
        found = plan.chooser.deployments if choice is None else choice.deployments
        if len(found) > 1:
            now = exchange.started
            found = sorted(found, key=lambda each: not each.is_well(now))
        if passing is None:
            wishes = exchange.wishes
            on_loss = plan.on_loss if wishes is None else wishes.on_loss(plan.on_loss)
            chosen = candidates(exchange, found, on_loss)
            if exchange.embeds is None:
                chosen = fitting(exchange.payload, chosen)
        else:
            chosen = iter(passing.candidates(found, exchange.payload.model))
        return chosen

    def walk(self, exchange: Exchange, plan: Plan) -> Walk:
        """The walk of an exchange through those who may answer it.

        Raises:
            As `able`.
        """
        chosen = self.able(exchange, plan)
        limiting, turns = self.limiting, None
        if limiting is not None and limiting.limits.book.attempted:
            turns = Turns(limiting, exchange, self._clock)
        made = len(exchange.attempts)
        more = self.more_calls(exchange, plan)
        course = Course(exchange, plan, self._clock, chosen, turns, self.chance, made, more)
        return Walk(exchange, plan, self._transport, self._clock, self.accounts, course, turns)

    @staticmethod
    def more_calls(exchange: Exchange, plan: Plan) -> int:
        """Calls for those whom the caller has named besides, unless a number is fixed for all."""
        choice = exchange.choice
        if choice is None or not choice.wished or plan.retry.fixed:
            return 0
        return 2 * max(len(choice.order) - len(plan.deployments), 0)

    async def stream(self, exchange: Exchange, walk: Walk) -> StreamReply:
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
        self._walk: Walk | None = None
        self._admitted = False

    async def __aenter__(self) -> WholeReply | StreamReply:
        pipeline, exchange = self._pipeline, self._exchange
        try:
            plan = pipeline.route(exchange)
            pipeline.choose(exchange, plan)
            pipeline.admit(exchange)
            self._admitted = True
            limiting = pipeline.limiting
            if limiting is not None and (gate := limiting.admit(exchange, plan)) is not None:
                await limiting.wait(exchange, gate)
            if plan.tap is None or exchange.passing is not None or exchange.embeds is not None:
                return await self._reply(plan)
            exchange.capture = plan.tap.begin(
                exchange.id, exchange.payload, exchange.principal, plan.alias
            )
            return captured(await self._reply(plan), exchange.capture)
        except BaseException as error:
            self._leave(error)
            raise

    async def _reply(self, plan: Plan) -> WholeReply | StreamReply:
        """The answer: what is known already, or what a deployment says."""
        pipeline, exchange = self._pipeline, self._exchange
        if plan.cache is not None and exchange.passing is None:
            self._lookup = pipeline.caching.question(exchange, plan, plan.cache)
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
