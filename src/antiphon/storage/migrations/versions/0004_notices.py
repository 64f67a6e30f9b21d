"""Notices: deliveries of webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, primary_key=True),
        *map(_text, ("organisation", "webhook", "event", "type")),
        sa.Column("body", sa.Text, nullable=False),
        _large("created_at"),
        _large("due_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("state"),
        sa.Column("status", sa.Integer),
        _text("message"),
        _text("claim"),
        _large("claimed_until"),
        sa.Column("ended_at", sa.BigInteger),
        sa.UniqueConstraint("event", "webhook", name="uq_deliveries_event"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "webhook", "due_at"])
    op.create_index("ix_deliveries_made", "deliveries", ["organisation", "created_at", "id"])
    op.create_index("ix_deliveries_all", "deliveries", ["created_at", "id"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _large(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
