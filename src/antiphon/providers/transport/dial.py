"""A new connection: look-up, TCP, TLS, and a telling error where one of them fails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from antiphon.errors import ConnectFailed
from antiphon.providers.transport.call import Origin
from antiphon.providers.transport.connection import Connection
from antiphon.providers.transport.tls import Trust, why

KEEP_ALIVE_AFTER = 60
"""Seconds of silence after which the kernel asks whether the other side is still there."""


async def dial(
    origin: Origin, make: Callable[[], Connection], trust: Trust, *, deadline: float
) -> Connection:
    """Open one connection; the caller bounds the time, `deadline` only shares it out.

    Raises:
        ConnectFailed: `dns_error`, `connect_refused`, `connect_failed` or `tls_error`.
    """
    loop = asyncio.get_running_loop()
    context = trust.context(origin.ca_file) if origin.scheme == "https" else None
    hosts = await addresses(origin)
    while True:
        host = hosts.pop(0)
        # One address that swallows packets must not eat the time of the others.
        share = loop.time() + (deadline - loop.time()) / (len(hosts) + 1) if hosts else None
        try:
            async with asyncio.timeout_at(share):
                return await _connect(origin, host, make(), context)
        except (ConnectFailed, TimeoutError):
            if not hosts:
                raise


async def addresses(origin: Origin) -> list[str]:
    """Where the host is, in the order to try.

    Raises:
        ConnectFailed: `dns_error`.
    """
    if origin.is_address:
        return [origin.host]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectFailed("The provider's name cannot be resolved.", code="dns_error") from error
    hosts = list(dict.fromkeys(str(address[0]) for *_, address in found))
    if not hosts:
        raise ConnectFailed("The provider's name has no address.", code="dns_error")
    return hosts


async def _connect(
    origin: Origin, host: str, connection: Connection, context: ssl.SSLContext | None
) -> Connection:
    loop = asyncio.get_running_loop()
    name = (origin.server_name or origin.host) if context is not None else None
    try:
        transport, _ = await loop.create_connection(
            lambda: connection, host, origin.port, ssl=context, server_hostname=name
        )
    except OSError as error:
        connection.give_up()
        raise failure(origin, error) from error
    except BaseException:
        connection.give_up()
        raise
    _keep_alive(transport)
    return connection


def failure(origin: Origin, error: OSError) -> ConnectFailed:
    """What went wrong while a connection was made."""
    # Callers read these messages: they name no address of the operator's network.
    if isinstance(error, ConnectionRefusedError):
        return ConnectFailed("The provider refuses connections.", code="connect_refused")
    if isinstance(error, (ssl.SSLError, ConnectionResetError, ConnectionAbortedError)):
        if origin.scheme == "https":
            return ConnectFailed(f"TLS failed: {why(error)}", code="tls_error")
        return ConnectFailed("The provider closed the connection at once.", code="connect_failed")
    reason = error.strerror or "no reason given"
    return ConnectFailed(f"The provider cannot be reached: {reason}.", code="connect_failed")


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    """An answer may take minutes, and networks between forget silent connections."""
    opened = transport.get_extra_info("socket")
    if opened is None:
        return
    # A socket that is closed by now is found so by whoever sends on it.
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_AFTER)
