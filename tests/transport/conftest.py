"""Every test here runs on both loops, against real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from antiphon.providers.transport import Call, Origin, PoolBounds, Timeouts, Transport
from tests.transport.hostile import Handler, Server


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


class Bench:
    """A server that does as its handler says, a transport, and calls from one to the other."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.servers: list[Server] = []
        self.bounds = PoolBounds()

    def bind(self, **bounds: object) -> None:
        self.bounds = PoolBounds(**bounds)  # type: ignore[arg-type]
        self.transport = Transport(bounds=self.bounds)

    async def serve(self, handler: Handler, **options: object) -> Server:
        server = Server(handler)
        await server.start(**options)
        self.servers.append(server)
        return server

    def call(
        self,
        server: Server | Origin,
        body: bytes = b'{"model": "m"}',
        *,
        stream: bool = False,
        deadline: float = float("inf"),
        **timeouts: float,
    ) -> Call:
        origin = server if isinstance(server, Origin) else server.origin
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\n"
        return Call(origin, head, body, Timeouts(**timeouts), stream, deadline)

    async def whole(self, server: Server, body: bytes = b"{}", **timeouts: float) -> bytes:
        answer = await self.transport.send(self.call(server, body, **timeouts))
        await answer.head()
        return await answer.whole()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop run until something holds; the test's own time limit is the bound."""
        while not holds():  # noqa: ASYNC110  nobody tells a test when it does
            await asyncio.sleep(0.001)

    async def aclose(self) -> None:
        await self.transport.aclose()
        for server in self.servers:
            await server.aclose()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    await made.aclose()
    assert made.transport.open == 0


class Timers:
    """Counts the timers that a loop is asked for, and knows which are still pending."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.made = 0
        self._handles: dict[int, asyncio.TimerHandle] = {}
        self._call_at = loop.call_at
        loop.call_at = self._counted  # type: ignore[method-assign, assignment]

    def _counted(
        self, when: float, callback: Callable[..., object], *args: object, **options: object
    ) -> asyncio.TimerHandle:
        self.made += 1
        number = self.made

        def fire(*given: object) -> None:
            self._handles.pop(number)
            callback(*given)

        handle = self._call_at(when, fire, *args, **options)  # type: ignore[arg-type]
        self._handles[number] = handle
        return handle

    @property
    def left(self) -> int:
        return sum(not handle.cancelled() for handle in self._handles.values())


@pytest.fixture
async def timers(bench: Bench) -> Timers:
    return Timers(asyncio.get_running_loop())
