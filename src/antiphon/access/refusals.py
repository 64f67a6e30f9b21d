"""What the tables of access cannot take."""

from __future__ import annotations

from antiphon.errors import CallerError, Kind


class Conflict(CallerError):
    """What is asked for does not go with what is there."""

    kind = Kind.CONFLICT


class NameTaken(Conflict):
    """Another one of the same tenant has that name, or one that cannot be told from it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is a {what} of that name, or of one just like it.", param="name")
