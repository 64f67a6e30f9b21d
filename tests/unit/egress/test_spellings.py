"""Every spelling of a closed address is refused; every spelling of a public one goes through."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import BadAddress, BlockedAddress
from antiphon.egress.hosts import parse_host
from antiphon.egress.rules import Rules
from antiphon.egress.target import Target
from tests.unit.egress.spellings import (
    CALM,
    around,
    carrying,
    closed_v4,
    closed_v6,
    public_v4,
    public_v6,
    spelled_v4,
    spelled_v6,
)

RULES = Rules(EgressSettings())


def judge(url: str) -> Target:
    target = Target.parse(url)
    RULES.check(target)
    return target


def with_host(spelled):
    return st.tuples(spelled, st.data()).map(
        lambda both: (both[1].draw(around(st.just(both[0][0]))), both[0][1])
    )


@CALM
@given(with_host(spelled_v4(closed_v4())))
def test_a_closed_ipv4_address(case):
    url, address = case
    assert Target.parse(url).address == address
    with pytest.raises(BlockedAddress):
        judge(url)


@CALM
@given(with_host(spelled_v4(public_v4())))
def test_a_public_ipv4_address(case):
    url, address = case
    assert judge(url).address == address


@CALM
@given(around(spelled_v6(closed_v6())))
def test_a_closed_ipv6_address(url):
    try:
        target = judge(url)
    except BlockedAddress:
        return
    # Only what the kernel makes a public IPv4 address of.
    assert isinstance(target.address, IPv4Address)
    assert RULES.admit("x.example", 80, [target.address])


@CALM
@given(around(spelled_v6(public_v6())))
def test_a_public_ipv6_address(url):
    assert isinstance(judge(url).address, IPv6Address)


@CALM
@given(closed_v4().map(carrying).flatmap(st.sampled_from), st.data())
def test_an_ipv6_address_that_carries_a_closed_one(address, data):
    url = data.draw(around(spelled_v6(st.just(address))))
    with pytest.raises(BlockedAddress):
        judge(url)
    with pytest.raises(BlockedAddress):
        RULES.admit("rebinds.example", 80, [address])


@CALM
@given(public_v4())
def test_an_ipv6_address_that_carries_a_public_one(address):
    compatible, mapped, translated, nat64, local, sixtofour, teredo, *isatap = carrying(address)
    assert judge(f"http://[{mapped}]/").address == address
    assert judge(f"http://[{nat64}]/").address == nat64
    for each in isatap:
        assert judge(f"http://[{each}]/").address == each
    for each in (compatible, translated, local, sixtofour, teredo):
        with pytest.raises(BlockedAddress):
            judge(f"http://[{each}]/")


@CALM
@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9a-fxX.:o_\[\]%]{1,30}", fullmatch=True)))
@example("0x7f_1")
@example("0o177.1")
@example("127.0.0.1\x00")
@example("1_0.0.0.1")
@example("0x0x7f.1")
@example("+127.0.0.1")
@example("0x")
@example("1.0X")
def test_no_name_is_an_address_to_the_resolver(text):
    """What we take for a name, the system's own reader takes for no address; else both agree."""
    try:
        host = parse_host(text)
    except ValueError:
        return
    if isinstance(host, str):
        with pytest.raises(OSError):  # noqa: PT011  gaierror and its kin
            socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
        with pytest.raises(OSError):  # noqa: PT011
            socket.inet_aton(host)
    elif isinstance(host, IPv4Address) and text.isascii() and text[0] != "[":
        # It takes a little less than the standard: no `0x` for zero.
        with contextlib.suppress(OSError):
            assert socket.inet_aton(text.removesuffix(".")) == host.packed


@CALM
@given(st.text(max_size=200))
@example("http://exa mple.com/")
@example("httpſ://127.0.0.1/")
@example("http://[::1")
@example("http://[fe80::1%25eth0]/")
def test_any_text_is_a_target_or_a_typed_refusal(text):
    try:
        target = Target.parse(text)
    except BadAddress:
        return
    assert Target.parse(target.url) == target
    assert target.url.isascii()


@CALM
@given(st.text(max_size=60))
def test_any_location_is_a_target_or_a_typed_refusal(text):
    base = Target.parse("http://8.8.8.8/a/b?c")
    try:
        onward = base.follow(text)
    except BadAddress:
        return
    if onward.host != base.host:
        assert text.lower().startswith(("//", "http://", "https://"))


@pytest.mark.parametrize(
    "url",
    [
        "http://user@example.com/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1:80@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://example.com%2f@127.0.0.1/",
        "http://127.0.0.1%2f.example.com/",
        "http://127.0.0.1%00.example.com/",
        "http://%31%32%37.0.0.1/",
        "http://127.0.0.1\t/",
        "ht\ntp://127.0.0.1/",
        " http://127.0.0.1/",
        "http://127.0.0.1 .example.com/",
        "http://127.0\u200b.0.1/",
        "http://127\u00ad.0.0.1/",
        "http:/127.0.0.1/",
        "http:127.0.0.1",
        "http:///127.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1/",
        "",
        "http://",
        "http://./",
        "http://../",
        "http://127.0.0.1../",
        "http://example..com/",
        "http://::1/",
        "http://[::1/",
        "http://::1]/",
        "http://[::1]x/",
        "http://[::1%eth0]/",
        "http://[::1%25eth0]/",
        "http://[fe80::1%251]/",
        "http://[v1.fe80]/",
        "http://[::ffff:0x7f.0.0.1]/",
        "http://[::ffff:0177.0.0.1]/",
        "http://[127.0.0.1]/",
        "http://256.0.0.1/",
        "http://1.2.3.4.5/",
        "http://4294967296/",
        "http://0x1ffffffff/",
        "http://08.0.0.1/",
        "http://example.0x/",
        "http://example.1/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://example.com:-80/",
        "http://example.com:８０/",
        "http://example.com:80:80/",
        "http://ex／ample.com/",
        "http://example.com＠127.0.0.1/",
        "http://example.com：80/",
        "http://⒈⒉⒎.0.0.1/",
        "http://-example.com/",
        "http://xn--\u00e4.example/",
        f"http://{'a' * 64}.com/",
        f"http://{'a.' * 127}com/",
        f"http://example.com/{'a' * 9000}",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "unix:///var/run/docker.sock",
        "javascript:alert(1)",
        "data:text/plain,x",
        "jar:http://example.com/!/",
        "httpſ://example.com/",
    ],
)
def test_tricks(url):
    with pytest.raises(BadAddress) as caught:
        Target.parse(url)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("EXAMPLE.com.", "example.com"),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("1.2.3.4.example.com", "1.2.3.4.example.com"),
        ("0x7f.example.com", "0x7f.example.com"),
        ("127.1.nip.io", "127.1.nip.io"),
    ],
)
def test_names(text, host):
    assert parse_host(text) == host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTP://Example.COM.", "http://example.com/"),
        ("https://example.com:443/a?b#c", "https://example.com/a?b"),
        ("https://example.com:80", "https://example.com:80/"),
        ("http://0x08080808/ü?ß", "http://8.8.8.8/%C3%BC?%C3%9F"),
        ("http://[2A00:0:0::1]:80/%41", "http://[2a00::1]/%41"),
        ("http://[::ffff:808:808]/", "http://8.8.8.8/"),
    ],
)
def test_what_is_written_anew(text, url):
    assert Target.parse(text).url == url


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "https://a.example/x"),
        ("y", "https://a.example/p/y"),
        ("?z", "https://a.example/p/q?z"),
        ("../../../z", "https://a.example/z"),
        ("//b.example/x", "https://b.example/x"),
        ("http://b.example", "http://b.example/"),
    ],
)
def test_where_an_answer_leads_on(location, url):
    assert Target.parse("https://a.example/p/q?r").follow(location).url == url


@pytest.mark.parametrize(
    "location", ["http:x", "https:/x", "file:///x", "//[::1", "\\\\b\\x", "//u@b/", "/a b"]
)
def test_where_an_answer_must_not_lead(location):
    with pytest.raises(BadAddress):
        Target.parse("https://a.example/").follow(location)


@pytest.mark.parametrize("public", ["1.1.1.1", "2606:4700::1111", "2620:fe::fe", "100.128.0.1"])
def test_the_neighbours_of_closed_ranges(public):
    assert RULES.admit("x.example", 443, [ip_address(public)])
