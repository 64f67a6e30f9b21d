"""What can go wrong, said once, in the words of no dialect.

Code raises what happened; one door renders it in the caller's own dialect. The tree:

* AntiphonError
  + CallerError             the request cannot be served as it stands
    - MalformedBody, InvalidRequest, UnsupportedParameter, BodyTooLarge
    - Unauthenticated, Forbidden, NothingCleared, ModelNotFound, ModelUnpriced, PathNotFound
    - MethodNotAllowed, BudgetExceeded, PromptTooLong
  + GatewayError            the gateway will not, or could not, serve it now
    - Overloaded, Draining, AccountingUnavailable, BudgetReserved, LimitReached
    - RequestTimeout, CallerLeft, InternalFault
  + UpstreamError           one attempt at one deployment failed
    - ConnectFailed, UpstreamTimeout, UpstreamBroken, UpstreamRefused, NotAnAnswer
    - InvalidAnswer
  + Exhausted               every attempt failed
    - BreakerOpen           no attempt was made: every deployment is left alone for a while
  + StorageFailed           the database did not do what it was asked
  + ConfigurationError      the configuration cannot be used; carries all mistakes at once
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from typing_extensions import override

_LONGEST_SHOWN = 100
_BAD_REQUEST = 400


class Kind(enum.StrEnum):
    """The class of an error: what each dialect maps to its own type, code and status."""

    BAD_REQUEST = "bad_request"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    CONTEXT_TOO_LONG = "context_too_long"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_UNPRICED = "model_unpriced"
    BUDGET_EXCEEDED = "budget_exceeded"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    KEY_REUSED = "idempotency_key_reused"
    TOO_LARGE = "too_large"
    CONTENT_FILTER = "content_filter"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    REQUEST_TIMEOUT = "request_timeout"
    UPSTREAM = "upstream"
    UPSTREAM_AUTH = "upstream_auth"
    CLIENT_CLOSED = "client_closed"
    INTERNAL = "internal"


STATUS: dict[Kind, int] = {
    Kind.BAD_REQUEST: 400,
    Kind.UNSUPPORTED_PARAMETER: 400,
    Kind.CONTEXT_TOO_LONG: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.MODEL_NOT_FOUND: 404,
    Kind.MODEL_UNPRICED: 403,
    Kind.BUDGET_EXCEEDED: 402,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.KEY_REUSED: 422,
    Kind.TOO_LARGE: 413,
    Kind.CONTENT_FILTER: 400,
    Kind.RATE_LIMITED: 429,
    Kind.QUOTA_EXHAUSTED: 429,
    Kind.OVERLOADED: 503,
    Kind.TIMEOUT: 504,
    Kind.REQUEST_TIMEOUT: 408,
    Kind.UPSTREAM: 502,
    Kind.UPSTREAM_AUTH: 502,
    Kind.CLIENT_CLOSED: 499,
    Kind.INTERNAL: 500,
}
"""HTTP status of each kind, for every dialect that does not say otherwise."""


class Disposition(enum.StrEnum):
    """What a failed attempt says about trying again."""

    TRANSIENT = "transient"
    """Worth another deployment, and the same one later."""
    HARD_DOWN = "hard_down"
    """This deployment cannot serve: another may."""
    DEAD_KEY = "dead_key"
    """This key is refused or out of money: another key may do."""
    CONTEXT_LENGTH = "context_length"
    """Too long for this model, through no fault of the deployment."""
    CALLERS_FAULT = "callers_fault"
    """Every deployment would refuse it: the caller is told."""


class AntiphonError(Exception):
    """The root of what Antiphon raises on purpose.

    Attributes:
        kind: What each dialect maps to its own words.
        message: A sentence for the person who reads it; holds no secret and no content.
        param: The member of the request at fault, where one is.
        retry_after: Seconds after which a retry may succeed, where known.
        should_retry: Whether a retry of the same request can help; None leaves it to the client.
        partial: Of a stream that broke: the text that was given before. It is content, which the
            caller has anyway; nothing else shows or logs it.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL
    should_retry: bool | None = None
    partial: str = ""

    def __init__(
        self, message: str, *, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after

    @property
    def error_kind(self) -> Kind:
        """The kind of this very error; an attempt's error may be finer than its class."""
        return self.kind

    @property
    def status(self) -> int:
        """The HTTP status of this kind, unless a dialect says otherwise."""
        return STATUS[self.error_kind]


# ------------------------------------------------------------------ the caller's side


class CallerError(AntiphonError):
    """The request cannot be served as it stands."""

    kind = Kind.BAD_REQUEST
    should_retry = False


class MalformedBody(CallerError):
    """The body is not JSON of the expected shape."""


class InvalidRequest(CallerError):
    """A member of the request has a wrong type or value."""


class UnsupportedParameter(CallerError):
    """A member asks for something that no deployment of this route can do."""

    kind = Kind.UNSUPPORTED_PARAMETER


class BodyTooLarge(CallerError):
    """The body is over the configured bound."""

    kind = Kind.TOO_LARGE


class Unauthenticated(CallerError):
    """No key, or one that is not known."""

    kind = Kind.UNAUTHENTICATED


class Forbidden(CallerError):
    """A known caller who may not do this, or a foreign Host or Origin."""

    kind = Kind.FORBIDDEN


class NothingCleared(Forbidden):
    """Nobody behind the name may be sent what is asked, so nothing was sent.

    Attributes:
        sensitivity: How far the request goes.
    """

    def __init__(self, name: str, sensitivity: str) -> None:
        super().__init__(
            f"Nobody behind {_shown(name)!r} is cleared for what is {sensitivity}: "
            "nothing was sent.",
            param="model",
        )
        self.sensitivity = sensitivity


class PromptTooLong(CallerError):
    """The prompt is longer than a limit of the caller's allows, or than any model behind it."""

    kind = Kind.CONTEXT_TOO_LONG


class ModelNotFound(CallerError):
    """No model goes by that name."""

    kind = Kind.MODEL_NOT_FOUND

    def __init__(self, model: str, nearest: Sequence[str] = ()) -> None:
        shown = _shown(model)
        hint = f" Did you mean {' or '.join(repr(name) for name in nearest)}?" if nearest else ""
        super().__init__(f"The model {shown!r} does not exist here.{hint}", param="model")
        self.nearest = tuple(nearest)


class ModelUnpriced(CallerError):
    """The model has no price here, and models without a price are denied.

    Attributes:
        reason: Why it has none; for whoever configures.
    """

    kind = Kind.MODEL_UNPRICED

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"The model {_shown(model)!r} has no price here, and is not served without one.",
            param="model",
        )
        self.reason = reason


class BudgetExceeded(CallerError):
    """A budget is spent so far that the request might exceed it; the message says whom to ask."""

    kind = Kind.BUDGET_EXCEEDED


class PathNotFound(CallerError):
    """No door answers on that path, or what it names is not there."""

    kind = Kind.NOT_FOUND


class MethodNotAllowed(CallerError):
    """A door is there, but not for that method."""

    kind = Kind.METHOD_NOT_ALLOWED

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"Method {method} is not allowed here; use {', '.join(allowed)}.")
        self.allowed = tuple(allowed)


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "…"


# ------------------------------------------------------------------ the gateway's side


class GatewayError(AntiphonError):
    """The gateway will not, or could not, serve this request now."""


class Overloaded(GatewayError):
    """More is under way than the configuration admits."""

    kind = Kind.OVERLOADED


class Draining(Overloaded):
    """The gateway is shutting down and takes nothing new."""


class AccountingUnavailable(Overloaded):
    """What is done could not be written down, so nothing new is taken."""


class BudgetReserved(GatewayError):
    """What is left of a budget is reserved by requests under way; it may come back."""

    kind = Kind.RATE_LIMITED


class LimitReached(GatewayError):
    """A limit of requests, tokens, money or concurrency is reached."""

    kind = Kind.RATE_LIMITED


class RequestTimeout(GatewayError):
    """The caller took too long to send the request."""

    kind = Kind.REQUEST_TIMEOUT
    should_retry = False


class CallerLeft(GatewayError):
    """The caller closed the connection before the answer was whole."""

    kind = Kind.CLIENT_CLOSED
    should_retry = False


class InternalFault(GatewayError):
    """A defect of the gateway itself; the log holds what the caller is not shown."""


# ------------------------------------------------------------------ the provider's side


class UpstreamError(AntiphonError):
    """One attempt at one deployment failed.

    Attributes:
        disposition: What it says about trying again.
        code: A short stable word: the provider's own code, or the transport's.
        upstream_status: The provider's HTTP status, where there was one.
    """

    kind = Kind.UPSTREAM
    disposition: Disposition = Disposition.TRANSIENT

    def __init__(
        self,
        message: str,
        *,
        code: str,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after)
        self.code = code
        self.upstream_status = upstream_status


class ConnectFailed(UpstreamError):
    """No connection could be made: nothing was sent."""


class UpstreamTimeout(UpstreamError):
    """A deadline passed.

    `code` is connect_timeout, first_byte_timeout, idle_timeout or total_timeout.
    """

    kind = Kind.TIMEOUT


class UpstreamBroken(UpstreamError):
    """The connection broke, or what came was not HTTP, too large, or cut short."""


class NotAnAnswer(UpstreamError):
    """A success status around something that is no answer: HTML, an error body, nothing."""


class InvalidAnswer(UpstreamError):
    """A whole answer without the form that was asked for, on a route where that is none.

    It says nothing against the deployment, only against this answer.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        told = "; ".join(problems)
        super().__init__(
            f"The answer has not the form that was asked for: {told}", code="invalid_answer"
        )


class UpstreamRefused(UpstreamError):
    """The provider answered with an error, read by its dialect."""

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        disposition: Disposition,
        code: str,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(
            message,
            code=code,
            upstream_status=upstream_status,
            retry_after=retry_after,
            param=param,
        )
        self.refused_kind = kind
        self.disposition = disposition

    @property
    @override
    def error_kind(self) -> Kind:
        """The kind as the provider's dialect read it."""
        return self.refused_kind

    @property
    @override
    def status(self) -> int:
        """Of the kind; but some (OpenAI's Responses, Groq) say 400 of a model that is not there."""
        if self.refused_kind is Kind.MODEL_NOT_FOUND and self.upstream_status == _BAD_REQUEST:
            return _BAD_REQUEST
        return super().status


class FailedAttempt(NamedTuple):
    """One call that gave no answer.

    Attributes:
        deployment: `provider/model`.
        error: What went wrong.
        seconds: How long it took.
    """

    deployment: str
    error: UpstreamError
    seconds: float = 0.0


class PassedOver(NamedTuple):
    """A deployment that was not asked.

    Attributes:
        deployment: `provider/model`.
        reason: `breaker` (it is open), `keys` (the provider asked for rest), `limit`, `money`,
            `retry_budget` (too many of its requests were retried lately) or `window`.
        seconds: Until it may be asked, where that is known.
    """

    deployment: str
    reason: str
    seconds: float | None = None


class Exhausted(AntiphonError):
    """Every attempt failed; `attempts` says how each did.

    429 if all were rate limited (smallest retry-after), 504 if all timed out, 503 if nothing
    could be reached, else 502 (DESIGN section 3).

    Attributes:
        attempts: The calls that were made.
        passed_over: Deployments that were not asked, or not again, and why.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Kind,
        attempts: Sequence[FailedAttempt],
        passed_over: Sequence[PassedOver] = (),
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.exhausted_kind = kind
        self.attempts = tuple(attempts)
        self.passed_over = tuple(passed_over)
        self.should_retry = should_retry

    @property
    @override
    def error_kind(self) -> Kind:
        """The kind that fits all attempts together."""
        return self.exhausted_kind


class BreakerOpen(Exhausted):
    """Nobody was asked: the breaker of every deployment is open.

    Attributes:
        upstream: The deployment that is probed first.
        seconds: Until then.
    """

    def __init__(self, model: str, passed_over: Sequence[PassedOver]) -> None:
        first = min(passed_over, key=lambda each: each.seconds or 0.0)
        self.upstream = first.deployment
        self.seconds = first.seconds or 0.0
        told = ", ".join(f"{each.deployment} {_probed(each.seconds)}" for each in passed_over)
        super().__init__(
            f"No deployment of {_shown(model)!r} is asked now, since their breakers are open after "
            f"too many failures: {told}. Please try again after that.",
            kind=Kind.OVERLOADED,
            attempts=(),
            passed_over=passed_over,
            retry_after=max(self.seconds, 1.0),
        )


def _probed(seconds: float | None) -> str:
    return f"is probed in {math.ceil(seconds)} s" if seconds else "is being probed"


# ------------------------------------------------------------------ storage


class StorageFailed(AntiphonError):
    """The database did not do what it was asked.

    Attributes:
        code: `locked`, `full`, `read_only`, `newer`, `older`, `foreign`, `damaged`, `absent`,
            `behind` or `unavailable`.
    """

    kind = Kind.OVERLOADED

    def __init__(self, message: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.code = code


# ------------------------------------------------------------------ configuration


class Mistake:
    """One mistake in a configuration file.

    Attributes:
        where: `FILE:LINE:COLUMN`, or the file's name where no line is known.
        path: The member, as `models.fast.deployments.0`.
        message: What is wrong and, where there is one, the nearest right name.
    """

    __slots__ = ("message", "path", "where")

    def __init__(self, where: str, path: str, message: str) -> None:
        self.where = where
        self.path = path
        self.message = message

    @override
    def __str__(self) -> str:
        return (
            f"{self.where}: {self.path}: {self.message}"
            if self.path
            else f"{self.where}: {self.message}"
        )


class ConfigurationError(AntiphonError):
    """The configuration cannot be used; every mistake is listed at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)
