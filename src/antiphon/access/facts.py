"""What is told of tenants, people and keys."""

from __future__ import annotations

import msgspec

from antiphon.secret import Secret


class OrganisationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant. Times are microseconds since 1970."""

    id: str
    name: str
    created_at: int
    removed_at: int | None


class DepartmentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One department."""

    id: str
    name: str
    created_at: int
    removed_at: int | None


class TeamFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One team.

    Attributes:
        department: The id of its department, or empty.
    """

    id: str
    name: str
    department: str
    created_at: int
    removed_at: int | None


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One person or application.

    Attributes:
        id: Also the subject id in the ledger.
        team: The id of their team, or empty.
        role: The most that a key of theirs may do.
    """

    id: str
    name: str
    team: str
    role: str
    created_at: int
    removed_at: int | None


class SecretFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a key.

    Attributes:
        shown: Its version and last letters.
        ends_at: When a rotation ends it, or None.
    """

    shown: str
    created_at: int
    ends_at: int | None


class KeyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One virtual key; never its text.

    Attributes:
        id: Stays the same when the key is rotated; the ledger knows it by this.
        team: The id of its team, or empty.
        user: The id of who holds it, or empty.
        role: What it may do, if its user's role allows as much.
        models: The names that it may ask for, sorted; empty means all.
        secrets: Its texts that still open, the newest first.
        state: `active`, `expired` or `revoked`.
    """

    id: str
    name: str
    team: str
    user: str
    role: str
    models: tuple[str, ...]
    secrets: tuple[SecretFacts, ...]
    state: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made or rotated.

    Attributes:
        facts: Of it.
        secret: Its text, to be shown this once.
    """

    facts: KeyFacts
    secret: Secret


class SwitchFacts(msgspec.Struct, frozen=True):
    """Which deployment somebody has put first under a name of the configuration.

    Attributes:
        alias: The name of the route.
        deployment: As `provider/model`; the configuration may have it no longer.
        switched_at: Microseconds since 1970.
    """

    alias: str
    deployment: str
    switched_at: int


class AllowanceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One budget or limit that an administrator keeps. Times are microseconds since 1970.

    Attributes:
        organisation: The id of the tenant.
        kind: `budget` or `limit`.
        scope: Whose it is: `team`, `key` and so on.
        target: The id of the team, the key; or a word of the configuration; empty for each.
        name: What the target is called; of keys, their id.
        facets: What it bounds, such as `month`, with spaces between: no two of one target bound
            the same.
        terms: The rest of what was said, as JSON.
    """

    id: str
    organisation: str
    kind: str
    scope: str
    target: str
    name: str
    facets: str
    terms: str
    created_at: int
    changed_at: int
    removed_at: int | None
