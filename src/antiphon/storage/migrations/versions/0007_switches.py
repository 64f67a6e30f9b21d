"""Active models that administrators choose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "switches",
        sa.Column("alias", sa.String, primary_key=True),
        sa.Column("deployment", sa.String, nullable=False),
        sa.Column("switched_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.Column("entry", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_switches_entry", "switches", ["entry"])
