"""What is sent, where to, how long it may take, and how an answer begins: plain values.

`Call.head` is rendered once per deployment by the caller of the transport, so that a request
costs one join of bytes: the transport adds only the length of the body.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from antiphon.clock import NEVER

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True, cache_hash=True):
    """One place that answers: the key of a pool of connections.

    Attributes:
        scheme: `http` or `https`; the certificate of an `https` origin is always verified.
        host: A lower-case name or an address without brackets.
        port: The TCP port.
        ca_file: The PEM file to trust instead of the system's store.
        server_name: The name that the certificate must carry, where it is not the host.
    """

    scheme: str
    host: str
    port: int
    ca_file: str | None = None
    server_name: str | None = None

    @classmethod
    def parse(
        cls, base_url: str, *, ca_file: str | None = None, server_name: str | None = None
    ) -> Origin:
        """Read the origin of a base URL; its path is the caller's business.

        Raises:
            ValueError: The URL is no place to send a request to; the message says why.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError(f"A base URL starts with http:// or https://, not {parts.scheme!r}.")
        if "@" in parts.netloc:
            raise ValueError("A base URL holds no user name or password.")
        if parts.query or parts.fragment:
            raise ValueError("A base URL holds no query and no fragment.")
        if not parts.hostname:
            raise ValueError("A base URL names a host.")
        port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        if not port:
            raise ValueError("Port 0 is no port to connect to.")
        return cls(parts.scheme, _ascii(parts.hostname), port, ca_file, server_name)

    @property
    def authority(self) -> str:
        """The value of the `host` header: the port is left out where the scheme implies it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address, which needs no look-up."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


class Timeouts(msgspec.Struct, frozen=True):
    """How long each part of a call may take, in seconds.

    Attributes:
        connect: From `send` to a connection: queue, look-up, TCP and TLS together.
        first_byte: From the request to the first byte of the body; of streams only.
        idle: Between two reads of a body, unless the reader holds the sender back.
        total: From `send` to the end.
    """

    connect: float = 5.0
    first_byte: float = 120.0
    idle: float = 60.0
    total: float = 600.0


class Call(msgspec.Struct, frozen=True):
    """One request, ready to be written.

    Attributes:
        origin: Where it goes.
        head: Request line and header lines, each ending in CRLF, without `content-length` and
            without the blank line.
        body: The body, as it is.
        timeouts: The deadlines of this call.
        stream: Whether the answer is read as it comes; an unstreamed one is told when whole.
        deadline: The loop time at which the whole exchange is over.
    """

    origin: Origin
    head: bytes
    body: bytes
    timeouts: Timeouts
    stream: bool = False
    deadline: float = NEVER

    @override
    def __repr__(self) -> str:
        """Say where it goes, and nothing of the key in its head or of its body."""
        return f"Call({self.origin.authority}, {len(self.body)} bytes, stream={self.stream})"


class Head(msgspec.Struct, frozen=True):
    """How an answer begins.

    Attributes:
        status: The status code.
        headers: Lower-case names and values, in order. Where the transport inflated the body,
            `content-encoding` and `content-length` are gone: they no longer describe it.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> bytes | None:
        """The value of the first header of this lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError("The host of the base URL is not a valid name.") from error
