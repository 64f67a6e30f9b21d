"""Servers of the user's own that are found without being named.

A row that runs on the user's machines, needs no key and has an address of its own, as Ollama does,
is there if something listens at that address. Nothing is sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from antiphon.providers.catalog import Catalog

Listens: TypeAlias = Callable[[str, int], bool]
_PATIENCE = 0.2
"""Seconds: on this machine a connection is taken or refused at once."""


def listens(host: str, port: int) -> bool:
    """Whether something takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE):
            return True
    except OSError:
        return False


def find_local(found: Mapping[str, object], catalog: Catalog, listening: Listens) -> Iterator[str]:
    """The rows that are there, those left out that were found already."""
    for name, row in catalog.items():
        if not (row.self_hosted and row.key_optional and row.base_url) or name in found:
            continue
        parts = urlsplit(row.base_url)
        if parts.hostname and parts.port and listening(parts.hostname, parts.port):
            yield name
