"""A connection that is taken and never served: what a TLS handshake meets at an ill front door."""

import asyncio

from typing_extensions import override

from antiphon.simulator.ports import House


class Mute(asyncio.Protocol):
    """Hears everything, says nothing; a rude one closes at the first byte."""

    def __init__(self, house: House, *, rude: bool) -> None:
        self._house = house
        self._rude = rude
        self._transport: asyncio.BaseTransport | None = None

    @property
    def idle(self) -> bool:
        """Nobody is ever answered here."""
        return True

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._house.opened(self)

    @override
    def data_received(self, data: bytes) -> None:
        if self._rude:
            self.drop()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._house.closed(self)

    def drop(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.close()
