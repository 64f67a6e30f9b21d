"""Serving the gateway: uvicorn's server, with a shutdown that drains.

On SIGTERM `/readyz` turns to 503 and new requests are refused while the listener stays open, so a
load balancer sees it. Running streams finish within a bound; what still runs then is ended with
an error event, never cut. A second signal shortens the wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import uvicorn
from typing_extensions import override

from antiphon.config.settings import ServerSettings, Settings
from antiphon.errors import ConfigurationError, Mistake
from antiphon.gateway.gateway import Antiphon
from antiphon.server.app import GatewayApp
from antiphon.server.bounds import Bounds
from antiphon.server.deferred import Deferred, management
from antiphon.server.protocol import GatewayProtocol, protocol_with
from antiphon.server.reloads import Reloads

_log = logging.getLogger("antiphon.server")
_BACKLOG = 2048
_GC_THRESHOLD = (10_000, 20, 20)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GRACE = 5
"""Seconds for connections to close once every exchange has ended."""


async def serve(
    gateway: Antiphon,
    *,
    on_ready: Callable[[str], Awaitable[None]],
    told: Callable[[str], object] = _log.info,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal shortens the drain.

    SIGHUP has the configuration loaded again.

    Args:
        gateway: Started by the caller, and stopped by it afterwards.
        on_ready: Called with the address once connections are taken.
        told: Takes a line for people when another configuration is in force.

    Raises:
        ConfigurationError: The address cannot be bound.
    """
    stop = asyncio.Event()

    def received() -> None:
        if stop.is_set():
            gateway.hurry()
        stop.set()

    loop = asyncio.get_running_loop()
    reloads = Reloads(gateway, told=told)
    for number in _SIGNALS:
        loop.add_signal_handler(number, received)
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    try:
        async with serving(gateway, reloads) as address:
            await on_ready(address)
            await stop.wait()
    finally:
        for number in (*_SIGNALS, signal.SIGHUP):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def serving(gateway: Antiphon, reloads: Reloads | None = None) -> AsyncGenerator[str, None]:
    """Serve while the block runs, then drain; gives the address.

    Args:
        gateway: Started by the caller.
        reloads: Has its configuration loaded again; by default only where the files are watched.

    Raises:
        ConfigurationError: The address cannot be bound, or the admin key not be kept.
    """
    settings = gateway.settings.server
    listener = _listen(settings)
    try:
        gateway.claim_admin_key()
    except ConfigurationError:
        listener.close()
        raise
    app = GatewayApp(gateway, Deferred(lambda: management(gateway)))
    protocol = protocol_with(_bounds(settings))
    config = _uvicorn(gateway, app, protocol)
    server = _Server(config)
    reloads = reloads or Reloads(gateway, told=_log.info)

    def adopt(changed: Settings) -> None:
        app.adopt(changed)
        protocol.bounds = _bounds(changed.server)

    gateway.follow(adopt)
    async with app.answers, asyncio.TaskGroup() as group:
        task = group.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        loading = group.create_task(reloads.run())
        # What was built to start is kept for ever: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        # A request leaves no cycles behind, so the collector may come round more seldom.
        gc.set_threshold(*_GC_THRESHOLD)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            loading.cancel()
            seconds = gateway.settings.server.drain_seconds
            await gateway.drain(seconds)
            # Bytes that a slow caller has yet to take are given the same time again.
            config.timeout_graceful_shutdown = math.ceil(seconds) + _GRACE
            server.should_exit = True
            # Where the block raised, the group would cancel it before it closed its listener.
            await asyncio.wait([task])


def _uvicorn(gateway: Antiphon, app: GatewayApp, protocol: type[GatewayProtocol]) -> uvicorn.Config:
    settings = gateway.settings.server
    return uvicorn.Config(
        app,
        http=protocol,
        interface="asgi3",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        backlog=_BACKLOG,
    )


class _Server(uvicorn.Server):
    """Tells when it serves, and leaves signals to `serve`.

    Attributes:
        ready: Set once connections are taken.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    host = settings.host.strip("[]")
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, settings.port))
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        message = f"cannot listen on {where}: {error.strerror}; choose another with --port"
        raise ConfigurationError([Mistake("server", "", message)]) from error
    listener.setblocking(False)  # noqa: FBT003  the socket's own word
    return listener


def _bounds(settings: ServerSettings) -> Bounds:
    deadlines = settings.deadlines
    return Bounds(
        connections=settings.max_connections,
        headers=deadlines.headers,
        body=deadlines.body,
        write_stall=deadlines.write_stall,
        keep_alive=deadlines.keep_alive,
    )
