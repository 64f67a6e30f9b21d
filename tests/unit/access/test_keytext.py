"""The form of a key: what is refused without asking anybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.access.keytext import LENGTH, is_well_formed, new_key, shown

KEY = new_key().reveal().encode()


def test_a_new_key():
    found = {new_key().reveal() for _ in range(200)}
    assert len(found) == 200
    for key in found:
        assert key.startswith("ak-1")
        assert key.isascii()
        assert len(key) == LENGTH == 52
        assert is_well_formed(key.encode())


def test_what_is_shown_opens_nothing():
    key = new_key()
    told = shown(key)
    assert told == f"ak-1…{key.reveal()[40:44]}"
    assert not is_well_formed(told.encode())


@given(st.integers(0, LENGTH - 1), st.integers(1, 255))
def test_one_other_byte_is_found(place, change):
    other = bytearray(KEY)
    other[place] ^= change
    assert not is_well_formed(bytes(other))


@given(st.integers(0, LENGTH - 2))
def test_two_letters_that_changed_places_are_found(place):
    other = bytearray(KEY)
    other[place], other[place + 1] = other[place + 1], other[place]
    assert is_well_formed(bytes(other)) == (bytes(other) == KEY)


@given(st.integers(0, LENGTH - 1))
def test_one_that_is_cut_off_is_found(length):
    assert not is_well_formed(KEY[:length])


@given(st.binary(max_size=200) | st.binary(min_size=48, max_size=48).map(lambda b: b"ak-1" + b))
def test_garbage(garbage):
    assert not is_well_formed(garbage)


def test_what_is_near_it():
    assert not is_well_formed(KEY + b"\n")
    assert not is_well_formed(b" " + KEY)
    assert not is_well_formed(KEY.swapcase())
    assert not is_well_formed(KEY[:-8] + KEY[-8:].upper() + b"x")
    assert not is_well_formed(b"ak-2" + KEY[4:])
    assert not is_well_formed(KEY * 1000)
