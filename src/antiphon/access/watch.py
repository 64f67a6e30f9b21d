"""Sees what other processes changed, several times a second.

A service on a thread of its own. Who makes a change need not tell anybody: all processes on the
same database, its own included, see it within a fifth of a second. While the database is away,
keys that are known go on opening, and `trouble` says why; unknown ones cannot be looked up.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, func, select
from typing_extensions import override

from antiphon.access.looking import EVERY, Looking
from antiphon.access.lookup import newest_change
from antiphon.access.managed import Changes
from antiphon.access.tables import key_changes
from antiphon.storage.database import Readable

_MOST = 2000
"""Changes that are told one by one; of more, everything is forgotten."""


class Watch(Looking):
    """Looks for changes.

    Args:
        database: With the tables of access.
        tell: Takes what changed, on the thread of this service: hand it to the loop.
        every: Seconds between two looks.
    """

    name = "keys"
    _what = "keys"

    def __init__(
        self, database: Readable, tell: Callable[[Changes], object], *, every: float = EVERY
    ) -> None:
        super().__init__(every=every)
        self._database = database
        self._tell = tell
        self._told: int | None = None

    @override
    def look(self) -> None:
        """Look once.

        Raises:
            StorageFailed: The database did not do what it was asked; the next look makes up for it.
        """
        with self._database.reading() as connection:
            newest = newest_change(connection)
            if newest == self._told:
                self.trouble = ""
                return
            changes = Changes(newest, self._digests(connection, newest))
        self.trouble = ""
        self._tell(changes)
        self._told = newest

    def _digests(self, connection: Connection, newest: int) -> list[bytes] | None:
        """What was changed since the last look; None where that is not known, or too much."""
        told = self._told
        # A database that goes back is another one, or a copy from before.
        if told is None or newest < told or newest - told > _MOST:
            return None
        query = select(key_changes.c.digest).where(key_changes.c.number > told)
        digests = [digest for (digest,) in connection.execute(query)]
        oldest = connection.execute(select(func.min(key_changes.c.number))).scalar()
        return digests if oldest is not None and oldest <= told + 1 else None
