"""Who is calling."""

from __future__ import annotations

import msgspec


class Principal(msgspec.Struct, frozen=True):
    """The owner of a key, or nobody in particular on loopback without authentication.

    Attributes:
        key_id: A name for the key that is safe to log; never the key.
        team: Whom it is charged to.
        department: A label of the team's organisation.
        user: The user or application that holds the key.
        subject: The id under which the ledger knows the user; without one, empty.
        scopes: `inference`, `admin`.
        models: Names that it may use; empty means all.
    """

    key_id: str
    team: str = ""
    department: str = ""
    user: str = ""
    subject: str = ""
    scopes: frozenset[str] = frozenset({"inference"})
    models: frozenset[str] = frozenset()

    def may_use(self, model: str) -> bool:
        """Whether this name may be asked for."""
        return not self.models or model in self.models


ANONYMOUS = Principal(key_id="anonymous")
