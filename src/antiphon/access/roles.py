"""What a role may do.

None of these scopes is `admin`: that one opens every tenant, and belongs to the admin key of the
gateway. The administrator of an organisation has `manage`, within its walls.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from antiphon.errors import InvalidRequest


class Role(enum.StrEnum):
    """The word for what a key or a user may do."""

    READ_ONLY = "read-only"
    MEMBER = "member"
    OPERATOR = "operator"
    ADMIN = "admin"


class Scope(enum.StrEnum):
    """One thing that may be done."""

    INFERENCE = "inference"
    """Ask models."""
    READ = "read"
    """See all of the tenant, not only what is one's own."""
    OPERATE = "operate"
    """Make, rotate and revoke keys that may do no more than oneself."""
    MANAGE = "manage"
    """Departments, teams and users as well."""
    ADMIN = "admin"
    """The whole gateway, every tenant."""


SCOPES: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.READ_ONLY: frozenset({Scope.READ.value}),
        Role.MEMBER: frozenset({Scope.INFERENCE.value}),
        Role.OPERATOR: frozenset(
            {Scope.INFERENCE.value, Scope.READ.value, Scope.OPERATE.value},
        ),
        Role.ADMIN: frozenset(
            {Scope.INFERENCE.value, Scope.READ.value, Scope.OPERATE.value, Scope.MANAGE.value}
        ),
    }
)


def scopes_of(role: str, holder: str | None = None) -> frozenset[str]:
    """What a key may do: what its role says, and no more than the role of who holds it."""
    scopes = SCOPES[Role(role)]
    return scopes if holder is None else scopes & SCOPES[Role(holder)]


def role_of(word: str) -> Role:
    """The role of that name.

    Raises:
        InvalidRequest: There is none.
    """
    try:
        return Role(word)
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise InvalidRequest(f"role must be one of {known}.", param="role") from None
