"""What a provider counts: the tokens of a prompt, and what a stream states of its use."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.errors import NotAnAnswer

_Counts = TypeVar("_Counts", bound=msgspec.Struct)


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT = msgspec.json.Decoder(_Count)


def read_count(body: bytes) -> int:
    """The tokens of a prompt, of `{"input_tokens": 12}`.

    Raises:
        NotAnAnswer: It says none.
    """
    try:
        return _COUNT.decode(body).input_tokens
    except UNREADABLE as error:
        raise NotAnAnswer("The provider's count cannot be read.", code="bad_body") from error


def merged(before: _Counts, now: _Counts) -> _Counts:
    """What a stream states now, over what it stated before: every number is of the whole."""
    changes = {
        name: value
        for name in before.__struct_fields__
        if (value := getattr(now, name)) is not None
    }
    return msgspec.structs.replace(before, **changes)
