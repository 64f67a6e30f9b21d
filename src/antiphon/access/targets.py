"""Whose a budget or a limit is: from what people type to the id of a team, a user, a key.

Rows are kept by id, so a new team of an old name does not take over what was the old one's. What
keys of the configuration go by has no id; such words are known in the organisation that the
configuration's keys belong to, and are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from antiphon.access.names import folded
from antiphon.access.organisations import DEFAULT
from antiphon.access.pages import is_id
from antiphon.access.tables import allowances, departments, teams, users, virtual_keys
from antiphon.access.walls import WIDE, Realm, Walls, not_found

_SURROGATE = re.compile("[\ud800-\udfff]")
_ENDS = {virtual_keys: "revoked_at"}
_NAMED: Mapping[str, Table] = {
    "department": departments,
    "team": teams,
    "user": users,
    "key": virtual_keys,
}


def target_of(
    connection: Connection, realm: Realm, scope: str, name: str, *, configured: bool
) -> str:
    """What a name or an id stands for.

    Args:
        connection: Inside a transaction.
        realm: Where it is looked for.
        scope: Of the budget or limit.
        name: As it was typed; empty for each.
        configured: The configuration knows the name.

    Raises:
        PathNotFound: It stands for nobody, or for nobody any more.
    """
    if not name:
        return ""
    found = ids_of(connection, realm, scope, name)
    if found:
        return found[0]
    if configured and (scope in WIDE or realm.organisation == DEFAULT):
        return name
    raise not_found(scope)


def ids_of(connection: Connection, realm: Realm, scope: str, name: str) -> list[str]:
    """The ids that a name or an id stands for: one, or none."""
    table = _NAMED.get(scope)
    if table is None or _SURROGATE.search(name):  # which no database can be asked
        return []
    walls: Mapping[str, Walls] = {
        "department": realm.departments(),
        "team": realm.teams(),
        "user": realm.users(),
        "key": realm.keys(),
    }
    lasts = table.c[_ENDS.get(table, "removed_at")].is_(None)
    same = [table.c.id == name] if is_id(name) else []
    if table is not virtual_keys:
        same.append(table.c.folded == folded(name))
    for condition in same:
        query = select(table.c.id).where(*walls[scope], lasts, condition)
        found = list(connection.execute(query).scalars())
        if found:
            return found
    return []


def _joined(table: Table, scope: str) -> tuple[Table, ColumnElement[bool]]:
    return table, and_(
        allowances.c.scope == scope,
        table.c.organisation == allowances.c.organisation,
        table.c.id == allowances.c.target,
    )


ALLOWANCES = (
    select(
        allowances,
        func.coalesce(teams.c.name, departments.c.name, users.c.name).label("called"),
        func.coalesce(teams.c.id, users.c.team, virtual_keys.c.team).label("team"),
    )
    .outerjoin(*_joined(teams, "team"))
    .outerjoin(*_joined(departments, "department"))
    .outerjoin(*_joined(users, "user"))
    .outerjoin(*_joined(virtual_keys, "key"))
)
"""Budgets and limits with what their targets are called, and the team whose matter they are."""
