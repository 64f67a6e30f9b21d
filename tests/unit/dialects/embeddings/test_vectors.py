"""Vectors as numbers and as base64."""

import base64
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.embeddings.vectors import check_vectors, packed, unpacked
from antiphon.errors import NotAnAnswer

NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(NUMBERS, max_size=40))
def test_what_fits_into_32_bits_survives(vector: list[float]) -> None:
    text = packed(vector)
    assert base64.b64decode(text, validate=True) == struct.pack(f"<{len(vector)}f", *vector)
    assert unpacked(text) == tuple(vector)


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=10))
def test_what_does_not_is_rounded(vector: list[float]) -> None:
    again = unpacked(packed(vector))
    assert again == tuple(
        struct.unpack(f"<{len(vector)}f", struct.pack(f"<{len(vector)}f", *vector))
    )


@pytest.mark.parametrize(
    "text",
    [
        "AAA",
        "AAAA",
        "AACAPw=",
        "AACAP==",
        "AACA Pw==",
        "!!!!",
        "\u00e9\u00e9\u00e9\u00e9",
        base64.b64encode(struct.pack("<f", math.nan)).decode(),
        base64.b64encode(struct.pack("<2f", 1, -math.inf)).decode(),
    ],
)
def test_what_is_no_vector(text: str) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        unpacked(text)
    assert caught.value.code == "bad_vector"


@pytest.mark.parametrize("number", [1e39, -1e39, math.nan, math.inf])
def test_what_32_bits_cannot_hold(number: float) -> None:
    with pytest.raises(NotAnAnswer):
        packed([1.0, number])


@pytest.mark.parametrize(
    ("vectors", "inputs", "dimensions", "code"),
    [
        (((1.0,),), 2, None, "wrong_count"),
        (((1.0,), (2.0,)), 1, None, "wrong_count"),
        (((),), 1, None, "bad_vector"),
        (((1.0,), (1.0, 2.0)), 2, None, "bad_vector"),
        (((1.0, 2.0),), 1, 3, "wrong_dimensions"),
    ],
)
def test_what_was_not_asked_for(
    vectors: tuple[tuple[float, ...], ...], inputs: int, dimensions: int | None, code: str
) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        check_vectors(vectors, inputs, dimensions)
    assert caught.value.code == code


def test_what_was() -> None:
    check_vectors(((1.0, 2.0), (3.0, 4.0)), 2, 2)
