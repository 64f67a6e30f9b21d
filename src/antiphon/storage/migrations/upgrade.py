"""Brings a database up, where it is opened and nowhere else: no `alembic.ini`, no command line."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest version, inside the transaction of the caller."""
    config = Config(attributes={"connection": connection})
    # What begins with a percent sign would be taken for a variable.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
