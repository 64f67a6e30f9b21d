"""The text of a virtual key: `ak-1`, 40 random letters and digits, and a checksum.

The version stands in the text, so that another form can be told apart later. The checksum finds
what was mistyped, cut off or made up without asking anybody; it is no secret, and whoever knows
this page can make a text that passes. 238 random bits are what cannot be made up.

Hot path: `is_well_formed` is one CRC-32.
"""

from __future__ import annotations

import secrets
import string
from zlib import crc32

from antiphon.secret import Secret

_PREFIX = b"ak-1"
_RANDOM = 40
_CHECKED = len(_PREFIX) + _RANDOM
LENGTH = _CHECKED + 8
_SHOWN = 4
_LETTERS = string.ascii_letters + string.digits


def new_key() -> Secret:
    """A key that nobody had before."""
    random = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM)).encode()
    checked = _PREFIX + random
    return Secret((checked + b"%08x" % crc32(checked)).decode())


def is_well_formed(credential: bytes) -> bool:
    """Whether it can be a virtual key at all."""
    return (
        len(credential) == LENGTH
        and credential.startswith(_PREFIX)
        and b"%08x" % crc32(credential[:_CHECKED]) == credential[_CHECKED:]
    )


def shown(key: Secret) -> str:
    """What may be shown of a key: enough to tell one's own keys apart.

    The last letters of the random part, 24 of its 238 bits: the checksum would say more of it.
    """
    random = key.reveal()[:_CHECKED]
    return f"{_PREFIX.decode()}…{random[-_SHOWN:]}"
