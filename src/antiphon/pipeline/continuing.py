"""Going on with a stream that broke after some of its text was given.

The conversation is asked again with what was said so far as the beginning of its answer, of a
deployment that goes on with such a beginning (`Face.going_on`). Its words follow in the stream that
the caller already has: under the same ids, the seam between the two removed, marked as `Continued`.
Both calls stand in the ledger, each with what it produced; the usage that is told is the sum.

Nothing is gone on with where the rest would not fit what was given: calls of tools, thought that is
under way, a form that must be kept, several answers, parts that only their dialect knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Place, StreamEncoder
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.errors import CallerError, Disposition, Kind, UpstreamBroken, UpstreamError
from antiphon.model.events import (
    USEFUL,
    Continued,
    LogprobsDelta,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.needs import Need
from antiphon.model.parts import Author, Text, Turn
from antiphon.model.request import ChatRequest, ReasoningAsk
from antiphon.model.usage import Usage
from antiphon.pipeline.estimating import prompt_tokens
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.losses import candidates
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.relay import Ongoing, Relay
from antiphon.pipeline.seam import Seam
from antiphon.pipeline.translation import Reader, Translation
from antiphon.providers.deployment import Deployment
from antiphon.providers.estimate import tokens_of

MOST = 5
"""Times that one stream is gone on with."""
_CANNOT = frozenset(
    {Need.ANSWERS, Need.LOGPROBS, Need.AUDIO_OUT, Need.IMAGE_OUT, Need.FORCED_TOOL}
    | {Need.JSON_MODE, Need.JSON_SCHEMA, Need.CHOICE, Need.STATE}
)
"""What a request may ask for that two calls cannot give together."""
_NO_PARTS = "openai_chat"
"""In whose streams frames without a word of ours are no parts of the answer."""
_NOTHING = Usage()
_NO_THOUGHT = ReasoningAsk(effort="none")


def partial_of(events: Sequence[StreamEvent]) -> str:
    """The text that was given, of the first answer."""
    return "".join([e.text for e in events if type(e) is TextDelta and not e.choice])


def can_go_on(
    exchange: Exchange, error: UpstreamError, events: Sequence[StreamEvent] | None
) -> bool:
    """Whether what was given, and what was asked, allow that another call goes on."""
    payload = exchange.payload
    if events is None or exchange.interrupted is not None or isinstance(payload, EmbedPayload):
        return False
    if error.disposition is Disposition.CALLERS_FAULT or error.error_kind is Kind.CONTENT_FILTER:
        return False
    if not any(map(is_useful, events)):
        return True
    try:
        return _is_text(events) and _CANNOT.isdisjoint(payload.needs)
    except CallerError:
        # It went through unread, and cannot be read.
        return False


def is_useful(event: StreamEvent) -> bool:
    """Whether it is a part of the answer."""
    return isinstance(event, USEFUL)


def _is_text(events: Sequence[StreamEvent]) -> bool:
    """Whether one text was given, or nothing yet; what was thought before it may be there."""
    thinks = False
    for event in events:
        match event:
            case ReasoningDelta() | ReasoningSealed():
                thinks = True
            case TextDelta(choice=0):
                thinks = False
            case OpaqueEvent(dialect=dialect) if dialect == _NO_PARTS:
                pass
            case OpaqueEvent() | TextDelta() | ToolCallStarted() | RefusalDelta() | LogprobsDelta():
                return False
            case _:
                pass
    return not thinks


def targets(
    exchange: Exchange, plan: Plan, first: Deployment, *, size: int, now: float
) -> Iterator[Deployment]:
    """Who may go on: the same deployment if it is well, then the others in their order.

    Only those that might have answered from the beginning: who is not cleared is not asked.

    Args:
        exchange: What is asked.
        plan: Of its route.
        first: Who was asked last.
        size: Bytes of what is asked now, at most.
        now: Monotonic time.
    """
    choice, payload = exchange.choice, exchange.payload
    chosen = plan.chooser.deployments if choice is None else choice.deployments
    order = sorted(chosen, key=lambda each: (each is not first, not each.is_well(now)))
    if not first.is_well(now):
        order = sorted(chosen, key=lambda each: not each.is_well(now))
    for each in candidates(exchange, order, plan.on_loss):
        context = each.facts.context
        if context is None or size <= context or prompt_tokens(payload, each) <= context:
            yield each


class Continuation:
    """One stream that broke, and all that goes on with it.

    Args:
        exchange: Whose stream it is.
        relay: The call that broke; its events were given to the caller.
        place: Where its frames have left off; None where they were written here.
        usage: Whether usage is told.

    Attributes:
        encoder: Writes the caller's stream from here on.
        size: Bytes of what is asked now, at most.
    """

    __slots__ = (
        *("_anew", "_asked", "_broken", "_by", "_events", "_exchange", "_lead", "_seam", "_told"),
        *("encoder", "size"),
    )

    def __init__(
        self, exchange: Exchange, relay: Relay, place: Place | None, *, usage: bool
    ) -> None:
        self._exchange = exchange
        self._asked = exchange.payload
        self._events = relay.events or []
        self._broken: list[Attempt] = []
        self._seam = Seam("")
        self._told = False
        self._lead = b""
        self._by = ""
        self._anew = False
        self.size = 0
        self.encoder: StreamEncoder = relay.encoder
        if place is not None:
            asked = self._asked
            self.encoder = asked.dialect.stream_encoder(include_usage=usage, asked=asked)
            for event in self._events:
                self.encoder.feed(event)
            self._lead = self.encoder.take_over(place)

    @property
    def partial(self) -> str:
        """The text that was given so far."""
        return partial_of(self._events)

    @property
    def gave(self) -> bool:
        """Whether the call that broke now gave some of the text."""
        return self._told or not self._broken

    def broke(self, attempt: Attempt) -> bool:
        """A call broke that gave some of the text; whether another may be asked for the rest."""
        self._broken.append(attempt)
        if len(self._broken) > MOST:
            return False
        partial, asked = self.partial, self._asked
        base = partial.rstrip()
        self._seam, self._told = Seam(partial), False
        said = sum(map(_size, self._events))
        self._anew = not any(map(is_useful, self._events))
        request = asked.request if self._anew else begun(asked.request, base, said=said)
        self._exchange.payload = asked.asking(request, begun=bool(base))
        self.size = asked.countable(asked.size) + said
        return True

    def relay(self, spoken: Dialect, translation: Translation | None) -> Relay:
        """What reads the answer of a call that goes on."""
        base = _as_it_is if translation is None else translation.reader()
        onto = Ongoing(self.encoder, self._reader(base), self._events)
        return Relay(spoken, self._exchange.payload, translation, onto=onto)

    def opened(self, deployment: Deployment) -> None:
        """A call was made that goes on; it is named as soon as it gives something."""
        self._by = deployment.name
        self._seam = Seam(self.partial)

    def led(self, piece: bytes) -> bytes:
        """A piece, behind what must go out before the first one."""
        lead, self._lead = self._lead, b""
        return lead + piece

    def total(self, usage: Usage | None) -> Usage | None:
        """What all calls used together."""
        if usage is None:
            return None
        spent = [each.usage or _NOTHING for each in self._broken]
        return sum_of([*spent, usage])

    # ------------------------------------------------------------------ the events that follow

    def _reader(self, base: Reader) -> Reader:
        def read(event: StreamEvent) -> tuple[StreamEvent, ...]:
            told: list[StreamEvent] = []
            for each in base(event):
                told += self._fitted(each)
            if self._by and any(type(each) is not UsageReported for each in told):
                told.insert(0, self._named(self._by))
            return tuple(told)

        return read

    def _named(self, by: str) -> Continued:
        exchange, error = self._exchange, self._broken[-1].error
        self._by = ""
        exchange.continued = (*exchange.continued, by)
        code, length = "" if error is None else error.code, len(self.partial)
        told = f"continued: {by} went on after {length} characters ({code})"
        exchange.warnings = [*exchange.warnings, told]
        return Continued(by)

    def _fitted(self, event: StreamEvent) -> Sequence[StreamEvent]:
        """An event as it follows what was given."""
        match event:
            case Started():
                return () if any(type(each) is Started for each in self._events) else (event,)
            case UsageReported(usage=usage):
                return (msgspec.structs.replace(event, usage=self.total(usage)),)
            case _ if self._anew:
                self._told = True
                return (event,)
            case _:
                return self._behind(event)

    def _behind(self, event: StreamEvent) -> Sequence[StreamEvent]:
        """An event behind text: without its thought, and without the seam."""
        match event:
            case TextDelta(text=text):
                return self._said(self._seam.feed(text) if self._seam.open else text)
            case PartEnded() if not self._told:
                # A thought that was left out has an end, too.
                return ()
            case ReasoningDelta() | ReasoningSealed() | LogprobsDelta() | OpaqueEvent():
                return ()
            case _ if self._seam.open:
                return (*self._said(self._seam.close()), event)
            case _:
                return (event,)

    def _said(self, text: str) -> Sequence[StreamEvent]:
        if self._seam.astray:
            raise UpstreamBroken("The answer was begun anew.", code="not_continued")
        if not text:
            return ()
        self._told = True
        return (TextDelta(text),)


def begun(request: ChatRequest, text: str, *, said: int) -> ChatRequest:
    """The same question, with the beginning of its answer; `said` bytes of it were made.

    No more is thought: the answer is under way.
    """
    turns = request.turns
    if text:
        last = turns[-1] if turns else None
        if last is not None and last.author is Author.ASSISTANT and last.parts:
            *rest, part = last.parts
            grown = (
                (msgspec.structs.replace(part, text=part.text + text),)
                if isinstance(part, Text)
                else (part, Text(text))
            )
            turns = (*turns[:-1], msgspec.structs.replace(last, parts=(*rest, *grown)))
        else:
            turns = (*turns, Turn(Author.ASSISTANT, (Text(text),)))
    bound = request.max_output_tokens
    return msgspec.structs.replace(
        request,
        turns=turns,
        max_output_tokens=None if bound is None else max(bound - tokens_of(said), 1),
        reasoning=None if request.reasoning is None else _NO_THOUGHT,
    )


def sum_of(usages: Sequence[Usage]) -> Usage:
    """What several calls used together."""
    return Usage(*map(sum, zip(*map(msgspec.structs.astuple, usages), strict=True)))


def _size(event: StreamEvent) -> int:
    return len(event.text.encode()) if isinstance(event, TextDelta | ReasoningDelta) else 0


def _as_it_is(event: StreamEvent) -> tuple[StreamEvent, ...]:
    return (event,)
