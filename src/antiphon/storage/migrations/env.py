"""What Alembic runs: the migrations, on the connection of whoever opens the database.

A transaction is open there already, so Alembic leaves its begin and its end alone.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
