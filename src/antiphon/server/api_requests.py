"""What happened to a request: `/api/v1/requests`, by id and as a list.

A key sees its own requests, the admin key sees all. What is not one's own does not exist for
one, so that nobody learns from the difference that it does. Content is for the admin key alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from fastapi import Depends, FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict

from antiphon.errors import Forbidden, InvalidRequest
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.requests import Requests
from antiphon.gateway.seeing import scope_of
from antiphon.model.principal import Principal
from antiphon.server.api_decisions import DecisionView, decision_view
from antiphon.server.caller import Caller
from antiphon.server.health import require_key
from antiphon.usage.ledger.lookup import Filters, Place, parse_status
from antiphon.usage.ledger.times import time_of

Parsed = TypeVar("Parsed")

_MOST = 200
_LONGEST = 256
"""Characters of a filter."""


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class FailureView(_View):
    """What a request failed with."""

    code: str
    message: str


class UsageView(_View):
    """Tokens, each in one word only."""

    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    image_tokens: int


class AttemptView(_View):
    """One call to one deployment; times in milliseconds, `offset_ms` from the request's start."""

    number: int
    provider: str
    model: str
    dialect: str
    outcome: str
    code: str
    offset_ms: float
    first_byte_ms: float | None
    duration_ms: float
    stop: str
    usage: UsageView
    cost_usd: str
    charge: str
    price: str
    reserved_usd: str | None


class SideView(_View):
    """What one side said, as far as it was kept."""

    size: int
    cut: bool
    text: str


class CaptureView(_View):
    """What was kept of the content, as the route's `capture` asks."""

    level: str
    summary: dict[str, object]
    request: SideView | None
    answer: SideView | None


class RequestView(_View):
    """What happened to a request."""

    id: str
    state: str
    route: str
    dialect: str
    dialects: list[str]
    stream: bool
    status: int | None
    outcome: str
    error: FailureView | None
    cache: str
    degraded: str
    started: str
    ended: str | None
    duration_ms: float
    first_token_ms: float | None
    overhead_ms: float
    warnings: list[str]
    key_id: str
    team: str
    department: str
    user: str
    usage: UsageView
    cost_usd: str
    charge: str
    attempts: list[AttemptView]


class RequestInFull(RequestView):
    """What happened to a request, why it went where it went, and what was kept of its content.

    `decision` is null where there was nothing to decide: one candidate, and no rules.
    """

    decision: DecisionView | None = None
    capture: CaptureView | None = None


class RequestsView(BaseModel):
    """A page of requests that have ended, the newest first.

    `next` is the `before` of the next page; null on the last one. `behind`: what was done last is
    not in the ledger yet.
    """

    requests: list[RequestView]
    next: str | None
    behind: bool


class RequestsQuery(BaseModel):
    """Which requests are meant."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50
    before: Annotated[str | None, Query(max_length=_LONGEST)] = None
    route: Annotated[str | None, Query(max_length=_LONGEST)] = None
    provider: Annotated[str | None, Query(max_length=_LONGEST)] = None
    model: Annotated[str | None, Query(max_length=_LONGEST)] = None
    outcome: Literal["ok", "failed", "cancelled", "lost"] | None = None
    status: str | None = None
    key: Annotated[str | None, Query(max_length=_LONGEST)] = None
    team: Annotated[str | None, Query(max_length=_LONGEST)] = None
    user: Annotated[str | None, Query(max_length=_LONGEST)] = None
    since: str | None = None
    until: str | None = None
    errors: bool = False

    def filters(self) -> Filters:
        """In the words of the ledger."""
        return Filters(
            route=self.route,
            provider=self.provider,
            model=self.model,
            outcome=self.outcome,
            status=None if self.status is None else _parsed("status", parse_status, self.status),
            key=self.key,
            team=self.team,
            user=self.user,
            since=None if self.since is None else time_of(self.since, "since"),
            until=None if self.until is None else time_of(self.until, "until"),
            errors=self.errors,
        )

    def place(self) -> Place | None:
        """Where the page begins."""
        return None if self.before is None else _parsed("before", Place.parse, self.before)


async def _asking(request: Request) -> Principal:
    gateway: Antiphon = request.app.state.gateway
    return await require_key(gateway, Caller(request.scope["headers"]))


Asking = Annotated[Principal, Depends(_asking)]
"""Whoever asks; without a known key, nobody does."""


def add_request_routes(app: FastAPI, gateway: Antiphon) -> None:
    """Put the paths of requests into the management API."""
    requests = Requests(gateway)
    app.state.gateway = gateway

    @app.get("/api/v1/requests", tags=["requests"])
    async def list_requests(
        principal: Asking, query: Annotated[RequestsQuery, Query()]
    ) -> RequestsView:
        """Requests that have ended, the newest first; a key sees its own."""
        place, scope = query.place(), scope_of(principal)
        page, behind = await requests.page(query.filters(), scope, before=place, limit=query.limit)
        return RequestsView(
            requests=[RequestView.model_validate(each) for each in page.requests],
            next=page.after.text() if page.after else None,
            behind=behind,
        )

    @app.get("/api/v1/requests/{request_id}", tags=["requests"])
    async def find_request(
        request_id: str,
        principal: Asking,
        content: bool = False,  # noqa: FBT001, FBT002  a query parameter
    ) -> RequestInFull:
        """What happened to a request: its attempts, times, tokens and cost, and the decision.

        `content=true` adds what was kept of its content, for the admin key.
        """
        if content and not principal.is_root:
            raise Forbidden("To see content needs a key with the scope 'admin'.")
        facts, decision = await requests.find(request_id, scope_of(principal))
        view = RequestInFull.model_validate(facts)
        if decision is not None:
            view.decision = decision_view(decision, full=principal.is_root)
        kept = await requests.content(request_id) if content else None
        if kept is not None:
            view.capture = CaptureView.model_validate(kept)
        return view


def _parsed(name: str, parse: Callable[[str], Parsed], text: str) -> Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidRequest(f"{name!r} {error}.", param=name) from error
