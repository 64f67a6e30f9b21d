"""One request's whole life, as one object.

It never leaves this package: others get a `Principal`, an `Ask` and a deadline.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from antiphon.dialects.base import Payload
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.principal import Principal
from antiphon.model.reply import StopReason
from antiphon.model.usage import Usage
from antiphon.pipeline.plan import Plan, Snapshot
from antiphon.providers.deployment import Deployment


class RequestIds:
    """Names requests: unique across processes by the prefix, in order within one."""

    __slots__ = ("_next", "_stem")

    def __init__(self, prefix: str) -> None:
        self._stem = f"req_{prefix}-"
        self._next = itertools.count(1).__next__

    def new(self) -> str:
        """A new id, such as `req_5f2c9d01a7b3-0000001a`."""
        return f"{self._stem}{self._next():08x}"


class Attempt:
    """One call to one deployment.

    Attributes:
        sent_at: Loop time at which the call was begun.
        first_byte_at: Loop time of the first byte of the answer; 0 if none came.
        ended_at: Loop time at which its answer was whole, or broke; 0 while it runs.
        error: What went wrong, or None.
    """

    __slots__ = ("deployment", "ended_at", "error", "first_byte_at", "sent_at", "usage")

    def __init__(self, deployment: Deployment, sent_at: float) -> None:
        self.deployment = deployment
        self.sent_at = sent_at
        self.first_byte_at = 0.0
        self.ended_at = 0.0
        self.error: UpstreamError | None = None
        self.usage: Usage | None = None


class Exchange:
    """What is known of one request, from its first byte to its record.

    Attributes:
        id: Goes out as `x-antiphon-request-id`.
        started: Loop time at which the request's head was read.
        plan: Set once the route is known; an exchange that failed before has none.
        deadline: Loop time at which it must be answered.
        principal: Who is calling.
        complete: The answer's last bytes were handed out: nothing that follows can spoil it.
        interrupted: Why the gateway itself ends it (a drain), or None.
    """

    __slots__ = (
        "_interrupt",
        "attempts",
        "complete",
        "deadline",
        "first_token_at",
        "id",
        "interrupted",
        "outcome",
        "payload",
        "plan",
        "principal",
        "snapshot",
        "started",
        "stop",
        "usage",
        "warnings",
    )

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  the field's word
        started: float,
        payload: Payload,
        snapshot: Snapshot,
        principal: Principal,
        interrupt: Callable[[], object],
    ) -> None:
        self.id = id
        self.started = started
        self.payload = payload
        self.snapshot = snapshot
        self.principal = principal
        self.complete = False
        self.plan: Plan | None = None
        self.deadline = 0.0
        self.attempts: list[Attempt] = []
        self.usage: Usage | None = None
        self.stop: StopReason | None = None
        self.first_token_at = 0.0
        self.warnings: list[str] = []
        self.outcome: BaseException | None = None
        self.interrupted: AntiphonError | None = None
        self._interrupt = interrupt

    def interrupt(self, error: AntiphonError) -> None:
        """End the exchange from outside; the caller is told `error`."""
        if self.interrupted is None and not self.complete:
            self.interrupted = error
            self._interrupt()
