"""A door on a real socket: who is connected, what still runs, and whether anybody may come in.

Owns its server, its connections and its tasks; after `close` none of them is left.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine

from antiphon.simulator.connection import Connection
from antiphon.simulator.mute import Mute
from antiphon.simulator.ports import Desk, Guest

_BACKLOG = 4096


class Listener:
    """Lets callers in and counts them."""

    def __init__(
        self,
        desk: Desk,
        *,
        host: str,
        port: int,
        ssl_context: ssl.SSLContext | None,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.host = host
        self.port = port
        """The port asked for, and once open the port that it is."""
        self.accepted = 0
        """How many connections there have been."""
        self._desk = desk
        self._ssl_context = ssl_context
        self._sleep = sleep
        self._server: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._well = True
        self._connections: set[Guest] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reopening: asyncio.Task[None] | None = None
        self._emptied: asyncio.Future[None] | None = None

    @property
    def listening(self) -> bool:
        """Whether anybody may come in."""
        return self._server is not None

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def running(self) -> int:
        """How many replies are being played."""
        return len(self._tasks)

    async def open(self) -> None:
        """Let callers in; harmless if they already are.

        Raises:
            OSError: the address is taken, or not ours.
        """
        self._keep_shut()
        self._emptied = None
        if not self._well:
            self.shut()
        if self._server is None:
            self._well = True
            await self._listen(self._connect, self._ssl_context)

    def shut(self) -> None:
        """Refuse whoever comes; those who are being answered may stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in [one for one in self._connections if one.idle]:
            connection.drop()

    def shut_for(self, seconds: float) -> None:
        """Refuse whoever comes, for a while."""
        self.shut()
        self._keep_shut()
        self._reopening = self.start(self._reopen_after(seconds))

    async def mistreat_for(self, seconds: float, *, rude: bool) -> None:
        """Let whoever connects have no answer for a while, or a closed connection.

        The door is another one meanwhile, without TLS: a handshake is not even begun.
        """
        self.shut()
        self._keep_shut()
        self._well = False
        await self._listen(lambda: Mute(self, rude=rude), None)
        self._reopening = self.start(self._reopen_after(seconds))

    async def close(self) -> None:
        """Refuse and drop everybody, and wait until they are gone."""
        self.shut()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._connections:
            self._emptied = asyncio.get_running_loop().create_future()
            for connection in [*self._connections]:
                connection.drop()
            await self._emptied

    def opened(self, connection: Guest) -> int:
        """Count a new connection and give it a number."""
        self._connections.add(connection)
        self.accepted += 1
        if self._emptied is not None:
            connection.drop()
        self._desk.noticed()
        return self.accepted

    def closed(self, connection: Guest) -> None:
        """The connection is gone."""
        self._connections.discard(connection)
        if self._emptied is not None and not self._connections and not self._emptied.done():
            self._emptied.set_result(None)
        self._desk.noticed()

    def start(self, work: Coroutine[None, None, None], /) -> asyncio.Task[None]:
        """Run something that waits; `close` cancels it and waits for its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        await self._sleep(seconds)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._desk.noticed()

    async def _listen(
        self, greet: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None
    ) -> None:
        async with self._opening:
            if self._server is not None:
                # Somebody else opened the door meanwhile.
                return
            self._server = await asyncio.get_running_loop().create_server(
                greet, self.host, self.port, ssl=context, backlog=_BACKLOG
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def _connect(self) -> Connection:
        return Connection(self, self._desk)

    async def _reopen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._reopening = None
        await self.open()

    def _keep_shut(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None
