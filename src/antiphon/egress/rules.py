"""The rules of the door, compiled from its settings.

Judged twice: the URL before anything is done (`check`), and the addresses of its host where the
connection is made (`admit`). The second is the one that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from antiphon.egress.addresses import Address, Closed, carried, closing, plain
from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import BlockedAddress, Unresolved
from antiphon.egress.target import Target

_INSIDE_NAMES = frozenset(
    {
        *("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"),
        *("private", "arpa", "svc", "test", "invalid", "onion", "alt"),
    }
)


class Rules:
    """What may be reached. Immutable; a new configuration makes new rules."""

    __slots__ = ("_closed", "_inside", "_nat64", "_networks", "_only", "_ports", "_schemes")

    def __init__(self, settings: EgressSettings) -> None:
        self._schemes = frozenset({"https"} if settings.https_only else {"http", "https"})
        self._ports = frozenset(settings.ports)
        self._only = Names(settings.only_hosts)
        self._inside = Names(settings.inside_hosts)
        self._networks = settings.inside_networks
        self._closed = settings.closed_networks
        self._nat64 = settings.nat64_prefixes

    def check(self, target: Target) -> None:
        """Judge what can be judged without asking anybody.

        Raises:
            BlockedAddress: Scheme, port, name or address are not permitted.
        """
        if target.scheme not in self._schemes:
            raise BlockedAddress("plain http is not permitted")
        if target.address is not None:
            self.admit(target.host, target.port, (target.address,))
            return
        self._check_place(target.host, target.port)
        if not self._inside.hold(target.host) and _known_inside_only(target.host):
            raise BlockedAddress(f"{target.host} is a name that is known inside only")

    def admit(self, host: str, port: int, addresses: Sequence[Address]) -> tuple[Address, ...]:
        """The addresses to connect to, plain. One that is closed closes the whole name.

        Raises:
            BlockedAddress: The host, the port or one of its addresses is not permitted.
            Unresolved: There are none.
        """
        self._check_place(host, port)
        named = self._inside.hold(host)
        admitted = tuple(dict.fromkeys(plain(each) for each in addresses))
        if not admitted:
            raise Unresolved(f"{host} has no address")
        for address in admitted:
            self._check_address(host, address, named=named)
        return admitted

    def is_inside(self, host: str) -> bool:
        """Whether the operator listed a name as one of the inside."""
        return self._inside.hold(host)

    def _check_place(self, host: str, port: int) -> None:
        if port not in self._ports:
            raise BlockedAddress(f"port {port} is not permitted")
        if self._only and not self._only.hold(host):
            raise BlockedAddress(f"{host} is not among the hosts that may be asked")

    def _check_address(self, host: str, address: Address, *, named: bool) -> None:
        ends = (address, carried(address, self._nat64))
        if any(end in network for network in self._closed for end in ends if end is not None):
            raise BlockedAddress(f"{host} is {address}: a network that the settings close")
        closed = closing(address, self._nat64)
        if closed is None or (named and closed.inside) or self._opened(address, closed):
            return
        raise BlockedAddress(f"{host} is {address}: {closed.why}")

    def _opened(self, address: Address, closed: Closed) -> bool:
        return any(address in each and closed.holds(each) for each in self._networks)


class Names:
    """Names and addresses, and `*.NAME` for all names below one."""

    __slots__ = ("_below", "_exact")

    def __init__(self, patterns: Iterable[str]) -> None:
        listed = frozenset(patterns)
        self._below = tuple(each[1:] for each in listed if each.startswith("*."))
        self._exact = listed

    def __bool__(self) -> bool:
        return bool(self._exact)

    def hold(self, host: str) -> bool:
        """Whether a host is listed, by itself or below another."""
        return host in self._exact or host.endswith(self._below)


def _known_inside_only(name: str) -> bool:
    """A name without a dot, or under what is no part of the public tree (RFC 6761 and usage)."""
    labels = name.split(".")
    return len(labels) == 1 or labels[-1] in _INSIDE_NAMES
