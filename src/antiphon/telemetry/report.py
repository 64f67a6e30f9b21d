"""What became of a request, as a value that leaves the road.

The road makes one for each exchange that somebody listens to, and puts it into a bounded queue;
lines and spans are made of it on other threads. It holds ids, names of the configuration, times
and counts: never content, never a key, never a person's name.

Hot path: one struct for the request and one for each attempt, where there is a listener.
"""

from __future__ import annotations

from collections import deque

import msgspec

from antiphon.model.usage import Usage
from antiphon.telemetry import semconv
from antiphon.telemetry.trace import Trace

MOST_REPORTS = 10_000


class AttemptReport(msgspec.Struct, frozen=True, gc=False):
    """One call to one deployment.

    Attributes:
        vendor: The provider's name in OpenTelemetry's words.
        host: Where it answers.
        outcome: The ledger's word.
        word: `ok`, `cancelled`, or what went wrong.
        status: The provider's HTTP status, where it refused; else 0.
        charge: Where the figures come from.
        cost: Billionths of a dollar.
        started_at: Microseconds since 1970.
        first_byte: Microseconds from its start; 0 for none.
        total: Microseconds from its start to its end.
    """

    provider: str
    model: str
    vendor: str
    host: str
    port: int
    outcome: str
    word: str
    status: int
    charge: str
    usage: Usage
    cost: int
    started_at: int
    first_byte: int
    total: int


class RequestReport(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        ended_at: Microseconds since 1970.
        route: The name in the configuration; empty where none was found.
        heard: The caller's dialect.
        spoken: The dialect of the provider asked last.
        status: Of the answer, in HTTP's numbers.
        kind: `ok`, or the kind of the error.
        word: Empty, or what went wrong with the last attempt, else with the request.
        first_token: Microseconds from its start; 0 for none.
        total: Microseconds from its start to its end.
        overhead: Microseconds of it that no provider was waited for.
        stop: Why the model stopped.
        served: It came over HTTP.
        embeds: Vectors were asked for.
        asked: The caller's own bound of the answer's tokens, or None.
        cached: What the cache did; empty on a route that has none.
        degraded: What stood in for the answer; empty where nothing did.
        structured: What is known of the form of the answer; empty where none was asked for.
        trace: Where it stands in a trace, or None.
    """

    request: str
    ended_at: int
    status: int
    kind: str
    total: int
    route: str = ""
    heard: str = ""
    spoken: str = ""
    stream: bool = False
    word: str = ""
    first_token: int = 0
    overhead: int = 0
    stop: str = ""
    key_id: str = ""
    team: str = ""
    department: str = ""
    subject: str = ""
    warnings: tuple[str, ...] = ()
    attempts: tuple[AttemptReport, ...] = ()
    served: bool = True
    embeds: bool = False
    asked: int | None = None
    cached: str = ""
    degraded: str = ""
    structured: str = ""
    trace: Trace | None = None

    @property
    def started_at(self) -> int:
        """Microseconds since 1970."""
        return self.ended_at - self.total

    @property
    def operation(self) -> str:
        """What was asked for, in OpenTelemetry's words."""
        return semconv.EMBEDDINGS if self.embeds else semconv.CHAT

    @property
    def failed(self) -> bool:
        """Whether the gateway or its providers are why there was no answer."""
        limited = self.status == _LIMITED and bool(self.attempts)
        return self.status >= _FIRST_FAILURE or limited


_LIMITED, _FIRST_FAILURE = 429, 500


class Reports:
    """The queue between the road and whoever listens.

    Attributes:
        every: Somebody wants to hear of every request.
        trouble: Somebody wants to hear of those that failed or took more than one attempt.
        dropped: Reports for which there was no room.
    """

    __slots__ = ("_queue", "_room", "dropped", "every", "trouble")

    def __init__(self, room: int = MOST_REPORTS) -> None:
        self._queue: deque[RequestReport] = deque()
        self._room = room
        self.every = False
        self.trouble = False
        self.dropped = 0

    def put(self, report: RequestReport) -> None:
        """Leave a report; called on the road."""
        if len(self._queue) >= self._room:
            self.dropped += 1
        else:
            self._queue.append(report)

    def take(self) -> list[RequestReport]:
        """All that were left since the last call; called on one other thread."""
        queue = self._queue
        return [queue.popleft() for _ in range(len(queue))]
