"""What can go wrong with answers that are stored or shared."""

from __future__ import annotations

from antiphon.errors import GatewayError, Kind


class NotStored(GatewayError):
    """The caller wants a stored answer only (`only-if-cached`), and there is none."""

    kind = Kind.TIMEOUT
    should_retry = False

    def __init__(self) -> None:
        super().__init__("No stored answer fits, and the request asks for no other.")


class LeftBehind(GatewayError):
    """A caller read a shared stream so slowly that what it had not read could not be kept."""

    kind = Kind.REQUEST_TIMEOUT

    def __init__(self) -> None:
        super().__init__("The stream was read too slowly to be held back any longer.")
