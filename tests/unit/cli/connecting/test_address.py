"""Where a URL points, as people give it."""

from __future__ import annotations

import pytest

from antiphon.cli.connecting.address import place_of
from antiphon.cli.connecting.refusals import CannotConnect


@pytest.mark.parametrize(
    ("url", "address", "local"),
    [
        ("https://gateway.example/llm/v1/", "https://gateway.example/llm", False),
        ("http://gateway.example:80", "http://gateway.example", False),
        ("gateway.example", "http://gateway.example:4100", False),
        (" 0.0.0.0:4242 ", "http://127.0.0.1:4242", True),
        ("::1", "http://[::1]:4100", True),
        ("localhost:4100/v1", "http://localhost:4100", True),
    ],
)
def test_urls(url, address, local):
    place = place_of(url, None)
    assert (place.url, place.local, place.requires_key) == (address, local, None)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x", "http://", "http://me:secret@x", "http://x?a=b", "http://x:99999"),
        *("http://x/a b", "http://x#y", "http://[::1", "x:y"),
    ],
)
def test_urls_that_are_none(url):
    with pytest.raises(CannotConnect, match=r"^--url: ") as caught:
        place_of(url, None)
    assert caught.value.asked_wrongly
    assert "secret" not in caught.value.message
