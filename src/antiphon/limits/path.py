"""The limits that one request meets, found once for each caller and name.

Hot path: a `Path` is made once; a request walks its gates.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from antiphon.limits.limit import (
    CALLERS,
    Limit,
    Measure,
    Scope,
    name_of,
)
from antiphon.limits.meter import Meter, MeterKey
from antiphon.limits.meters import TOGETHER, Meters
from antiphon.model.principal import HOME, Principal

_ALL = "\0all"
"""The name of a count that all of a scope share; no name holds that character."""
MOST_TOKENS, MOST_DOLLARS = 4, 5
"""Places of the bounds among a demand's amounts, behind those of the measures."""


class Demand(NamedTuple):
    """What a request takes; a meter's `amount` is a place in it.

    Attributes:
        requests: One.
        tokens: That it is likely to take.
        dollars: Billionths that it is likely to cost.
        concurrency: One.
        most_tokens: That it can take.
        most_dollars: Billionths that it can cost.
    """

    requests: int
    tokens: int
    dollars: int
    concurrency: int
    most_tokens: int
    most_dollars: int


class Gate:
    """One limit at one meter."""

    __slots__ = ("amount", "bound", "limit", "meter", "queues", "shadow")

    def __init__(self, limit: Limit, meter: Meter) -> None:
        self.limit = limit
        self.meter = meter
        self.bound = limit.bound
        self.amount = meter.amount
        self.shadow = limit.shadow
        self.queues = limit.queue is not None

    def is_full(self, demand: Demand, now: int) -> bool:
        """Whether there is no room for a demand; one that is over the bound needs all of it."""
        total, need = self.meter.see(now), demand[self.amount]
        return total + need > self.bound and (total > 0 or self.bound == 0)


class Path:
    """The gates of whoever takes.

    Attributes:
        gates: All of them.
        meters: Where they are counted, each once.
        prompt: Limits of the tokens of one prompt.
        body: Limits of the bytes of one body.
        shadows: Whether any of them refuses nobody.
        estimates: Whether somebody must estimate tokens for it.
        priced: Whether somebody must estimate what they cost.
        requests: Those of requests that refuse.
        tokens: Those of tokens that refuse.
        usual: Priority of a request that says nothing: -1, 0 or 1.
        most: The highest that it may say.
        version: Of the meters when it was made: with another one, it is to be made anew.
        owner: Whose it is.
    """

    __slots__ = (
        *("body", "estimates", "gates", "meters", "most", "owner", "priced", "prompt"),
        *("requests", "shadows", "tokens", "usual", "version"),
    )

    def __init__(self, limits: Sequence[tuple[Limit, Meter | None]], *, version: int) -> None:
        self.gates = tuple(Gate(limit, meter) for limit, meter in limits if meter is not None)
        self.meters = tuple(dict.fromkeys(gate.meter for gate in self.gates))
        self.prompt = tuple(each for each, _ in limits if each.measure is Measure.PROMPT)
        self.body = tuple(each for each, _ in limits if each.measure is Measure.BODY)
        self.shadows = any(gate.shadow for gate in self.gates)
        estimated = {Measure.TOKENS, Measure.DOLLARS}
        self.estimates = bool(self.prompt) or any(
            gate.limit.measure in estimated for gate in self.gates
        )
        self.priced = any(gate.limit.measure is Measure.DOLLARS for gate in self.gates)
        held = [gate for gate in self.gates if not gate.shadow]
        self.requests, self.tokens = (
            tuple(gate for gate in held if gate.limit.measure is measure)
            for measure in (Measure.REQUESTS, Measure.TOKENS)
        )
        # Whoever is counted with others is looked up again: there may be room by then.
        together = any(each.key[2] == TOGETHER for each in self.meters)
        self.version = -1 if together else version
        self.usual = 0
        self.most = 0
        self.owner: Principal | None = None


class Book:
    """The limits in force, by whose they are."""

    __slots__ = ("_by", "attempted", "keyed", "limits", "walked")

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limits = tuple(limits)
        self._by: dict[tuple[Scope, str, str], list[Limit]] = {}
        for limit in self.limits:
            organisation = limit.organisation
            if limit.name and limit.scope in CALLERS and limit.scope is not Scope.ORGANISATION:
                organisation = organisation or HOME
            self._by.setdefault((limit.scope, organisation, limit.name), []).append(limit)
        scopes = {limit.scope for limit in self.limits}
        self.keyed = Scope.PROVIDER_KEY in scopes
        self.attempted = bool(scopes & {Scope.DEPLOYMENT, Scope.PROVIDER, Scope.PROVIDER_KEY})
        self.walked = bool(scopes - {Scope.DEPLOYMENT, Scope.PROVIDER, Scope.PROVIDER_KEY})

    def of_caller(
        self, principal: Principal, alias: str, meters: Meters, now: int
    ) -> list[tuple[Limit, Meter | None]]:
        """What a caller meets who asks for a name."""
        found: list[tuple[Limit, Meter | None]] = []
        tenant = principal.tenant
        for scope in CALLERS:
            whose = "" if scope is Scope.ORGANISATION else tenant
            name = name_of(scope, principal)
            found += self._metered(scope, whose, name, meters, now)
        return found + self._metered(Scope.ALIAS, "", alias, meters, now)

    def of_deployment(
        self, provider: str, name: str, key: str, holders: Container[str], meters: Meters, now: int
    ) -> list[tuple[Limit, Meter | None]]:
        """What an attempt meets.

        Args:
            provider: Who is asked.
            name: Of the deployment.
            key: The fingerprint of the key; empty where no limit is on keys.
            holders: Which providers use the same key.
            meters: Where to count.
            now: Microseconds.
        """
        found = self._metered(Scope.DEPLOYMENT, "", name, meters, now)
        found += self._metered(Scope.PROVIDER, "", provider, meters, now)
        if key:
            held = self._metered(Scope.PROVIDER_KEY, "", key, meters, now)
            found += [each for each in held if not each[0].provider or each[0].provider in holders]
        return found

    def _metered(
        self, scope: Scope, tenant: str, name: str, meters: Meters, now: int
    ) -> list[tuple[Limit, Meter | None]]:
        if not name:
            return []
        return [
            (limit, meters.of(key_of(limit, tenant, name), now) if counts(limit) else None)
            for limit in self._applying(scope, tenant, name)
        ]

    def _applying(self, scope: Scope, tenant: str, name: str) -> list[Limit]:
        """The limits of one of a scope: a limit by name takes the place of those of each."""
        shared = list(self._by.get((scope, "", ""), ()))
        if tenant:
            shared += self._by.get((scope, tenant, ""), ())
        own = self._by.get((scope, tenant, name), [])
        replaced = {(limit.layer, limit.measure) for limit in own if not limit.shadow}
        return own + [
            limit
            for limit in shared
            if limit.total or limit.shadow or (limit.layer, limit.measure) not in replaced
        ]


def counts(limit: Limit) -> bool:
    """Whether anything is counted of it; else single requests are looked at."""
    return limit.measure <= Measure.CONCURRENCY


def key_of(limit: Limit, tenant: str, name: str) -> MeterKey:
    """Where a limit is counted for one of a scope."""
    amount = int(limit.measure)
    if limit.most and limit.measure is Measure.TOKENS:
        amount = MOST_TOKENS
    elif limit.most and limit.measure is Measure.DOLLARS:
        amount = MOST_DOLLARS
    return limit.scope.value, tenant, _ALL if limit.total else name, amount, limit.seconds
