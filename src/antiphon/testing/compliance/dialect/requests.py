"""Questions of other dialects: written without a crash, and nothing lost that is not declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting, says_anything
from antiphon.errors import CallerError
from antiphon.model.needs import Need, needs_of
from antiphon.model.parts import Author, Text, Turn
from antiphon.model.request import ChatRequest
from antiphon.simulator.dice import Dice
from antiphon.testing import trees
from antiphon.testing.compliance.cases import GOLDEN, cases_in
from antiphon.testing.compliance.dialect.asked import ASKED
from antiphon.testing.compliance.findings import Findings, holds, same
from antiphon.testing.compliance.subject import SHIPPED, Subject
from antiphon.wire.shallow import Members

_ROUNDS: Final = 20
_TARGETS: Final = (
    Target("m-1"),
    Target("m-1", max_output=4096, scope="s", adaptive=True),
    Target("m-1", adaptive=False),
)
_THOUGHT: Final = frozenset({Need.EFFORT, Need.BUDGET})
"""How hard to think, as a word or in tokens: models take one of them."""


def declared(subject: Subject, found: Findings) -> None:
    """What a request needs is kept, or declared as lost."""
    dialect = subject.dialect
    if subject.callers_only:
        found.notes.append("no provider is asked in it")
        return
    for need in Need:
        if need in dialect.losses:
            continue
        with found.trying(need.value):
            request = ASKED[need]
            holds(need in needs_of(request), "a request with that need", needs_of(request))
            again = _again(subject, request)
            kept = needs_of(again)
            either = _THOUGHT if need in _THOUGHT else frozenset({need})
            holds(not either.isdisjoint(kept), f"{need.value}, or a loss declared", sorted(kept))


def text(subject: Subject, found: Findings) -> None:
    """Text, authors, the model and the bound of the answer are kept, whatever else is asked."""
    dialect = subject.dialect
    for need, request in ASKED.items():
        with found.trying(need.value):
            for target in _TARGETS:
                bounded = replace(request, max_output_tokens=request.max_output_tokens or 2048)
                sent = dialect.encode_request(_fitted(subject, bounded, target), target)
                again = dialect.decode_request(Members.parse(sent.encode()))
                same(again.model, target.model, "model")
                said = "".join(turn.text for turn in again.turns)
                for turn in request.turns:
                    for part in turn.parts:
                        if isinstance(part, Text):
                            holds(part.text in said, f"the text {part.text!r}", said)
                if not subject.callers_only:
                    holds(again.max_output_tokens, "a bound of the answer", sent.encode().decode())


def system(subject: Subject, found: Findings) -> None:
    """What the system says first is said by the system."""
    with found.trying("a system turn"):
        turns = (Turn(Author.SYSTEM, (Text("Be brief é."),)), Turn(Author.USER, (Text("Hi"),)))
        again = _again(subject, ChatRequest("m-1", turns))
        said = [t.text for t in again.turns if t.author in {Author.SYSTEM, Author.DEVELOPER}]
        same(said, ["Be brief é."], "system turns")


def of_others(subject: Subject, found: Findings) -> None:
    """Requests of every shipped dialect can be written, broken ones too; whole ones are read."""
    dialect = subject.dialect
    for where, request, whole in _requests():
        with found.trying(where):
            for target in _TARGETS:
                sent = dialect.encode_request(_fitted(subject, request, target), target).encode()
                if whole and says_anything(request.turns, dialect.traits):
                    _is_understood(subject, request, sent)


def _is_understood(subject: Subject, request: ChatRequest, sent: bytes) -> None:
    """What was written is a request of this dialect, with all calls."""
    members = Members.parse(sent)
    again = subject.dialect.decode_request(members)
    subject.dialect.check_request(members)
    if not subject.callers_only:
        calls = [call.name for turn in request.turns for call in turn.tool_calls]
        same(sum(len(turn.tool_calls) for turn in again.turns), len(calls), f"calls of {calls}")


def checked(subject: Subject, found: Findings) -> None:
    """The cheap reading of a request agrees with the thorough one."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.request is None:
            continue
        with found.trying(f"{case.name}/request.json"):
            members = Members.parse(case.request)
            request = dialect.decode_request(members)
            same(
                dialect.check_request(members), (request.model, request.stream), "model and stream"
            )
            bound, answers = dialect.output_bound(members)
            same((bound, answers), (request.max_output_tokens, request.n or 1), "bounds")
            if request.stream:
                holds(dialect.wants_usage(dialect.ask_usage(members)), "usage asked for", "not")


def inspected(subject: Subject, found: Findings) -> None:
    """The cheap reading of a reply agrees with the thorough one."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None:
            continue
        with found.trying(f"{case.name}/reply.json"):
            facts, reply = dialect.inspect_reply(case.reply), dialect.decode_reply(case.reply)
            same(facts.usage, reply.usage, "usage")
            same(facts.model, reply.model, "model")
            stop = reply.choices[0].stop if reply.choices else None
            same(facts.stop, None if stop is None else stop.reason, "stop")


def _again(subject: Subject, request: ChatRequest) -> ChatRequest:
    fitted = _fitted(subject, request, _TARGETS[0])
    sent = subject.dialect.encode_request(fitted, _TARGETS[0]).encode()
    return subject.dialect.decode_request(Members.parse(sent))


def _fitted(subject: Subject, request: ChatRequest, target: Target) -> ChatRequest:
    return Fitting(request, subject.dialect.traits, target).request


def _requests() -> Iterator[tuple[str, ChatRequest, bool]]:
    """Requests of all shipped cases, and what is left of them when they are broken."""
    for name, dialect in SHIPPED.items():
        for case in cases_in(GOLDEN / name):
            if case.request is None:
                continue
            where, dice = f"{name}/{case.name}", Dice("others", name, case.name)
            yield where, dialect.decode_request(Members.parse(case.request)), True
            tree = trees.parse(case.request)
            places = [path for path, _ in trees.walk(tree) if path]
            for _ in range(_ROUNDS):
                path = dice.choice(places)
                body = trees.encode(trees.without(tree, path))
                try:
                    request = dialect.decode_request(Members.parse(body))
                except CallerError:
                    continue
                yield f"{where} without {trees.named(path)}", request, False
