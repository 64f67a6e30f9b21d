"""Where the gateway is: what was said on the command line, else what its configuration says."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.config.load import load
from antiphon.config.server import is_loopback
from antiphon.providers.address import url_of_host
from antiphon.providers.transport import Origin

_DEFAULT = "http://127.0.0.1:4100"
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")


class Place(msgspec.Struct, frozen=True):
    """A gateway that can be asked.

    Attributes:
        origin: Where connections go.
        path: What stands before every endpoint; empty, or begins but does not end with a slash.
        requires_key: What the configuration says of keys; None where none was read.
    """

    origin: Origin
    path: str
    requires_key: bool | None = None

    @property
    def url(self) -> str:
        """Its address, without a closing slash."""
        return f"{self.origin.scheme}://{self.origin.authority}{self.path}"

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.origin.host)


def place_of(url: str | None, config: Path | None) -> Place:
    """The gateway of a URL, else of a configuration.

    Raises:
        CannotConnect: The URL is none, or the configuration names no port.
        ConfigurationError: The configuration cannot be read.
    """
    if url is not None:
        try:
            return _parsed(url.strip())
        except ValueError as error:
            raise CannotConnect(f"--url: {error}", asked_wrongly=True) from error
    settings = load(config).settings
    server = settings.server
    if not server.port:
        raise CannotConnect(
            "the configuration takes any free port (server.port is 0): say with --url where the "
            "gateway listens",
            asked_wrongly=True,
        )
    address = url_of_host(f"{_bracketed(server.host)}:{server.port}", default=_DEFAULT)
    return Place(Origin.parse(address), server.root_path, settings.auth.required)


def _parsed(url: str) -> Place:
    """Where a URL points: with or without a scheme, a closing slash, `/v1`."""
    if set(url) & set("?#") or url.endswith("://"):
        raise ValueError("it names a host and maybe a path, and nothing else")
    text = url_of_host(url, default=_DEFAULT).rstrip("/").removesuffix("/v1").rstrip("/")
    origin = Origin.parse(text)
    path = urlsplit(text).path
    if not _PATH.fullmatch(path):
        raise ValueError("its path holds a character that has to be escaped")
    return Place(origin, path)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
