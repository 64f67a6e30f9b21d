"""From a name to its addresses, once per connection.

The system's resolver blocks a thread for as long as a name server keeps silent, and a stranger who
names an address also runs its name server. So it has threads of its own: those of the event loop,
which the look-ups of providers wait for, are not taken.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Protocol

from antiphon.egress.addresses import Address
from antiphon.egress.errors import Unresolved

_THREADS = 16


class Resolver(Protocol):
    """Where addresses of names come from."""

    async def resolve(self, host: str, *, inside: bool) -> Sequence[Address]:
        """All addresses of a name, in the order to try.

        Args:
            host: A lower-case ASCII name without a last dot.
            inside: Whether the search list of this machine may complete it.

        Raises:
            Unresolved: It has none, or nobody answered.
        """
        ...

    def close(self) -> None:
        """Take no more questions; does not wait."""
        ...


class SystemResolver:
    """The resolver of this machine, its hosts file included."""

    __slots__ = ("_threads",)

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="egress-resolver")

    async def resolve(self, host: str, *, inside: bool) -> Sequence[Address]:
        """As `Resolver.resolve`; a name that is not of the inside is asked for as it stands."""
        name = host if inside else f"{host}."
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _look_up, name)
        except (OSError, UnicodeError) as error:
            raise Unresolved(f"{host} cannot be resolved: {error}") from error
        return [ip_address(each) for each in dict.fromkeys(found)]

    def close(self) -> None:
        """Let the threads end; a question that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(name: str) -> list[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    # An address with a zone is link-local: what stands before the zone says so.
    return [str(place[0]).partition("%")[0] for *_, place in found]
