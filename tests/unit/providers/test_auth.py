from __future__ import annotations

import hashlib
import hmac

import pytest

from antiphon.providers.auth import HeaderAuth, Signer, Unsigned, header_line
from antiphon.providers.keys import Key
from antiphon.secret import Secret
from tests.unit.providers.conftest import FakeClock

KEY = Key(Secret("k"))


def test_a_header_carries_the_key() -> None:
    assert (
        HeaderAuth("Authorization", "Bearer {key}").headers(KEY) == b"Authorization: Bearer k\r\n"
    )
    assert HeaderAuth("api-key", "{key}").headers(KEY) == b"api-key: k\r\n"


def test_no_key_no_header() -> None:
    assert HeaderAuth("Authorization", "Bearer {key}").headers(Key(Secret(""))) == b""


def test_a_template_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key"):
        HeaderAuth("Authorization", "Bearer")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "a"),
        ("a b", "c"),
        ("a:", "b"),
        ("a\n", "b"),
        ("a", "b\r\nc: d"),
        ("a", " b"),
        ("a", "é"),
    ],
)
def test_a_header_that_would_break_the_request_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"header|value"):
        header_line(name, value)


class DatedSignature:
    """As Bedrock's: the headers depend on the body and the time."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    async def sign(self, request: Unsigned, key: Key) -> bytes:
        date = f"{self._clock.now():.0f}"
        text = b"\n".join(
            (request.method.encode(), request.target.encode(), date.encode(), request.body)
        )
        signature = hmac.new(key.secret.reveal().encode(), text, hashlib.sha256).hexdigest()
        return header_line("x-date", date) + header_line("authorization", f"HMAC {signature}")


async def test_a_scheme_can_sign_each_request(clock: FakeClock) -> None:
    signer: Signer = DatedSignature(clock)
    request = Unsigned("POST", "https://lab.test", "/v1/chat", b"", b"{}")
    first = await signer.sign(request, KEY)
    clock.move(1)
    second = await signer.sign(request, KEY)
    assert first != second
    assert first.count(b"\r\n") == 2
