"""`antiphon organisations`, `antiphon departments` and `antiphon teams`."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.cli.administering.rows import app_of, one_of, tell
from antiphon.cli.naming import id_of
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

organisations = app_of(
    "organisations", ("id", "name", "created_at"), "Make, list and remove organisations."
)
departments = app_of(
    "departments", ("id", "name", "created_at"), "Make, list and remove departments."
)
teams = app_of("teams", ("id", "name", "department", "created_at"), "Make, list and remove teams.")

_NameArgument = Annotated[str, typer.Argument(help="Its name; it does not change.")]
_WhichArgument = Annotated[str, typer.Argument(help="Its name, or its id.")]


@organisations.command("create")
@reaching
def create_organisation(reach: Reach, name: _NameArgument) -> None:
    """Make an organisation; its id is printed."""
    with office(reach, makes=True) as asked:
        made = asked.post("/api/v1/organisations", {"name": name})
        tell(made, "made", asked, as_json=reach.as_json)


@organisations.command("remove")
@reaching
def remove_organisation(reach: Reach, which: _WhichArgument) -> None:
    """Remove an organisation, and revoke its keys; what it used can still be told."""
    with office(reach) as asked:
        gone = asked.delete(one_of(asked, "organisations", which))
        tell(gone, "removed", asked, as_json=reach.as_json)


@departments.command("create")
@reaching
def create_department(reach: Reach, name: _NameArgument) -> None:
    """Make a department; its id is printed."""
    with office(reach, makes=True) as asked:
        made = asked.post("/api/v1/departments", {"name": name})
        tell(made, "made", asked, as_json=reach.as_json)


@departments.command("remove")
@reaching
def remove_department(reach: Reach, which: _WhichArgument) -> None:
    """Remove a department that has no team any more."""
    with office(reach) as asked:
        gone = asked.delete(one_of(asked, "departments", which))
        tell(gone, "removed", asked, as_json=reach.as_json)


@teams.command("create")
@reaching
def create_team(
    reach: Reach,
    name: _NameArgument,
    *,
    department: Annotated[
        str | None, typer.Option(help="The department that it belongs to, by name or id.")
    ] = None,
) -> None:
    """Make a team; its id is printed."""
    with office(reach, makes=True) as asked:
        body = {"name": name, "department": id_of(asked, "departments", department or "")}
        tell(asked.post("/api/v1/teams", body), "made", asked, as_json=reach.as_json)


@teams.command("remove")
@reaching
def remove_team(reach: Reach, which: _WhichArgument) -> None:
    """Remove a team, and revoke its keys; its users stay, without a team."""
    with office(reach) as asked:
        gone = asked.delete(one_of(asked, "teams", which))
        tell(gone, "removed", asked, as_json=reach.as_json)
