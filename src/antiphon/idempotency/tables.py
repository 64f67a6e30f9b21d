"""The table of writes that may be asked again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, String, Table

SCHEMA: Final = MetaData()

repeats: Final = Table(
    "idempotency",
    SCHEMA,
    # The tenant that did it; empty for the whole gateway's admin.
    Column("organisation", String, primary_key=True),
    # A digest of who asked and of the key: neither can be read from it.
    Column("place", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    # Of the request that did it, among all that have the same place.
    Column("owner", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    # Sealed with what only the caller has; null until there is one.
    Column("answer", LargeBinary),
    sqlite_with_rowid=False,
)
Index("ix_idempotency_made", repeats.c.made_at)
