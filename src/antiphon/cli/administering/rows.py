"""What `teams`, `users`, `departments` and `organisations` can all be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon.cli.administering.showing import show_list, show_one
from antiphon.cli.naming import id_of, path_of
from antiphon.cli.output import remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

if TYPE_CHECKING:
    from antiphon.cli.office import Facts, Office

_LimitOption = Annotated[
    int | None, typer.Option(min=1, help="The most; none lists all.", show_default=False)
]
_WhichArgument = Annotated[str, typer.Argument(help="Its name, or its id.")]
NameArgument = Annotated[str, typer.Argument(help="Its name; it does not change.")]


def app_of(kind: str, columns: Sequence[str], about: str) -> typer.Typer:
    """A command with `list` and `show`.

    Args:
        kind: As in the path of the API, such as `teams`.
        columns: What a table shows of each.
        about: What it does.
    """
    app = typer.Typer(help=about, no_args_is_help=True)
    one = kind.removesuffix("s")

    @app.command("list", help=f"List {kind}, the newest first.")
    @reaching
    def list_rows(
        reach: Reach,
        *,
        removed: Annotated[bool, typer.Option("--removed", help="Removed ones, too.")] = False,
        limit: _LimitOption = None,
    ) -> None:
        with office(reach) as asked:
            found = list(asked.each(f"/api/v1/{kind}", most=limit, removed=removed))
        if reach.as_json:
            show_json(found)
        else:
            show_list(found, columns, f"there is no {one}")

    @app.command("show", help="Show one of them.")
    @reaching
    def show_row(reach: Reach, which: _WhichArgument) -> None:
        with office(reach) as asked:
            show_one(asked.get(one_of(asked, kind, which)), as_json=reach.as_json)

    return app


def add_create(app: typer.Typer, kind: str) -> None:
    """Give a command `create`, for what has a name and nothing more."""
    one = kind.removesuffix("s")
    article = "an" if one[0] in "aeiou" else "a"

    @app.command("create", help=f"Make {article} {one}; its id is printed.")
    @reaching
    def create_row(reach: Reach, name: NameArgument) -> None:
        with office(reach, makes=True) as asked:
            made = asked.post(f"/api/v1/{kind}", {"name": name})
            tell(made, "made", asked, as_json=reach.as_json)


def add_remove(app: typer.Typer, kind: str, about: str) -> None:
    """Give a command `remove`."""

    @app.command("remove", help=about)
    @reaching
    def remove_row(reach: Reach, which: _WhichArgument) -> None:
        with office(reach) as asked:
            gone = asked.delete(one_of(asked, kind, which))
            tell(gone, "removed", asked, as_json=reach.as_json)


def one_of(asked: Office, kind: str, which: str) -> str:
    """The path of the one of that name or id."""
    return path_of(kind, id_of(asked, kind, which))


def tell(facts: Facts, done: str, asked: Office, *, as_json: bool) -> None:
    """What was done: the id alone on standard output, so that a script can take it."""
    if as_json:
        show_json(facts)
        return
    say(str(facts["id"]))
    remark(f"{done} {facts['id']} in {asked.where}")
