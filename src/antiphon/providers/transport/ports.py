"""What the parts of the transport ask of each other and of the loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Wire(Protocol):
    """What a loop's stream transport does: uvloop's is no subclass of `asyncio.Transport`."""

    def write(self, data: bytes) -> None: ...
    def writelines(self, list_of_data: Iterable[bytes]) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_closing(self) -> bool: ...
    def abort(self) -> None: ...


class Line(Protocol):
    """What an answer asks of the connection that feeds it."""

    @property
    def choked(self) -> bool:
        """Whether the request is still on its way out."""
        ...

    def watch(self, deadline: float) -> None:
        """Ring the answer at this loop time at the latest."""
        ...

    def hold(self) -> None:
        """Read nothing more for now."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def abort(self) -> None:
        """Close the socket at once."""
        ...
