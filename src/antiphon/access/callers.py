"""Who is calling: a key of the configuration, one of the database, or a person behind a proxy.

Hot path: `known` is one or two digests and dict look-ups; `principal`, which may wait for the
database, is for keys that are not known yet and for people behind a proxy. Belongs to the thread
of the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from antiphon.access.endusers import EndUsers
from antiphon.access.keys import StaticKeys
from antiphon.access.managed import LOOK_UP, Changes, ManagedKeys, Unsaid
from antiphon.access.proxy import TrustedProxy
from antiphon.access.resolver import Resolver
from antiphon.clock import Clock
from antiphon.errors import Unauthenticated
from antiphon.model.principal import ANONYMOUS, Principal
from antiphon.storage.database import Database


class Proxy(NamedTuple):
    """One who may say for whom it asks.

    Attributes:
        header: What reads its header.
        keys: The ids of the keys that it has; none for any.
    """

    header: TrustedProxy
    keys: frozenset[str]


class Claim(Protocol):
    """What a request says of its caller."""

    credential: bytes | None
    """The key as it was sent."""
    person: bytes | None
    """The header of a proxy that says for whom it asks."""


class Callers:
    """Finds out who is calling.

    Args:
        required: Whether a caller without a key is refused.
        proxies: Those who may say for whom they ask.
        clock: For the ends of keys.
    """

    def __init__(self, *, required: bool, proxies: Sequence[Proxy] = (), clock: Clock) -> None:
        self._required = required
        self._proxies = tuple(proxies)
        self._clock = clock
        self._managed = ManagedKeys(clock=clock)
        self._resolver: Resolver | None = None
        self._users: EndUsers | None = None

    def adopt(self, *, required: bool, proxies: Sequence[Proxy]) -> None:
        """Go by another configuration from now on; what is known of keys and people stays."""
        for each in proxies:
            for former in self._proxies:
                each.header.remember(former.header)
        self._required = required
        self._proxies = tuple(proxies)

    def open(self, database: Database) -> None:
        """Ask this database for what is not known, from now on."""
        self._resolver = Resolver(self._managed, database)
        self._users = EndUsers(database, clock=self._clock)

    def close(self) -> None:
        """Ask no more."""
        resolver, self._resolver = self._resolver, None
        users, self._users = self._users, None
        if resolver is not None:
            resolver.close()
        if users is not None:
            users.close()

    def apply(self, changes: Changes) -> None:
        """Forget what is not true any more."""
        self._managed.apply(changes)
        if self._users is not None:
            self._users.apply(changes)

    def known(
        self, keys: StaticKeys, credential: bytes | None, person: bytes | None = None
    ) -> Principal | Unsaid:
        """Who is calling, where that can be told without waiting; else `LOOK_UP`.

        Args:
            keys: Those of the configuration in force.
            credential: The key as it was sent, or None.
            person: The header of a proxy that says for whom it asks, or None.

        Raises:
            Unauthenticated: A key is required, and there is none that is known.
        """
        if credential is None:
            return self._stranger("An API key is required.")
        if person is not None and self._proxies:
            return LOOK_UP
        return self._of_key(keys, credential)

    async def principal(
        self, keys: StaticKeys, credential: bytes | None, person: bytes | None = None
    ) -> Principal:
        """Who is calling; asks the database where that is not known.

        Raises:
            Unauthenticated: A key is required, and there is none that is known; or the proxy's
                header is not signed as it should be.
            Forbidden: The person was removed, or is not of the key's team.
            InvalidRequest: The person's name can be no name.
            Overloaded: Too many are being looked up.
            StorageFailed: The database did not do what it was asked.
        """
        found = self.known(keys, credential)
        if found is LOOK_UP:
            assert credential is not None
            found = await self._looked_up(credential)
        if person is None or not self._proxies or credential is None:
            return found
        users = self._users
        name = self._name(found, person)
        if users is None:
            raise Unauthenticated("Nobody can be looked up: the gateway was not started.")
        known = users.find(found, name)
        return known if known is not LOOK_UP else await users.principal(found, name)

    def _of_key(self, keys: StaticKeys, credential: bytes) -> Principal | Unsaid:
        found = self._managed.find(credential)
        if found is LOOK_UP and self._resolver is not None:
            return found
        principal = found if isinstance(found, Principal) else keys.find(credential)
        return principal or self._stranger()

    async def _looked_up(self, credential: bytes) -> Principal:
        resolver = self._resolver
        principal = None if resolver is None else await resolver.principal(credential)
        return principal or self._stranger()

    def _stranger(self, why: str = "The API key is not known here.") -> Principal:
        """Who comes without a key that is known.

        Raises:
            Unauthenticated: Nobody may.
        """
        if self._required:
            raise Unauthenticated(why)
        return ANONYMOUS

    def _name(self, proxy: Principal, person: bytes) -> str:
        """The person's name, by the first proxy of that key whose secret has signed it.

        Raises:
            Unauthenticated: None has.
        """
        refusal = Unauthenticated("This key may not say for whom it asks.")
        for each in self._proxies:
            if each.keys and proxy.key_id not in each.keys:
                continue
            try:
                return each.header.identify(person)
            except Unauthenticated as error:
                refusal = error
        raise refusal
