"""A secret that cannot be printed.

Every key that enters the process is wrapped at once. `repr`, `str`, `format`, pickling and
serializers see only `**********`; the text comes out through one method with a telling name.
"""

from __future__ import annotations

import hmac
from typing import Never

from typing_extensions import override

_MASK = "**********"


class Secret:
    """A text that must not reach a log, a page or an error message."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def matches(self, other: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._text.encode(), other.encode())

    def __bool__(self) -> bool:
        return bool(self._text)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._text)

    @override
    def __hash__(self) -> int:
        return hash(self._text)

    @override
    def __repr__(self) -> str:
        return f"Secret('{_MASK}')" if self._text else "Secret('')"

    @override
    def __str__(self) -> str:
        return _MASK if self._text else ""

    @override
    def __reduce__(self) -> Never:
        raise TypeError("A Secret is not to be pickled.")
