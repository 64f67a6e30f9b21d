"""Answers that only their caller can open again.

An answer may hold the text of a new key, which is kept nowhere. So what is kept of it is encrypted
with a key that is made of the caller's own key and of the `Idempotency-Key`. The gateway has
neither: whoever reads the database reads nothing.

Loaded with the first write that has such a header (`importlib`): the cipher's library takes time
and memory that a gateway without such writes never pays for.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from antiphon.idempotency.keys import Asked

_NONCE: Final = 12
_PURPOSE: Final = b"antiphon idempotency 1"


def seal(plain: bytes, asked: Asked, credential: bytes, key: bytes) -> bytes:
    """Close an answer."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher(asked, credential, key).encrypt(nonce, plain, asked.fingerprint)


def unseal(sealed: bytes, asked: Asked, credential: bytes, key: bytes) -> bytes | None:
    """Open an answer; None where it was closed for somebody else, or is damaged."""
    cipher = _cipher(asked, credential, key)
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], asked.fingerprint)
    except InvalidTag:
        return None


def _cipher(asked: Asked, credential: bytes, key: bytes) -> ChaCha20Poly1305:
    secret = b"%d:%b%b" % (len(credential), credential, key)
    derived = HKDF(algorithm=SHA256(), length=32, salt=asked.place, info=_PURPOSE)
    return ChaCha20Poly1305(derived.derive(secret))
