"""The header by which a trusted proxy says who the end user is."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.access.proxy import Identity, TrustedProxy, sign
from antiphon.errors import InvalidRequest, Overloaded, Unauthenticated
from antiphon.secret import Secret
from tests.unit.access.tenancy import MovedClock

SECRET = Secret("0123456789abcdef0123456789abcdef")
NONCE = "n" * 16


def now(clock: MovedClock) -> int:
    return int(clock.now())


def identity(clock: MovedClock, user: str = "anna", nonce: str = NONCE) -> Identity:
    return Identity(user=user, at=now(clock), nonce=nonce)


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
def proxy(clock):
    return TrustedProxy([SECRET], clock=clock)


def test_who_it_is(proxy, clock):
    assert proxy.identify(sign(identity(clock, "Anna Müller"), SECRET)) == "Anna Müller"


def test_as_another_program_writes_it(proxy, clock):
    """By the words of the module's docstring, with nothing of ours."""
    text = json.dumps({"nonce": "0" * 32, "at": now(clock), "user": "安娜"}).encode()
    content = "v1." + base64.urlsafe_b64encode(text).decode().rstrip("=")
    mac = hmac.new(SECRET.reveal().encode(), content.encode(), sha256).hexdigest()
    assert proxy.identify(f"{content}.{mac}".encode()) == "安娜"


def test_once(proxy, clock):
    header = sign(identity(clock), SECRET)
    proxy.identify(header)
    with pytest.raises(Unauthenticated, match="used before"):
        proxy.identify(header)
    with pytest.raises(Unauthenticated, match="used before"):
        proxy.identify(sign(identity(clock, "berta"), SECRET))


@pytest.mark.parametrize("offset", [-61, 61, -(10**9), 10**12])
def test_not_of_now(proxy, clock, offset):
    header = sign(Identity(user="anna", at=now(clock) + offset, nonce=NONCE), SECRET)
    with pytest.raises(Unauthenticated, match="old"):
        proxy.identify(header)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(-60, 60)), max_size=30))
def test_never_twice_however_time_goes(steps):
    clock = MovedClock()
    proxy, sent = TrustedProxy([SECRET], clock=clock), []
    for number, (pause, offset) in enumerate(steps):
        clock.time += pause
        for header in sent:
            with pytest.raises(Unauthenticated):
                proxy.identify(header)
        at = now(clock) + offset
        if abs(clock.now() - at) <= 60:
            header = sign(Identity(user="anna", at=at, nonce=f"{number:016}"), SECRET)
            assert proxy.identify(header) == "anna"
            sent.append(header)


def test_two_secrets_while_one_is_replaced(clock):
    other = Secret("f" * 32)
    proxy = TrustedProxy([other, SECRET], clock=clock)
    assert proxy.identify(sign(identity(clock), SECRET))
    assert proxy.identify(sign(identity(clock, nonce="m" * 16), other))
    with pytest.raises(Unauthenticated):
        TrustedProxy([other], clock=clock).identify(sign(identity(clock), SECRET))


@pytest.mark.parametrize("secrets", [[], ["short"], ["x" * 32, "x" * 31]])
def test_secrets_that_are_none(secrets, clock):
    with pytest.raises(ValueError, match="32 bytes"):
        TrustedProxy([Secret(text) for text in secrets], clock=clock)


@given(st.data())
def test_one_other_byte_and_it_is_not_signed(data):
    clock = MovedClock()
    header = bytearray(sign(identity(clock), SECRET))
    place = data.draw(st.integers(0, len(header) - 1))
    header[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unauthenticated):
        TrustedProxy([SECRET], clock=clock).identify(bytes(header))


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: b"v1." + b + b"." + b))
def test_garbage(garbage):
    with pytest.raises(Unauthenticated, match="not signed"):
        TrustedProxy([SECRET], clock=MovedClock()).identify(garbage)


def signed(text: bytes) -> bytes:
    """Something else, signed by the proxy."""
    content = b"v1." + base64.urlsafe_b64encode(text).rstrip(b"=")
    return content + b"." + hmac.digest(SECRET.reveal().encode(), content, sha256).hex().encode()


AT = int(MovedClock().now())
WRONG = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "no user": b'{"at": 1, "nonce": "0000000000000000"}',
    "more than it should": json.dumps(
        {"user": "a", "at": AT, "nonce": "0" * 16, "admin": True}
    ).encode(),
    "a short nonce": json.dumps({"user": "a", "at": AT, "nonce": "0"}).encode(),
    "a long nonce": json.dumps({"user": "a", "at": AT, "nonce": "0" * 65}).encode(),
    "a time that is a text": json.dumps({"user": "a", "at": str(AT), "nonce": "0" * 16}).encode(),
    "half a character": b'{"user": "\\ud800", "at": 1, "nonce": "0000000000000000"}',
    "bytes": b"\xff\xfe",
}


@pytest.mark.parametrize("what", WRONG)
def test_signed_but_wrong(proxy, what):
    with pytest.raises(Unauthenticated, match="cannot be read"):
        proxy.identify(signed(WRONG[what]))


def test_far_too_long(proxy, clock):
    with pytest.raises(Unauthenticated):
        proxy.identify(sign(identity(clock, "x" * 5000), SECRET))


@pytest.mark.parametrize("user", ["", "a\nb", "a\u202eb", "x" * 101])
def test_a_name_that_is_none(proxy, clock, user):
    with pytest.raises(InvalidRequest) as caught:
        proxy.identify(sign(identity(clock, user), SECRET))
    assert caught.value.message.startswith("The proxy's user ")


def test_more_than_can_be_told_apart(clock):
    proxy = TrustedProxy([SECRET], clock=clock, most_nonces=10)
    for number in range(10):
        proxy.identify(sign(identity(clock, nonce=f"{number:016}"), SECRET))
    with pytest.raises(Overloaded):
        proxy.identify(sign(identity(clock), SECRET))
    with pytest.raises(Unauthenticated):
        proxy.identify(b"nobody's")
    clock.time += 250
    assert proxy.identify(sign(identity(clock), SECRET))
