"""The tables of the leases, in a file of their own: it is written every second, by every process.

A pot is a budget in one of its periods. What its `portions` hold is out of the pot, whether it is
spent or not: that is why nobody can spend more than there is. Money is in billionths of a dollar,
times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
)

from antiphon.errors import StorageFailed
from antiphon.storage.versions import numbered

SCHEMA = MetaData()
_FORMAT = 1

pots = Table(
    "pots",
    SCHEMA,
    Column("number", Integer, primary_key=True),
    Column("scope", String, nullable=False),
    Column("name", String, nullable=False),
    Column("period", String, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("most", BigInteger, nullable=False),
    Column("closed", BigInteger, nullable=False),
    Column("written_off", BigInteger, nullable=False),
    Column("told", Integer, nullable=False),
    Column("wanted_by", String, nullable=False),
    UniqueConstraint("scope", "name", "period", name="uq_pots_key"),
    Index("ix_pots_ends", "ends"),
    # A number is written in journals: it never comes again.
    sqlite_autoincrement=True,
)
"""`most`: the limit, as it was said last. `closed`: what owners spent that are no more. `told`: the
share, per mille, that was warned of.
`wanted_by`: the owner that waits for what others hold."""

owners = Table(
    "owners",
    SCHEMA,
    Column("owner", String, primary_key=True),
    Column("folder", String, nullable=False),
    Column("registered_at", BigInteger, nullable=False),
    Column("through", Integer, nullable=False),
    Column("orphaned", String, nullable=False),
)
"""Who holds portions: the names of journals. `through`: the last segment of which all before it,
and itself, are reported whole. `orphaned`: why nobody can say what it spent, or empty."""

portions = Table(
    "portions",
    SCHEMA,
    Column("pot", Integer, primary_key=True),
    Column("owner", String, primary_key=True),
    Column("taken", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Index("ix_portions_owner", "owner"),
)
"""What an owner took of a pot since it began, and what of it it said to have spent."""

marks = Table(
    "marks",
    SCHEMA,
    Column("owner", String, primary_key=True),
    Column("segment", Integer, primary_key=True),
    Column("upto", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
)
"""How far each segment of a journal is contained in what its owner said to have spent."""

write_offs = Table(
    "write_offs",
    SCHEMA,
    Column("number", Integer, primary_key=True),
    Column("owner", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("name", String, nullable=False),
    Column("period", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("written_by", String, nullable=False),
    Column("written_at", BigInteger, nullable=False),
)
"""What people decided about money of which nobody can say whether it was spent."""


def _check(connection: Connection, schemas: Sequence[MetaData]) -> None:
    found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    names = set(inspect(connection).get_table_names())
    if not names and not found:
        return
    ours = {name for schema in schemas for name in schema.tables}
    if not ours.issubset(names):
        raise StorageFailed("it holds no leases", code="foreign")
    if found != _FORMAT:
        code = "newer" if found > _FORMAT else "older"
        raise StorageFailed(
            f"its leases have version {found}, and {_FORMAT} is known here", code=code
        )


VERSIONS = numbered(_FORMAT, _check)
"""By a number of its own: the file has no history that a migration of the ledger could tell."""
