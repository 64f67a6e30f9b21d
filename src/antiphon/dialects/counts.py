"""What a provider says that counted the tokens of a prompt: `{"input_tokens": 12}`."""

from __future__ import annotations

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.errors import NotAnAnswer


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT = msgspec.json.Decoder(_Count)


def read_count(body: bytes) -> int:
    """The tokens that were counted.

    Raises:
        NotAnAnswer: It says none.
    """
    try:
        return _COUNT.decode(body).input_tokens
    except UNREADABLE as error:
        raise NotAnAnswer("The provider's count cannot be read.", code="bad_body") from error
