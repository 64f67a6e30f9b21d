"""Who shares stored answers with whom.

A wall is a text that stands in every key, so an answer of one tenant cannot be found by another:
there is no query that could forget its filter.

Hot path: one text, once a request.
"""

from __future__ import annotations

import enum

import msgspec

from antiphon.model.principal import Principal


class Scope(enum.StrEnum):
    """How wide an answer is shared, narrow to wide but for `KEY`, which only a key shares."""

    KEY = "key"
    USER = "user"
    TEAM = "team"
    ORGANISATION = "organisation"
    GLOBAL = "global"

    @property
    def shared(self) -> bool:
        """Whether several people may meet in it."""
        return self in _SHARED


_SHARED = frozenset({Scope.TEAM, Scope.ORGANISATION, Scope.GLOBAL})

_OF_TEAMS = (Scope.TEAM, Scope.ORGANISATION)


class Tenant(msgspec.Struct, frozen=True, gc=False):
    """Who is asking, as far as walls are concerned; an empty id is one that is not known.

    Attributes:
        key_id: Never empty: `anonymous` stands for the callers of a gateway without keys.
        user: The person or application; an end user, where the key speaks for several.
    """

    key_id: str
    user: str = ""
    team: str = ""
    organisation: str = ""

    @classmethod
    def of(cls, principal: Principal, *, organisation: str = "") -> Tenant:
        """The tenant that a principal belongs to.

        Its subject stands for the user where there is one: it is the person behind the key.
        """
        user = principal.subject or principal.user
        return cls(principal.key_id, user, principal.team, organisation)


def wall(tenant: Tenant, scope: Scope) -> str:
    """The wall around the answers of a tenant.

    Ids are qualified by those above them, since two teams may each have an `app`. Where the id of
    the scope is not known, the next narrower wall stands: sharing never grows by a gap.
    """
    if scope is Scope.GLOBAL:
        return "global"
    above, team, user = tenant.organisation, tenant.team, tenant.user
    # Each id stands behind its length, so that no two lists of ids look alike.
    if scope is Scope.ORGANISATION and above:
        return f"organisation {len(above)}:{above}"
    if scope in _OF_TEAMS and team:
        return f"team {len(above)}:{above}{len(team)}:{team}"
    if scope is not Scope.KEY and user:
        return f"user {len(above)}:{above}{len(team)}:{team}{len(user)}:{user}"
    return f"key {tenant.key_id}"
