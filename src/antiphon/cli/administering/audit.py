"""`antiphon audit`: what was done, and whether the record of it is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from antiphon.cli.administering.showing import show_list
from antiphon.cli.options import ConfigOption, JsonOption
from antiphon.cli.output import show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

audit = typer.Typer(help="Look at what was done, and prove it.", no_args_is_help=True)
_COLUMNS = ("number", "at", "act", "target", "actor", "via")


@audit.command("list")
@reaching
def list_audit(
    reach: Reach,
    *,
    act: Annotated[str | None, typer.Option(help="Only such, as key.create.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most.")] = 50,
) -> None:
    """List what was done in an organisation, the newest first."""
    with office(reach) as asked:
        found = list(asked.each("/api/v1/audit", most=limit, act=act, target=target))
    if reach.as_json:
        show_json(found)
    else:
        show_list(found, _COLUMNS, "nothing was done")


@audit.command("verify")
def verify_audit(
    *,
    head: Annotated[
        str | None,
        typer.Option(help="NUMBER:HASH, as an earlier proof told it: it has to be there."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Follow the chain in the database itself; exits with 1 where something is not as it was.

    Reads only, with or without a gateway beside.
    """
    from antiphon.cli.auditing import verify_command  # noqa: PLC0415

    verify_command(head, config=config, as_json=json)
