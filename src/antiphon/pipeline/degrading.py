"""The ladder where nobody answered: what is decided in `resilience.degrade`, done.

Two steps ask again, and stand inside the walk, so that attempts, limits, budgets, heartbeats and
calls that requests share are what they are elsewhere (`Descent`). Two steps give what is there,
in place of an error that nobody has been told yet (`Degrading.instead`). Each is seen in the
answer's headers, the ledger's row, a metric and a line of the log.
"""

from __future__ import annotations

import logging
from asyncio import sleep
from collections.abc import Callable
from typing import Protocol

from antiphon.clock import NEVER, Clock
from antiphon.errors import AntiphonError, BudgetReserved, CallerError, UpstreamError
from antiphon.model.needs import Need
from antiphon.model.parts import Author, Text, ToolCall, ToolResult, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.unfold import unfold
from antiphon.model.usage import Usage
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.ladder import Degrade
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.walking import Walking
from antiphon.providers.transport import Answer, Head
from antiphon.rendering.values import CannotRender
from antiphon.resilience.canned import Situation
from antiphon.resilience.degrade import Step, reason_of, steps_for
from antiphon.telemetry.metrics import Metrics
from antiphon.usage.journal.record import CANNED, DEGRADED

_log = logging.getLogger("antiphon.degrade")
_MOST_WAITS = 20
"""Times that one request waits; each ends with a call, so it is bounded anyway."""
_TYPED = frozenset(
    {
        *(Need.TOOLS, Need.CUSTOM_TOOLS, Need.SERVER_TOOLS, Need.ONLY_SERVER_TOOLS),
        *(Need.JSON_MODE, Need.JSON_SCHEMA, Need.CHOICE, Need.LOGPROBS, Need.ANSWERS),
        *(Need.AUDIO_OUT, Need.IMAGE_OUT, Need.PREFILL),
    }
)
"""What programs ask for: they would take a text written for people for an answer of theirs."""


_OF_THE_POOL = (CallerError, UpstreamError, BudgetReserved)
"""What the pool may refuse of a request that is good for the route itself."""


class Returning(Walking, Protocol):
    """A walk that may know when one of its candidates comes back."""

    def comes_back_at(self, now: float) -> float | None:
        """The soonest monotonic time at which one may; None where nobody knows."""
        ...


class Stored(Protocol):
    """Who may have a stored answer to the question."""

    def stale(self) -> bytes | None:
        """One that is too old, as the caller gets it, written down; None where there is none."""
        ...


class Degrading:
    """Does the steps of the ladder for the exchanges of one process.

    Args:
        clock: For waits.
        accounts: Where rows go.
        own: Makes the candidates of the route that a request asks for.
        pooled: Makes those of another, for as far as the request goes at its own.
    """

    __slots__ = ("_accounts", "_metrics", "clock", "own", "pooled")

    def __init__(
        self,
        *,
        clock: Clock,
        accounts: Accounts,
        metrics: Metrics,
        own: Callable[[Exchange, Plan], Returning],
        pooled: Callable[[Exchange, Plan], Returning],
    ) -> None:
        self.clock = clock
        self.own = own
        self.pooled = pooled
        self._accounts = accounts
        self._metrics = metrics

    def descent(self, exchange: Exchange, plan: Plan, degrade: Degrade) -> Descent:
        """The candidates of a route with a ladder.

        Raises:
            CallerError: None of the route's own may be asked.
        """
        return Descent(self, exchange, plan, degrade)

    def instead(
        self, exchange: Exchange, degrade: Degrade, stored: Stored | None, error: AntiphonError
    ) -> bytes | None:
        """What is given in place of an error that the caller was not told; None for nothing.

        Raises:
            AccountingUnavailable: It cannot be written down.
        """
        steps = steps_for(error, degrade.covers)
        if Step.STALE in steps and stored is not None and (told := stored.stale()) is not None:
            self._given(exchange, Step.STALE, error)
            return told
        if Step.CANNED in steps and degrade.canned and is_for_people(exchange):
            told = self._canned(exchange, degrade, error)
            if told is not None:
                self._given(exchange, Step.CANNED, error)
            return told
        return None

    def count(self, exchange: Exchange, step: Step, why: AntiphonError) -> None:
        """A step was taken: tell whoever watches."""
        plan = exchange.plan
        assert plan is not None
        self._metrics.degraded.of(plan.alias, step.value).value += 1
        _log.warning("Request %s: %s. Degraded: %s.", exchange.id, why.message, step.value)

    def _given(self, exchange: Exchange, step: Step, error: AntiphonError) -> None:
        exchange.degraded, exchange.stood_for = step.value, error
        exchange.complete = True
        self.count(exchange, step, error)

    def _canned(self, exchange: Exchange, degrade: Degrade, error: AntiphonError) -> bytes | None:
        situation = _situation(exchange, error)
        for canned in degrade.canned:
            try:
                text = canned.text(situation)
            except CannotRender as problem:
                _log.error("Request %s: a canned text: %s", exchange.id, problem)
                continue
            if not text.strip():
                continue
            now = self.clock.monotonic()
            exchange.stop = StopReason.STOP
            exchange.warnings = [*exchange.warnings, DEGRADED + CANNED]
            if exchange.payload.stream:
                exchange.first_token_at = now
            self._accounts.given(exchange, CANNED)
            return said(exchange, text, int(self.clock.now()))
        return None


class Descent:
    """A walk that does not end where a route's own candidates do.

    It waits for one that comes back, and then goes to those of the pool, and of the pool's pool.
    All attempts are the exchange's, and the route's deadline ends them all.
    """

    __slots__ = (
        *("_clock", "_degrade", "_degrading", "_error", "_exchange", "_plan"),
        *("_pool", "_until", "_wait_until", "_waits", "_walk"),
    )

    def __init__(
        self,
        degrading: Degrading,
        exchange: Exchange,
        plan: Plan,
        degrade: Degrade,
    ) -> None:
        self._degrading = degrading
        self._exchange = exchange
        self._plan = plan
        self._degrade = degrade
        self._clock = degrading.clock
        self._pool = degrade.pool
        self._waits = 0
        self._until = 0.0
        self._wait_until = 0.0
        self._error: AntiphonError | None = None
        self._walk = degrading.own(exchange, plan)

    @property
    def attempt(self) -> Attempt:
        """The attempt under way."""
        return self._walk.attempt

    @property
    def waits(self) -> bool:
        """Whether `settled` is to be awaited."""
        return self._walk.waits

    async def open(self, patience: float = NEVER) -> tuple[Answer, Head] | None:
        """The next answer with a success status, or None if `patience` seconds were silent.

        Raises:
            AntiphonError: As `Walk.open`, once no step of the ladder is left that asks.
        """
        while True:
            if self._wait_until:
                if not await self._waited(patience):
                    return None
                self._take(self._degrading.own(self._exchange, self._plan))
            try:
                return await self._walk.open(patience)
            except AntiphonError as error:
                told = self._goes_on(error)
                if told is not None:
                    self._exchange.degraded = ""
                    raise told from error

    def reads(self, relay: Relay) -> None:
        """The open answer is a stream, read by this relay."""
        self._walk.reads(relay)

    def succeeded(self, usage: Usage | None, said: int) -> None:
        """The open answer is whole and good."""
        exchange = self._exchange
        if exchange.degraded:
            exchange.warnings = [*exchange.warnings, f"{DEGRADED}{Step.POOL} {self._plan.alias}"]
        self._walk.succeeded(usage, said)

    def failed(self, error: UpstreamError) -> None:
        """The open attempt failed.

        Raises:
            UpstreamError: No other would do better.
        """
        self._walk.failed(error)

    def close(self) -> None:
        """Let go of the open answer."""
        self._walk.close()

    def abandon(self) -> None:
        """Let go of everything."""
        self._walk.abandon()

    async def settled(self) -> None:
        """Wait until the disk holds what was written.

        Raises:
            AccountingUnavailable: It does not take it.
        """
        await self._walk.settled()

    def _goes_on(self, error: AntiphonError) -> AntiphonError | None:
        """Take the next step that asks somebody; where none is left, what the caller is told."""
        if Step.POOL in steps_for(error, ()):
            self._error = error
        elif self._error is None or not isinstance(error, _OF_THE_POOL):
            return error
        now = self._clock.monotonic()
        if now >= self._exchange.deadline:
            return self._error
        if self._may_wait(now):
            if self._waits == 1:
                self._degrading.count(self._exchange, Step.WAIT, self._error)
            return None
        return None if self._goes_to_pool(self._error) else self._error

    def _may_wait(self, now: float) -> bool:
        """Whether a candidate of the route itself comes back in time; notes until when."""
        degrade = self._degrade
        if not degrade.wait or self._exchange.degraded or self._waits >= _MOST_WAITS:
            return False
        self._until = self._until or min(now + degrade.wait, self._exchange.deadline)
        back = self._walk.comes_back_at(now)
        if back is None or not now < back < self._until:
            return False
        self._waits += 1
        self._wait_until = back
        return True

    async def _waited(self, patience: float) -> bool:
        """Wait for it; False if that takes longer than so many seconds."""
        wait = self._wait_until - self._clock.monotonic()
        if wait > 0:
            await sleep(min(wait, patience))
            if wait > patience:
                return False
        self._wait_until = 0.0
        return True

    def _goes_to_pool(self, error: AntiphonError) -> bool:
        exchange = self._exchange
        while self._pool:
            plan = exchange.snapshot.plan(self._pool)
            self._pool = plan.degrade.pool if plan.degrade is not None else ""
            try:
                walk = self._degrading.pooled(exchange, plan)
            except CallerError:
                # What is asked cannot be had there, or may not go there.
                continue
            self._take(walk)
            self._plan = plan
            exchange.degraded = Step.POOL.value
            self._degrading.count(exchange, Step.POOL, error)
            return True
        return False

    def _take(self, walk: Returning) -> None:
        self._walk.abandon()
        self._walk = walk


def _situation(exchange: Exchange, error: AntiphonError) -> Situation:
    principal, payload = exchange.principal, exchange.payload
    return Situation(
        model=payload.model,
        request_id=exchange.id,
        reason=reason_of(error),
        retry_after=error.retry_after,
        department=principal.department,
        team=principal.team,
    )


def is_for_people(exchange: Exchange) -> bool:
    """Whether somebody reads the answer: no program waits for calls, a form or vectors."""
    payload = exchange.payload
    if exchange.passing is not None or exchange.embeds is not None:
        return False
    try:
        if payload.needs & _TYPED:
            return False
        turns = payload.request.turns
    except CallerError:
        return False
    return not any(isinstance(part, ToolCall | ToolResult) for turn in turns for part in turn.parts)


def said(exchange: Exchange, text: str, now: int) -> bytes:
    """A text as an answer in the caller's dialect, whole or as a stream; it used nothing."""
    payload = exchange.payload
    choice = Choice(0, Turn(Author.ASSISTANT, (Text(text),)), Stop(StopReason.STOP))
    reply = ChatReply(exchange.id, payload.model, (choice,), created=now, usage=Usage())
    dialect = payload.dialect
    if not payload.stream:
        return dialect.encode_reply(reply, payload)
    events = unfold(reply)
    assert events is not None
    encoder = dialect.stream_encoder(include_usage=payload.wants_usage, asked=payload)
    return b"".join([encoder.feed(event) for event in events])
