"""What it costs to know who is calling, beside the keys of the configuration."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from hashlib import sha256

from antiphon.access.keytext import new_key
from antiphon.access.lookup import Found
from antiphon.access.managed import ManagedKeys
from antiphon.access.proxy import Identity, TrustedProxy, sign
from antiphon.clock import SystemClock
from antiphon.model.principal import Principal
from antiphon.secret import Secret

Timed = Callable[[], object]


def access_cases() -> dict[str, Callable[[], Timed]]:
    """The cases, by name."""
    return {
        "access.find_managed": find_managed,
        "access.refuse_garbage": refuse_garbage,
        "access.proxied": proxied,
    }


def find_managed() -> Timed:
    """`access.managed`: a virtual key's principal, from memory."""
    keys, key = ManagedKeys(clock=SystemClock()), new_key().reveal().encode()
    principal = Principal(key_id="key_0123456789abcdef", organisation="org_default")
    keys.learn(Found(sha256(key).digest(), principal, float("inf"), 0))
    return lambda: keys.find(key)


def refuse_garbage() -> Timed:
    """`access.managed`: what only looks like a virtual key."""
    keys, key = ManagedKeys(clock=SystemClock()), new_key().reveal().encode()[:-1] + b"x"
    return lambda: keys.find(key)


def proxied() -> Timed:
    """`access.proxy`: the header in which a trusted proxy says who the user is."""
    clock, secret = LeapingClock(), Secret("0123456789abcdef" * 2)
    proxy = TrustedProxy([secret], clock=clock)
    identities = [Identity("anna", int(clock.now()), f"{number:016}") for number in range(64)]
    headers = itertools.cycle([sign(each, secret) for each in identities])
    return lambda: proxy.identify(next(headers))


class LeapingClock:
    """Nonces are forgotten between two calls, so that a few headers do for all of them."""

    def __init__(self) -> None:
        self._time = 0.0

    def monotonic(self) -> float:
        self._time += 1000.0
        return self._time

    def now(self) -> float:
        return 1_790_000_000.0
