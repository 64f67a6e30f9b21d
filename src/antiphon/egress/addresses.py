"""Which addresses lead to the public internet, and which do not.

The tables are IANA's registries of special-purpose addresses, read strictly, and the addresses at
which clouds hand out credentials. They stand here, since what `ipaddress` calls private differs
between releases of Python. Whatever lies in no public range is closed.

An IPv6 address may carry an IPv4 address. Where the kernel or a translator on the way would send
the packet there, the carried address is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

import msgspec

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Closed(msgspec.Struct, frozen=True):
    """A range that is no part of the public internet.

    Attributes:
        network: The range.
        why: What it is.
        inside: Whether it is this machine or its own network, where an operator may well have a
            receiver; such a range opens to names that the operator lists.
    """

    network: Network
    why: str
    inside: bool = False

    def holds(self, network: Network) -> bool:
        """Whether a network lies within this range."""
        ours = self.network
        if isinstance(ours, IPv4Network):
            return isinstance(network, IPv4Network) and network.subnet_of(ours)
        return isinstance(network, IPv6Network) and network.subnet_of(ours)


def _closed(rows: Iterable[tuple[str, str, bool]]) -> tuple[Closed, ...]:
    made = [Closed(ip_network(network), why, inside) for network, why, inside in rows]
    # The narrowest first: the first that holds an address is the one that says what it is.
    return tuple(sorted(made, key=lambda each: -each.network.prefixlen))


CLOSED_V4 = _closed(
    [
        ("0.0.0.0/8", "this network", False),
        ("10.0.0.0/8", "private", True),
        ("100.64.0.0/10", "carrier-grade or overlay", True),
        ("100.100.100.200/32", "metadata of a cloud", False),
        ("127.0.0.0/8", "loopback", True),
        ("168.63.129.16/32", "metadata of a cloud", False),
        ("169.254.0.0/16", "link-local", False),
        ("169.254.169.254/32", "metadata of a cloud", False),
        ("172.16.0.0/12", "private", True),
        ("192.0.0.0/24", "protocol assignments", False),
        ("192.0.0.192/32", "metadata of a cloud", False),
        ("192.0.2.0/24", "documentation", False),
        ("192.88.99.0/24", "6to4 relays", False),
        ("192.168.0.0/16", "private", True),
        ("198.18.0.0/15", "benchmarking", False),
        ("198.51.100.0/24", "documentation", False),
        ("203.0.113.0/24", "documentation", False),
        ("224.0.0.0/4", "multicast", False),
        ("240.0.0.0/4", "reserved", False),
        ("255.255.255.255/32", "broadcast", False),
    ]
)

CLOSED_V6 = _closed(
    [
        ("::/3", "no public range", False),
        ("4000::/2", "no public range", False),
        ("8000::/1", "no public range", False),
        ("::/128", "unspecified", False),
        ("::1/128", "loopback", True),
        ("::/96", "IPv4-compatible", False),
        ("::ffff:0:0/96", "IPv4-mapped", False),
        ("::ffff:0:0:0/96", "IPv4-translated", False),
        ("64:ff9b:1::/48", "local NAT64", False),
        ("100::/64", "discard-only", False),
        ("2001::/23", "protocol assignments", False),
        ("2001::/32", "Teredo", False),
        ("2001:db8::/32", "documentation", False),
        ("2002::/16", "6to4", False),
        ("3fff::/20", "documentation", False),
        ("fc00::/7", "unique local", True),
        ("fd00:42::42/128", "metadata of a cloud", False),
        ("fd00:ec2::254/128", "metadata of a cloud", False),
        ("fd00:ec2::23/128", "metadata of a cloud", False),
        ("fd20:ce::254/128", "metadata of a cloud", False),
        ("fe80::/10", "link-local", False),
        ("fec0::/10", "site-local", False),
        ("ff00::/8", "multicast", False),
    ]
)

NAT64 = IPv6Network("64:ff9b::/96")
"""The prefix under which translators everywhere carry IPv4 (RFC 6052)."""

_NAT64_LENGTHS = frozenset({32, 40, 48, 56, 64, 96})
_HALF = 8
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def plain(address: Address) -> Address:
    """The address that the kernel would connect to: an IPv4-mapped one is IPv4."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def closing(address: Address, nat64: Iterable[IPv6Network] = ()) -> Closed | None:
    """The narrowest closed range that holds an address, or None for a public one.

    Args:
        address: A plain address.
        nat64: Prefixes of translators of the operator's own, besides the well-known one.
    """
    if isinstance(address, IPv4Address):
        return _first(CLOSED_V4, address)
    inner = carried(address, nat64)
    if inner is not None:
        closed = _first(CLOSED_V4, inner)
        if closed is None:
            return None
        return Closed(IPv6Network(address), f"carries IPv4 ({closed.why})")
    return _first(CLOSED_V6, address) or _isatap(address)


def closed_ranges() -> tuple[Closed, ...]:
    """Every closed range."""
    return CLOSED_V4 + CLOSED_V6


def carried(address: Address, nat64: Iterable[IPv6Network] = ()) -> IPv4Address | None:
    """The IPv4 address to which a translator sends what is sent to an IPv6 address, if any."""
    if isinstance(address, IPv4Address):
        return None
    prefix = next((each for each in (NAT64, *nat64) if address in each), None)
    if prefix is None:
        return None
    octets, start = address.packed, prefix.prefixlen // 8
    # The octet after the first 64 bits carries nothing, wherever a shorter prefix ends.
    rest = octets[start:] if start > _HALF else octets[start:_HALF] + octets[_HALF + 1 :]
    return IPv4Address(rest[:4])


def nat64_prefix(prefix: IPv6Network) -> IPv6Network:
    """Check the prefix of a translator; raise `ValueError` where it can be none."""
    if prefix.prefixlen not in _NAT64_LENGTHS:
        raise ValueError("A NAT64 prefix has 32, 40, 48, 56, 64 or 96 bits (RFC 6052).")
    return prefix


def _first(ranges: tuple[Closed, ...], address: Address) -> Closed | None:
    return next((each for each in ranges if address in each.network), None)


def _isatap(address: IPv6Address) -> Closed | None:
    """A tunnel within a site (RFC 5214): the interface's half of the address carries IPv4."""
    half = int(address) & 0xFFFF_FFFF_FFFF_FFFF
    if half >> 32 not in _ISATAP:
        return None
    closed = _first(CLOSED_V4, IPv4Address(half & 0xFFFF_FFFF))
    return closed and Closed(IPv6Network(address), f"ISATAP ({closed.why})")
