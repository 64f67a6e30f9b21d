"""Signatures: what one end signs the other verifies, and nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import verify_webhook
from antiphon.egress.webhooks.signing import (
    InvalidSignature,
    check_webhook_secret,
    new_webhook_secret,
    sign,
)
from antiphon.secret import Secret
from tests.unit.egress.spellings import CALM

NOW = 1_674_087_231
KEY = Secret("whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode())
OTHER = Secret("whsec_" + base64.b64encode(b"fedcba9876543210fedcba98").decode())


class At:
    """A clock that stands."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now


def headers(body: bytes, *keys: Secret, id_: str = "msg_1", at: int = NOW) -> dict[str, str]:
    signature = sign(keys or (KEY,), id=id_, timestamp=at, body=body)
    return {"Webhook-Id": id_, "Webhook-Timestamp": str(at), "Webhook-Signature": signature}


def verify(body: bytes, told: dict[str, str], *keys: Secret, now: float = NOW):
    return verify_webhook(body, told, keys or (KEY,), clock=At(now))


def test_the_vector_that_the_libraries_of_the_standard_share():
    """The one of their own test suites: id, time, body and key are theirs."""
    key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(
        [key], id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@CALM
@given(st.binary(max_size=300), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_there_and_back(body, id_):
    received = verify(body, headers(body, id_=id_))
    assert (received.id, received.timestamp) == (id_, NOW)


@CALM
@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_bit_more_or_less(body, data):
    told = headers(body)
    at = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(InvalidSignature):
        verify(bytes(changed), told)


@CALM
@given(
    st.text(max_size=100), st.sampled_from(["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
)
def test_any_text_in_a_header(text, name):
    told = headers(b"{}")
    if text == told[name]:
        return
    with pytest.raises(InvalidSignature) as caught:
        verify(b"{}", {**told, name: text})
    assert caught.value.status == 401


def test_parts_cannot_be_moved_across_their_borders():
    told = headers(b"5.{}", id_="msg_1")
    moved = {**told, "Webhook-Timestamp": f"{NOW}.5"}
    with pytest.raises(InvalidSignature):
        verify(b"{}", moved)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_header_that_is_missing(name):
    told = headers(b"{}")
    del told[name]
    with pytest.raises(InvalidSignature) as caught:
        verify(b"{}", told)
    assert name.lower() in caught.value.message


@pytest.mark.parametrize("now", [NOW - 300, NOW + 300])
def test_within_the_tolerance(now):
    assert verify(b"{}", headers(b"{}"), now=now)


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301, 0, 1e12])
def test_too_old_or_too_new(now):
    with pytest.raises(InvalidSignature):
        verify(b"{}", headers(b"{}"), now=now)


def test_keys_that_replace_each_other():
    both = headers(b"{}", OTHER, KEY)
    assert both["Webhook-Signature"].count("v1,") == 2
    for known in ((KEY,), (OTHER,), (OTHER, KEY)):
        assert verify(b"{}", both, *known)
    assert verify(b"{}", headers(b"{}", KEY), OTHER, KEY)
    with pytest.raises(InvalidSignature):
        verify(b"{}", headers(b"{}", OTHER), KEY)


def test_signatures_of_other_schemes_are_passed_over():
    told = headers(b"{}")
    told["Webhook-Signature"] = "v1a,aaaa v2,bbbb x " + told["Webhook-Signature"]
    assert verify(b"{}", told)
    told["Webhook-Signature"] = told["Webhook-Signature"].replace("v1,", "v1a,")
    with pytest.raises(InvalidSignature):
        verify(b"{}", told)


def test_no_key_verifies_nothing():
    with pytest.raises(InvalidSignature):
        verify_webhook(b"{}", headers(b"{}"), [], clock=At(NOW))


def test_a_key_as_text_and_the_clock_of_this_machine():
    with pytest.raises(InvalidSignature) as caught:
        verify_webhook(b"{}", headers(b"{}"), KEY.reveal())
    assert "timestamp" in caught.value.message


def test_a_new_key():
    made = new_webhook_secret()
    check_webhook_secret(made)
    assert made != new_webhook_secret()
    assert made.reveal() not in repr(made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_!!!!",
        "whsec_" + "A" * 16,
        "whsec_" + "A" * 300,
        "A" * 32,
        "whsec_Ä" + "A" * 31,
        "whsk_" + "A" * 32,
    ],
)
def test_what_is_no_key(text):
    with pytest.raises(ValueError, match="key of a webhook") as caught:
        check_webhook_secret(Secret(text))
    assert text in {"", "whsec_"} or text not in str(caught.value)


@pytest.mark.parametrize("id_", ["", "a.b", "a b", "ä", "x" * 65, "a\r\nb"])
def test_what_is_no_id(id_):
    with pytest.raises(ValueError, match="id of a webhook"):
        sign([KEY], id=id_, timestamp=NOW, body=b"")
