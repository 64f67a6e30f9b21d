"""Whose rows may be seen: an argument of every query, so that none can leave it out."""

from __future__ import annotations

from typing import NamedTuple

from antiphon.model.principal import Principal


class Scope(NamedTuple):
    """What a query may see.

    Attributes:
        key_id: Only what this key used; None is the admin, who sees all.
    """

    key_id: str | None


EVERYTHING = Scope(None)
"""What the admin sees."""


def scope_of(principal: Principal) -> Scope:
    """What a caller may see: with the scope `admin` all, else what its own key used."""
    return EVERYTHING if "admin" in principal.scopes else Scope(principal.key_id)
