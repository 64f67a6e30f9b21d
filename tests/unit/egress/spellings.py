"""Addresses, and all the ways to write them."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from antiphon.egress.addresses import CLOSED_V4, CLOSED_V6, NAT64

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALLOCATED = ip_network("2000::/3")
DIGITS = str.maketrans("0123456789abcdefx", "０１２３４５６７８９ａｂｃｄｅｆｘ")
DOTS = ("。", "．", "｡")


def closed_v4() -> st.SearchStrategy[IPv4Address]:
    return st.sampled_from(CLOSED_V4).flatmap(lambda each: st.ip_addresses(network=each.network))


def closed_v6() -> st.SearchStrategy[IPv6Address]:
    return st.sampled_from(CLOSED_V6).flatmap(lambda each: st.ip_addresses(network=each.network))


def public_v4() -> st.SearchStrategy[IPv4Address]:
    return st.ip_addresses(v=4).filter(lambda each: not _in(CLOSED_V4, each))


def public_v6() -> st.SearchStrategy[IPv6Address]:
    return st.ip_addresses(network=ALLOCATED).filter(
        lambda each: not _in(CLOSED_V6, each) and each not in NAT64 and "5efe" not in each.exploded
    )


def _in(ranges, address):
    return any(address in each.network for each in ranges)


@st.composite
def spelled_v4(draw, addresses: st.SearchStrategy[IPv4Address]) -> tuple[str, IPv4Address]:
    """One to four numbers in any base, with zeros before, in any case, in any width."""
    address = draw(addresses)
    value, count = int(address), draw(st.integers(1, 4))
    octets = [value >> shift & 0xFF for shift in (24, 16, 8)[: count - 1]]
    parts = [draw(_number(each)) for each in [*octets, value & (1 << 8 * (5 - count)) - 1]]
    text = ".".join(parts) + draw(st.sampled_from(["", "."]))
    if draw(st.booleans()):
        text = text.translate(DIGITS)
    if draw(st.booleans()):
        text = text.replace(".", draw(st.sampled_from(DOTS)))
    return text, address


@st.composite
def _number(draw, value: int) -> str:
    zeros = "0" * draw(st.integers(0, 4))
    text = draw(st.sampled_from([f"{value}", f"0{zeros}{value:o}", f"0x{zeros}{value:x}"]))
    return text.upper() if draw(st.booleans()) else text


@st.composite
def spelled_v6(draw, addresses: st.SearchStrategy[IPv6Address]) -> str:
    address = draw(addresses)
    head, low = address.exploded.rsplit(":", 2)[0], IPv4Address(int(address) & 0xFFFFFFFF)
    text = draw(st.sampled_from([str(address), address.exploded, f"{head}:{low}"]))
    return f"[{text.upper() if draw(st.booleans()) else text}]"


def carrying(address: IPv4Address) -> list[IPv6Address]:
    """The IPv6 addresses by which an IPv4 address could be meant."""
    value = int(address)
    return [
        IPv6Address(value),
        IPv6Address(0xFFFF << 32 | value),
        IPv6Address(0xFFFF << 48 | value),
        IPv6Address(0x64FF9B << 96 | value),
        IPv6Address(0x64FF9B0001 << 80 | value),
        IPv6Address(0x2002 << 112 | value << 80 | 1),
        IPv6Address(0x20010000 << 96 | value << 64 | (value ^ 0xFFFFFFFF)),
        IPv6Address(0x2A00_0001 << 96 | 0x5EFE << 32 | value),
        IPv6Address(0x2A00_0001 << 96 | 0x0200_5EFE << 32 | value),
    ]


def around(host: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """URLs about a host, in any case, with port, path, query and fragment."""
    scheme = st.sampled_from(["http", "https", "HTTP", "hTTpS"])
    after = st.sampled_from(["", "/", "/a?b=c", "?q", "#f", "/%2e%2e/x", "/a@b", "?http://x/"])
    return st.builds("{}://{}{}{}".format, scheme, host, _PORTS, after)


_PORTS = st.sampled_from(["", ":", ":80", ":443", ":0080"])
