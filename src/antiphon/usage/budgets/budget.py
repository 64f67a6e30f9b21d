"""A budget, compiled: how much of whose money may be spent, and in which time."""

from __future__ import annotations

import enum
from datetime import UTC, tzinfo

import msgspec

from antiphon.model.principal import HOME, Principal
from antiphon.usage.budgets.periods import Per

EVERY = "*"
"""In place of an organisation: each of them."""


class Scope(enum.StrEnum):
    """Whose money it is, from the root of the tree to its leaves."""

    ORGANISATION = "organisation"
    DEPARTMENT = "department"
    TEAM = "team"
    USER = "user"
    KEY = "key"


class Budget(msgspec.Struct, frozen=True):
    """One limit.

    Attributes:
        scope: Whose money it is.
        name: Of the team, the user, the key; empty where each has as much of its own.
        organisation: The id of the tenant whose it is; `*` for each tenant as much of its own.
        limit: Billionths of a dollar.
        per: How long a period is.
        zone: Whose midnights count.
        is_soft: What is likely is reserved, not the most that is possible: it may be exceeded by
            what that was wrong about.
        caps: Where it is short, answers are made shorter; else the request is refused.
        steps: Shares, per mille, at which somebody is warned; ascending.
        ask: Whom to ask for more.
        kept: It is one of the database: beside one of the configuration, both hold.
    """

    scope: Scope
    name: str
    limit: int
    per: Per = "month"
    zone: tzinfo = UTC
    is_soft: bool = False
    caps: bool = False
    steps: tuple[int, ...] = ()
    ask: str = ""
    organisation: str = HOME
    kept: bool = False

    @property
    def identity(self) -> tuple[str, Scope, str, Per]:
        """What two budgets may not have in common."""
        return self.organisation, self.scope, self.name, self.per


def named(scope: Scope, principal: Principal) -> tuple[str, str]:
    """What a principal goes by in a scope: in the configuration, and in the books.

    The books know people by their subject ids, so that a person can be forgotten. Both are empty
    where the principal has no such name: then no budget of the scope is its own.
    """
    match scope:
        case Scope.ORGANISATION:
            return principal.tenant, principal.tenant
        case Scope.DEPARTMENT:
            return principal.department, principal.department
        case Scope.TEAM:
            return principal.team, principal.team
        case Scope.USER:
            return principal.user, principal.subject or principal.user
        case Scope.KEY:
            return principal.key_id, principal.key_id


def pot_name(scope: Scope, principal: Principal) -> str:
    """What the pots of a principal are called in a scope: walled by organisation, empty for none.

    Ids of organisations hold no slash, so no name of one tenant can be read as another's.
    """
    _, name = named(scope, principal)
    if scope is Scope.ORGANISATION or not name:
        return name
    return f"{principal.tenant}/{name}"
