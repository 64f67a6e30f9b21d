"""One request's whole life, as one object.

It never leaves this package: others get a `Principal`, an `Ask` and a deadline.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.embedding import EmbedNeed
from antiphon.model.needs import Loss, Need
from antiphon.model.principal import Principal
from antiphon.model.reply import StopReason
from antiphon.model.structured import Structured
from antiphon.model.usage import Usage
from antiphon.pipeline.choosing import Choice
from antiphon.pipeline.embedding import EmbedTranslation
from antiphon.pipeline.forms import Form
from antiphon.pipeline.limited import Limited
from antiphon.pipeline.passing import Passing
from antiphon.pipeline.plan import Plan, Snapshot
from antiphon.pipeline.translation import Translation
from antiphon.pipeline.wishes import Wishes
from antiphon.providers.deployment import Deployment
from antiphon.providers.face import Face
from antiphon.telemetry.trace import Trace
from antiphon.usage.budgets.budgets import Reservation
from antiphon.usage.captures.taking import Capture
from antiphon.usage.journal.journal import Entry
from antiphon.usage.journal.record import Charge, Outcome


class RequestIds:
    """Names requests: unique across processes by the prefix, in order within one."""

    __slots__ = ("_next", "_stem")

    def __init__(self, prefix: str) -> None:
        self._stem = f"req_{prefix}-"
        self._next = itertools.count(1).__next__

    def new(self) -> str:
        """A new id, such as `req_5f2c9d01a7b3-0000001a`."""
        return f"{self._stem}{self._next():08x}"


class Attempt(msgspec.Struct, eq=False):
    """One call to one deployment.

    A struct, as the exchange: it is filled in C, at a third of the cost of a class.

    Attributes:
        face: The dialect in which it is made.
        translation: What was sent in place of the caller's bytes, and how to read the answer.
        sent_at: Monotonic time at which the call was begun.
        first_byte_at: Monotonic time of the first byte of the answer; 0 if none came.
        ended_at: Monotonic time at which its answer was whole, or broke; 0 while it runs.
        error: What went wrong, or None.
        usage: What the provider has counted so far; once it is closed, what is charged.
        started_at: As `sent_at`, in microseconds since 1970.
        entry: Where it stands in the journal, once it is written there.
        running: It keeps its deployment busy.
        closed: Its end is written there.
        outcome: How it ended, once it is closed.
        last: It is the last one of its request.
        form: The form that its answer must have, where that is looked at.
        capped: A budget made its bound of output less than what was asked for.
        accepted: The provider was given the request, and has not refused it: it may charge for it.
        charge: Where its figures come from.
        size: Bytes of the body that is sent.
        input_bound: Tokens that its prompt cannot exceed.
        output_bound: Tokens that its answers together cannot exceed.
        answers: How many are asked for.
        cost_bound: Billionths of a dollar that it cannot exceed.
        reservation: Money that is set aside for it, where there are budgets.
        cost: Billionths of a dollar, once it is closed.
    """

    deployment: Deployment
    face: Face
    sent_at: float
    translation: Translation | EmbedTranslation | None = None
    first_byte_at: float = 0.0
    ended_at: float = 0.0
    error: UpstreamError | None = None
    usage: Usage | None = None
    started_at: int = 0
    entry: Entry | None = None
    running: bool = False
    closed: bool = False
    last: bool = False
    accepted: bool = False
    charge: Charge = Charge.NOTHING
    size: int = 0
    input_bound: int = 0
    output_bound: int = 0
    answers: int = 1
    cost_bound: int = 0
    reservation: Reservation | None = None
    cost: int = 0
    outcome: Outcome | None = None
    form: Form | None = None
    capped: bool = False


class Cached(msgspec.Struct, eq=False):
    """What the cache did for a request on a route that has one.

    Attributes:
        word: `hit`; `miss`; `shared`, where another request pays for the call; `stale`, where the
            answer is too old, and no provider gave a better one.
        age: Seconds since a stored answer was made; None where it is none.
        deployment: What made the answer, where no attempt of the request did; else empty.
        shares: The request on whose account the call was made, where that is another one.
    """

    word: str
    age: float | None = None
    deployment: str = ""
    shares: Exchange | None = None

    @property
    def is_given(self) -> bool:
        """Nobody was asked on this request's own account for what it was given."""
        return self.word != MISS


MISS = "miss"


class Exchange(msgspec.Struct, eq=False, kw_only=True):
    """What is known of one request, from its first byte to its record.

    Attributes:
        id: Goes out as `x-antiphon-request-id`.
        started: Monotonic time at which the request's head was read.
        principal: Who is calling.
        interrupt: Stops whoever is answering; `abort` calls it.
        hops: Gateways of our kind that the request came through already.
        forwarded: Header lines of the caller that go on to a provider of the same dialect.
        cache_control: What its caller says of stored answers, as the header has it.
        wishful: Its headers may say what its caller wishes of the choice.
        wishes: What it wishes of it; None where it wishes nothing.
        headers: All of the caller's headers, for whoever needs one that most do not.
        sensitivity: What its caller says of how far it goes, as the header has it.
        choice: Who is asked; None while nobody had to choose.
        foreseen: Nobody is to be asked: it is only to be told what would become of it.
        served: It came over HTTP.
        trace: Where it stands in a trace; None where nobody listens.
        passing: Set where the request is passed on as it is, to an endpoint of no dialect.
        plan: Set once the route is known; an exchange that failed before has none.
        deadline: Monotonic time at which it must be answered.
        lost: What the request loses at the faces where it loses something.
        passed_over: Why deployments were not asked though their turn came, in a word each.
        unsealed: Seals over thought were taken out of it, because a provider refused them.
        complete: The answer's last bytes were handed out: nothing that follows can spoil it.
        interrupted: Why the gateway itself ends it (a drain), or None.
        structured: What is known of the form of the answer, where one was asked for.
        capture: What is kept of its content, where the route asks for that.
        warnings: What the caller is warned of; the ledger keeps it.
        notes: What the caller is told besides, of limits that are nearly reached.
        pays_until: The event loop's time until which it waits for money; 0 before it has to.
        cached: What the cache did; None where the route has none.
        outcome: What it failed with, or None.
        degraded: What stands in for the answer (`resilience.degrade.Step`), or empty.
        stood_for: The error in whose place that was given, or None.
        continued: The deployments that went on with its stream after it broke.
        priority: What the caller says of its urgency, where limits are set.
        limited: What it has taken of limits, where some are set.
    """

    id: str
    started: float
    payload: Payload
    snapshot: Snapshot
    principal: Principal
    interrupt: Callable[[], object]
    hops: int = 0
    forwarded: bytes = b""
    cache_control: bytes | None = None
    wishful: bool = False
    wishes: Wishes | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    sensitivity: bytes | None = None
    choice: Choice | None = None
    foreseen: bool = False
    served: bool = False
    trace: Trace | None = None
    passing: Passing | None = None
    plan: Plan | None = None
    deadline: float = 0.0
    attempts: list[Attempt] = []
    lost: dict[Face, Sequence[tuple[Need | EmbedNeed, Loss]]] = {}
    passed_over: dict[Deployment, str] = {}
    unsealed: bool = False
    complete: bool = False
    usage: Usage | None = None
    stop: StopReason | None = None
    first_token_at: float = 0.0
    warnings: list[str] = []
    notes: Sequence[str] = ()
    pays_until: float = 0.0
    outcome: BaseException | None = None
    degraded: str = ""
    stood_for: AntiphonError | None = None
    interrupted: AntiphonError | None = None
    structured: Structured | None = None
    capture: Capture | None = None
    cached: Cached | None = None
    continued: Sequence[str] = ()
    priority: bytes = b""
    limited: Limited | None = None

    @property
    def embeds(self) -> EmbedPayload | None:
        """The payload, where vectors are asked for."""
        return payload if isinstance(payload := self.payload, EmbedPayload) else None

    def face_at(self, deployment: Deployment, now: float) -> Face | None:
        """Where a deployment is asked this, at a monotonic time; None where it cannot be.

        Raises:
            CallerError: It has to be read for it, and cannot be.
        """
        if self.passing is not None:
            return deployment.face_at(self.passing.endpoint)
        payload = self.payload
        if isinstance(payload, EmbedPayload):
            return deployment.embedding_face(payload, now)
        if payload.begun:
            return deployment.face_to_go_on(payload.dialect, now)
        return deployment.face_for(payload.dialect, now)

    def face_of(self, deployment: Deployment, now: float) -> Face:
        """The same, of a deployment that was chosen because it can be asked."""
        face = self.face_at(deployment, now)
        assert face is not None
        return face

    def abort(self, error: AntiphonError) -> None:
        """End the exchange from outside; the caller is told `error`."""
        if self.interrupted is None and not self.complete:
            self.interrupted = error
            self.interrupt()
