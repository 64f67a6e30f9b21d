"""`antiphon users`: people and applications."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.cli.administering.rows import app_of, one_of, tell
from antiphon.cli.naming import id_of
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

users = app_of(
    "users", ("id", "name", "role", "team", "created_at"), "Make, list, change and remove users."
)

_WhichArgument = Annotated[str, typer.Argument(help="Their name, or their id.")]


@users.command("create")
@reaching
def create_user(
    reach: Reach,
    name: Annotated[str, typer.Argument(help="Their name; it does not change.")],
    *,
    role: Annotated[
        str,
        typer.Option(
            help="The most that a key of theirs may do: read-only, member, operator or admin."
        ),
    ] = "member",
    team: Annotated[
        str | None, typer.Option(help="Their team, by name or id: they hold keys of it only.")
    ] = None,
) -> None:
    """Make a user; the id is printed."""
    with office(reach, makes=True) as asked:
        body = {"name": name, "role": role, "team": id_of(asked, "teams", team or "")}
        tell(asked.post("/api/v1/users", body), "made", asked, as_json=reach.as_json)


@users.command("role")
@reaching
def change_role(
    reach: Reach,
    which: _WhichArgument,
    role: Annotated[str, typer.Argument(help="read-only, member, operator or admin.")],
) -> None:
    """Give a user another role; their keys may do no more than it from now on."""
    with office(reach) as asked:
        changed = asked.patch(one_of(asked, "users", which), {"role": role})
        tell(changed, "changed", asked, as_json=reach.as_json)


@users.command("remove")
@reaching
def remove_user(
    reach: Reach,
    which: _WhichArgument,
    *,
    erase: Annotated[
        bool,
        typer.Option(
            "--erase",
            help="Forget the name too, also of one who was removed before (by id), and the names "
            "of their keys.",
        ),
    ] = False,
) -> None:
    """Remove a user, and revoke their keys."""
    with office(reach) as asked:
        gone = asked.delete(one_of(asked, "users", which), erase=erase)
        tell(gone, "removed", asked, as_json=reach.as_json)
