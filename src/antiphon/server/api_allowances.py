"""What the routes of budgets and of limits have in common.

A list has those of the configuration first, which can only be read here, then those of the
database. Both kinds are told alike; `source` says which it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Literal, Protocol, TypeVar

from fastapi import Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from antiphon.access.allowances import Allowances, Kind
from antiphon.access.facts import AllowanceFacts
from antiphon.access.pages import Ask
from antiphon.access.refusals import Conflict
from antiphon.access.roles import Scope
from antiphon.access.walls import WIDE, Realm, is_root, not_found
from antiphon.errors import InvalidRequest
from antiphon.server.api_views import Moment, PageView, View

Source = Literal["configuration", "database"]
OfScope = Annotated[str, Query(max_length=20, description="Only those of this scope.")]
Which = Annotated[str, Path(description="Its id.")]

_CONFIGURED = "cfg_"
_DIGITS = 16
_log = logging.getLogger("antiphon.allowances")


class AllowanceView(View):
    """What budgets and limits have in common."""

    id: str = Field(description="Those of the configuration have one too, to be told apart by.")
    source: Source = Field(
        description="Where it is kept; what stands in the configuration is changed there."
    )
    organisation: str = Field(description="The id of the organisation whose it is.")
    scope: str = Field(description="Whose it is: of a `team`, a `key` and so on.")
    name: str = Field(description="Of the team, the user; of keys, the id. Empty: each has its own.")
    target: str = Field(description="The id of the team, the user, the key, where it has one.")
    created_at: Moment | None = Field(description="Null for what stands in the configuration.")
    changed_at: Moment | None
    removed_at: Moment | None


_View = TypeVar("_View", bound=AllowanceView)
_Model = TypeVar("_Model", bound=BaseModel)


class Kept(Protocol[_View]):
    """Budgets, or limits, before an organisation."""

    @property
    def rows(self) -> Allowances:
        """Those of the database."""
        ...

    @property
    def fixed(self) -> Sequence[_View]:
        """Those of the configuration that may be seen here."""
        ...

    def view(self, row: AllowanceFacts) -> _View:
        """One of the database, as it is told."""
        ...


def sees_configured(realm: Realm, scope: str) -> bool:
    """Whether an actor may see what the configuration says for a scope."""
    if not realm.may(Scope.READ) or realm.team:
        return False
    return scope not in WIDE or is_root(realm.actor)


def fixed_id(kind: Kind, identity: Iterable[object]) -> str:
    """The id of something in the configuration: the same after each start."""
    told = "\0".join([kind.value, *map(str, identity)])
    return _CONFIGURED + sha256(told.encode()).hexdigest()[:_DIGITS]


def page(kept: Kept[_View], ask: Ask, scope: str) -> PageView[_View]:
    """A page of both.

    Raises:
        InvalidRequest: There is no such page.
    """
    fixed = [each for each in kept.fixed if not scope or each.scope == scope]
    ids = [each.id for each in fixed]
    begin, cursor = 0, ask.cursor
    if cursor is not None:
        begin = ids.index(cursor) + 1 if cursor in ids else len(fixed)
        cursor = None if cursor in ids else cursor
    shown = fixed[begin : begin + ask.limit]
    room = ask.limit - len(shown)
    if begin + ask.limit < len(fixed):
        return PageView(data=shown, next_cursor=shown[-1].id)
    found = kept.rows.list(ask._replace(limit=max(room, 1), cursor=cursor), scope=scope)
    if not room:
        return PageView(data=shown, next_cursor=shown[-1].id if found.items else None)
    return PageView(data=[*shown, *_views(kept, found.items)], next_cursor=found.cursor)


def one(kept: Kept[_View], kind: Kind, allowance: str) -> _View:
    """One of them.

    Raises:
        PathNotFound: There is none.
    """
    if allowance.startswith(_CONFIGURED):
        for each in kept.fixed:
            if each.id == allowance:
                return each
        raise not_found(kind.value)
    return kept.view(kept.rows.show(allowance))


def refuse_fixed(kept: Kept[_View], kind: Kind, allowance: str) -> None:
    """Refuse to change what stands in the configuration.

    Raises:
        Conflict: It does.
        PathNotFound: There is none.
    """
    if allowance.startswith(_CONFIGURED):
        one(kept, kind, allowance)
        raise Conflict(f"This {kind} stands in the configuration; it is changed there.")


def amended(model: type[_Model], was: _Model, change: BaseModel) -> _Model:
    """What something becomes by a change: null makes a member what it is by default.

    Raises:
        RequestValidationError: It cannot be that.
    """
    asked = change.model_dump(exclude_unset=True)
    members: Mapping[str, object] = {**was.model_dump(), **asked}
    try:
        return model.model_validate(
            {name: value for name, value in members.items() if value is not None}
        )
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found, body=members) from error


def _views(kept: Kept[_View], rows: Sequence[AllowanceFacts]) -> list[_View]:
    views: list[_View] = []
    for row in rows:
        try:
            views.append(kept.view(row))
        except InvalidRequest as error:
            # Kept by a newer release: it is in force there, and not here.
            _log.error("The %s %s cannot be told: %s", row.kind, row.id, error.message)
    return views
