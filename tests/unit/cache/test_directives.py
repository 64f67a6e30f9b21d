"""`Cache-Control` of a request."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.cache.directives import NO_WISHES, Wishes, wishes_of


@pytest.mark.parametrize(
    ("header", "wishes"),
    [
        (None, NO_WISHES),
        (b"", NO_WISHES),
        (b"no-cache", Wishes(looks=False)),
        (b"No-Cache", Wishes(looks=False)),
        (b"no-store", Wishes(stores=False)),
        (b"no-cache, no-store", Wishes(looks=False, stores=False)),
        (b" no-cache ,, no-store ,", Wishes(looks=False, stores=False)),
        (b"only-if-cached", Wishes(only=True)),
        (b"max-age=60", Wishes(max_age=60)),
        (b"max-age = 60", Wishes(max_age=60)),
        (b'max-age="60"', Wishes(max_age=60)),
        (b"max-age=60, max-age=5, max-age=90", Wishes(max_age=5)),
        (b"max-age=0", Wishes(looks=False, max_age=0)),
        (b"max-age=" + b"9" * 500, Wishes(max_age=math.inf)),
        (b"only-if-cached, max-age=10", Wishes(only=True, max_age=10)),
        (b"no-transform, min-fresh=3, max-stale, private, s-maxage=1", NO_WISHES),
        (b"max-age", NO_WISHES),
        (b"max-age=", NO_WISHES),
        (b"max-age=soon", NO_WISHES),
        (b"max-age=-1", NO_WISHES),
        (b"max-age=1.5", NO_WISHES),
        (b"max-age=60 seconds, no-store", Wishes(stores=False)),
        ("max-age=\u0661".encode(), NO_WISHES),
        (b'ext="no-store, no-cache", max-age=7', Wishes(max_age=7)),
        (b'ext="a \\" no-store, b", no-cache', Wishes(looks=False)),
        (b'"no-store', NO_WISHES),
        (b"no-cachet, xno-store, no-store-x", NO_WISHES),
        (b"no cache", NO_WISHES),
        (b"=, ;;, no-store", Wishes(stores=False)),
        (b"\x00\xff, no-store", Wishes(stores=False)),
        (b"x" * 2000 + b", no-store", NO_WISHES),
    ],
)
def test_what_is_read(header: bytes | None, wishes: Wishes):
    assert wishes_of(header) == wishes


@given(st.binary(max_size=300))
@example(b'"' * 200)
@example(b"a=" * 200)
@example(b" " * 300)
@example(b'a="' + b"\\" * 200)
def test_nothing_that_is_sent_does_harm(header: bytes):
    wishes = wishes_of(header)
    assert wishes.max_age is None or wishes.max_age >= 0


@pytest.mark.parametrize(
    ("wishes", "shares"),
    [
        (NO_WISHES, True),
        (Wishes(looks=False), False),
        (Wishes(stores=False), False),
        (Wishes(max_age=5), True),
    ],
)
def test_who_shares_calls(wishes: Wishes, shares: bool):
    assert wishes.shares is shares
