"""Why requests went where they went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "decisions",
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_decisions_made", "decisions", ["made_at"])
