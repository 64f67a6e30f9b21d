"""What two requests have in common that are one, and who can open an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon.idempotency.keys import asked, read_key
from antiphon.idempotency.sealing import seal, unseal
from antiphon.model.principal import Principal

WHO = Principal(key_id="key_1", organisation="org_1")
PARTS = st.lists(st.binary(max_size=6), max_size=4)
SECRET = st.binary(min_size=1, max_size=8)


@given(PARTS, PARTS)
def test_other_parts_are_another_request(one, two):
    same = asked(WHO, b"k", one).fingerprint == asked(WHO, b"k", two).fingerprint
    assert same == (one == two)


@given(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.text(max_size=3))
def test_other_callers_are_elsewhere(key_id, organisation, subject, user):
    other = Principal(key_id=key_id, organisation=organisation, subject=subject, user=user)
    assert asked(other, b"k", []).place != asked(WHO, b"k", []).place
    assert asked(WHO, b"l", []).place != asked(WHO, b"k", []).place
    moved = Principal(key_id=organisation, organisation=key_id, subject=subject, user=user)
    if key_id != organisation:
        assert asked(other, b"k", []).place != asked(moved, b"k", []).place


@given(st.binary(max_size=100), SECRET, SECRET, SECRET, SECRET)
def test_only_the_caller_opens_it(plain, credential, key, other_credential, other_key):
    question = asked(WHO, key, [b"POST"])
    sealed = seal(plain, question, credential, key)
    assert unseal(sealed, question, credential, key) == plain
    assert seal(plain, question, credential, key) != sealed
    if (credential, key) != (other_credential, other_key):
        assert unseal(sealed, question, other_credential, other_key) is None
    assert unseal(sealed, asked(WHO, key, [b"PUT"]), credential, key) is None
    assert unseal(sealed[:-1], question, credential, key) is None
    if len(plain) > 8:
        assert plain not in sealed


def test_quotes_are_no_part_of_a_key():
    assert read_key(b'"8e03978e"') == read_key(b"8e03978e") == b"8e03978e"
