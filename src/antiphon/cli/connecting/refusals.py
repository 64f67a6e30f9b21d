"""Why a client was not connected."""

from __future__ import annotations

from antiphon.errors import AntiphonError


class CannotConnect(AntiphonError):
    """A client cannot be connected as asked; nothing was written.

    Attributes:
        asked_wrongly: The command line is at fault.
    """

    def __init__(self, message: str, *, asked_wrongly: bool = False) -> None:
        super().__init__(message)
        self.asked_wrongly = asked_wrongly
