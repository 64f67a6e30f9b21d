"""What keeps an answer from being checked."""

from __future__ import annotations


class BadSchema(ValueError):
    """A schema that cannot be used here; the message says why, for its author."""


class Unchecked(Exception):
    """An answer that the validator cannot judge."""
