"""Whose rows a question may see: every query takes a scope, so that none can forget to ask."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """The rows that may be seen.

    Attributes:
        key_id: Those of this key alone; None sees all.
    """

    key_id: str | None


EVERYTHING = Scope(None)
"""What the admin sees."""
