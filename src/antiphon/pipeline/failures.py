"""What failed attempts say together, and what one of them says of its endpoint."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from email.utils import formatdate

from antiphon.errors import (
    BreakerOpen,
    Disposition,
    Exhausted,
    FailedAttempt,
    Kind,
    NotAnAnswer,
    PassedOver,
    UpstreamError,
    UpstreamTimeout,
)
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.plan import Plan
from antiphon.providers.transport import Answer, Head

_TOLD = (Kind.CONTEXT_TOO_LONG, Kind.MODEL_NOT_FOUND, Kind.NOT_FOUND)
"""Where every candidate says the same of the request, the caller is told just that."""
_HOPELESS = (Disposition.DEAD_KEY, Disposition.HARD_DOWN)
_FIRST_ERROR_STATUS = 400
_ERROR_BYTES = 64 * 1024
_ERROR_PATIENCE = 2.0
"""Seconds of silence after which an error body is taken as it is."""
_ABSENT = (404, 405, 501)
_NO_ENDPOINT = re.compile(
    r"^(?:file )?not found\.?$|\b(?:invalid|unknown|unexpected|no such|unsupported)"
    r" (?:url|path|endpoint|route)|method not allowed|cannot post",
    re.IGNORECASE,
)
"""How servers say that they have no such endpoint, in an error as of any other request."""


def is_absent(attempt: Attempt, error: UpstreamError) -> bool:
    """Whether a provider has no such endpoint, by what it says or does not say."""
    if attempt.face is attempt.deployment.face:
        return False
    if error.upstream_status in _ABSENT and error.code.startswith("http_"):
        return True
    return (
        isinstance(error, NotAnAnswer) or error.upstream_status in _ABSENT
    ) and _NO_ENDPOINT.search(error.message) is not None


async def refusal_of(attempt: Attempt, answer: Answer, head: Head, *, now: float) -> UpstreamError:
    """What a provider said in place of an answer, at so many seconds since 1970."""
    if head.status < _FIRST_ERROR_STATUS:
        return NotAnAnswer(
            f"The provider answered with status {head.status}.", code="unexpected_status"
        )
    body = b""
    try:
        while len(body) < _ERROR_BYTES:
            piece = await answer.read(_ERROR_PATIENCE)
            if not piece:
                break
            body += piece
    except UpstreamError:
        # The status says enough; what came of the body may say more.
        pass
    headers = dict(head.headers)
    if b"retry-after" in headers and b"date" not in headers:
        # A date in `retry-after` is read against the answer's own.
        headers[b"date"] = formatdate(now, usegmt=True).encode()
    error = attempt.face.dialect.decode_error(head.status, headers, body)
    if attempt.translation is not None:
        # The provider names a member that the caller never wrote.
        error.param = None
    return error


def is_cut(exchange: Exchange, plan: Plan, error: UpstreamError, now: float) -> bool:
    """Whether it was only the caller's own deadline that ended an attempt."""
    return (
        isinstance(error, UpstreamTimeout)
        and now >= exchange.deadline
        and exchange.deadline < exchange.started + plan.deadline
    )


def summary(
    exchange: Exchange, passed: Sequence[PassedOver], *, now: float
) -> Exhausted | UpstreamError:
    """One error for all attempts (DESIGN section 3, "Errors when all failed").

    Args:
        exchange: What was asked.
        passed: Who was not asked, or not again.
        now: The time.
    """
    model = exchange.payload.model
    failures = [
        FailedAttempt(attempt.deployment.name, attempt.error, attempt.ended_at - attempt.sent_at)
        for attempt in exchange.attempts
        if attempt.error is not None
    ]
    if not failures and passed:
        return _nobody(model, passed)
    errors = [failure.error for failure in failures]
    for told in _TOLD:
        if errors and all(error.error_kind is told for error in errors):
            return errors[0]
    late = now >= exchange.deadline
    kinds = {Kind.TIMEOUT} if late else {error.error_kind for error in errors}
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    waits += [each.seconds for each in passed if each.seconds is not None]
    hopeless = all(
        each.disposition in _HOPELESS or each.should_retry is False for each in errors
    ) and not any(each.seconds is not None for each in passed)
    wait = min(waits) if waits else None
    return Exhausted(
        f"No deployment of {model!r} gave an answer.{'' if hopeless else _come_again(wait)}",
        kind=_kind_of(kinds, errors),
        attempts=failures,
        passed_over=passed,
        retry_after=wait,
        should_retry=False if hopeless else None,
    )


def _nobody(model: str, passed: Sequence[PassedOver]) -> Exhausted:
    """Nobody was asked."""
    reasons = {each.reason for each in passed}
    if reasons == {"breaker"}:
        return BreakerOpen(model, passed)
    wait = min((each.seconds for each in passed if each.seconds is not None), default=None)
    return Exhausted(
        f"No deployment of {model!r} can be asked now.{_come_again(wait)}",
        kind=Kind.RATE_LIMITED if reasons == {"keys"} else Kind.OVERLOADED,
        attempts=(),
        passed_over=passed,
        retry_after=wait,
    )


def _come_again(seconds: float | None) -> str:
    if seconds is None:
        return " Please try again."
    return f" Please try again in {max(math.ceil(seconds), 1)} s."


def _kind_of(kinds: set[Kind], errors: list[UpstreamError]) -> Kind:
    if kinds == {Kind.RATE_LIMITED}:
        return Kind.RATE_LIMITED
    if kinds <= {Kind.TIMEOUT}:
        return Kind.TIMEOUT
    if kinds == {Kind.OVERLOADED} or all(error.code.startswith("connect") for error in errors):
        return Kind.OVERLOADED
    return Kind.UPSTREAM
