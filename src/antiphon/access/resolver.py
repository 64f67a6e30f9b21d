"""Principals from memory, or from the database beside the loop.

Made-up keys that pass the checksum cost a look-up each; `Beside` bounds how many.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256

from antiphon.access.beside import MOST_WAITING, Beside
from antiphon.access.lookup import look_up
from antiphon.access.managed import LOOK_UP, ManagedKeys
from antiphon.model.principal import Principal
from antiphon.storage.database import Readable


class Resolver:
    """Finds principals.

    Args:
        keys: What is remembered.
        database: With the tables of access.
        most_waiting: Keys that are looked up or wait for it.
    """

    def __init__(
        self, keys: ManagedKeys, database: Readable, *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._keys = keys
        ask = partial(look_up, database)
        self._beside = Beside(ask, keys.learn, name="keys", most_waiting=most_waiting)

    async def principal(self, credential: bytes) -> Principal | None:
        """Whose key this is, or None; to be asked where `find` says `LOOK_UP`.

        Raises:
            Overloaded: Too many unknown keys are being looked up.
            StorageFailed: The database did not do what it was asked.
        """
        known = self._keys.find(credential)
        if known is not LOOK_UP:
            return known
        return self._keys.learn(await self._beside.answer(sha256(credential).digest()))

    def close(self) -> None:
        """Let the threads end."""
        self._beside.close()
