"""What the settings open and close."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import NOT_FROM_HERE, BlockedAddress, Unresolved
from antiphon.egress.rules import Rules
from antiphon.egress.target import Target


def rules(**settings: object) -> Rules:
    return Rules(EgressSettings.model_validate(settings))


def admits(made: Rules, *addresses: str, host: str = "a.example", port: int = 443) -> bool:
    try:
        made.admit(host, port, [ip_address(each) for each in addresses])
    except BlockedAddress:
        return False
    return True


def checks(made: Rules, url: str) -> bool:
    try:
        made.check(Target.parse(url))
    except BlockedAddress:
        return False
    return True


def test_what_is_told():
    with pytest.raises(BlockedAddress) as caught:
        rules().admit("a.example", 443, [ip_address("10.0.0.7")])
    assert (caught.value.message, caught.value.status) == (NOT_FROM_HERE, 403)
    assert caught.value.reason == "a.example is 10.0.0.7: private"


def test_one_closed_address_closes_the_name():
    assert admits(rules(), "8.8.8.8", "2606:4700::1111")
    assert not admits(rules(), "8.8.8.8", "10.0.0.1")
    assert not admits(rules(), "8.8.8.8", "::1")


def test_an_ipv4_mapped_address_is_connected_to_as_ipv4():
    admitted = rules().admit(
        "a.example", 443, [ip_address("::ffff:8.8.8.8"), ip_address("8.8.8.8")]
    )
    assert admitted == (ip_address("8.8.8.8"),)


def test_a_name_without_addresses():
    with pytest.raises(Unresolved) as caught:
        rules().admit("a.example", 443, [])
    assert caught.value.message == NOT_FROM_HERE


def test_an_opened_network():
    made = rules(inside_networks=["10.1.0.0/16", "127.0.0.2/32", "fc00::/7"])
    assert admits(made, "10.1.2.3")
    assert admits(made, "::ffff:10.1.2.3")
    assert admits(made, "127.0.0.2")
    assert admits(made, "fd12::1")
    assert not admits(made, "10.2.0.1")
    assert not admits(made, "127.0.0.1")
    assert not admits(made, "64:ff9b::a01:203"), "nobody translates to private addresses"
    assert checks(made, "http://10.1.2.3/")
    assert checks(made, "http://0x0a010203/")


def test_metadata_opens_by_itself_only():
    wide = rules(inside_networks=["fc00::/7", "169.254.0.0/16", "100.64.0.0/10"])
    assert admits(wide, "169.254.1.1")
    for address in ("fd00:ec2::254", "fd20:ce::254", "169.254.169.254", "100.100.100.200"):
        assert not admits(wide, address)
        assert admits(rules(inside_networks=[address]), address)


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "8.8.8.0/24", "10.0.0.1/8", "x"]
)
def test_what_cannot_be_opened(network):
    with pytest.raises(ValidationError):
        rules(inside_networks=[network])


def test_a_name_of_the_inside():
    made = rules(inside_hosts=["Alerts.Internal.", "*.svc", "hooks.example"])
    for host in ("alerts.internal", "a.b.svc", "hooks.example"):
        assert checks(made, f"https://{host}/")
        assert made.is_inside(host)
        assert admits(made, "10.0.0.1", "127.0.0.1", "fd00::1", "8.8.8.8", host=host)
        assert not admits(made, "169.254.169.254", host=host)
        assert not admits(made, "fe80::1", host=host)
        assert not admits(made, "0.0.0.0", host=host)
    assert not admits(made, "10.0.0.1")
    assert not made.is_inside("svc")
    assert not made.is_inside("xsvc")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "printer",
        "printer.local",
        "metadata.google.internal",
        "x.lan",
        "x.corp",
        "1.0.0.127.in-addr.arpa",
        "router.home.arpa",
        "ｌｏｃａｌｈｏｓｔ",
        "x.test",
    ],
)
def test_names_that_are_known_inside_only(host):
    assert not checks(rules(), f"http://{host}/")


def test_only_listed_hosts():
    made = rules(only_hosts=["*.example.com", "münchen.de", "8.8.8.8", "2a00::1"])
    assert checks(made, "https://a.example.com/")
    assert checks(made, "https://xn--mnchen-3ya.de/")
    assert checks(made, "https://0x08080808/")
    assert checks(made, "https://[2a00:0::1]/")
    assert not checks(made, "https://example.com/")
    assert not checks(made, "https://aexample.com/")
    assert not checks(made, "https://8.8.4.4/")
    assert not admits(made, "8.8.8.8", host="b.example"), "judged at the socket as well"


def test_listing_a_host_does_not_open_its_addresses():
    assert not admits(rules(only_hosts=["a.example"]), "10.0.0.1")


def test_closed_networks_beat_all():
    made = rules(
        closed_networks=["8.8.8.0/24", "10.1.1.0/24"],
        inside_networks=["10.1.0.0/16"],
        inside_hosts=["a.example"],
    )
    assert not admits(made, "8.8.8.8")
    assert not admits(made, "::ffff:8.8.8.8")
    assert not admits(made, "64:ff9b::8.8.8.8")
    assert not admits(made, "10.1.1.1")
    assert admits(made, "10.1.2.1")


def test_ports_and_schemes():
    assert checks(rules(), "https://a.example/")
    assert checks(rules(), "http://a.example:443/")
    assert not checks(rules(), "http://a.example:22/")
    assert not checks(rules(), "http://a.example:8080/")
    assert checks(rules(ports=[8080]), "http://a.example:8080/")
    assert not admits(rules(), "8.8.8.8", port=25)
    assert not checks(rules(https_only=True), "http://a.example/")


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("2a00:1:2:3:4:5::/96", "2a00:1:2:3:4:5:{0:02x}{1:02x}:{2:02x}{3:02x}"),
        ("2a00:1:2:3::/64", "2a00:1:2:3:{0:04x}:{1:02x}{2:02x}:{3:02x}00::"),
        ("2a00:1:2::/48", "2a00:1:2:{0:02x}{1:02x}:{2:04x}:{3:02x}00::"),
        ("2a00:1::/32", "2a00:1:{0:02x}{1:02x}:{2:02x}{3:02x}::"),
        ("2a00:1:200::/40", "2a00:1:2{0:02x}:{1:02x}{2:02x}:{3:04x}::"),
        ("2a00:1:2:300::/56", "2a00:1:2:3{0:02x}:{1:04x}:{2:02x}{3:02x}::"),
    ],
)
def test_a_translator_of_ones_own(prefix, address):
    """The layouts of RFC 6052, section 2.2: bits 64 to 71 carry nothing."""
    made = rules(nat64_prefixes=[prefix])
    assert not admits(made, address.format(10, 0, 0, 1))
    assert not admits(made, address.format(169, 254, 169, 254))
    assert admits(made, address.format(8, 8, 8, 8))
    assert admits(rules(), address.format(10, 0, 0, 1)), "unknown without the setting"


@pytest.mark.parametrize(
    "settings",
    [
        {"ports": []},
        {"ports": [0]},
        {"ports": [65536]},
        {"only_hosts": ["*.8.8.8.8"]},
        {"only_hosts": ["a b"]},
        {"only_hosts": ["*"]},
        {"inside_hosts": ["https://x/"]},
        {"nat64_prefixes": ["2a00::/65"]},
        {"nat64_prefixes": ["10.0.0.0/8"]},
        {"nat64_prefixes": [5]},
        {"closed_networks": ["8.8.8.8/24"]},
        {"connect_seconds": 0},
        {"total_seconds": float("inf")},
        {"max_response_bytes": 0},
        {"ca_file": "/no/such/file"},
        {"proxy": "http://x"},
    ],
)
def test_settings_that_are_none(settings):
    with pytest.raises(ValidationError):
        rules(**settings)
