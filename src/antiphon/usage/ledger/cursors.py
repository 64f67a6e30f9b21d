"""Where the next page begins: the group key of the last row, sealed.

A cursor fits the one question that it was given for. It opens nothing, since every page is asked
within a scope of its own; the seal only tells a cursor of ours from anything else, and the key of
it is the ledger's name, which no caller sees, so that it holds over a restart.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from hmac import compare_digest

import msgspec

from antiphon.errors import InvalidRequest
from antiphon.usage.ledger.question import Question

_SEAL = 16
_LONGEST = 65_536
_key = msgspec.msgpack.Decoder(tuple[str, ...])


def cursor_behind(key: tuple[str, ...], question: Question, ledger: str) -> str:
    """The cursor of what comes behind a group key."""
    content = msgspec.msgpack.encode(key)
    return _written(_seal(content, question, ledger) + content)


def key_of(cursor: str, question: Question, ledger: str) -> tuple[str, ...]:
    """The group key in a cursor.

    Raises:
        InvalidRequest: It is not one that was given for this question.
    """
    found = _read(cursor)
    seal, content = found[:_SEAL], found[_SEAL:]
    if not compare_digest(seal, _seal(content, question, ledger)):
        raise InvalidRequest("cursor was not given for this question.", param="cursor")
    return _key.decode(content)


def _seal(content: bytes, question: Question, ledger: str) -> bytes:
    by, scope = question.by, question.scope.told
    parts = (content, (by, scope, question.start, question.end, question.chosen))
    asked = msgspec.msgpack.encode(parts)
    return blake2b(asked, digest_size=_SEAL, key=ledger.encode()[:64]).digest()


def _written(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _read(cursor: str) -> bytes:
    if cursor.isascii() and len(cursor) < _LONGEST:
        try:
            token = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except binascii.Error:
            token = b""
        # The decoder passes over what is not of its alphabet, and over bits at the end.
        if _written(token) == cursor:
            return token
    return b""
