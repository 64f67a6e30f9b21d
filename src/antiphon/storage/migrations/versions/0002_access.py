"""Access: tenants, their people and keys, and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "organisations",
        sa.Column("id", sa.String, primary_key=True),
        _text("name"),
        sa.Column("folded", sa.String, nullable=False, unique=True),
        _large("created_at"),
        sa.Column("removed_at", sa.BigInteger),
        _large("entry"),
    )
    _named("departments")
    _named(
        "teams",
        sa.Column("department", sa.String),
        _within("department", "departments", "fk_teams_department"),
    )
    _named(
        "users",
        sa.Column("team", sa.String),
        _text("role"),
        _within("team", "teams", "fk_users_team"),
    )
    _keys()
    _audit()


def _named(name: str, *more: sa.Column[str] | sa.ForeignKeyConstraint) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("organisation", sa.String, sa.ForeignKey("organisations.id"), nullable=False),
        _text("name"),
        _text("folded"),
        _large("created_at"),
        sa.Column("removed_at", sa.BigInteger),
        _large("entry"),
        *more,
        sa.UniqueConstraint("organisation", "id", name=f"uq_{name}_tenant"),
    )
    lasting = sa.text("removed_at IS NULL")
    op.create_index(
        f"uq_{name}_name",
        name,
        ["organisation", "folded"],
        unique=True,
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
    op.create_index(f"ix_{name}_made", name, ["organisation", "created_at", "id"])


def _keys() -> None:
    op.create_table(
        "virtual_keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("organisation", sa.String, sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("team", sa.String),
        sa.Column("user", sa.String),
        _text("name"),
        _text("role"),
        sa.Column("models", sa.Text, nullable=False),
        _large("created_at"),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        _large("entry"),
        sa.UniqueConstraint("organisation", "id", name="uq_virtual_keys_tenant"),
        _within("team", "teams", "fk_virtual_keys_team"),
        _within("user", "users", "fk_virtual_keys_user"),
    )
    made = ["created_at", "id"]
    op.create_index("ix_virtual_keys_made", "virtual_keys", ["organisation", *made])
    op.create_index("ix_virtual_keys_team", "virtual_keys", ["organisation", "team", *made])
    op.create_index("ix_virtual_keys_user", "virtual_keys", ["organisation", "user", *made])
    op.create_table(
        "key_secrets",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        *map(_text, ("organisation", "key", "shown")),
        _large("created_at"),
        sa.Column("ends_at", sa.BigInteger),
        _within("key", "virtual_keys", "fk_key_secrets_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_key_secrets_key", "key_secrets", ["organisation", "key"])
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "key_changes",
        sa.Column("number", number, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _large("at"),
        *map(_text, ("organisation", "team", "actor", "via", "request", "act", "target")),
        sa.Column("details", sa.Text, nullable=False),
        *map(_text, ("previous", "hash")),
    )
    op.create_index("ix_audit_organisation", "audit", ["organisation", "number"])
    op.create_index("ix_audit_target", "audit", ["target", "number"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _large("number"),
        _text("hash"),
    )


def _within(column: str, table: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation", column], [f"{table}.organisation", f"{table}.id"], name=name
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _large(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
