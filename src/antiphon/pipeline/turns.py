"""Limits of deployments, providers and their keys: who is asked, who is passed over, who waits.

A deployment at its limit is passed over: that is no attempt, and says nothing against its health.
Where all are, the exchange waits for the first that has room, if one of them lets it; else it is
told when to come again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from antiphon.clock import NEVER, Clock
from antiphon.errors import AntiphonError, Exhausted, Kind, UpstreamRefused
from antiphon.limits.path import Demand, Gate, Path
from antiphon.limits.taken import Taken
from antiphon.limits.waiting import Place, State, Waiter
from antiphon.pipeline.deciding import LIMIT
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.limited import ONE
from antiphon.pipeline.limiting import Limiting, opens_in, retries, waker
from antiphon.providers.deployment import Deployment
from antiphon.providers.keys import Key

_MICRO = 1_000_000
_LONGEST_SHOWN = 100
_ANY_KEY: Sequence[tuple[Key | None, str]] = ((None, ""),)
"""What is tried where no limit is on keys."""
_UNSENT = ("connect", "no_live_key", "pool_")
"""How the codes of errors begin that come before anything is sent."""


class _Blocked(NamedTuple):
    """A deployment, and a key of it, at a limit."""

    deployment: Deployment
    key: Key | None
    path: Path
    demand: Demand
    gate: Gate


class Turns(msgspec.Struct, eq=False):
    """The limits that one exchange meets at those who may answer it.

    Attributes:
        key: With which the attempt under way is to be made; None leaves it to the ring.
    """

    _limiting: Limiting
    _exchange: Exchange
    _clock: Clock
    _blocked: list[_Blocked] = []
    _stood: list[_Blocked] = []
    _taken: Taken | None = None
    _number: int = 0
    _began: int = 0
    _waiter: Waiter | None = None
    _woken: asyncio.Future[None] | None = None
    key: Key | None = None

    @property
    def waits(self) -> bool:
        """Whether it stands in line."""
        return self._waiter is not None

    def takes(self, deployment: Deployment) -> bool:
        """Take what an attempt takes; False where the deployment is to be passed over."""
        limiting, exchange = self._limiting, self._exchange
        limits = limiting.limits
        now = limits.now()
        self.settle()
        self._number = len(exchange.attempts)
        full: Gate | None = None
        for key, name in self._keys(deployment) if limits.book.keyed else _ANY_KEY:
            path = limits.place(deployment.provider, deployment.name, name, limiting.holders)
            demand = self._demand(deployment, path) if path.estimates else ONE
            if path.shadows:
                limiting.note_shadows(exchange, path, demand, now)
            made = limits.take(path, demand, now)
            if isinstance(made, Taken):
                self._taken, self.key = made, key
                return True
            full = full or made
            self._blocked.append(_Blocked(deployment, key, path, demand, made))
        if full is not None:
            limiting.passed_over(full.limit)
        exchange.passed_over[deployment] = LIMIT
        return False

    def settle(self) -> None:
        """The attempt has ended, or was never made: correct what it took by what the ledger has."""
        taken = self._taken
        if taken is None:
            return
        self._taken = self.key = None
        attempts, limits = self._exchange.attempts, self._limiting.limits
        tokens = dollars = 0
        asked = False
        if len(attempts) > self._number:
            attempt = attempts[-1]
            error = attempt.error
            asked = attempt.accepted or attempt.first_byte_at > 0
            if error is not None and not asked:
                asked = not error.code.startswith(_UNSENT)
            if attempt.closed and attempt.usage is not None:
                tokens, dollars = attempt.usage.total, attempt.cost
        limits.settle(taken, tokens, dollars, limits.now(), counts=asked)

    def close(self) -> None:
        """Nobody waits for the exchange any more."""
        if self._waiter is not None:
            self._limiting.part(self._waiter)
            self._waiter = None
        self.settle()

    def later(self) -> list[tuple[float, Deployment]]:
        """Those that were passed over, each with the seconds after which it may have room."""
        now = self._limiting.limits.now()
        found = {
            each.deployment: opens
            for each in self._blocked
            if (opens := opens_in(each.path, each.demand, now)) is not None
        }
        self._blocked = []
        return [(opens, deployment) for deployment, opens in found.items()]

    def lines_up(self) -> bool:
        """Stand in line for those that were passed over; False where none lets anybody wait."""
        limiting = self._limiting
        limits = limiting.limits
        stood = {
            each.gate.meter: each
            for each in self._blocked
            if each.gate.limit.queue is not None and each.gate.bound
        }
        if not stood:
            return False
        exchange, now = self._exchange, limits.now()
        self._stood = list(stood.values())
        self._began = self._began or now
        self._woken = asyncio.get_running_loop().create_future()
        left = max(exchange.deadline - self._clock.monotonic(), 0.0)
        self._waiter = Waiter(
            [Place(each.path, each.demand, each.gate) for each in self._stood],
            arrived=self._began,
            priority=0 if exchange.limited is None else exchange.limited.priority,
            until=now + int(left * _MICRO),
            wake=waker(self._woken),
        )
        limits.queue.join(self._waiter, now)
        return True

    async def next(self, patience: float) -> Deployment | None:
        """The deployment that it waited for; None if that takes longer than so many seconds.

        Raises:
            Exhausted: It has waited long enough.
        """
        while True:
            waiter, woken = self._waiter, self._woken
            assert waiter is not None
            assert woken is not None
            if waiter.state is State.WAITING:
                # `wait` leaves the future as it is, where the time is over or the caller gone.
                await asyncio.wait((woken,), timeout=None if patience == NEVER else patience)
                if waiter.state is State.WAITING:
                    return None
            self._waiter = None
            now = self._limiting.limits.now()
            self._limiting.waited(waiter.priority, waiter.state, now - self._began)
            if waiter.taken is not None:
                got = self._stood[waiter.at]
                self._taken, self.key = waiter.taken, got.key
                self._number = len(self._exchange.attempts)
                self._blocked = []
                return got.deployment
            if waiter.state is not State.AGAIN:
                raise self.exhausted(None)
            stood, self._blocked = self._stood, []
            for each in stood:
                if self.takes(each.deployment):
                    self._blocked = []
                    return each.deployment
            if not self.lines_up():
                raise self.exhausted(None)

    def exhausted(self, failed: AntiphonError | None) -> AntiphonError:
        """What the caller is told where all that are left are at their limits.

        Args:
            failed: What it is told of those that were asked and failed.
        """
        limiting, blocked = self._limiting, self._blocked
        if failed is not None and not blocked:
            return failed
        now = limiting.limits.now()
        waits = [opens_in(each.path, each.demand, now) for each in blocked]
        opens = min((each for each in waits if each is not None), default=None)
        if failed is not None and self._exchange.attempts:
            if failed.error_kind is Kind.RATE_LIMITED and opens is not None:
                failed.retry_after = min(opens, failed.retry_after or opens)
            return failed
        for each in blocked[:1]:
            limiting.refused(each.gate.limit)
        model = self._exchange.payload.model[:_LONGEST_SHOWN]
        return Exhausted(
            f"All deployments of {model!r} are at their limits.",
            kind=Kind.RATE_LIMITED,
            attempts=(),
            retry_after=opens,
            should_retry=retries(opens),
        )

    def _demand(self, deployment: Deployment, path: Path) -> Demand:
        plan = self._exchange.plan
        assert plan is not None
        made = self._limiting.estimate(self._exchange, plan)
        return made.demand(deployment, priced=path.priced)

    def _keys(self, deployment: Deployment) -> Iterator[tuple[Key | None, str]]:
        """The keys to try, each with the name of its count; where none is live, that comes out."""
        seen: set[Key] = set()
        now = self._clock.monotonic()
        for _ in range(max(len(deployment.keys.live), 1)):
            try:
                key = deployment.take_key(now)
            except UpstreamRefused:
                # The attempt will say so.
                yield None, ""
                return
            if key not in seen:
                seen.add(key)
                yield key, key.fingerprint if key.secret.reveal() else deployment.provider
