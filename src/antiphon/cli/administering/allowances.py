"""What `budgets` and `limits` can both be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from antiphon.cli.administering.rows import tell
from antiphon.cli.administering.showing import show_list, show_one
from antiphon.cli.naming import path_of
from antiphon.cli.output import show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

ScopeArgument = Annotated[str, typer.Argument(help="Whose: team, user, key and so on.")]
NameArgument = Annotated[
    str, typer.Argument(help="Of the team, the user, by name or id; none for each of them.")
]
WhichArgument = Annotated[str, typer.Argument(help="Its id.")]


class Use(msgspec.Struct):
    """What is used of one, as far as a table tells of it."""

    share: float = 0.0
    spent_usd: str = ""


def app_of(
    kind: str,
    about: str,
    columns: Sequence[str],
    cells: Callable[[Mapping[str, object]], Mapping[str, object]],
) -> typer.Typer:
    """A command with `list`, `show` and `remove`.

    Args:
        kind: As in the path of the API.
        about: What it does.
        columns: Of the table.
        cells: What stands in them, of one.
    """
    app = typer.Typer(help=about, no_args_is_help=True)
    one = kind.removesuffix("s")

    @app.command("list", help=f"List {kind}, those of the configuration included.")
    @reaching
    def list_them(
        reach: Reach,
        *,
        scope: Annotated[str | None, typer.Option(help="Only those of this scope.")] = None,
        removed: Annotated[bool, typer.Option("--removed", help="Removed ones, too.")] = False,
        limit: Annotated[int | None, typer.Option(min=1, help="The most; none lists all.")] = None,
    ) -> None:
        with office(reach) as asked:
            found = list(
                asked.each(f"/api/v1/{kind}", most=limit, scope=scope or "", removed=removed)
            )
        if reach.as_json:
            show_json(found)
        else:
            show_list([cells(each) for each in found], columns, f"there is no {one}")

    @app.command("show", help=f"Show a {one}, and what is used of it.")
    @reaching
    def show_it(reach: Reach, which: WhichArgument) -> None:
        with office(reach) as asked:
            show_one(asked.get(path_of(kind, which)), as_json=reach.as_json)

    @app.command("remove", help=f"Remove a {one}, within a second in every process.")
    @reaching
    def remove_it(reach: Reach, which: WhichArgument) -> None:
        with office(reach) as asked:
            gone = asked.delete(path_of(kind, which))
            tell(gone, "removed", asked, as_json=reach.as_json)

    return app


def make(reach: Reach, kind: str, body: Mapping[str, object | None]) -> None:
    """Make one; the id is printed."""
    with office(reach, makes=True) as asked:
        made = asked.post(f"/api/v1/{kind}", _given(body))
        tell(made, "made", asked, as_json=reach.as_json)


def change(reach: Reach, kind: str, which: str, body: Mapping[str, object | None]) -> None:
    """Change what is given of one."""
    with office(reach) as asked:
        changed = asked.patch(path_of(kind, which), _given(body))
        tell(changed, "changed", asked, as_json=reach.as_json)


def used(facts: Mapping[str, object]) -> Use:
    """The one of its uses that is nearest to the bound."""
    uses = msgspec.convert(facts["uses"], list[Use])
    return max(uses, key=lambda use: use.share, default=Use())


def whose(facts: Mapping[str, object]) -> object:
    """Whose it is, for a table."""
    return facts["name"] or ("" if facts["scope"] == "organisation" else "each")


def _given(body: Mapping[str, object | None]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not None}
