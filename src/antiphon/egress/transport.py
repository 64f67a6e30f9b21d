"""The transport of `httpx2` that connects to what was checked, and to nothing else.

A name is resolved here and nowhere else, all its addresses are judged, and the socket is opened to
one of those very addresses: there is no second look-up that could say otherwise. The name goes on
in TLS and in the `host` header. Any client that takes a transport can be given this one:

    httpx2.AsyncClient(transport=CheckedTransport(...), trust_env=False)

Each request has a connection of its own. Nothing is shared between those who ask, and what was
checked long ago is not used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Sequence
from ipaddress import ip_address

import httpcore2
import httpx2
from typing_extensions import override

from antiphon.egress.addresses import Address
from antiphon.egress.errors import BlockedAddress, BrokenAnswer, EgressTimeout, Unreachable
from antiphon.egress.resolver import Resolver
from antiphon.egress.rules import Rules
from antiphon.egress.target import Target

_MOST_TRIED = 4


class CheckedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to addresses that the rules admit; follows no redirect, knows no proxy.

    Raises `EgressError`s where other transports raise those of `httpx2`.
    """

    def __init__(
        self,
        rules: Rules,
        resolver: Resolver,
        *,
        ca_file: str | None = None,
        connections: int = 100,
    ) -> None:
        self._rules = rules
        self._backend = CheckedBackend(rules, resolver)
        self._ca_file = ca_file
        self._connections = connections
        self._pool: httpcore2.AsyncConnectionPool | None = None

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the caller closes the response.

        Raises:
            EgressError: As the errors of the door say.
        """
        target = Target.parse(str(request.url))
        self._rules.check(target)
        headers = [each for each in request.headers.raw if each[0].lower() != b"host"]
        asked = httpcore2.Request(
            method=request.method,
            # From what was checked, not from what the client read.
            url=httpcore2.URL(
                scheme=target.scheme.encode(),
                host=target.host.encode(),
                port=target.port,
                target=request.url.raw_path,
            ),
            headers=[(b"Host", target.authority.encode()), *headers],
            content=request.stream if isinstance(request.stream, AsyncIterable) else None,
            extensions={"timeout": request.extensions.get("timeout", {})},
        )
        with _told():
            answer = await self._opened().handle_async_request(asked)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    @override
    async def aclose(self) -> None:
        """Close what is open."""
        if self._pool is not None:
            await self._pool.aclose()

    def _opened(self) -> httpcore2.AsyncConnectionPool:
        # Made with the first request: reading the system's store takes tens of milliseconds.
        if self._pool is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=_trust(self._ca_file),
                max_connections=self._connections,
                max_keepalive_connections=0,
                http1=True,
                http2=False,
                network_backend=self._backend,
            )
        return self._pool


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens sockets: resolves once, judges, connects to what was judged.

    `sockets` opens them; that of the library unless given.
    """

    def __init__(
        self,
        rules: Rules,
        resolver: Resolver,
        *,
        sockets: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._rules = rules
        self._resolver = resolver
        self._sockets = sockets or _sockets()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to an address that the host has and the rules admit."""
        try:
            async with asyncio.timeout(timeout):
                found = await self._addresses(host)
                admitted = self._rules.admit(host, port, found)
                return await self._first(admitted, port, timeout)
        except TimeoutError as error:
            raise EgressTimeout("The address did not answer in time.") from error

    @override
    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: a socket of this machine is no address."""
        raise BlockedAddress("a socket of this machine")

    @override
    async def sleep(self, seconds: float) -> None:
        """Wait, as the library asks between its retries; here it makes none."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            return await self._resolver.resolve(host, inside=self._rules.is_inside(host))

    async def _first(
        self, addresses: Sequence[Address], port: int, seconds: float | None
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address that takes one."""
        tried = addresses[:_MOST_TRIED]
        # One address that swallows packets must not eat the time of the others.
        share = None if seconds is None else seconds / len(tried)
        failures: list[str] = []
        for address in tried:
            try:
                stream = await self._sockets.connect_tcp(str(address), port, timeout=share)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failures.append(f"{address}: {error or type(error).__name__}")
                continue
            await _check_peer(stream, address, port)
            return stream
        raise Unreachable("No connection could be made.", reason="; ".join(failures))


class _Body(httpx2.AsyncByteStream):
    """The body of an answer as it comes, with the door's errors."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told():
            async for piece in self._answer.aiter_stream():
                yield piece

    @override
    async def aclose(self) -> None:
        with _told():
            await self._answer.aclose()


def _sockets() -> httpcore2.AsyncNetworkBackend:
    # Where anyio is missing, the library has a class of this name that is no backend.
    made: object = httpcore2.AnyIOBackend()
    assert isinstance(made, httpcore2.AsyncNetworkBackend)
    return made


async def _check_peer(stream: httpcore2.AsyncNetworkStream, address: Address, port: int) -> None:
    """The other end of the socket is what was judged, whatever lay between."""
    try:
        peer = stream.get_extra_info("server_addr")
    except OSError as error:
        await stream.aclose()
        raise Unreachable("The connection was closed at once.", reason=str(error)) from error
    if peer is None or (ip_address(peer[0]), peer[1]) != (address, port):
        await stream.aclose()
        raise BlockedAddress(f"the socket leads elsewhere than to {address}")


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise Unreachable("No connection could be made.", reason="no usable CA file") from error


@contextlib.contextmanager
def _told() -> Generator[None]:
    """Says the library's errors in the words of the door."""
    try:
        yield
    except httpcore2.PoolTimeout as error:
        raise EgressTimeout("Too many requests are under way.") from error
    except httpcore2.TimeoutException as error:
        raise EgressTimeout("The address did not answer in time.") from error
    except httpcore2.ConnectError as error:
        raise Unreachable(_why_no_tls(error), reason=str(error)) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise BrokenAnswer("What came is no whole HTTP answer.", reason=str(error)) from error


def _why_no_tls(error: BaseException) -> str:
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return "The certificate is not to be trusted, or is another name's."
        reason = reason.__cause__ or reason.__context__
    return "The TLS handshake failed."
