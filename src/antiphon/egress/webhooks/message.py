"""What a webhook tells: a type, a time, and a few facts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from antiphon.egress.webhooks.signing import check_webhook_id
from antiphon.errors import BodyTooLarge

MAX_PAYLOAD_BYTES = 20 * 1024
"""What Standard Webhooks recommends at most: who wants more, fetches it."""

_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)
_ID_DIGITS = 32


class Message(msgspec.Struct, frozen=True):
    """One event, as its receivers get it: the same bytes and the same id at each attempt.

    Attributes:
        id: Of this event; see `message_id`.
        body: JSON of `type`, `timestamp` and `data`.
    """

    id: str
    body: bytes


def message_id(*parts: str) -> str:
    """The id of an event, from what makes it one: tenant, type, object, period.

    Whoever tells the event again, another process or the same after a crash, gives it this id.
    """
    digest = hashlib.sha256(msgspec.json.encode(parts)).digest()
    return "msg_" + base64.b32encode(digest).decode().lower()[:_ID_DIGITS]


def compose(
    type: str,  # noqa: A002  the word of the standard
    data: Mapping[str, object],
    *,
    id: str,  # noqa: A002
    at: float,
    max_bytes: int = MAX_PAYLOAD_BYTES,
) -> Message:
    """Write an event down.

    Args:
        type: Words parted by dots, the general one first: `budget.warning`.
        data: Facts in plain JSON types.
        id: From `message_id`.
        at: When it happened, in seconds since 1970.
        max_bytes: The bound of the body.

    Raises:
        ValueError: The type or the id is none.
        BodyTooLarge: There is more to tell than the bound lets through.
    """
    check_webhook_id(id)
    if not _TYPE.fullmatch(type):
        raise ValueError("The type of an event is lower-case words parted by dots.")
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    told = {"type": type, "timestamp": moment.replace("+00:00", "Z"), "data": data}
    body = msgspec.json.encode(told)
    if len(body) > max_bytes:
        raise BodyTooLarge(
            f"A webhook tells at most {max_bytes} bytes; this event has {len(body)}."
        )
    return Message(id, body)
