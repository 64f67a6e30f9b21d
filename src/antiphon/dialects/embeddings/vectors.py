"""Vectors on the wire: as numbers, or packed into 32 bits each, little endian, as base64.

Hot path for large answers: everything that is done to each number is done in C.
"""

from __future__ import annotations

import math
import sys
from array import array
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Sequence
from typing import Final

from antiphon.errors import NotAnAnswer

Vector = tuple[float, ...]

_WIDTH: Final = 4
_SWAPPED: Final = sys.byteorder == "big"


def packed(vector: Sequence[float]) -> str:
    """A vector as base64; what does not fit into 32 bits is rounded.

    Raises:
        NotAnAnswer: A number is none that 32 bits can hold.
    """
    numbers = array("f", vector)
    _check_finite(numbers)
    if _SWAPPED:
        numbers.byteswap()
    return b2a_base64(numbers, newline=False).decode("ascii")


def unpacked(text: str) -> Vector:
    """The numbers of a packed vector.

    Raises:
        NotAnAnswer: It is no base64, cut in the middle of a number, or holds no number.
    """
    try:
        raw = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError) as error:
        raise NotAnAnswer("A vector of the provider is no base64.", code="bad_vector") from error
    if len(raw) % _WIDTH:
        raise NotAnAnswer("A vector of the provider is cut.", code="bad_vector")
    numbers = array("f", raw)
    if _SWAPPED:
        numbers.byteswap()
    _check_finite(numbers)
    return tuple(numbers)


def check_vectors(vectors: Sequence[Vector], inputs: int, dimensions: int | None) -> None:
    """See that the vectors are what was asked for: one for each input, all of one length.

    Raises:
        NotAnAnswer: They are not.
    """
    check_count(len(vectors), inputs)
    lengths = {len(each) for each in vectors}
    if 0 in lengths:
        raise NotAnAnswer("A vector of the provider is empty.", code="bad_vector")
    if len(lengths) > 1:
        raise NotAnAnswer("The provider's vectors differ in length.", code="bad_vector")
    if dimensions is not None and lengths and lengths != {dimensions}:
        raise NotAnAnswer(
            f"The provider's vectors have {lengths.pop()} numbers, not the {dimensions} that were "
            "asked for.",
            code="wrong_dimensions",
        )


def check_count(vectors: int, inputs: int) -> None:
    """See that there is a vector for each input.

    Raises:
        NotAnAnswer: There are more or fewer.
    """
    if vectors != inputs:
        raise NotAnAnswer(
            f"The provider gave {vectors} vectors for {inputs} inputs.", code="wrong_count"
        )


def _check_finite(numbers: Sequence[float]) -> None:
    # One sum tells it of all: numbers of 32 bits cannot overflow one of 64.
    if not math.isfinite(sum(numbers)):
        raise NotAnAnswer("A vector of the provider holds what is no number.", code="bad_vector")
