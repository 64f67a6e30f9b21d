"""The form of an answer: where it must be asked for in words, and whether the answer has it.

An answer to a request that asks for JSON, or for what keeps to a schema, is checked where it is
read anyway; one that goes through as the provider's bytes is the provider's to answer for, unless
the route says otherwise.

Hot path: for a request that asks for no form, one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import CallerError, InvalidAnswer, InvalidRequest
from antiphon.model.events import (
    Finished,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
)
from antiphon.model.needs import FORMS, IN_WORDS, Loss, Need
from antiphon.model.reply import StopReason
from antiphon.model.request import Output, OutputForm
from antiphon.model.said import Said
from antiphon.model.structured import How, Structured, combined
from antiphon.pipeline.plan import Plan
from antiphon.providers.face import Face
from antiphon.schemas.checker import CHECKERS, MOST_ANSWER, Checker
from antiphon.schemas.trouble import BadSchema
from antiphon.wire.shallow import Members

_In = TypeVar("_In")
_UNUSABLE = "the schema cannot be used here"


class Form(msgspec.Struct, frozen=True, eq=False):
    """The form that the answer of one attempt must have.

    Attributes:
        checker: Knows whether it has; None where the schema cannot be used here.
        strict: An answer that has it not is none.
    """

    form: OutputForm
    how: How
    checker: Checker | None
    strict: bool = False

    @property
    def unknown(self) -> Structured:
        """What is known before there is an answer."""
        return Structured(self.form, self.how)

    def judged(self, answers: Iterable[Said]) -> Structured:
        """What is known of these answers, the choices of one reply."""
        checker = self.checker
        if checker is None:
            return Structured(self.form, self.how, why=_UNUSABLE)
        return combined([checker.check(each, self.how) for each in answers], self.unknown)


def passes(payload: Payload, face: Face) -> bool:
    """Whether the caller's own bytes can go to a face.

    They cannot where they ask for a form that the face must be told in words.
    """
    if not payload.passes(face.dialect):
        return False
    words = face.in_words_alike
    members = payload.members
    if not words or members is None or not _asks_form(payload.dialect, members):
        return True
    try:
        return words.isdisjoint(payload.needs)
    except CallerError:
        # Nobody here can read it; the provider says best what is wrong.
        return True


def is_in_words(output: Output | None, payload: Payload, face: Face) -> bool:
    """Whether a form is asked for in words at this face, where the request is read."""
    if output is None:
        return False
    words = face.in_words_alike if face.dialect is payload.dialect else face.in_words
    return FORMS.get(output.form) in words or schema_loss(output, payload, face) is IN_WORDS


def schema_loss(output: Output | None, payload: Payload, face: Face) -> Loss | None:
    """What becomes of a schema that is written in another dialect than it came in."""
    if output is None or output.form is not OutputForm.SCHEMA or face.dialect is payload.dialect:
        return None
    return face.dialect.schema_loss(output.schema, face.target)


def form_of(payload: Payload, face: Face, plan: Plan | None, *, read: bool) -> Form | None:
    """The form that the answer must have, as far as it will be looked at; None for any.

    Args:
        payload: What is asked.
        face: Where it is asked.
        plan: Says how much is looked at.
        read: The request is written anew; else its bytes go through.

    Raises:
        InvalidRequest: The answer must be checked, and the schema cannot be used for that.
    """
    output = _output_of(payload, plan, read=read)
    if output is None or output.form not in FORMS:
        return None
    in_words = read and is_in_words(output, payload, face)
    how = How.INSTRUCTED if in_words else How.NATIVE
    strict = plan is not None and plan.invalid_fails
    must = in_words or strict or (plan is not None and plan.checks_all)
    schema = bytes(output.schema) if output.form is OutputForm.SCHEMA else b""
    try:
        checker = CHECKERS.of(output.form, schema)
    except BadSchema as error:
        if must:
            raise _refusal(payload, FORMS[output.form], error) from error
        return Form(output.form, how, None)
    return Form(output.form, how, checker, strict)


def unread(payload: Payload) -> Structured | None:
    """What is known of the form of an answer that goes through unread; None for no form."""
    members = payload.members
    if members is None or not _asks_form(payload.dialect, members):
        return None
    # Which of the two forms it is stands in what nobody reads.
    return Structured(OutputForm.JSON, How.NATIVE)


def checked(form: Form, answers: Iterable[Said]) -> Structured:
    """What is known of a whole answer.

    Raises:
        InvalidAnswer: It has not the form, and must have it.
    """
    found = form.judged(answers)
    if form.strict and found.valid is False:
        raise InvalidAnswer(found.problems[:3])
    return found


class Hearing:
    """Listens to a stream, and knows at its end whether the answer has its form.

    Args:
        form: What it must have.
    """

    __slots__ = ("_called", "_form", "_refused", "_size", "_stops", "_texts")

    def __init__(self, form: Form) -> None:
        self._form = form
        self._texts: dict[int, list[str]] = {}
        self._stops: dict[int, StopReason] = {}
        self._called: set[int] = set()
        self._refused: set[int] = set()
        self._size = 0

    def beside(
        self, source: Callable[[_In], tuple[StreamEvent, ...]]
    ) -> Callable[[_In], tuple[StreamEvent, ...]]:
        """The same source of events, heard."""

        def heard(given: _In) -> tuple[StreamEvent, ...]:
            events = source(given)
            for event in events:
                self.feed(event)
            return events

        return heard

    def feed(self, event: StreamEvent) -> None:
        """Take one event."""
        match event:
            case TextDelta(text=text, choice=choice):
                self._size += len(text)
                if self._size <= MOST_ANSWER:
                    self._texts.setdefault(choice, []).append(text)
            case ToolCallStarted(choice=choice):
                self._called.add(choice)
            case RefusalDelta(choice=choice):
                self._refused.add(choice)
            case Finished(stop=stop, choice=choice):
                self._stops.setdefault(choice, stop.reason)
            case _:
                pass

    @property
    def found(self) -> Structured:
        """What is known of the answer so far."""
        form = self._form
        if self._size > MOST_ANSWER:
            return Structured(form.form, form.how, why="too much to be checked")
        return form.judged(self._answers())

    def _answers(self) -> Sequence[Said]:
        choices = sorted({*self._texts, *self._stops, *self._called, *self._refused})
        return [
            Said(
                "".join(self._texts.get(each, ())),
                self._stops.get(each),
                called=each in self._called,
                refused=each in self._refused,
            )
            for each in choices
        ]


def _asks_form(dialect: Dialect, members: Members) -> bool:
    """Whether an answer of some form is asked for, by the look of a request that was not read."""
    for name in dialect.form_members:
        raw = members.raw(name)
        if raw is not None:
            said = bytes(raw)
            # Ollama's is the schema itself.
            if b"json" in said or (name == "format" and said[:1] == b"{"):
                return True
    return False


def _output_of(payload: Payload, plan: Plan | None, *, read: bool) -> Output | None:
    if read:
        return payload.request.output
    members = payload.members
    if plan is None or not plan.checks_all or members is None:
        return None
    if not _asks_form(payload.dialect, members):
        return None
    try:
        return payload.request.output
    except CallerError:
        # It goes through unread, and cannot be read.
        return None


def _refusal(payload: Payload, need: Need, error: BadSchema) -> InvalidRequest:
    names = payload.dialect.words[need]
    name = names[0] if names else need.value
    return InvalidRequest(
        f"The schema in {name!r} cannot be used to check the answer: {error}.", param=name
    )
