"""Who the end user is, by a header that a trusted proxy signs; never by the body of a request.

The proxy has a key of its own and a secret that it shares with the gateway. With each request it
sends `x-antiphon-user`: three parts with a dot between them.

    v1 . base64url(JSON) . hexadecimal HMAC-SHA-256 of all before the second dot

The JSON has `user` (a name), `at` (seconds since 1970, when it was signed) and `nonce` (16 to 64
characters, another one each time). A header holds for a minute around `at`, and once: nonces are
remembered for as long as they could be sent again, by each process for itself. Where the machine's
clock is put back by more than that, headers of that stretch could be sent again.

Hot path: `identify` is an HMAC, a small decode and a dict look-up.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

import msgspec

from antiphon.access.names import name_of
from antiphon.clock import Clock
from antiphon.errors import InvalidRequest, Overloaded, Unauthenticated
from antiphon.secret import Secret

HEADER = b"x-antiphon-user"
WINDOW = 60.0
"""Seconds that a header may be old, or ahead."""
MOST_NONCES = 200_000
"""Headers within the window; of more, the gateway cannot tell which came already."""
SHORTEST_SECRET = 32
_LONGEST = 4096
_VERSION = b"v1."


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the proxy says.

    Attributes:
        user: The name of the end user.
        at: Seconds since 1970.
        nonce: Never the same twice.
    """

    user: str
    at: int
    nonce: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]


_decoder = msgspec.json.Decoder(Identity, strict=True)


class TrustedProxy:
    """Reads the header of one proxy.

    Args:
        secrets: That it may sign with; two while one is being replaced.
        clock: Where time comes from.
        window: Seconds that a header may be old, or ahead.
        most_nonces: Headers that may come within the window.

    Raises:
        ValueError: There is no secret, or one is too short to be one.
    """

    __slots__ = ("_clock", "_keys", "_most", "_older", "_turned_at", "_window", "_younger")

    def __init__(
        self,
        secrets: Sequence[Secret],
        *,
        clock: Clock,
        window: float = WINDOW,
        most_nonces: int = MOST_NONCES,
    ) -> None:
        self._keys = tuple(secret.reveal().encode() for secret in secrets)
        if not self._keys or min(map(len, self._keys)) < SHORTEST_SECRET:
            raise ValueError(f"A proxy's secret needs at least {SHORTEST_SECRET} bytes.")
        self._clock = clock
        self._window = window
        self._most = most_nonces
        self._younger: set[str] = set()
        self._older: set[str] = set()
        self._turned_at = clock.monotonic()

    def remember(self, before: TrustedProxy) -> None:
        """Take over which headers came already, from one that this one replaces.

        Nothing is taken where no secret is the same: then no header holds at both.
        """
        if not {*self._keys} & {*before._keys}:
            return
        self._younger |= before._younger
        self._older |= before._older
        self._turned_at = min(self._turned_at, before._turned_at)

    def identify(self, header: bytes) -> str:
        """The name of the end user.

        Raises:
            Unauthenticated: The header is not one that the proxy signed just now, for once.
            InvalidRequest: The name can be no name.
            Overloaded: More headers came than can be remembered.
        """
        identity = self._read(header)
        age = self._clock.now() - identity.at
        if not -self._window <= age <= self._window:
            raise Unauthenticated("The header of the proxy is too old, or from the future.")
        self._use(identity.nonce)
        try:
            return name_of(identity.user, "user")
        except InvalidRequest as error:
            raise InvalidRequest(f"The proxy's {error.message}") from error

    def _read(self, header: bytes) -> Identity:
        signed, _, mac = header.rpartition(b".")
        if len(header) > _LONGEST or not signed.startswith(_VERSION):
            raise _not_signed()
        if not any(_matches(key, signed, mac) for key in self._keys):
            raise _not_signed()
        # The proxy has signed it: from here on it may be told what is wrong.
        try:
            content = signed[len(_VERSION) :]
            text = base64.b64decode(content + b"=" * (-len(content) % 4), b"-_", validate=True)
            return _decoder.decode(text)
        except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unauthenticated(f"The header of the proxy cannot be read: {error}") from error

    def _use(self, nonce: str) -> None:
        """Take a nonce, once.

        A header from the future lives for two windows, and a nonce is remembered for two to four.
        """
        now = self._clock.monotonic()
        if now - self._turned_at > 2 * self._window:
            stale = now - self._turned_at > 4 * self._window
            self._older = set() if stale else self._younger
            self._younger = set()
            self._turned_at = now
        if nonce in self._younger or nonce in self._older:
            raise Unauthenticated("The header of the proxy was used before.")
        if len(self._younger) + len(self._older) >= self._most:
            raise Overloaded("More headers of the proxy came than can be told apart.")
        self._younger.add(nonce)


def sign(identity: Identity, secret: Secret) -> bytes:
    """The header that says so: what a proxy sends."""
    content = base64.urlsafe_b64encode(msgspec.json.encode(identity)).rstrip(b"=")
    signed = _VERSION + content
    return signed + b"." + _mac(secret.reveal().encode(), signed)


def _matches(key: bytes, signed: bytes, mac: bytes) -> bool:
    return hmac.compare_digest(_mac(key, signed), mac)


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, sha256).hex().encode()


def _not_signed() -> Unauthenticated:
    return Unauthenticated("The header of the proxy is not signed as it should be.")
