"""The tables of closed ranges, against lists that do not come from them."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.egress.addresses import NAT64, closing, plain
from tests.unit.egress.spellings import CALM

CLOSED = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 127.0.0.1
127.255.255.255 169.254.0.0 169.254.169.254 169.254.170.2 169.254.170.23 169.254.255.255 172.16.0.0
172.31.255.255 192.0.0.0 192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.1
192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0
203.0.113.255 224.0.0.0 224.0.0.251 239.255.255.255 240.0.0.0 255.255.255.255 168.63.129.16
100.100.100.200
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1
64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 100::1 100:0:0:1::1 1000:: 2001::1 2001:0:4136:e378::1
2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff::1
2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2002::1 2002:7f00:1:: 2002:808:808::1 3fff::1
3fff:fff::1 4000::1 5f00::1 8000::1 fc00::1 fd00::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
fd00:42::42 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80::1 febf:ffff::1 fec0::1 feff::1 ff00::1
ff02::1 ff02::fb ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2a00:1::5efe:10.0.0.1
2a00:1::200:5efe:127.0.0.1
"""

OPEN = """
1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0
192.0.3.0 192.31.196.1 192.52.193.1 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0
192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255 203.0.114.0 223.255.255.255
64:ff9b::8.8.8.8 2000::1 2001:200::1 2001:4860:4860::8888 2001:db7::1 2001:db9::1 2003::1
2606:4700:4700::1111 2620:4f:8000::1 3ffe::1 3fff:1000::1 2a00:1::5efe:8.8.8.8
"""

METADATA = """
169.254.169.254 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254
fd00:42::42
"""


@pytest.mark.parametrize("address", CLOSED.split())
def test_closed(address):
    assert closing(plain(ip_address(address)))


@pytest.mark.parametrize("address", OPEN.split())
def test_open(address):
    assert closing(ip_address(address)) is None


@pytest.mark.parametrize("address", METADATA.split())
def test_metadata_is_a_range_of_its_own(address):
    found = closing(ip_address(address))
    assert found.network == ip_network(address)
    assert found.why == "metadata of a cloud"
    assert not found.inside


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("10.0.0.1", True),
        ("172.16.0.1", True),
        ("192.168.0.1", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("0.0.0.0", False),
        ("169.254.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_may_be_of_the_inside(address, inside):
    assert closing(ip_address(address)).inside is inside


@CALM
@given(st.ip_addresses(v=4))
def test_what_python_closes_we_close_v4(address):
    """`st.ip_addresses` draws from the registries' special ranges of its own accord."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert closing(address)


@CALM
@given(st.ip_addresses(v=6))
def test_what_python_closes_we_close_v6(address):
    if address in NAT64 or address.ipv4_mapped:
        return
    odd = address.is_multicast or address.is_reserved or address.is_site_local
    if not address.is_global or odd or not address.exploded.startswith(("2", "3")):
        assert closing(address)


@CALM
@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_plain(address):
    assert plain(IPv6Address(f"::ffff:{address}")) == address
