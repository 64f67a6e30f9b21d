"""`/api/v1/audit`: what was done, and whether the record of it is whole."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import Query
from pydantic import Field

from antiphon.access.audit import Entry, head_in
from antiphon.access.pages import MOST, USUAL
from antiphon.errors import InvalidRequest
from antiphon.server.api_actor import Asking, At, Everywhere, routes
from antiphon.server.api_views import Moment, PageView, View, page_of

AUDIT = routes("audit")
_MOST_DIGITS = 18


class EntryView(View):
    """One act."""

    number: int = Field(description="From 1 on, without a gap, over all organisations.")
    at: Moment
    organisation: str = Field(description="The id of the tenant, or empty.")
    team: str = Field(description="The id of the team whose matter it was, or empty.")
    actor: str = Field(description="Who did it: the id of a key, or of a user behind a proxy.")
    via: str = Field(description="How they came: `api`, or `cli` at the database itself.")
    request: str = Field(description="The id of the request.")
    act: str = Field(description="What was done, such as `key.create`.")
    target: str = Field(description="The id of what it was done to.")
    details: dict[str, object]
    previous: str = Field(description="The hash of the entry before.")
    hash: str = Field(description="The hash of this entry.")


class HeadView(View):
    """A link of the chain: to be kept elsewhere."""

    number: int
    hash: str


class FindingView(View):
    """Something that is not as it was entered."""

    kind: str = Field(
        description="`altered`, `missing`, `unchained`, `cut_off`, `unexplained` or `not_kept`."
    )
    number: int = Field(description="Of the entry.")
    message: str


class VerdictView(View):
    """What the proof says."""

    holds: bool = Field(description="Whether nothing was found.")
    entries: int = Field(description="How many were read.")
    head: HeadView
    findings: list[FindingView]


@AUDIT.get("/audit", summary="List what was done")
def list_audit(
    desk: At,
    *,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most entries.")] = USUAL,
    cursor: Annotated[
        str | None, Query(max_length=100, description="`next_cursor` of the page before.")
    ] = None,
    act: Annotated[str, Query(description="Only such, as `key.create`.")] = "",
    target: Annotated[str, Query(description="Only what was done to this id.")] = "",
) -> PageView[EntryView]:
    """What was done in an organisation, the newest first; needs to read it."""
    before = None if cursor is None else _number(cursor)
    return page_of(desk.entries(limit=limit, before=before, act=act, target=target), _shown)


@AUDIT.get("/audit/verify", summary="Prove the audit")
def verify_audit(
    access: Everywhere,
    actor: Asking,
    head: Annotated[
        str | None,
        Query(
            description="A link that was kept elsewhere, as `NUMBER:HASH`: it has to be there.",
            max_length=100,
        ),
    ] = None,
) -> VerdictView:
    """Follow the chain of every organisation from its first entry; for the admin key alone."""
    kept = None if head is None else head_in(head)
    return VerdictView.model_validate(access.verify(actor, kept=kept))


def _number(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > _MOST_DIGITS:
        raise InvalidRequest("cursor was not given for this list.", param="cursor")
    return int(cursor)


def _shown(entry: Entry) -> EntryView:
    details = msgspec.json.decode(entry.details, type=dict[str, object])
    return EntryView.model_validate({**entry._asdict(), "details": details, "hash": entry.hash})
