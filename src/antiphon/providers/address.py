"""Where a provider answers: a base URL as people write it, made one thing.

People give `host:port`, forget `/v1`, end with a slash, or paste the whole endpoint. What is
meant is clear in each case; what would send a key to a stranger, or in the open, is refused.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from antiphon.providers.catalog import ProviderRow
from antiphon.providers.transport.call import Origin

_ENDPOINTS = ("/chat/completions", "/responses", "/messages")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_PRIVATE_SUFFIXES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".svc", ".test")
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  read, never bound


class Address(msgspec.Struct, frozen=True):
    """A base URL that has been checked.

    Attributes:
        origin: Scheme, host and port.
        path: What stands before every endpoint; empty, or begins but does not end with a slash.
    """

    origin: Origin
    path: str

    @property
    def is_private(self) -> bool:
        """Whether the host is this machine, a private network, or a name only known inside."""
        return is_private(self.origin.host)

    @override
    def __str__(self) -> str:
        return f"{self.origin.scheme}://{self.origin.authority}{self.path}"


def parse_address(
    text: str, row: ProviderRow, *, ca_file: str | None = None, allow_host: bool = False
) -> Address:
    """Read a base URL for a provider of this row.

    Raises:
        ValueError: It is none, or not this provider's; the message says why.
    """
    text, _, query = text.strip().partition("?")
    text = text.rstrip("/")
    for endpoint in _ENDPOINTS:
        text = text.removesuffix(endpoint).rstrip("/")
    origin = Origin.parse(f"{text}?{query}" if query else text, ca_file=ca_file)
    path = urlsplit(text).path or row.base_path
    if not _PATH.fullmatch(path):
        raise ValueError("The path of a base URL holds a character that has to be escaped.")
    meant = row.wrong_hosts.get(origin.host)
    if meant is not None and not allow_host:
        raise ValueError(
            f"{origin.host} is not a host of {row.name}; its address is {meant}. "
            "Set allow_host to use it all the same."
        )
    return Address(origin, path)


def url_of_host(text: str, *, default: str) -> str:
    """A URL from what may be no more than `host:port`, as `OLLAMA_HOST` is.

    Scheme and port that are not given are the default's; an address to listen on becomes the one
    to ask. With a scheme of its own, the port is that scheme's.
    """
    usual = urlsplit(default)
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = usual.scheme, text
    host, slash, path = rest.partition("/")
    if "@" in host:
        return f"{scheme}://{rest}"  # refused where URLs are read
    if host.count(":") > 1 and not host.startswith("["):
        host = f"[{host}]"
    parts = urlsplit(f"//{host}")
    name = parts.hostname or usual.hostname or ""
    name = _ANY_ADDRESS.get(name, name)
    port = parts.port or (None if mark else usual.port)
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}{f':{port}' if port else ''}{slash}{path}"


def is_private(host: str) -> bool:
    """Whether a host is this machine, in a private network, or a name without a public suffix."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_SUFFIXES)
    return address.is_private or address.is_loopback or address in _SHARED


_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Carrier-grade and overlay networks (RFC 6598)."""
