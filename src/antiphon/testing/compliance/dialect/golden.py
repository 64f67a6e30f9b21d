"""Golden cases mean what they meant, are written as they were, and stay so on a second trip."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.model.events import UsageReported
from antiphon.model.fold import fold
from antiphon.model.needs import needs_of
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.testing.compliance.cases import (
    Case,
    Sums,
    ended,
    events_of,
    plain,
    refusal,
    results_of,
    write,
)
from antiphon.testing.compliance.dialect.said import answer, sums
from antiphon.testing.compliance.findings import Findings, holds, same
from antiphon.testing.compliance.subject import Subject
from antiphon.wire.shallow import Members

_ANY: Final = msgspec.json.Decoder()


def results(subject: Subject, found: Findings) -> None:
    """The files of results are what is made now."""
    for case in subject.cases:
        with found.trying(case.name):
            for name, content in results_of(case, subject.dialect).items():
                kept = case.kept(name)
                holds(kept is not None, f"a file {name} (`record` writes it)", "none")
                assert kept is not None
                if name.endswith(".json"):
                    same(_ANY.decode(content), _ANY.decode(kept), name)
                else:
                    same(content, kept, name)


def requests(subject: Subject, found: Findings) -> None:
    """What is written for a request means the same, and is written the same again."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.request is None:
            continue
        with found.trying(f"{case.name}/request.json"):
            request = dialect.decode_request(Members.parse(case.request))
            sent = dialect.encode_request(request, Target(request.model)).encode()
            again = _placed(dialect.decode_request(Members.parse(sent)), request)
            same(needs_of(again), needs_of(request), "needs")
            same(plain(again.turns), plain(request.turns), "turns")
            same(plain(again.tools), plain(request.tools), "tools")
            same(dialect.encode_request(again, Target(request.model)).encode(), sent, "written")
            stored = msgspec.json.decode(msgspec.json.encode(request), type=ChatRequest)
            same(dialect.encode_request(stored, Target(request.model)).encode(), sent, "stored")


def _placed(again: ChatRequest, request: ChatRequest) -> ChatRequest:
    """What some dialects say in the path, and not in the body."""
    return msgspec.structs.replace(again, model=request.model, stream=request.stream)


def replies(subject: Subject, found: Findings) -> None:
    """What is written for a reply says the same, and is written the same again."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None:
            continue
        with found.trying(f"{case.name}/reply.json"):
            reply = dialect.decode_reply(case.reply)
            told = dialect.encode_reply(reply)
            again = dialect.decode_reply(told)
            same(answer(again), answer(reply), "reply")
            same(dialect.encode_reply(again), told, "written")
            stored = msgspec.json.decode(msgspec.json.encode(reply), type=ChatReply)
            same(dialect.encode_reply(stored), told, "stored")


def streams(subject: Subject, found: Findings) -> None:
    """What is written for a stream says the same, and is written the same again."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.stream is None or _is_broken(case):
            continue
        with found.trying(f"{case.name}/stream{case.suffix}"):
            events = events_of(dialect, [case.stream])
            told = write(dialect, ended(events))
            again = events_of(dialect, [told])
            same(answer(fold(again)), answer(fold(events)), "events")
            same(write(dialect, ended(again)), told, "written")


def errors(subject: Subject, found: Findings) -> None:
    """What is written for a refusal is read as the same class of error again."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.error is None:
            continue
        with found.trying(f"{case.name}/error.json"):
            error = dialect.decode_error(case.error.status, case.error.names, case.error.content)
            same(refusal(error), case.members("canonical.json").get("error"), "error")
            body = dialect.encode_error(error, request_id="req_1")
            again = dialect.decode_error(dialect.status_of(error), {}, body)
            holds(again.message, "a message", again)


def alike(subject: Subject, found: Findings) -> None:
    """A reply and a stream of one case tell one answer."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None or case.stream is None or not case.facts.alike:
            continue
        with found.trying(case.name):
            whole = answer(dialect.decode_reply(case.reply))
            same(answer(fold(events_of(dialect, [case.stream]))), whole, "stream")


def totals(subject: Subject, found: Findings) -> None:
    """Usage adds up to the sums that the provider states."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is not None and case.facts.totals.reply is not None:
            with found.trying(f"{case.name}/reply.json"):
                _adds_up(sums(dialect.decode_reply(case.reply).usage), case.facts.totals.reply)
                _adds_up(sums(dialect.inspect_reply(case.reply).usage), case.facts.totals.reply)
        if case.stream is not None and case.facts.totals.stream is not None:
            with found.trying(f"{case.name}/stream{case.suffix}"):
                events = events_of(dialect, [case.stream])
                stated = [event.usage for event in events if isinstance(event, UsageReported)]
                holds(stated, "usage in the stream", "none")
                _adds_up(sums(stated[-1]), case.facts.totals.stream)


def _adds_up(seen: tuple[int, int] | None, stated: Sums) -> None:
    same(seen, (stated.input, stated.output), "tokens of prompt and answer")


def _is_broken(case: Case) -> bool:
    events = case.members("canonical.json").get("events")
    return "StreamFailed" in str(events)
