"""`/api/v1/notices`: what was told to webhooks, and what is on its way."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import ConfigDict, Field, JsonValue

from antiphon.access.walls import is_root
from antiphon.egress.webhooks.delivery import State
from antiphon.gateway.notice_desk import NoticeDesk
from antiphon.notices.shown import MOST, USUAL, DeliveryFacts, Wanted
from antiphon.server.api_actor import Asking, front_of, routes
from antiphon.server.api_views import Body, Moment, PageView, View

NOTICES = routes("notices")
_LONGEST = 100
_EXAMPLE: dict[str, JsonValue] = {
    "id": "dlv_0d6ad10b7a4b5f1e",
    "event": "msg_5jdjkgikzopxe2e7c25ceyrs42zvfco4",
    "type": "budget.warning",
    "webhook": "ops",
    "organisation": "",
    "state": "pending",
    "attempts": 2,
    "status": 503,
    "message": "The receiver answered with 503.",
    "created_at": "2026-11-26T19:04:11Z",
    "due_at": "2026-11-26T19:09:42Z",
    "ended_at": None,
}


class NoticeView(View):
    """A notice on its way to one webhook, or at its end."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str
    event: str = Field(description="The id that the receiver sees, as `webhook-id`.")
    type: str
    webhook: str = Field(description="By its name in the configuration.")
    organisation: str = Field(description="Whose webhook it is; empty: the gateway's own.")
    state: State
    attempts: int
    status: int | None = Field(description="What the receiver answered with last, if it did.")
    message: str = Field(description="Why the last attempt failed.")
    created_at: Moment
    due_at: Moment | None = Field(description="When it is tried next; null where it is over.")
    ended_at: Moment | None


class TestBody(Body):
    """Where to send a notice that says nothing."""

    webhook: str | None = Field(
        default=None,
        max_length=_LONGEST,
        description="By its name; without it, to all that the key may see.",
    )


def _desk(
    request: Request,
    actor: Asking,
    organisation: Annotated[
        str,
        Query(
            max_length=_LONGEST,
            description="The id of the organisation. Only whoever has the whole gateway may name "
            "another than their own; for them it is all, and the gateway's own webhooks, where it "
            "is not named.",
        ),
    ] = "",
) -> NoticeDesk:
    front = front_of(request)
    whose = None
    if organisation or not is_root(actor):
        whose = front.access.realm(actor, organisation).organisation
    return NoticeDesk(
        front.database, front.webhooks, actor, whose, clock=front.clock, send=front.send
    )


_At = Annotated[NoticeDesk, Depends(_desk)]
_Notice = Annotated[str, Path(description="The id of the notice.")]


@NOTICES.get("/notices", summary="List notices")
def list_notices(
    desk: _At,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items.")] = USUAL,
    cursor: Annotated[
        str | None,
        Query(max_length=_LONGEST, description="`next_cursor` of the page before."),
    ] = None,
    state: Annotated[State | None, Query(description="Only in this state.")] = None,
    webhook: Annotated[
        str | None, Query(max_length=_LONGEST, description="Only to this webhook.")
    ] = None,
) -> PageView[NoticeView]:
    """What was told to webhooks, and what is on its way; the newest first."""
    found, next_cursor = desk.list(Wanted(None, state, webhook, limit, cursor))
    return _page(found, next_cursor)


@NOTICES.get("/notices/{notice}", summary="Show a notice")
def show_notice(desk: _At, notice: _Notice) -> NoticeView:
    """How far one is."""
    return NoticeView.model_validate(desk.show(notice))


@NOTICES.post("/notices/test", summary="Send a test", status_code=202)
def send_test(desk: _At, body: TestBody | None = None) -> PageView[NoticeView]:
    """Send a notice that says nothing, to see whether it arrives."""
    return _page(desk.test(None if body is None else body.webhook), None)


@NOTICES.post("/notices/{notice}/retry", summary="Send a notice again", status_code=202)
def retry_notice(desk: _At, notice: _Notice) -> NoticeView:
    """Have one sent again as if it were new, whatever became of it.

    Its receiver sees the same id. One that is being sent right now is left as it is.
    """
    return NoticeView.model_validate(desk.retry(notice))


def _page(found: list[DeliveryFacts], next_cursor: str | None) -> PageView[NoticeView]:
    shown = [NoticeView.model_validate(each) for each in found]
    return PageView(data=shown, next_cursor=next_cursor)
