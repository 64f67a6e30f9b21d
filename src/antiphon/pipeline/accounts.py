"""What an exchange leaves in the journal: its attempts as they open and close.

Every attempt is opened before it goes out, with the most that it can cost, and closed once,
whatever becomes of it: answered, refused, broken, or left by its caller.

Hot path: one `opened` and one `closed` an attempt.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import Final

import msgspec

from antiphon.clock import Clock
from antiphon.errors import (
    AccountingUnavailable,
    AntiphonError,
    CallerLeft,
    InternalFault,
    InvalidAnswer,
    UpstreamError,
    UpstreamRefused,
)
from antiphon.model.usage import Usage
from antiphon.pipeline.deciding import kept
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.spending import Spending
from antiphon.providers.estimate import UNKNOWN_OUTPUT, tokens_of
from antiphon.usage.journal.journal import Journal
from antiphon.usage.journal.record import (
    CACHE,
    SHARED,
    Charge,
    Closed,
    Decided,
    Opened,
    Outcome,
    Unanswered,
)

_NOTHING = Usage()
_LONGEST_NAME = 128
"""Characters that are kept of a name which no route has: a caller may send megabytes."""
_NO_COUNTS = msgspec.structs.astuple(_NOTHING)

_MOST_ANSWERS: Final = 1024


class Accounts:
    """Writes what exchanges do into the journal.

    Args:
        clock: For the times of records.

    Attributes:
        journal: Where they go; without one, no attempt is made.
        waits: Whether `settled` is to be awaited before a request goes out, and before its end.
        spending: Where attempts get their money; None where there never were budgets.
    """

    def __init__(self, journal: Journal | None, *, clock: Clock) -> None:
        self._clock = clock
        self.journal = journal
        self.waits = journal is not None and journal.waits
        self.spending: Spending | None = None

    def keep(self, journal: Journal | None, spending: Spending | None = None) -> None:
        """Write into this journal from now on, and spend this money."""
        self.journal = journal
        self.spending = spending
        self.waits = journal is not None and journal.waits

    async def settled(self) -> None:
        """Wait until the disk holds what was written.

        Raises:
            AccountingUnavailable: It does not take it.
        """
        if self.journal is not None:
            await self.journal.settled()

    def measure(self, exchange: Exchange, attempt: Attempt, size: int) -> None:
        """Find the most that an attempt can cost, with a body of so many bytes."""
        deployment, payload = attempt.deployment, exchange.payload
        attempt.size = size
        facts, size = deployment.facts, payload.countable(size)
        context = facts.context
        attempt.input_bound = input_bound = size if context is None or size < context else context
        asked, answers = payload.output_bound
        output_bound = facts.max_output or context or UNKNOWN_OUTPUT
        if asked is not None and asked < output_bound:
            output_bound = asked
        # No provider gives so many; and what is written down must be a number of 64 bits.
        attempt.answers = answers = min(_MOST_ANSWERS, answers)
        attempt.output_bound = output_bound = output_bound * answers
        attempt.cost_bound = deployment.rates.bound(input_bound, output_bound)

    def opened(self, exchange: Exchange, attempt: Attempt) -> None:
        """An attempt is about to be made; its bounds were found.

        Raises:
            AccountingUnavailable: It cannot be written down, so it must not be made.
        """
        journal = self.journal
        if journal is None:
            raise AccountingUnavailable("The gateway was not started.")
        deployment, plan, principal = attempt.deployment, exchange.plan, exchange.principal
        assert plan is not None
        payload, reservation = exchange.payload, attempt.reservation
        attempt.entry = journal.open(
            Opened(
                exchange.id,
                len(exchange.attempts),
                attempt.started_at,
                principal.key_id,
                principal.team,
                principal.department,
                principal.subject,
                plan.alias,
                deployment.provider,
                deployment.model,
                payload.dialect.name,
                attempt.face.dialect.name,
                payload.stream,
                attempt.input_bound,
                attempt.output_bound,
                attempt.cost_bound,
                deployment.rates.version,
                reservation.numbers if reservation is not None else (),
            )
        )

    def released(self, attempt: Attempt) -> None:
        """An attempt was not made: its money is free again."""
        reservation, attempt.reservation = attempt.reservation, None
        if reservation is not None and self.spending is not None:
            self.spending.settle(reservation, 0)

    def succeeded(self, exchange: Exchange, attempt: Attempt, said: int) -> None:
        """Its answer is whole; `said` bytes of text, should the provider not have counted."""
        if attempt.usage is None:
            usage = _estimate(exchange, attempt, said)
            if exchange.payload.opaque and attempt.output_bound:
                # Nobody says what it used: not free, where a budget is to hold.
                attempt.charge = Charge.ASSUMED
                usage = _bounds(attempt)
            self._closed(exchange, attempt, Outcome.OK, "", usage, last=True)
        else:
            attempt.charge = Charge.REPORTED
            self._closed(exchange, attempt, Outcome.OK, "", attempt.usage, last=True)

    def failed(self, exchange: Exchange, attempt: Attempt, error: UpstreamError, said: int) -> None:
        """It failed after so many bytes of text."""
        refused = isinstance(error, UpstreamRefused)
        if attempt.entry is None:
            # It failed before anything went out: with no live key, say.
            self.released(attempt)
            try:
                self.opened(exchange, attempt)
            except AccountingUnavailable:
                return
        if isinstance(error, InvalidAnswer) and attempt.usage is not None:
            # It is whole, and the provider says what it costs.
            attempt.charge = Charge.REPORTED
            usage = attempt.usage
            self._closed(exchange, attempt, Outcome.FAILED, error.code, usage, last=False)
            return
        billed = attempt.accepted and not (refused and not said)
        self._closed(
            exchange,
            attempt,
            Outcome.REFUSED if refused else Outcome.FAILED,
            error.code,
            _estimate(exchange, attempt, said) if billed else _NOTHING,
            last=False,
        )

    def abandoned(self, exchange: Exchange, attempt: Attempt, said: int) -> None:
        """Nobody waits for it any more."""
        cause = exchange.interrupted or exchange.outcome or CancelledError()
        self._closed(
            exchange,
            attempt,
            Outcome.CANCELLED,
            told(cause).error_kind.value,
            self._left(exchange, attempt, said) if attempt.accepted else _NOTHING,
            last=True,
        )

    def _left(self, exchange: Exchange, attempt: Attempt, said: int) -> Usage:
        """What is charged for an answer that nobody waited for.

        Of a stream, what passed. A whole answer that was under way is being made on, for all we
        know: to leave it early must not be the way to have it for nothing.
        """
        if exchange.payload.stream:
            return _estimate(exchange, attempt, said)
        attempt.charge = Charge.ASSUMED
        return _bounds(attempt)

    def given(self, exchange: Exchange, word: str) -> None:
        """The answer came from the cache, or of a call that another request pays for.

        It leaves a row of no cost, whose provider is `CACHE`, and whose model says which it was.

        Raises:
            AccountingUnavailable: It cannot be written down.
        """
        journal, plan, principal = self.journal, exchange.plan, exchange.principal
        if journal is None or plan is None:
            raise AccountingUnavailable("The gateway was not started.")
        now, number = int(self._clock.now() * 1e6), len(exchange.attempts) + 1
        self._decided(exchange, now)
        started, first_token = exchange.started, exchange.first_token_at
        took = int((self._clock.monotonic() - started) * 1e6)
        entry = journal.open(
            Opened(
                exchange.id,
                number,
                now,
                principal.key_id,
                principal.team,
                principal.department,
                principal.subject,
                plan.alias,
                CACHE,
                word,
                exchange.payload.dialect.name,
                CACHE,
                exchange.payload.stream,
                0,
                0,
                0,
                "",
            )
        )
        journal.close(
            entry,
            Closed(
                entry[1],
                exchange.id,
                number,
                principal.key_id,
                CACHE,
                word,
                now,
                Outcome.OK,
                "",
                Charge.NOTHING,
                True,  # noqa: FBT003  no attempt follows
                _NO_COUNTS,
                0,
                0,
                0,
                int((first_token - started) * 1e6) if first_token else 0,
                took,
                0 if word == SHARED else took,
                exchange.stop or "",
                tuple(exchange.warnings),
            ),
        )

    def unanswered(self, exchange: Exchange, outcome: BaseException) -> None:
        """The request ended without an answer, and its attempts do not say why."""
        journal, principal, now = self.journal, exchange.principal, self._clock.monotonic()
        if journal is None:
            return
        error, at = told(outcome), int(self._clock.now() * 1e6)
        self._decided(exchange, at)
        journal.unanswered(
            Unanswered(
                exchange.id,
                at,
                principal.key_id,
                principal.team,
                principal.department,
                principal.subject,
                exchange.plan.alias if exchange.plan else exchange.payload.model[:_LONGEST_NAME],
                exchange.payload.dialect.name,
                exchange.payload.stream,
                error.status,
                error.error_kind.value,
                error.message,
                len(exchange.attempts),
                int((now - exchange.started) * 1e6),
            )
        )

    def _decided(self, exchange: Exchange, at: int) -> None:
        """Write why it went where it went, before what ends it: who finds that finds this too."""
        plan, journal = exchange.plan, self.journal
        if journal is None or plan is None or (exchange.choice is None and not plan.decides):
            return
        journal.decided(Decided(exchange.id, at, kept(exchange)))

    def _closed(
        self,
        exchange: Exchange,
        attempt: Attempt,
        outcome: Outcome,
        code: str,
        usage: Usage,
        *,
        last: bool,
    ) -> None:
        journal, entry, rates = self.journal, attempt.entry, attempt.deployment.rates
        if journal is None or entry is None or attempt.closed:
            return
        attempt.closed = True
        attempt.outcome = outcome
        attempt.last = last
        attempt.usage = usage
        ended, sent, started = attempt.ended_at, attempt.sent_at, exchange.started
        # The clock of durations never goes back, so none of these is less than nothing.
        total = int((ended - sent) * 1e6)
        request_total = int((ended - started) * 1e6)
        if usage is not _NOTHING:
            attempt.cost = rates.cost(usage, at=attempt.started_at / 1e6)
        number, waited = len(exchange.attempts), total
        if number > 1:
            waited = int(sum(each.ended_at - each.sent_at for each in exchange.attempts) * 1e6)
        first_byte, first_token = attempt.first_byte_at, exchange.first_token_at
        deployment, stop = attempt.deployment, exchange.stop
        if last:
            self._decided(exchange, attempt.started_at + total)
        journal.close(
            entry,
            Closed(
                entry[1],
                exchange.id,
                number,
                exchange.principal.key_id,
                deployment.provider,
                deployment.model,
                attempt.started_at + total,
                outcome,
                code,
                attempt.charge,
                last,
                _NO_COUNTS if usage is _NOTHING else msgspec.structs.astuple(usage),
                attempt.cost,
                int((first_byte - sent) * 1e6) if first_byte else 0,
                total,
                int((first_token - started) * 1e6) if first_token else 0,
                request_total,
                request_total - waited if request_total > waited else 0,
                stop if stop and last else "",
                tuple(exchange.warnings) if exchange.warnings else (),
            ),
        )
        if attempt.reservation is not None and self.spending is not None:
            self.spending.settle(attempt.reservation, attempt.cost)


def told(outcome: BaseException) -> AntiphonError:
    """What an exchange ended with, as an error of ours."""
    if isinstance(outcome, AntiphonError):
        return outcome
    if isinstance(outcome, CancelledError):
        return CallerLeft("The caller left.")
    return InternalFault("A defect.")


def _bounds(attempt: Attempt) -> Usage:
    return Usage(input_tokens=attempt.input_bound, output_tokens=attempt.output_bound)


def _estimate(exchange: Exchange, attempt: Attempt, said: int) -> Usage:
    """The provider's figures as far as they came, and what passed, whichever is more.

    The prompt is what its text was estimated to be where somebody had to read it, else what so
    many bytes usually are to this model; never more than it can be.
    """
    attempt.charge = Charge.ESTIMATED
    seen, spoken, prompt = attempt.usage or _NOTHING, tokens_of(said), 0
    if attempt.usage is None:
        bound, calibration = attempt.input_bound, attempt.deployment.calibration
        prompt = min(exchange.payload.input_estimate or calibration.tokens(bound), bound)
    return msgspec.structs.replace(
        seen,
        input_tokens=max(seen.input_tokens, prompt),
        output_tokens=max(seen.output_tokens, spoken - seen.reasoning_tokens),
    )
