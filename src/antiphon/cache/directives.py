"""`Cache-Control` of a request (RFC 9111), as far as a caller may decide.

Read are `no-cache`, `no-store`, `max-age` and `only-if-cached`. All others are ignored, as is
whatever cannot be read: a header that is wrong costs its sender a hit at most, never an answer.
"""

from __future__ import annotations

import re

import msgspec

_DIRECTIVE = re.compile(
    rb"[ \t,]*+([!#$%&'*+.^_`|~0-9A-Za-z-]++)"
    rb'(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"|([^\s,"]*+)))?[ \t]*(?=,|$)'
)
_SKIP = re.compile(rb'(?:[^",]|"(?:[^"\\]|\\.)*+"|")*+,?')
_LONGEST_READ = 1024
_MOST_DIGITS = 10


class Wishes(msgspec.Struct, frozen=True, gc=False):
    """What a caller says of stored answers.

    Attributes:
        looks: A stored answer will do.
        stores: The answer may be stored, and shared with who asks the same meanwhile.
        max_age: Seconds that a stored answer may be old; None for any age.
        only: It shall be a stored one: no provider is asked.
    """

    looks: bool = True
    stores: bool = True
    max_age: float | None = None
    only: bool = False

    @property
    def shares(self) -> bool:
        """Whether a call that is under way will do, and may be shared."""
        return self.looks and self.stores


NO_WISHES = Wishes()


def wishes_of(value: bytes | None) -> Wishes:
    """Read the header; where it stands several times, the values joined by commas.

    `no-cache` asks for an answer made for this very request. `max-age=0` says the same. Of two
    ages the lesser counts.
    """
    if not value:
        return NO_WISHES
    looks = stores = True
    only, max_age = False, None
    for name, argument in _directives(value[:_LONGEST_READ]):
        match name.lower():
            case b"no-cache":
                looks = False
            case b"no-store":
                stores = False
            case b"only-if-cached":
                only = True
            case b"max-age" if argument.isdigit():
                age = float(argument) if len(argument) <= _MOST_DIGITS else float("inf")
                max_age = age if max_age is None else min(max_age, age)
            case _:
                pass
    if max_age == 0:
        looks = False
    return Wishes(looks, stores, max_age, only)


def _directives(value: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(value):
        match = _DIRECTIVE.match(value, position)
        if match is None:
            # What is not a directive is passed over up to the next comma.
            skipped = _SKIP.match(value, position)
            assert skipped is not None
            position = max(skipped.end(), position + 1)
            continue
        found.append((match[1], match[2] if match[2] is not None else match[3] or b""))
        position = match.end()
    return found
