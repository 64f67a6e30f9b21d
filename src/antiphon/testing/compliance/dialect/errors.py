"""Errors: each kind is written and understood again, none is swallowed, none is invented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.errors import (
    AntiphonError,
    Disposition,
    Exhausted,
    FailedAttempt,
    Kind,
    NotAnAnswer,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
)
from antiphon.model.events import Ended, Finished, StreamFailed
from antiphon.testing.compliance.cases import events_of
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.findings import Broken, Findings, holds, shown
from antiphon.testing.compliance.subject import Subject

_D = Disposition
_WORDS: Final = "The reason is told here é."
_REQUEST_ID: Final = "req_kit"

READ_AS: Final[Mapping[Kind, frozenset[Disposition]]] = MappingProxyType(
    {
        Kind.BAD_REQUEST: frozenset({_D.CALLERS_FAULT}),
        Kind.UNSUPPORTED_PARAMETER: frozenset({_D.CALLERS_FAULT}),
        Kind.CONTEXT_TOO_LONG: frozenset({_D.CONTEXT_LENGTH}),
        Kind.UNAUTHENTICATED: frozenset({_D.DEAD_KEY}),
        Kind.FORBIDDEN: frozenset({_D.HARD_DOWN, _D.DEAD_KEY}),
        Kind.NOT_FOUND: frozenset({_D.HARD_DOWN}),
        Kind.MODEL_NOT_FOUND: frozenset({_D.HARD_DOWN}),
        Kind.MODEL_UNPRICED: frozenset({_D.HARD_DOWN, _D.DEAD_KEY}),
        Kind.BUDGET_EXCEEDED: frozenset({_D.DEAD_KEY}),
        Kind.METHOD_NOT_ALLOWED: frozenset({_D.HARD_DOWN}),
        Kind.CONFLICT: frozenset({_D.HARD_DOWN, _D.TRANSIENT}),
        Kind.KEY_REUSED: frozenset({_D.CALLERS_FAULT}),
        Kind.TOO_LARGE: frozenset({_D.CALLERS_FAULT}),
        Kind.CONTENT_FILTER: frozenset({_D.CALLERS_FAULT}),
        Kind.RATE_LIMITED: frozenset({_D.TRANSIENT}),
        Kind.QUOTA_EXHAUSTED: frozenset({_D.DEAD_KEY, _D.TRANSIENT}),
        Kind.OVERLOADED: frozenset({_D.TRANSIENT}),
        Kind.TIMEOUT: frozenset({_D.TRANSIENT}),
        Kind.REQUEST_TIMEOUT: frozenset({_D.TRANSIENT}),
        Kind.UPSTREAM: frozenset({_D.TRANSIENT}),
        Kind.UPSTREAM_AUTH: frozenset({_D.TRANSIENT}),
        Kind.CLIENT_CLOSED: frozenset({_D.TRANSIENT, _D.HARD_DOWN}),
        Kind.INTERNAL: frozenset({_D.TRANSIENT}),
    }
)
"""What a gateway before this one must understand of each kind."""

_BY_STATUS: Final[Mapping[int, frozenset[Disposition]]] = MappingProxyType(
    {
        400: frozenset({_D.CALLERS_FAULT, _D.HARD_DOWN}),
        401: frozenset({_D.DEAD_KEY}),
        402: frozenset({_D.DEAD_KEY}),
        403: frozenset({_D.HARD_DOWN, _D.DEAD_KEY}),
        404: frozenset({_D.HARD_DOWN}),
        408: frozenset({_D.TRANSIENT}),
        413: frozenset({_D.CALLERS_FAULT}),
        422: frozenset({_D.CALLERS_FAULT}),
        429: frozenset({_D.TRANSIENT}),
        500: frozenset({_D.TRANSIENT}),
        502: frozenset({_D.TRANSIENT}),
        503: frozenset({_D.TRANSIENT}),
        529: frozenset({_D.TRANSIENT}),
    }
)
_BODIES: Final = (
    b"",
    b"upstream connect error",
    b"<html><body>Bad Gateway</body></html>",
    b"null",
    b"[]",
    b"{}",
    b'{"error":null}',
    b'{"error":{"message":7,"code":{}}}',
    b"\xff\xfe\x00",
    b'{"error":',
)
_MOST_WAIT: Final = 86_400.0


def written(subject: Subject, found: Findings) -> None:
    """Every kind of error is written, and its answer is understood as what it is."""
    dialect = subject.dialect
    for kind, meant in READ_AS.items():
        with found.trying(kind.value):
            error = of_kind(kind)
            body = dialect.encode_error(error, request_id=_REQUEST_ID)
            holds(_WORDS.encode() in body, "the message in the body", body.decode())
            status = dialect.status_of(error)
            holds(400 <= status <= 599, "a status of an error", status)  # noqa: PLR2004
            again = dialect.decode_error(status, {}, body)
            holds(again.disposition in meant, f"one of {sorted(meant)}", again.disposition)
            holds(_WORDS[:10] in again.message, "its message", again.message)
    for where, error in _finer():
        with found.trying(where):
            holds(dialect.encode_error(error, request_id=_REQUEST_ID), "a body", "nothing")
            holds(dialect.encode_stream_error(error, request_id=""), "a frame", "nothing")


def streamed(subject: Subject, found: Findings) -> None:
    """An error inside a stream is the error that is heard, at the start and behind words."""
    dialect = subject.dialect
    begun = [each for each in samples.events() if not isinstance(each, Ended | Finished)][:-1]
    for kind, meant in READ_AS.items():
        with found.trying(kind.value):
            error = of_kind(kind)
            alone = dialect.encode_stream_error(error, request_id=_REQUEST_ID)
            _failed(subject, alone, meant)
            encoder = dialect.stream_encoder(include_usage=True)
            stream = b"".join(encoder.feed(event) for event in begun)
            late = dialect.encode_stream_error(
                error, request_id=_REQUEST_ID, position=encoder.position
            )
            _failed(subject, stream + late, meant)


def _failed(subject: Subject, stream: bytes, meant: frozenset[Disposition]) -> None:
    events = events_of(subject.dialect, [stream])
    failures = [event.error for event in events if isinstance(event, StreamFailed)]
    holds(failures, "a failure", events)
    holds(_WORDS[:10] in failures[0].message, "its message", failures[0].message)
    over = [event for event in events if isinstance(event, Finished)]
    holds(not over, "no proper stop", over)
    softened = {*meant, Disposition.TRANSIENT, Disposition.HARD_DOWN}
    seen = failures[0].disposition
    holds(seen in softened, f"one of {sorted(softened)}", seen)


def swallowed(subject: Subject, found: Findings) -> None:
    """An error body with a success status is no answer, and neither is anything else."""
    dialect = subject.dialect
    bodies = [(f"the body of {kind.value}", of_kind(kind)) for kind in READ_AS]
    given = [(name, dialect.encode_error(error, request_id="")) for name, error in bodies]
    given += [
        (f"{case.name}/error.json", case.error.content) for case in subject.cases if case.error
    ]
    given += [(f"a body {body[:20]!r}", body) for body in _BODIES]
    for where, body in given:
        with found.trying(where):
            _no_answer(dialect.decode_reply, body)
            _no_answer(dialect.inspect_reply, body)
    for case in subject.cases:
        events = case.members("canonical.json").get("events")
        if case.stream is None or "StreamFailed" not in str(events):
            continue
        with found.trying(f"{case.name}/stream{case.suffix}"):
            heard = events_of(dialect, [case.stream])
            holds(any(isinstance(each, StreamFailed) for each in heard), "a failure", heard)


def unshaped(subject: Subject, found: Findings) -> None:
    """A refusal in whatever shape is read by its status, and never raises."""
    dialect = subject.dialect
    for status, meant in _BY_STATUS.items():
        for body in _BODIES:
            with found.trying(f"status {status} with {body[:20]!r}"):
                headers = {b"retry-after": b"7"}
                error = dialect.decode_error(status, headers, body)
                holds(is_refusal(error), "an UpstreamError", type(error).__name__)
                holds(error.message, "a message", error.message)
                holds(
                    error.disposition in meant | _vague(body, status),
                    str(sorted(meant)),
                    error.disposition,
                )


def waits(subject: Subject, found: Findings) -> None:
    """The time after which to try again is read, and never negative or without end."""
    dialect = subject.dialect
    body = dialect.encode_error(of_kind(Kind.RATE_LIMITED), request_id="")
    for value, meant in ((b"7", 7.0), (b"1.5", 1.5), (b"0", 0.0)):
        with found.trying(f"retry-after: {value.decode()}"):
            error = dialect.decode_error(429, {b"retry-after": value}, body)
            holds(error.retry_after == meant, f"{meant} seconds", error.retry_after)
    for value in (b"-1", b"nan", b"inf", b"1e99", b"soon", b"", b"\xff"):
        with found.trying(f"retry-after: {value!r}"):
            wait = dialect.decode_error(429, {b"retry-after": value}, body).retry_after
            holds(wait is None or 0 <= wait <= _MOST_WAIT, "none, or a day at most", wait)


def is_refusal(error: object) -> bool:
    """Whether a dialect of a third party gave what it should."""
    return isinstance(error, UpstreamError)


def of_kind(kind: Kind) -> AntiphonError:
    """An error of a kind."""
    return UpstreamRefused(
        _WORDS, kind=kind, disposition=Disposition.TRANSIENT, code=kind.value, param="model"
    )


def _finer() -> list[tuple[str, AntiphonError]]:
    attempts = [FailedAttempt("one", UpstreamTimeout("late", code="idle_timeout"), 2.0)]
    return [
        ("all attempts failed", Exhausted(_WORDS, kind=Kind.UPSTREAM, attempts=attempts)),
        ("no answer", NotAnAnswer(_WORDS, code="html")),
        ("a time to wait", UpstreamTimeout(_WORDS, code="idle_timeout", retry_after=3.0)),
    ]


def _vague(body: bytes, status: int) -> frozenset[Disposition]:
    """Web pages speak for a proxy, not for the provider."""
    page = body.startswith(b"<") and status in {400, 403, 404}
    return frozenset({Disposition.HARD_DOWN}) if page else frozenset()


def _no_answer(read: Callable[[bytes], object], body: bytes) -> None:
    try:
        seen = read(body)
    except UpstreamError:
        return
    raise Broken("an UpstreamError", shown(seen))
