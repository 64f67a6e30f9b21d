"""What a connection, its house and its desk ask of each other."""

import asyncio
from collections.abc import Coroutine
from typing import Protocol, runtime_checkable

from antiphon.simulator.received import Outcome, Received
from antiphon.simulator.reply import Reply


@runtime_checkable
class Transport(Protocol):
    """What is used of a transport; uvloop's does not descend from asyncio's."""

    def write(self, data: bytes, /) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def is_closing(self) -> bool: ...
    def get_write_buffer_size(self) -> int: ...
    def get_extra_info(self, name: str, default: object = None, /) -> object: ...


class Request:
    """A request while it is read."""

    __slots__ = ("body", "headers", "keep_alive", "method", "size", "target")

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.size = 0
        self.keep_alive = True


class Guest(Protocol):
    """A connection, as its house sees it."""

    @property
    def idle(self) -> bool:
        """Whether nobody is being answered."""
        ...

    def drop(self) -> None:
        """Close at once, whatever is going on."""
        ...


class House(Protocol):
    """Where a connection lives."""

    def opened(self, connection: Guest, /) -> int:
        """Count a new connection and give it a number."""
        ...

    def closed(self, connection: Guest, /) -> None:
        """The connection is gone."""
        ...

    def start(self, work: Coroutine[None, None, None], /) -> asyncio.Task[None]:
        """Run something that waits; it does not outlive the house."""
        ...

    def shut_for(self, seconds: float, /) -> None:
        """Let nobody connect for a while."""
        ...

    async def mistreat_for(self, seconds: float, /, *, rude: bool) -> None:
        """Let whoever connects have no answer for a while, or a closed connection."""
        ...

    async def pause(self, seconds: float, /) -> None:
        """Let so much time pass."""
        ...


class Desk(Protocol):
    """Who reads requests and decides on replies."""

    @property
    def refuse_for(self) -> float:
        """Seconds for which a fault of the door lasts."""
        ...

    def receive(self, request: Request, connection: int, /) -> tuple[Received, Reply]:
        """Keep a request and decide on the reply."""
        ...

    def ended(self, received: Received, outcome: Outcome, /) -> None:
        """The request is over."""
        ...

    def noticed(self) -> None:
        """Something else changed that one may be waiting for."""
        ...
