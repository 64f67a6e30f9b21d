"""Walking the candidates of one exchange until one gives an answer.

Hot path: the first candidate usually answers, and then this is one dict look-up for the
pre-rendered head, one join for the body, and one wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from antiphon.clock import NEVER, Clock
from antiphon.dialects.readings import FOREIGN_SEALS
from antiphon.errors import (
    AccountingUnavailable,
    BudgetExceeded,
    BudgetReserved,
    CallerError,
    Disposition,
    UpstreamError,
)
from antiphon.model.needs import Need
from antiphon.model.unsealing import without_seals
from antiphon.model.usage import Usage
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.course import Course
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.failures import is_absent, refusal_of
from antiphon.pipeline.losses import is_fit, lost_with_seals, words
from antiphon.pipeline.measuring import measure
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.sending import write
from antiphon.pipeline.turns import Turns
from antiphon.providers.auth import Unsigned
from antiphon.providers.deployment import Deployment
from antiphon.providers.face import Face
from antiphon.providers.keys import Key
from antiphon.providers.transport import Answer, Call, Head, Upstream

_FIRST_SUCCESS, _LAST_SUCCESS = 200, 299
HOPS = b"x-antiphon-hops"
"""The header that tells a gateway of our kind how many others a request came through."""
_FIRST_HOP = HOPS + b": 1\r\n"


class Walk(msgspec.Struct, eq=False):
    """Asks candidate after candidate; each `open` goes on where the last one stopped.

    Who is asked when is the course's to say. The walk owns the answer that is open; whoever reads
    it says how it ended: `succeeded`, `failed`, or, when the caller is gone, `close`.
    """

    _exchange: Exchange
    _plan: Plan
    _transport: Upstream
    _clock: Clock
    _accounts: Accounts
    course: Course
    _turns: Turns | None = None
    _attempt: Attempt | None = None
    _answer: Answer | None = None
    _key: Key | None = None
    _relay: Relay | None = None

    @property
    def attempt(self) -> Attempt:
        """The attempt under way; there is one once `open` was called."""
        assert self._attempt is not None
        return self._attempt

    async def open(self, patience: float = NEVER) -> tuple[Answer, Head] | None:
        """The next answer with a success status, or None if `patience` seconds were silent.

        After None, call again: the same attempt goes on.

        Raises:
            UpstreamError: It is the caller's fault, or too long for every candidate.
            Exhausted: No candidate is left.
            BudgetExceeded, BudgetReserved: None can be paid for.
        """
        course = self.course
        while True:
            candidate: Deployment | None = None
            if self._answer is None:
                candidate = course.draw()
                if candidate is None:
                    candidate = await course.wait(patience)
                    if candidate is None:
                        return None
            try:
                if candidate is not None:
                    self._answer = await self._send(candidate)
                answer = self._answer
                assert answer is not None
                head = await answer.head(None if patience == NEVER else patience)
                if head is None:
                    return None
                self.attempt.first_byte_at = self._clock.monotonic()
                if _FIRST_SUCCESS <= head.status <= _LAST_SUCCESS:
                    return answer, head
                self.attempt.accepted = False
                raise await refusal_of(self.attempt, answer, head, now=self._clock.now())
            except UpstreamError as error:
                self.failed(error)
            except (BudgetExceeded, BudgetReserved) as error:
                course.unpaid(self.attempt.deployment, error)
                if self._turns is not None:
                    self._turns.settle()

    def reads(self, relay: Relay) -> None:
        """The open answer is a stream, read by this relay."""
        self._relay = relay

    def succeeded(self, usage: Usage | None, said: int) -> None:
        """The open answer is whole and good; its connection goes back once it is drained.

        Args:
            usage: What the provider counted, or None.
            said: Bytes of text in it; read where the provider has not counted.
        """
        attempt = self.attempt
        attempt.ended_at = self._clock.monotonic()
        attempt.usage = usage
        self._ends(attempt)
        self._accounts.succeeded(self._exchange, attempt, said)
        if self._turns is not None:
            self._turns.settle()
        translation = attempt.translation
        if translation is not None and usage is not None and not translation.measured[1]:
            attempt.deployment.calibration.learn(translation.measured[0], usage.input_total)
        self.course.succeeded(attempt, self._key)
        if not self.course.goes_on:
            # When its own content began is not known of one that goes on with another.
            measure(attempt, usage, self._exchange.first_token_at)
        if usage is not None:
            self._plan.chooser.learn(usage.output_total)

    def began(self) -> None:
        """The open stream gives content."""
        self.course.began()

    def go_on(self, candidates: Iterator[Deployment]) -> None:
        """From now on only these are asked, each once, what the exchange asks by then."""
        self.course.go_on(candidates)

    def failed(self, error: UpstreamError) -> None:
        """The open attempt failed; the walk may go on.

        Raises:
            UpstreamError: The error itself, where no other candidate would do better.
            Exhausted: No candidate is left.
        """
        attempt = self.attempt
        attempt.ended_at = self._clock.monotonic()
        attempt.error = error
        self._ends(attempt)
        self._accounts.failed(self._exchange, attempt, error, self._said())
        self.close()
        course = self.course
        if self._turns is not None:
            self._turns.settle()
        if error.disposition is Disposition.CALLERS_FAULT:
            course.left()
            if self._unseal(error):
                course.again(attempt.deployment)
            elif not course.goes_on:
                raise error
        elif is_absent(attempt, error):
            course.left()
            attempt.face.was_absent(attempt.ended_at)
            if self._is_fit_elsewhere(attempt.deployment, attempt):
                course.again(attempt.deployment)
        else:
            course.failed(attempt, self._key, error)

    def _is_fit_elsewhere(self, deployment: Deployment, attempt: Attempt) -> bool:
        """Whether a deployment whose face is absent can be asked at another."""
        exchange = self._exchange
        if exchange.passing is not None:
            return False
        face = exchange.face_at(deployment, attempt.ended_at)
        if face is None or face is attempt.face:
            return False
        return is_fit(exchange, face, self._plan.on_loss)

    def _unseal(self, error: UpstreamError) -> bool:
        """Take out the seals over thought that a provider refused; False where that is not it.

        A conversation that moved here from another model or organisation carries seals that are
        valid there. Its thought is lost either way; the conversation need not be.
        """
        exchange = self._exchange
        if error.code not in FOREIGN_SEALS or exchange.unsealed or exchange.passing is not None:
            return False
        if not self.course.has_room:
            return False
        try:
            request = exchange.payload.request
        except CallerError:
            # It went through unread, and cannot be read.
            return False
        if request.reasoning is not None and request.reasoning.bound:
            return False
        exchange.unsealed = True
        exchange.payload.rewrite(without_seals(request))
        lost_with_seals(exchange, self.attempt.face)
        return True

    def close(self) -> None:
        """Let go of the open answer; one that is not whole loses its socket at once."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def abandon(self) -> None:
        """Let go of everything; an attempt that was under way is charged for what passed."""
        try:
            self.close()
        finally:
            self.course.left()
            attempt = self._attempt
            if attempt is not None:
                self._ends(attempt)
            if attempt is not None and attempt.entry is None:
                self._accounts.released(attempt)
            elif attempt is not None and not attempt.closed:
                attempt.ended_at = attempt.ended_at or self._clock.monotonic()
                self._accounts.abandoned(self._exchange, attempt, self._said())
            if self._turns is not None:
                self._turns.close()

    @staticmethod
    def _ends(attempt: Attempt) -> None:
        """The attempt keeps its deployment busy no longer; said once or more often."""
        if attempt.running:
            attempt.running = False
            attempt.deployment.pace.end()

    @property
    def waits(self) -> bool:
        """Whether `settled` is to be awaited."""
        return self._accounts.waits

    async def settled(self) -> None:
        """Wait until the disk holds what was written, where the configuration asks for that.

        Raises:
            AccountingUnavailable: It does not take it.
        """
        await self._accounts.settled()

    def _said(self) -> int:
        """Bytes of text that came of the open answer; what the provider has counted is noted."""
        relay = self._relay
        if relay is None:
            # Of a whole answer that broke, what came of it was never read: its bytes count.
            return 0 if self._answer is None else self._answer.size
        if relay.usage is not None:
            self.attempt.usage = relay.usage
        return relay.said

    async def _send(self, deployment: Deployment) -> Answer:
        exchange = self._exchange
        self._key = self._relay = None
        payload, plan, accounts = exchange.payload, self._plan, self._accounts
        now = self._clock.monotonic()
        face = exchange.face_of(deployment, now)
        self._attempt = attempt = Attempt(deployment, face, now)
        exchange.attempts.append(attempt)
        wall = self._clock.now()
        attempt.started_at = int(wall * 1e6)
        dropped: Collection[Need] = ()
        if exchange.lost or exchange.warnings:
            dropped = self._lose(face)
        body, lines = write(exchange, attempt, plan, dropped=dropped, now=wall)
        accounts.measure(exchange, attempt, len(body))
        spending = accounts.spending
        if (
            spending is not None
            and spending.budgets.any
            and not spending.at_once(exchange, attempt)
            and (cap := await spending.obtain(exchange, attempt))
        ):
            body, lines = write(exchange, attempt, plan, dropped=dropped, now=wall, cap=cap)
        self._key = key = (self._turns and self._turns.key) or deployment.take_key(now)
        head = face.head(key, payload.stream) + lines
        head += b"%b: %d\r\n" % (HOPS, exchange.hops + 1) if exchange.hops else _FIRST_HOP
        if exchange.trace is not None:
            head += exchange.trace.header(len(exchange.attempts))
        if deployment.signer is not None:
            head += await deployment.signer.sign(
                Unsigned(
                    face.method,
                    deployment.origin.authority,
                    face.paths[payload.stream],
                    head,
                    body,
                ),
                key,
            )
        call = Call(
            origin=deployment.origin,
            head=head,
            body=body,
            timeouts=deployment.timeouts,
            stream=payload.stream,
            deadline=exchange.deadline,
        )
        try:
            accounts.opened(exchange, attempt)
        except AccountingUnavailable:
            accounts.released(attempt)
            exchange.attempts.pop()
            raise
        attempt.running = True
        deployment.pace.begin(now)
        if accounts.waits:
            await accounts.settled()
        answer = await self._transport.send(call)
        attempt.accepted = True
        return answer

    def _lose(self, face: Face) -> Collection[Need]:
        """Note what the request loses at this face; gives what the model refuses of it."""
        exchange = self._exchange
        losses = exchange.lost.get(face, ())
        exchange.warnings = words(losses)
        return [need for need, _ in losses if isinstance(need, Need) and need in face.refusable]
