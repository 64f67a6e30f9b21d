"""What nobody here has heard of: kept for its own dialect, told to others, never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.model.events import OpaqueEvent, PartEnded, StreamEvent, StreamFailed
from antiphon.model.needs import Need, needs_of
from antiphon.model.parts import Author, Extra, Opaque, Text, Turn
from antiphon.model.request import ChatRequest
from antiphon.testing import trees
from antiphon.testing.compliance.cases import events_of, frames_of
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.dialect.said import answer
from antiphon.testing.compliance.findings import Findings, holds, same
from antiphon.testing.compliance.subject import Subject
from antiphon.wire.shallow import Members

NEWS: Final = "xnews"
"""A member that no dialect has."""
_VALUE: Final[trees.Json] = {"since": 2031, "why": ["é", None]}
_INNER: Final = ("messages", "contents", "input", "tools")
"""Arrays of turns, items and tools, by the names that wire formats give them."""


def kept(subject: Subject, found: Findings) -> None:
    """Unknown members of a request are written again: at the top, in turns and in tools."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.request is None:
            continue
        tree = trees.parse(case.request)
        for path in _places(tree):
            with found.trying(f"{case.name}/request.json: {trees.named(path)}"):
                changed = trees.encode(trees.put(tree, (*path, NEWS), _VALUE))
                request = dialect.decode_request(Members.parse(changed))
                sent = dialect.encode_request(request, Target(request.model)).encode()
                holds(_VALUE in _news(sent), f"{NEWS} written again", sent.decode())


def replies(subject: Subject, found: Findings) -> None:
    """Unknown members at the top of a reply are written again, and change nothing else."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None:
            continue
        with found.trying(f"{case.name}/reply.json"):
            tree = trees.put(trees.parse(case.reply), (NEWS,), _VALUE)
            reply = dialect.decode_reply(trees.encode(tree))
            told = dialect.encode_reply(reply)
            holds(_VALUE in _news(told), f"{NEWS} written again", told.decode())
            same(answer(reply), answer(dialect.decode_reply(case.reply)), "reply")


def reported(subject: Subject, found: Findings) -> None:
    """Unknown members of a request are a need that other dialects declare as lost."""
    dialect = subject.dialect
    with found.trying("losses"):
        holds(Need.UNKNOWN_MEMBERS in dialect.losses, "`unknown_members` among them", "not there")
    for case in subject.cases:
        if case.request is None:
            continue
        with found.trying(f"{case.name}/request.json"):
            tree = trees.put(trees.parse(case.request), (NEWS,), _VALUE)
            payload = Payload(dialect, Members.parse(trees.encode(tree)))
            holds(Need.UNKNOWN_MEMBERS in payload.needs, "`unknown_members`", set(payload.needs))


def foreign(subject: Subject, found: Findings) -> None:
    """What only another dialect knows is not written in this one."""
    dialect = subject.dialect
    extra = Extra("another_dialect", {NEWS: msgspec.Raw(b'"' + NEWS.encode() + b'"')})
    opaque = Opaque("another_dialect", msgspec.Raw(b'{"type":"' + NEWS.encode() + b'"}'))
    text = Text("Hi", extra=extra)
    for where, request in (
        ("at the top", ChatRequest("m-1", (samples.user("Hi"),), extra=extra)),
        ("in a turn", samples.request(Turn(Author.USER, (Text("Hi"),), extra=extra))),
        ("in a part", samples.request(Turn(Author.USER, (text,)))),
        ("a part", samples.request(Turn(Author.USER, (Text("Hi"), opaque)))),
    ):
        with found.trying(where):
            sent = dialect.encode_request(request, Target("m-1")).encode()
            holds(NEWS.encode() not in sent, f"no {NEWS}", sent.decode())
            holds(not needs_of(request) or dialect.losses, "declared losses", "none")


def events(subject: Subject, found: Findings) -> None:
    """Unknown members of the frames of a stream change no event."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.stream is None:
            continue
        with found.trying(f"{case.name}/stream{case.suffix}"):
            frames = frames_of(dialect, [case.stream])
            changed = [_with_news(frame) for frame in frames]
            seen = events_of(dialect, changed)
            same(_known(seen), _known(events_of(dialect, [case.stream])), "events")


def _places(tree: trees.Json) -> Iterator[trees.Path]:
    """The top, and the objects of its arrays of turns and tools."""
    yield ()
    for name in _INNER:
        items = trees.get(tree, (name,))
        if isinstance(items, list):
            yield from ((name, at) for at, item in enumerate(items) if isinstance(item, dict))


def _news(content: bytes) -> list[trees.Json]:
    return [node for path, node in trees.walk(trees.parse(content)) if path[-1:] == (NEWS,)]


def _with_news(frame: bytes) -> bytes:
    """A frame with one member more in its object; one without an object stays."""
    start, stop = frame.find(b"{"), frame.rfind(b"}")
    if start < 0 or stop < start:
        return frame
    inner = frame[start + 1 : stop]
    comma = b"," if inner.strip() else b""
    return frame[: start + 1] + b'"' + NEWS.encode() + b'":{"a":[1]}' + comma + frame[start + 1 :]


def _known(seen: list[StreamEvent]) -> list[object]:
    ignored = (OpaqueEvent, PartEnded)
    return [
        str(event.error) if isinstance(event, StreamFailed) else event
        for event in seen
        if not isinstance(event, ignored)
    ]
