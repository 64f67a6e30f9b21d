"""The ladder where nobody answered: what is decided in `resilience.degrade`, done.

Two steps ask again, and stand inside the walk, so that attempts, limits, budgets, heartbeats and
calls that requests share are what they are elsewhere (`Descent`). Two steps give what is there,
in place of an error that nobody has been told yet (`Degrading.instead`). Each is seen in the
answer's headers, the ledger's row, a metric and a line of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from antiphon.clock import Clock
from antiphon.errors import AntiphonError, CallerError
from antiphon.model.ask import Ask
from antiphon.model.needs import Need
from antiphon.model.parts import Author, Text, ToolCall, ToolResult, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.unfold import unfold
from antiphon.model.usage import Usage
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.attempt import Walk
from antiphon.pipeline.estimating import prompt_tokens
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.facts import Looking
from antiphon.pipeline.ladder import REGION, Degrade
from antiphon.pipeline.plan import Plan
from antiphon.rendering.values import CannotRender
from antiphon.resilience.canned import Situation
from antiphon.resilience.degrade import Step, reason_of, steps_for
from antiphon.telemetry.metrics import Metrics
from antiphon.usage.journal.record import CANNED, DEGRADED

_log = logging.getLogger("antiphon.degrade")
_TYPED = frozenset(
    {
        *(Need.TOOLS, Need.CUSTOM_TOOLS, Need.SERVER_TOOLS, Need.ONLY_SERVER_TOOLS),
        *(Need.JSON_MODE, Need.JSON_SCHEMA, Need.CHOICE, Need.LOGPROBS, Need.ANSWERS),
        *(Need.AUDIO_OUT, Need.IMAGE_OUT, Need.PREFILL),
    }
)
"""What programs ask for: they would take a text written for people for an answer of theirs."""


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
        own: Callable[[Exchange, Plan], Walk],
        pooled: Callable[[Exchange, Plan], Walk],
    ) -> None:
        self.clock = clock
        self.own = own
        self.pooled = pooled
        self._accounts = accounts
        self._metrics = metrics

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
        if Step.CANNED in steps and degrade.cases and is_for_people(exchange):
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
        _log.warning("Request %s: degraded, %s: %s", exchange.id, step.value, why.message)

    def _given(self, exchange: Exchange, step: Step, error: AntiphonError) -> None:
        exchange.degraded, exchange.stood_for = step.value, error
        exchange.complete = True
        self.count(exchange, step, error)

    def _canned(self, exchange: Exchange, degrade: Degrade, error: AntiphonError) -> bytes | None:
        ask = self._ask_of(exchange, degrade.looking)
        language = degrade.scripts.language(ask.text, ask.earlier)
        situation = _situation(exchange, ask, language, error)
        for case in degrade.cases:
            if not case.suits(ask, language):
                continue
            try:
                text = case.canned.text(situation)
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

    def _ask_of(self, exchange: Exchange, looking: Looking) -> Ask:
        """What texts and their conditions are told of a request."""
        choice, plan, payload = exchange.choice, exchange.plan, exchange.payload
        assert plan is not None
        if choice is None:
            ask = Ask(exchange.principal, plan.chooser.least)
        else:
            ask = Ask(exchange.principal, choice.ask.sensitivity, choice.ask.priority)
        looking.fill(ask, payload, exchange.headers)
        if not plan.overrides.tags:
            ask.tags, ask.task, ask.market = (), "", ""
        if looking.tokens:
            ask.tokens = prompt_tokens(payload, plan.deployments[0])
        spending = self._accounts.spending
        if looking.budget and spending is not None:
            ask.budget_used = spending.share(exchange.principal)
        return ask


def _situation(exchange: Exchange, ask: Ask, language: str, error: AntiphonError) -> Situation:
    principal = exchange.principal
    return Situation(
        model=exchange.payload.model,
        request_id=exchange.id,
        reason=reason_of(error),
        retry_after=error.retry_after,
        language=language,
        region=ask.headers.get(REGION) or ask.metadata.get("region", ""),
        department=principal.department,
        team=principal.team,
        metadata=ask.metadata,
    )


def remark(exchange: Exchange) -> bytes:
    """What stands in for the answer, as a comment inside a stream; empty where there are none."""
    if not exchange.payload.dialect.heartbeat.startswith(b":"):
        return b""
    return b": x-antiphon-degraded: %b\n\n" % exchange.degraded.encode()


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
