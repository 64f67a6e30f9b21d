"""The header, and what two requests have in common that are one request asked twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from antiphon.errors import InvalidRequest
from antiphon.model.principal import Principal

HEADER: Final = b"idempotency-key"
REPLAYED: Final = (b"idempotent-replayed", b"true")
"""Marks an answer that was made for an earlier request."""
LONGEST: Final = 255
_KEY = re.compile(rb'"?([\x21\x23-\x7e](?:[\x20\x21\x23-\x7e]*[\x21\x23-\x7e])?)"?')


class Asked(NamedTuple):
    """A request that may be asked again.

    Attributes:
        place: A digest of who asks and of his key: where the answer is kept.
        fingerprint: A digest of all that is asked.
    """

    place: bytes
    fingerprint: bytes


def read_key(header: bytes) -> bytes:
    """The key, without the quotes that the header's draft wants and most leave out.

    Raises:
        InvalidRequest: It is none.
    """
    found = _KEY.fullmatch(header)
    if found is None or len(found[1]) > LONGEST or header.startswith(b'"') != header.endswith(b'"'):
        raise InvalidRequest(
            f"The header 'Idempotency-Key' must be 1 to {LONGEST} printable ASCII characters.",
            param="Idempotency-Key",
        )
    return found[1]


def asked(principal: Principal, key: bytes, parts: Iterable[bytes]) -> Asked:
    """What was asked, by whom; two parts are never taken for one.

    Who may do more or less than before is another: what was answered then is not told again.
    """
    who = (principal.organisation, principal.key_id, principal.subject, principal.user)
    may = (",".join(sorted(principal.scopes)), "\n".join(sorted(principal.models)))
    place = _digest([*(text.encode() for text in (*who, *may)), key])
    return Asked(place, _digest(parts))


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
