"""What the routes of budgets and of limits have in common.

A list has those of the configuration first, which can only be read here, then those of the
database. Both are told alike; `source` says which it is.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from antiphon.access.allowances import Allowances
from antiphon.access.facts import AllowanceFacts
from antiphon.access.pages import Ask
from antiphon.access.refusals import Conflict
from antiphon.access.roles import Scope
from antiphon.access.walls import WIDE, Realm, is_root, not_found
from antiphon.errors import InvalidRequest
from antiphon.server.api_actor import Front
from antiphon.server.api_views import Moment, PageView, View

OfScope = Annotated[str, Query(max_length=20, description="Only those of this scope.")]
AllowanceId = Annotated[str, Path(description="Its id.")]

_CONFIGURED = "cfg_"
_DIGITS = 16
_log = logging.getLogger("antiphon.allowances")


class AllowanceView(View):
    """What budgets and limits have in common."""

    id: str = Field(description="Stays the same, also of what the configuration says.")
    source: Literal["configuration", "database"] = Field(
        description="Where it is kept; what stands in the configuration is changed there."
    )
    organisation: str = Field(description="The id of the organisation whose it is.")
    scope: str = Field(description="Whose it is: of a `team`, a `key` and so on.")
    name: str = Field(description="Of the team, the user; of keys, the id; empty for each.")
    target: str = Field(description="The id of the team, the user, the key, where it has one.")
    created_at: Moment | None = Field(description="Null for what stands in the configuration.")
    changed_at: Moment | None
    removed_at: Moment | None


_View = TypeVar("_View", bound=AllowanceView)
_Model = TypeVar("_Model", bound=BaseModel)


class Kept(ABC, Generic[_View]):
    """The budgets, or the limits, of one organisation; those of the configuration included.

    Args:
        front: What the routes stand before.
        realm: The organisation.
        rows: Those of the database.
    """

    what: str

    def __init__(self, front: Front, realm: Realm, rows: Allowances) -> None:
        self.rows = rows
        self._front = front
        self._realm = realm

    @abstractmethod
    def view(self, row: AllowanceFacts) -> _View:
        """One of the database, as it is told.

        Raises:
            InvalidRequest: This release does not understand it.
        """

    @abstractmethod
    def _configured(self) -> Iterable[_View]:
        """Those of the configuration."""

    def page(self, ask: Ask, scope: str) -> PageView[_View]:
        """A page of both.

        Raises:
            InvalidRequest: There is no such page.
        """
        fixed = [each for each in self._fixed if not scope or each.scope == scope]
        ids = [each.id for each in fixed]
        begin, cursor = 0, ask.cursor
        if cursor is not None:
            begin = ids.index(cursor) + 1 if cursor in ids else len(fixed)
            cursor = None if cursor in ids else cursor
        shown = fixed[begin : begin + ask.limit]
        if begin + ask.limit < len(fixed):
            return PageView(data=shown, next_cursor=shown[-1].id)
        room = ask.limit - len(shown)
        found = self.rows.list(ask._replace(limit=max(room, 1), cursor=cursor), scope=scope)
        if not room:
            return PageView(data=shown, next_cursor=shown[-1].id if found.items else None)
        return PageView(data=[*shown, *self._views(found.items)], next_cursor=found.cursor)

    def one(self, allowance: str) -> _View:
        """One of them.

        Raises:
            PathNotFound: There is none.
        """
        if not allowance.startswith(_CONFIGURED):
            return self.view(self.rows.show(allowance))
        for each in self._fixed:
            if each.id == allowance:
                return each
        raise not_found(self.what)

    def refuse_fixed(self, allowance: str) -> None:
        """Refuse to change what stands in the configuration.

        Raises:
            Conflict: It does.
            PathNotFound: There is none.
        """
        if allowance.startswith(_CONFIGURED):
            self.one(allowance)
            raise Conflict(f"This {self.what} stands in the configuration, and is changed there.")

    def _head(
        self, scope: str, name: str, row: AllowanceFacts | None, identity: Iterable[object] = ()
    ) -> dict[str, object]:
        """What an `AllowanceView` has."""
        head: dict[str, object] = {"scope": scope, "name": name}
        if row is None:
            told = "\0".join([self.what, *map(str, identity)])
            number = sha256(told.encode()).hexdigest()[:_DIGITS]
            times = dict.fromkeys(("created_at", "changed_at", "removed_at"))
            return {
                **head,
                "id": _CONFIGURED + number,
                "source": "configuration",
                "target": "",
            } | times
        return {
            **head,
            "id": row.id,
            "source": "database",
            "target": row.target,
            "created_at": row.created_at,
            "changed_at": row.changed_at,
            "removed_at": row.removed_at,
        }

    @cached_property
    def _fixed(self) -> Sequence[_View]:
        """Those of the configuration that may be seen here."""
        realm = self._realm
        if not realm.may(Scope.READ) or realm.team:
            return []
        seen = is_root(realm.actor)
        return [each for each in self._configured() if seen or each.scope not in WIDE]

    def _views(self, rows: Sequence[AllowanceFacts]) -> list[_View]:
        views: list[_View] = []
        for row in rows:
            try:
                views.append(self.view(row))
            except InvalidRequest as error:
                # Kept by a newer release: it is in force there, and not here.
                _log.error("The %s %s cannot be told: %s", row.kind, row.id, error.message)
        return views


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
