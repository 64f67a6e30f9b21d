"""A host as people write it, made one thing: an address, or a name that cannot be one.

Resolvers, browsers and libraries read `0x7f.1`, `017700000001`, `2130706433` and the
same in full-width digits as 127.0.0.1, and differ in which of them. Here all are read, the way
that WHATWG's URL standard says, and what comes out is written in one way only. A name that is
returned is none that any resolver takes for an address.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import idna

from antiphon.egress.addresses import Address, plain

_LONGEST = 512
_LONGEST_NAME = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_BASES = (
    (re.compile(r"0x(?P<digits>[0-9a-f]*)", re.ASCII), 16),
    (re.compile(r"(?P<digits>0[0-7]*)", re.ASCII), 8),
    (re.compile(r"(?P<digits>[1-9][0-9]*)", re.ASCII), 10),
)
_MOST_PARTS = 4
_BITS = 32


def parse_host(text: str) -> str | Address:
    """Read a host: a lower-case ASCII name without a last dot, or a plain address.

    Raises:
        ValueError: It is neither; the message says why.
    """
    if text.startswith("["):
        return _bracketed(text)
    if not text or len(text) > _LONGEST:
        raise ValueError("The address names no host.")
    name = _ascii(text).lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(each) for each in labels):
        raise ValueError("The host is not a name that can be looked up.")
    return _ipv4(labels) if _is_number(labels[-1]) else name


def _ascii(text: str) -> str:
    """What a name in any script is in ASCII; full-width and the like become what they stand for."""
    if text.isascii():
        return text
    try:
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        return mapped if mapped.isascii() else idna.encode(mapped).decode()
    except UnicodeError as error:
        raise ValueError("The host is not a valid international name.") from error


def _bracketed(text: str) -> Address:
    inner = text[1:-1]
    if not text.endswith("]") or not text.isascii():
        raise ValueError("The address in brackets is not complete.")
    if "%" in inner:
        raise ValueError("An address with a zone is not taken.")
    try:
        return plain(IPv6Address(inner))
    except ValueError as error:
        raise ValueError("What stands in brackets is not an IPv6 address.") from error


def _is_number(label: str) -> bool:
    """Whether a last label makes the host an address, or nothing at all."""
    return _NUMBER.fullmatch(label) is not None


def _ipv4(parts: list[str]) -> IPv4Address:
    """Up to four numbers, decimal, octal or hexadecimal; the last fills what is left."""
    if len(parts) > _MOST_PARTS:
        raise ValueError("The host ends in a number and is no IPv4 address.")
    *octets, last = [_number(each) for each in parts]
    left = _BITS - 8 * len(octets)
    if any(each > 0xFF for each in octets) or last >> left:  # noqa: PLR2004  an octet
        raise ValueError("A number of the IPv4 address is too large.")
    value = last
    for index, each in enumerate(octets):
        value |= each << (_BITS - 8 - 8 * index)
    return IPv4Address(value)


def _number(text: str) -> int:
    # Python's own reader takes signs, underscores and prefixes of its own as well.
    for pattern, base in _BASES:
        found = pattern.fullmatch(text)
        if found is not None:
            return int(found["digits"] or "0", base)
    raise ValueError("The host ends in a number and is no IPv4 address.")
