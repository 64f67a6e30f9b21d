"""`antiphon keys`: virtual keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from antiphon.cli.administering.showing import show_list, show_one
from antiphon.cli.administering.spans import seconds_of
from antiphon.cli.naming import id_of, path_of
from antiphon.cli.output import remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

if TYPE_CHECKING:
    from antiphon.cli.office import Office

keys = typer.Typer(help="Make, list, rotate and revoke virtual keys.", no_args_is_help=True)
_PATH = "/api/v1/keys"
_COLUMNS = ("id", "name", "state", "role", "team", "user", "models", "created_at", "expires_at")

_KeyArgument = Annotated[str, typer.Argument(help="The id of the key.", show_default=False)]


@keys.command("create")
@reaching
def create_key(  # noqa: PLR0913  each is an option
    reach: Reach,
    name: Annotated[str, typer.Argument(help="A name, for people.")] = "",
    *,
    team: Annotated[
        str | None, typer.Option(help="The team that it is charged to, by name or id.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="The user who holds it, by name or id.")] = None,
    role: Annotated[
        str, typer.Option(help="The most it may do: read-only, member, operator or admin.")
    ] = "member",
    model: Annotated[
        list[str] | None, typer.Option(help="It may ask for this model; again for more.")
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(help="How long it lives, such as 12h, 30d or 52w.")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option(help="When it ends, such as 2027-01-01T00:00:00Z.")
    ] = None,
) -> None:
    """Make a key; it is printed this once, and nothing else is printed on standard output."""
    body = {
        "name": name,
        "role": role,
        "models": model or [],
        "expires_in": None if expires_in is None else seconds_of(expires_in, "--expires-in"),
        "expires_at": expires_at,
    }
    with office(reach, makes=True) as asked:
        body |= _whose(asked, team, user)
        made = asked.post(_PATH, {key: value for key, value in body.items() if value is not None})
        _hand_over(made, f"made {made['id']} in {asked.where}", as_json=reach.as_json)


@keys.command("list")
@reaching
def list_keys(
    reach: Reach,
    *,
    team: Annotated[str | None, typer.Option(help="Only those of this team.")] = None,
    user: Annotated[str | None, typer.Option(help="Only those of this user.")] = None,
    removed: Annotated[bool, typer.Option("--removed", help="Revoked ones, too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="The most; none lists all.")] = None,
) -> None:
    """List keys, the newest first."""
    with office(reach) as asked:
        whose = _whose(asked, team, user)
        found = list(asked.each(_PATH, most=limit, removed=removed, **whose))
    if reach.as_json:
        show_json(found)
    else:
        show_list(found, _COLUMNS, "there is no key")


@keys.command("show")
@reaching
def show_key(reach: Reach, key: _KeyArgument) -> None:
    """Show a key; never its text."""
    with office(reach) as asked:
        show_one(asked.get(path_of("keys", key)), as_json=reach.as_json)


@keys.command("rotate")
@reaching
def rotate_key(
    reach: Reach,
    key: _KeyArgument,
    *,
    overlap: Annotated[
        str, typer.Option(help="How long the texts until now still open, such as 0, 15m or 7d.")
    ] = "1d",
) -> None:
    """Give a key another text, printed this once; the old ones still open for a while."""
    body = {"overlap": seconds_of(overlap, "--overlap")}
    with office(reach) as asked:
        made = asked.post(f"{path_of('keys', key)}/rotate", body)
        _hand_over(made, f"rotated {made['id']} in {asked.where}", as_json=reach.as_json)


@keys.command("revoke")
@reaching
def revoke_key(reach: Reach, key: _KeyArgument) -> None:
    """End a key for good, within a second in every process."""
    with office(reach) as asked:
        ended = asked.delete(path_of("keys", key))
        if reach.as_json:
            show_json(ended)
        else:
            remark(f"revoked {ended['id']} in {asked.where}")


def _whose(asked: Office, team: str | None, user: str | None) -> dict[str, str]:
    return {"team": id_of(asked, "teams", team or ""), "user": id_of(asked, "users", user or "")}


def _hand_over(made: dict[str, object], told: str, *, as_json: bool) -> None:
    """The text of a key by itself on standard output, so that it can be piped into a vault."""
    if as_json:
        show_json(made)
        return
    say(str(made["key"]))
    remark(f"{told}; the key is shown only now")
