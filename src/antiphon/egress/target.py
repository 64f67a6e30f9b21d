"""A URL from a stranger, read strictly and once.

Two readers of one text that disagree on its host are how checks are passed by. So this reader
takes only what all agree on, the client gets the URL that is written anew from what was read, and
what counts in the end is the address of the socket (`transport`).
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin

import msgspec

from antiphon.egress.addresses import Address
from antiphon.egress.errors import BadAddress
from antiphon.egress.hosts import parse_host

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8192
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]+)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(#.*)?",
    re.IGNORECASE | re.ASCII,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+)(:(?P<port>[0-9]{0,5}))?", re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE | re.ASCII)
_KEPT = "%!$&'()*+,;=:@/?~[]|{}^`\"<>"
_HIGHEST_PORT = 65535


class Target(msgspec.Struct, frozen=True):
    """Where a request goes.

    Attributes:
        scheme: `http` or `https`.
        host: A lower-case ASCII name without a last dot, or an address as it is written best.
        address: The address, where the host is one.
        port: The TCP port.
        path: Path and query, in ASCII; begins with a slash.
    """

    scheme: str
    host: str
    address: Address | None
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a URL.

        Raises:
            BadAddress: It is no http or https URL, or not one that all readers agree on.
        """
        _check_characters(text)
        found = _URL.fullmatch(text)
        if found is None:
            raise BadAddress("An address starts with http:// or https:// and names a host.")
        host, port = _authority(found["authority"])
        scheme = found["scheme"].lower()
        address = None if isinstance(host, str) else host
        path = quote((found["path"] or "/") + (found["query"] or ""), safe=_KEPT)
        return cls(
            scheme, str(host), address, DEFAULT_PORTS[scheme] if port is None else port, path
        )

    def follow(self, location: str) -> Target:
        """Read where an answer from here leads on.

        Raises:
            BadAddress: As `parse` does.
        """
        _check_characters(location)
        if _SCHEME.match(location):
            return Target.parse(location)
        try:
            joined = urljoin(self.url, location)
        except ValueError as error:
            raise BadAddress("Where the answer leads on cannot be read.") from error
        return Target.parse(joined)

    @property
    def authority(self) -> str:
        """Host and port, as in the `host` header: a port that the scheme implies is left out."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        """The URL, written anew."""
        return self.origin + self.path


def _check_characters(text: str) -> None:
    if len(text) > LONGEST_URL:
        raise BadAddress(f"An address has at most {LONGEST_URL} characters.")
    if "\\" in text or not all(each.isprintable() and not each.isspace() for each in text):
        # Soft hyphens, marks of direction, surrogates: not printable either.
        raise BadAddress("An address holds no blanks, no backslash and nothing invisible.")


def _authority(text: str) -> tuple[str | Address, int | None]:
    if "@" in text:
        raise BadAddress("An address holds no user name and no password.")
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise BadAddress("Host and port of the address cannot be read.")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port <= _HIGHEST_PORT:
        raise BadAddress(f"A port is a number from 1 to {_HIGHEST_PORT}.")
    try:
        return parse_host(found["host"]), port
    except ValueError as error:
        raise BadAddress(str(error)) from error
