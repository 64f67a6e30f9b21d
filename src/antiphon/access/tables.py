"""The tables of access.

Every row of a tenant names its organisation, and what refers to another row does so by both, so
the database itself refuses a key in another tenant's team. Rows are never deleted: what is removed
has a time in `removed_at` or `revoked_at`. `entry` is the number of the audit entry that changed a
row last. Times are microseconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

SCHEMA = MetaData()
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A key that the database counts up itself."""


def _entry() -> Column[int]:
    return Column("entry", BigInteger, nullable=False)


def _named(name: str, *more: Column[str] | ForeignKeyConstraint) -> Table:
    """A table of things with a name that is unique within their organisation while they last."""
    table = Table(
        name,
        SCHEMA,
        Column("id", String, primary_key=True),
        Column("organisation", String, ForeignKey("organisations.id"), nullable=False),
        Column("name", String, nullable=False),
        Column("folded", String, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("removed_at", BigInteger),
        _entry(),
        *more,
        UniqueConstraint("organisation", "id", name=f"uq_{name}_tenant"),
    )
    lasting = table.c.removed_at.is_(None)
    Index(
        f"uq_{name}_name",
        table.c.organisation,
        table.c.folded,
        unique=True,
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
    Index(f"ix_{name}_made", table.c.organisation, table.c.created_at, table.c.id)
    return table


def _within(column: str, table: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organisation", column], [f"{table}.organisation", f"{table}.id"], name=name
    )


organisations = Table(
    "organisations",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("folded", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    _entry(),
)
"""The tenants."""

departments = _named("departments")

teams = _named(
    "teams",
    Column("department", String),
    _within("department", "departments", "fk_teams_department"),
)

users = _named(
    "users",
    Column("team", String),
    Column("role", String, nullable=False),
    _within("team", "teams", "fk_users_team"),
)
"""People and applications. The id is the subject id under which the ledger knows them; to erase a
person is to replace the name."""

virtual_keys = Table(
    "virtual_keys",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("organisation", String, ForeignKey("organisations.id"), nullable=False),
    Column("team", String),
    Column("user", String),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("models", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    _entry(),
    UniqueConstraint("organisation", "id", name="uq_virtual_keys_tenant"),
    _within("team", "teams", "fk_virtual_keys_team"),
    _within("user", "users", "fk_virtual_keys_user"),
    Index("ix_virtual_keys_made", "organisation", "created_at", "id"),
    Index("ix_virtual_keys_team", "organisation", "team", "created_at", "id"),
    Index("ix_virtual_keys_user", "organisation", "user", "created_at", "id"),
)

key_secrets = Table(
    "key_secrets",
    SCHEMA,
    Column("digest", LargeBinary, primary_key=True),
    Column("organisation", String, nullable=False),
    Column("key", String, nullable=False),
    Column("shown", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    _within("key", "virtual_keys", "fk_key_secrets_key"),
    Index("ix_key_secrets_key", "organisation", "key"),
    sqlite_with_rowid=False,
)
"""The texts of keys, by their SHA-256. While a key is being rotated it has several."""

key_changes = Table(
    "key_changes",
    SCHEMA,
    Column("number", NUMBER, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
)
"""What every process has to forget; only the newest rows are kept."""

_PEOPLE = """
CREATE VIEW people AS
SELECT id, name FROM subjects UNION ALL SELECT id, name FROM users
"""
"""Who stands behind a subject id of the ledger, which knows some people by itself."""
event.listen(SCHEMA, "after_create", DDL(_PEOPLE))

allowances = Table(
    "allowances",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("organisation", String, ForeignKey("organisations.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("target", String, nullable=False),
    Column("facets", String, nullable=False),
    Column("terms", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    _entry(),
    Index("ix_allowances_made", "organisation", "kind", "created_at", "id"),
    Index("ix_allowances_entry", "entry"),
)
"""Budgets and limits that administrators keep. `target` is the id of a team, a user and so on, or a
word of the configuration; empty where each has as much of its own. `facets` are what it bounds,
such as `month`, with spaces between: no two of one target bound the same."""
_in_force = allowances.c.removed_at.is_(None)
Index(
    "uq_allowances_target",
    *(allowances.c.organisation, allowances.c.kind, allowances.c.scope),
    *(allowances.c.target, allowances.c.facets),
    unique=True,
    sqlite_where=_in_force,
    postgresql_where=_in_force,
)

switches = Table(
    "switches",
    SCHEMA,
    Column("alias", String, primary_key=True),
    Column("deployment", String, nullable=False),
    Column("switched_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    _entry(),
    Index("ix_switches_entry", "entry"),
)
"""Which deployment is asked first under a name of the configuration; of no tenant, as those names
are. One that was switched back has a time in `removed_at`."""

audit = Table(
    "audit",
    SCHEMA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("organisation", String, nullable=False),
    Column("team", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("via", String, nullable=False),
    Column("request", String, nullable=False),
    Column("act", String, nullable=False),
    Column("target", String, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_audit_organisation", "organisation", "number"),
    Index("ix_audit_target", "target", "number"),
)
"""Every administrative act, chained by hash. No person's name stands here, only ids."""

audit_head = Table(
    "audit_head",
    SCHEMA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)
"""One row: the last link of the chain, so that a tail that is cut off is missed."""
