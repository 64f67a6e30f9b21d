"""`antiphon organisations`, `antiphon departments` and `antiphon teams`."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.cli.administering.rows import NameArgument, add_create, add_remove, app_of, tell
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

add_create(organisations, "organisations")
add_remove(
    organisations,
    "organisations",
    "Remove an organisation, and revoke its keys; what it used can still be told.",
)
add_create(departments, "departments")
add_remove(departments, "departments", "Remove a department that has no team any more.")


@teams.command("create")
@reaching
def create_team(
    reach: Reach,
    name: NameArgument,
    *,
    department: Annotated[
        str | None, typer.Option(help="The department that it belongs to, by name or id.")
    ] = None,
) -> None:
    """Make a team; its id is printed."""
    with office(reach, makes=True) as asked:
        body = {"name": name, "department": id_of(asked, "departments", department or "")}
        tell(asked.post("/api/v1/teams", body), "made", asked, as_json=reach.as_json)


add_remove(teams, "teams", "Remove a team, and revoke its keys; its users stay, without a team.")
