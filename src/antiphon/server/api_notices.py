"""What was told to other systems: `/api/v1/notices`."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from antiphon.access.walls import actor_of
from antiphon.egress.webhooks.delivery import State
from antiphon.errors import Overloaded
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.notice_desk import NoticeDesk
from antiphon.notices.shown import MOST, USUAL, DeliveryFacts, Wanted
from antiphon.server.caller import Caller
from antiphon.server.health import require_key
from antiphon.usage.ledger.times import told

_LONGEST = 100


class NoticeView(BaseModel):
    """A notice on its way to one webhook, or at its end."""

    id: str
    event: str = Field(description="The id that the receiver sees, as `webhook-id`.")
    type: str
    webhook: str = Field(description="By its name in the configuration.")
    organisation: str | None = Field(description="Whose webhook it is; none: the gateway's own.")
    state: State
    attempts: int
    status: int | None = Field(description="What the receiver answered with last, if it did.")
    message: str = Field(description="Why the last attempt failed.")
    created: str
    due: str | None = Field(description="When it is tried next; none where it is over.")
    ended: str | None


class NoticesView(BaseModel):
    """A page of notices, the newest first."""

    data: list[NoticeView]
    next_cursor: str | None


class NoticesQuery(BaseModel):
    """Which notices are meant."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL
    cursor: Annotated[str | None, Query(max_length=_LONGEST)] = None
    state: State | None = None
    webhook: Annotated[str | None, Query(max_length=_LONGEST)] = None
    organisation: Annotated[str | None, Query(max_length=_LONGEST)] = Field(
        default=None, description="For the admin key: only this one's."
    )

    def wanted(self) -> Wanted:
        """In the words of notices."""
        return Wanted(self.organisation, self.state, self.webhook, self.limit, self.cursor)


class TestBody(BaseModel):
    """Where to send a notice that says nothing."""

    model_config = ConfigDict(extra="forbid")

    webhook: Annotated[str | None, Field(max_length=_LONGEST)] = Field(
        default=None, description="By its name; without it, to all that the key may see."
    )


def add_notices(app: FastAPI, gateway: Antiphon) -> None:
    """Put the paths of notices into the management API."""

    def desk(request: Request) -> NoticeDesk:
        principal = require_key(gateway, Caller(request.scope["headers"]))
        books = gateway.books
        if books is None:
            raise Overloaded("The gateway is shutting down.")
        return NoticeDesk(
            books.database,
            gateway.settings.notices,
            actor_of(principal, request=gateway.request_ids.new()),
            clock=gateway.clock,
            wake=books.noticing.courier.wake,
        )

    @app.get("/api/v1/notices", tags=["notices"])
    def list_notices(request: Request, query: Annotated[NoticesQuery, Query()]) -> NoticesView:
        """What was told to webhooks, and what is on its way."""
        found, cursor = desk(request).list(query.wanted())
        return NoticesView(data=[_view(each) for each in found], next_cursor=cursor)

    @app.get("/api/v1/notices/{notice}", tags=["notices"])
    def show_notice(request: Request, notice: str) -> NoticeView:
        """How far one is."""
        return _view(desk(request).show(notice))

    @app.post("/api/v1/notices/test", tags=["notices"], status_code=202)
    def test_notices(request: Request, body: TestBody | None = None) -> NoticesView:
        """Send a notice that says nothing, to see whether it arrives."""
        found = desk(request).test(None if body is None else body.webhook)
        return NoticesView(data=[_view(each) for each in found], next_cursor=None)

    @app.post("/api/v1/notices/{notice}/retry", tags=["notices"], status_code=202)
    def retry_notice(request: Request, notice: str) -> NoticeView:
        """Have one sent again, whatever became of it; its receiver sees the same id."""
        return _view(desk(request).retry(notice))


def _view(facts: DeliveryFacts) -> NoticeView:
    return NoticeView(
        id=facts.id,
        event=facts.event,
        type=facts.type,
        webhook=facts.webhook,
        organisation=facts.organisation or None,
        state=State(facts.state),
        attempts=facts.attempts,
        status=facts.status,
        message=facts.message,
        created=told(facts.created_at),
        due=None if facts.due_at is None else told(facts.due_at),
        ended=None if facts.ended_at is None else told(facts.ended_at),
    )
