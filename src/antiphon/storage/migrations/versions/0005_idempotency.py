"""Idempotency: writes to the management API that may be asked again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "idempotency",
        sa.Column("organisation", sa.String, primary_key=True),
        sa.Column("place", sa.LargeBinary, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("owner", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_made", "idempotency", ["made_at"])
