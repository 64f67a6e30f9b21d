"""Errors of the management API: problem details (RFC 9457), `application/problem+json`.

`type` is a name that never changes, of the kind; `code` is the same word, or a finer one. Every
mistake that was found in parameters and body stands in `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, TypeAlias

import msgspec

from antiphon.errors import AntiphonError, InvalidRequest, Kind, StorageFailed
from antiphon.idempotency.errors import AnswerLost
from antiphon.server.asgi import Headers, Send, answer
from antiphon.server.errors import error_headers

MANAGED: Final = "/api/v1"
"""Where errors are told in this way: this path and all below it."""
CONTENT_TYPE: Final = "application/problem+json"
_ID: Final = "urn:antiphon:request:"
_TYPE: Final = "urn:antiphon:error:"
_TITLES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.BAD_REQUEST: "The request is wrong",
        Kind.UNAUTHENTICATED: "A known key is required",
        Kind.FORBIDDEN: "The key may not do this",
        Kind.NOT_FOUND: "Nothing is there",
        Kind.BUDGET_EXCEEDED: "A budget is spent",
        Kind.METHOD_NOT_ALLOWED: "The path does not answer this method",
        Kind.CONFLICT: "It does not go with what is there",
        Kind.KEY_REUSED: "The idempotency key belongs to another request",
        Kind.TOO_LARGE: "The body is too large",
        Kind.RATE_LIMITED: "Too much at once",
        Kind.OVERLOADED: "Not now",
        Kind.TIMEOUT: "It took too long",
        Kind.REQUEST_TIMEOUT: "The request took too long to arrive",
        Kind.INTERNAL: "A defect of the gateway",
    }
)
_LONGEST_DETAIL: Final = 1000
_Maybe: TypeAlias = str | msgspec.UnsetType


class Flaw(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mistake of a request."""

    detail: Annotated[str, msgspec.Meta(description="What is wrong.")]
    pointer: Annotated[
        _Maybe,
        msgspec.Meta(description="Where in the body: a JSON pointer, as a fragment of a URI."),
    ] = msgspec.UNSET
    param: Annotated[
        _Maybe, msgspec.Meta(description="Which parameter of the query, path or headers.")
    ] = msgspec.UNSET


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request to the management API failed (RFC 9457)."""

    type: Annotated[str, msgspec.Meta(description="The kind, as a URI: `urn:antiphon:error:KIND`.")]
    title: Annotated[str, msgspec.Meta(description="The kind, for people.")]
    status: Annotated[int, msgspec.Meta(description="The status of the answer.", ge=400, le=599)]
    detail: Annotated[str, msgspec.Meta(description="What happened, for people.")]
    instance: Annotated[
        str, msgspec.Meta(description="The request, as a URI: `urn:antiphon:request:ID`.")
    ]
    code: Annotated[str, msgspec.Meta(description="The kind, or a finer word where there is one.")]
    param: Annotated[
        _Maybe, msgspec.Meta(description="The parameter or member at fault, where one is.")
    ] = msgspec.UNSET
    errors: Annotated[
        Sequence[Flaw], msgspec.Meta(description="Every mistake of the parameters and the body.")
    ] = ()


class Invalid(InvalidRequest):
    """Parameters or a body with mistakes, all of them at once.

    Attributes:
        flaws: The mistakes.
    """

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        told = "; ".join(f"{_place(flaw)}: {flaw.detail}" for flaw in flaws)
        super().__init__(_cut(told), param=_place(flaws[0]))
        self.flaws = tuple(flaws)


def is_managed(path: str) -> bool:
    """Whether errors on this path are problem details."""
    return path.startswith(MANAGED) and path[len(MANAGED) :][:1] in {"", "/"}


def problem_of(error: AntiphonError, request_id: str) -> Problem:
    """An error in the form of the management API."""
    kind = error.error_kind
    return Problem(
        type=_TYPE + kind.value,
        title=_TITLES.get(kind, kind.value),
        status=error.status,
        detail=error.message,
        instance=_ID + request_id,
        code=error.code if isinstance(error, StorageFailed | AnswerLost) else kind.value,
        param=msgspec.UNSET if error.param is None else error.param,
        errors=error.flaws if isinstance(error, Invalid) else (),
    )


def problem_answer(error: AntiphonError, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error's answer."""
    headers = [header for header in error_headers(error) if header[0] != b"content-type"]
    headers.append((b"content-type", CONTENT_TYPE.encode()))
    return error.status, headers, msgspec.json.encode(problem_of(error, request_id))


async def answer_problem(send: Send, error: AntiphonError, request_id: str) -> None:
    """Send an error of the management API."""
    status, headers, body = problem_answer(error, request_id)
    headers.append((b"x-antiphon-request-id", request_id.encode()))
    await answer(send, status, headers, body)


def _place(flaw: Flaw) -> str:
    """A flaw's place as people write it: `limit`, `owner.team`."""
    if flaw.pointer is msgspec.UNSET:
        return flaw.param or "request"
    return flaw.pointer.removeprefix("#").removeprefix("/").replace("/", ".") or "body"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"
