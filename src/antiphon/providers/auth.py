"""How a key is shown to a provider.

Most providers want one header, the same for every request: `HeaderAuth` renders it once per key.
Some want each request signed, or a token that is fetched and grows old (Bedrock, Vertex): they
bring a `Signer`, which the pipeline awaits before it sends. A deployment has one or the other.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Protocol

import msgspec

from antiphon.providers.keys import Key
from antiphon.secret import Secret

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")


class Unsigned(msgspec.Struct, frozen=True):
    """A request as a signer sees it: everything that is sent, but for what the signer adds."""

    method: str
    origin: str
    target: str
    headers: bytes
    body: bytes


class Signer(Protocol):
    """A scheme whose headers depend on the request, the time, or a token that is refreshed."""

    async def sign(self, request: Unsigned, key: Key) -> bytes:
        """The header lines to add, each ended by CRLF.

        Called once per attempt. May await a new token; requests that come meanwhile must share
        that wait.

        Raises:
            UpstreamRefused: No token is to be had (`disposition=DEAD_KEY`).
        """
        ...


class HeaderAuth:
    """One header that carries the key."""

    __slots__ = ("_before", "_behind", "header")

    def __init__(self, header: str, value: str) -> None:
        before, mark, behind = value.partition("{key}")
        if not mark:
            raise ValueError("The header's value has no {key}.")
        self.header = header
        self._before = before
        self._behind = behind

    def headers(self, key: Key) -> bytes:
        """The header line for this key; nothing for no key."""
        if not key.secret:
            return b""
        return header_line(self.header, f"{self._before}{key.secret.reveal()}{self._behind}")


def header_line(name: str, value: str) -> bytes:
    """A header as it goes over the wire, CRLF included.

    Raises:
        ValueError: A character would end the line or is no visible ASCII; the value is
            not shown, since it may be a secret.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no header name.")
    if not _VALUE.fullmatch(value) or value != value.strip():
        raise ValueError(f"The value of {name!r} has a line break, outer space, or is not ASCII.")
    return f"{name}: {value}\r\n".encode("ascii")


def usual_headers(more: Mapping[str, Secret]) -> bytes:
    """The header lines that every request to a provider carries, and those of its entry."""
    lines = [
        header_line("user-agent", _user_agent()),
        header_line("accept-encoding", "identity"),
    ]
    lines += [header_line(name, value.reveal()) for name, value in more.items()]
    return b"".join(lines)


@functools.cache
def _user_agent() -> str:
    return f"antiphon/{metadata.version('antiphon')}"
