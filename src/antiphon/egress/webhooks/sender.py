"""One attempt to deliver a webhook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

import msgspec

from antiphon.clock import Clock
from antiphon.egress.client import Answer, Egress
from antiphon.egress.errors import BadAddress, BlockedAddress, EgressError
from antiphon.egress.webhooks.delivery import Outcome, Verdict
from antiphon.egress.webhooks.message import Message
from antiphon.egress.webhooks.signing import check_webhook_secret, sign
from antiphon.secret import Secret

_GONE = 410


class Endpoint(msgspec.Struct, frozen=True):
    """Where webhooks go.

    Attributes:
        url: The receiver's address.
        keys: The key that is agreed on; while it is replaced, the new one and then the old one.
    """

    url: str
    keys: tuple[Secret, ...]


class Webhooks:
    """Delivers messages, each attempt signed anew with its own time."""

    __slots__ = ("_clock", "_egress")

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self._clock = clock

    def check(self, endpoint: Endpoint) -> None:
        """Judge an endpoint when it is written down, without asking it.

        Raises:
            BadAddress: Its URL is none.
            BlockedAddress: Its URL can never be permitted.
            ValueError: A key is none, or there is none.
        """
        self._egress.check(endpoint.url)
        if not endpoint.keys:
            raise ValueError("An endpoint has a key: webhooks are signed.")
        for key in endpoint.keys:
            check_webhook_secret(key)

    async def attempt(self, endpoint: Endpoint, message: Message) -> Outcome:
        """Send a message once, and say what came of it. Redirects are not followed.

        Nothing of the receiver's answer is read but its status and its `retry-after`.
        """
        try:
            answer = await self._egress.post(
                endpoint.url,
                message.body,
                headers=self._headers(endpoint.keys, message),
                read=False,
            )
        except (BadAddress, BlockedAddress) as error:
            return Outcome(Verdict.NEVER, message=error.message, reason=error.reason)
        except EgressError as error:
            return Outcome(Verdict.AGAIN, message=error.message, reason=error.reason)
        return self._outcome(answer)

    def _headers(self, keys: Sequence[Secret], message: Message) -> dict[str, str]:
        timestamp = int(self._clock.now())
        return {
            "content-type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(keys, id=message.id, timestamp=timestamp, body=message.body),
        }

    def _outcome(self, answer: Answer) -> Outcome:
        if 200 <= answer.status < 300:  # noqa: PLR2004  every 2xx
            return Outcome(Verdict.TAKEN, answer.status)
        told = f"The receiver answered with {answer.status}."
        if answer.status == _GONE:
            return Outcome(Verdict.GONE, answer.status, told, told)
        wait = retry_after(answer.get("retry-after"), self._clock.now())
        return Outcome(Verdict.AGAIN, answer.status, told, told, wait)


def retry_after(text: str | None, now: float) -> float | None:
    """Seconds to wait, from a header that holds seconds or a date; None for anything else."""
    if text is None:
        return None
    try:
        seconds = (
            float(text)
            if text.isascii() and text.isdecimal()
            else (parsedate_to_datetime(text).timestamp() - now)
        )
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
