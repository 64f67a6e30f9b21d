"""How the configuration names a database: an address, and the file behind it."""

from __future__ import annotations

from pathlib import Path

SQLITE = "sqlite:///"


def address_of(file: Path) -> str:
    """The address of a file; its letters stand in it as they are, `%` and `?` too."""
    return f"{SQLITE}{file}"


def file_of(address: str) -> Path:
    """The file behind an address."""
    return Path(address.removeprefix(SQLITE))
