"""The table of deliveries: one row for each event and each webhook that it goes to.

`organisation` is whose webhook it is, and so who may see the row; empty for the gateway's own. No
address and no key stands here: they are the configuration's. Times are microseconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = MetaData()

deliveries = Table(
    "deliveries",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("organisation", String, nullable=False),
    Column("webhook", String, nullable=False),
    Column("event", String, nullable=False),
    Column("type", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("status", Integer),
    Column("message", String, nullable=False),
    Column("claim", String, nullable=False),
    Column("claimed_until", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("event", "webhook", name="uq_deliveries_event"),
    Index("ix_deliveries_due", "state", "webhook", "due_at"),
    Index("ix_deliveries_made", "organisation", "created_at", "id"),
    Index("ix_deliveries_all", "created_at", "id"),
)
"""`event` is the id that the receiver sees. Whoever sends a row now has a token in `claim`, which
counts until `claimed_until`: if its process dies, another one takes the row then."""
