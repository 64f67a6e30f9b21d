"""Garbage: what cannot be read is said to be so, in an error of ours, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from antiphon.dialects.contract import Target
from antiphon.errors import CallerError, Kind, UpstreamError
from antiphon.simulator.dice import Dice
from antiphon.testing import trees
from antiphon.testing.compliance.cases import events_of
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.dialect.errors import is_refusal, of_kind
from antiphon.testing.compliance.dialect.streams import told
from antiphon.testing.compliance.findings import Broken, Findings, holds
from antiphon.testing.compliance.findings import told as told_error
from antiphon.testing.compliance.subject import Subject
from antiphon.wire.shallow import Members

_ROUNDS: Final = 60
_JUNK: Final[tuple[trees.Json, ...]] = (
    *(None, True, -1, 10**30, 1.5e300, "", "x", "é\u2028", [], {}, [None], {"a": 1}),
    *([[]], [{}], {"type": "text"}, {"type": 7}, {"role": "user"}, "data:,", [1, "a", {}]),
)
_BYTES: Final = (
    b"",
    b"{",
    b"}",
    b'"',
    b"\xff",
    b"\x00",
    b"\\u",
    b"[",
    b",",
    b"\xed\xa0\x80",
    b"9" * 400,
)
_DEEP: Final = b'{"a":' * 2000 + b"1" + b"}" * 2000


def requests(subject: Subject, found: Findings) -> None:
    """A request that is broken anywhere is a CallerError, or is read and can be written."""
    dialect = subject.dialect

    def read(body: bytes) -> None:
        try:
            members = Members.parse(body)
            dialect.check_request(members)
            dialect.output_bound(members)
            dialect.wants_usage(members)
            request = dialect.decode_request(members)
        except CallerError:
            return
        dialect.encode_request(request, Target(request.model))

    given = [(f"{c.name}/request.json", c.request) for c in subject.cases if c.request is not None]
    for where, body in given:
        with found.trying(where):
            _all(where, body, read)
    with found.trying("nested too deeply"):
        read(_DEEP)


def replies(subject: Subject, found: Findings) -> None:
    """A reply that is broken anywhere is an UpstreamError, or is read and can be written."""
    dialect = subject.dialect

    def read(body: bytes) -> None:
        with suppress(UpstreamError):
            dialect.inspect_reply(body)
        try:
            reply = dialect.decode_reply(body)
        except UpstreamError:
            return
        dialect.encode_reply(reply)
        dialect.said(body)

    given = [(f"{c.name}/reply.json", c.reply) for c in subject.cases if c.reply is not None]
    given.append(("a written reply", dialect.encode_reply(samples.reply(*samples.CALLS))))
    for where, body in given:
        with found.trying(where):
            _all(where, body, read)
    with found.trying("nested too deeply"):
        read(_DEEP)


def streams(subject: Subject, found: Findings) -> None:
    """A stream that is broken anywhere is an UpstreamError, or has events that can be written."""
    dialect = subject.dialect

    def read(stream: bytes) -> None:
        try:
            events = events_of(dialect, [stream])
        except (UpstreamError, ValueError) as error:
            # Only a frame without end is a ValueError, of the splitter.
            holds(isinstance(error, UpstreamError), "an UpstreamError", told_error(error))
            return
        encoder = dialect.stream_encoder(include_usage=True)
        for event in events:
            encoder.feed(event)

    for where, stream in told(subject):
        with found.trying(where):
            for broken in _broken(where, stream):
                _try(read, broken)


def errors(subject: Subject, found: Findings) -> None:
    """The body of a refusal that is broken anywhere is an UpstreamError with a message."""
    dialect = subject.dialect

    def read(body: bytes) -> None:
        for status in (400, 500):
            error = dialect.decode_error(status, {}, body)
            holds(is_refusal(error) and error.message, "a refusal", error)
            dialect.encode_error(error, request_id="req_1")

    given = [(f"{c.name}/error.json", c.error.content) for c in subject.cases if c.error]
    given.append(
        ("a written error", dialect.encode_error(of_kind(Kind.BAD_REQUEST), request_id=""))
    )
    for where, body in given:
        with found.trying(where):
            _all(where, body, read)


def _all(where: str, body: bytes, read: Callable[[bytes], None]) -> None:
    for broken in (*_broken(where, body), *_changed(where, body)):
        _try(read, broken)


def _try(read: Callable[[bytes], None], broken: bytes) -> None:
    try:
        read(broken)
    except Broken as error:
        raise Broken(error.expected, f"{error.seen} of {broken[:2000]!r}") from error
    except RecursionError as error:
        raise Broken("a typed error", told_error(error)) from error


def _broken(where: str, body: bytes) -> Iterator[bytes]:
    """The bytes with some of them changed, always in the same places."""
    dice = Dice("bytes", where)
    for _ in range(_ROUNDS):
        start = dice.below(len(body))
        stop = min(start + dice.choice((0, 1, 1, 2, 9, 50)), len(body))
        yield body[:start] + dice.choice(_BYTES) + body[stop:]
        yield body[:start]


def _changed(where: str, body: bytes) -> Iterator[bytes]:
    """The same JSON with some nodes replaced, always the same; every node is left out once."""
    try:
        tree = trees.parse(body)
    except ValueError:
        return
    dice = Dice("nodes", where)
    places = [path for path, _ in trees.walk(tree) if path]
    for path in places:
        yield trees.encode(trees.put(tree, path, dice.choice(_JUNK)))
        yield trees.encode(trees.without(tree, path))
    for _ in range(_ROUNDS):
        changed = tree
        for _ in range(dice.between(1, 3)):
            changed = trees.put(changed, dice.choice(places), dice.choice(_JUNK))
        yield trees.encode(changed)
