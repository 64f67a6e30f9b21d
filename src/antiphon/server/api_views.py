"""What the answers of administration have in common: times, pages, and facts as they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from antiphon.access.pages import MOST, USUAL, Ask, Page

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(at: object) -> object:
    return _EPOCH + timedelta(microseconds=at) if isinstance(at, int) else at


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time, made of the microseconds since 1970 that the facts have."""


class View(BaseModel):
    """Facts, as they are shown."""

    model_config = ConfigDict(from_attributes=True)


class Body(BaseModel):
    """What is asked for; a member that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


Shown = TypeVar("Shown", bound=View)
Fact = TypeVar("Fact")


class PageView(BaseModel, Generic[Shown]):
    """A part of a list, the newest first."""

    data: list[Shown]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")


def page_of(page: Page[Fact], show: Callable[[Fact], Shown]) -> PageView[Shown]:
    """A page, each of its items shown."""
    return PageView(data=[show(each) for each in page.items], next_cursor=page.cursor)


def _ask(
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most items.")] = USUAL,
    cursor: Annotated[
        str | None, Query(max_length=100, description="`next_cursor` of the page before.")
    ] = None,
    *,
    removed: Annotated[
        bool, Query(description="Whether what was removed or revoked is listed too.")
    ] = False,
) -> Ask:
    return Ask(limit, cursor, removed)


Which = Annotated[Ask, Depends(_ask)]
"""Which page is asked for."""

Named = Annotated[
    str, Query(description="Only those of this name, or of one that cannot be told from it.")
]
"""Of what is listed."""
