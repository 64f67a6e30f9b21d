"""Signatures of webhooks, for senders and for receivers.

The scheme is that of Standard Webhooks 1.0, symmetric: `v1` is HMAC-SHA256 over
`ID.TIMESTAMP.BODY`, its key the base64 behind `whsec_`. Several keys sign side by side while one
is replaced by another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from antiphon.clock import Clock, SystemClock
from antiphon.errors import CallerError, Kind
from antiphon.secret import Secret

PREFIX = "whsec_"
TOLERANCE = 300
_NEW_KEY_BYTES = 32
_FEWEST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_MOST_SIGNATURES = 16
_LONGEST_HEADER = 4096


class InvalidSignature(CallerError):
    """A webhook that is not from whom it should be, not whole, or too old.

    The message says which header is at fault, and nothing of how much was right.
    """

    kind = Kind.UNAUTHENTICATED


class VerifiedWebhook(msgspec.Struct, frozen=True):
    """A webhook that was verified.

    Attributes:
        id: The same for each attempt at one event: keep it for a while, to act once.
        timestamp: When this attempt was made, in seconds since 1970.
    """

    id: str
    timestamp: int


def new_webhook_secret() -> Secret:
    """A fresh key for one receiver, as both ends keep it."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY_BYTES)).decode())


def check_webhook_secret(secret: Secret) -> None:
    """Raise `ValueError` if a text is no key: `whsec_` and the base64 of 24 to 64 bytes."""
    _key(secret)


def check_webhook_id(text: str) -> None:
    """Raise `ValueError` if a text can be no id: what is signed is parted by dots."""
    if not _ID.fullmatch(text):
        raise ValueError("The id of a webhook has up to 64 letters, digits, '_' and '-'.")


def sign(keys: Sequence[Secret], *, id: str, timestamp: int, body: bytes) -> str:  # noqa: A002
    """The value of `webhook-signature`: one signature per key.

    Raises:
        ValueError: A key or the id is none.
    """
    check_webhook_id(id)
    return " ".join(_signature(_key(key), id, str(timestamp), body) for key in keys)


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    keys: str | Secret | Sequence[str | Secret],
    *,
    tolerance: float = TOLERANCE,
    clock: Clock | None = None,
) -> VerifiedWebhook:
    """Verify what came: who sent it, that it is whole, and that it is of now.

    Args:
        body: The bytes of the body as they came; JSON that was read and written again differs.
        headers: The headers of the request; case does not matter.
        keys: The key that was agreed on, or several while one replaces another.
        tolerance: How many seconds the sender's clock may differ, either way.
        clock: Where the time comes from, if not from this machine.

    Returns:
        The id and the time of the attempt. Act once per id: an event may come again.

    Raises:
        InvalidSignature: It is not to be trusted.
        ValueError: A key is none.
    """
    given = [keys] if isinstance(keys, (str, Secret)) else keys
    known = [_key(each if isinstance(each, Secret) else Secret(each)) for each in given]
    id_, timestamp, signatures = _read(headers)
    if abs((clock or SystemClock()).now() - int(timestamp)) > tolerance:
        raise InvalidSignature("webhook-timestamp is too far from now.")
    # Each is compared, found or not, and in constant time.
    right = [
        hmac.compare_digest(_signature(key, id_, timestamp, body).encode(), each)
        for key in known
        for each in signatures
    ]
    if not any(right):
        raise InvalidSignature("webhook-signature does not match.")
    return VerifiedWebhook(id_, int(timestamp))


def _read(headers: Mapping[str, str]) -> tuple[str, str, list[bytes]]:
    lower = {name.lower(): value for name, value in headers.items()}
    id_ = lower.get("webhook-id", "")
    timestamp = lower.get("webhook-timestamp", "")
    signature = lower.get("webhook-signature", "")
    # An id of another sender may have any characters but the one that parts what is signed.
    if not id_ or "." in id_ or len(id_) > _LONGEST_HEADER:
        raise InvalidSignature("webhook-id is missing or malformed.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise InvalidSignature("webhook-timestamp is missing or malformed.")
    if not signature or len(signature) > _LONGEST_HEADER:
        raise InvalidSignature("webhook-signature is missing or malformed.")
    listed = signature.split(" ")[:_MOST_SIGNATURES]
    return id_, timestamp, [each.encode(errors="replace") for each in listed]


def _signature(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    signed = f"{id_}.{timestamp}.".encode(errors="surrogatepass") + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _key(secret: Secret) -> bytes:
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("The key of a webhook is whsec_ and base64.") from error
    if not text.startswith(PREFIX) or not _FEWEST_KEY_BYTES <= len(key) <= _MOST_KEY_BYTES:
        raise ValueError("The key of a webhook is whsec_ and the base64 of 24 to 64 bytes.")
    return key
