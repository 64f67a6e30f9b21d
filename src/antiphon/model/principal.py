"""Who is calling."""

from __future__ import annotations

from typing import Final

import msgspec

HOME: Final = "org_default"
"""The id of the organisation of whoever belongs to no other."""


class Principal(msgspec.Struct, frozen=True):
    """The owner of a key, or nobody in particular on loopback without authentication.

    Attributes:
        key_id: A name for the key that is safe to log; never the key.
        team: Whom it is charged to.
        department: A label of the team's organisation.
        user: The user or application that holds the key.
        subject: The id under which the ledger knows the user; without one, empty.
        scopes: `inference`, `admin`; of a managed key also `read`, `operate`, `manage`.
        models: Names that it may use; empty means all.
        organisation: The id of the tenant; empty where the key is the whole gateway's, or there
            is none.
        team_id: The id of the team, where it is a managed one.
        role: Of a managed key, the word that its scopes come from.
        proxied: Whether a proxy says who the user is: the key is then not the user's own.
    """

    key_id: str
    team: str = ""
    department: str = ""
    user: str = ""
    subject: str = ""
    scopes: frozenset[str] = frozenset({"inference"})
    models: frozenset[str] = frozenset()
    organisation: str = ""
    team_id: str = ""
    role: str = ""
    proxied: bool = False

    @property
    def tenant(self) -> str:
        """The id of the organisation whose walls hold; the home organisation where none is said."""
        return self.organisation or HOME

    @property
    def is_root(self) -> bool:
        """Whether it may do everything in the whole gateway; a key of a tenant never may."""
        return is_root(self.scopes, self.organisation)

    def may_use(self, model: str) -> bool:
        """Whether this name may be asked for."""
        return not self.models or model in self.models


def is_root(scopes: frozenset[str], organisation: str) -> bool:
    """Whether these scopes, of a key of this organisation, open the whole gateway."""
    return "admin" in scopes and not organisation


ANONYMOUS = Principal(key_id="anonymous")
