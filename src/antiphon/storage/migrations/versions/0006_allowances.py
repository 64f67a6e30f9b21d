"""Budgets and limits that administrators keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "allowances",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("organisation", sa.String, sa.ForeignKey("organisations.id"), nullable=False),
        *(
            sa.Column(name, sa.String, nullable=False)
            for name in ("kind", "scope", "target", "facets")
        ),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.Column("entry", sa.BigInteger, nullable=False),
    )
    made = ["organisation", "kind", "created_at", "id"]
    op.create_index("ix_allowances_made", "allowances", made)
    op.create_index("ix_allowances_entry", "allowances", ["entry"])
    lasting = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_allowances_target",
        "allowances",
        ["organisation", "kind", "scope", "target", "facets"],
        unique=True,
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
