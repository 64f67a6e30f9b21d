"""`antiphon ledger`: what the ledger says, whether it is right, and what nobody can account for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.options import ConfigOption, JsonOption

ledger_app = typer.Typer(help="Look at the ledger.", no_args_is_help=True)


@ledger_app.command("export")
def ledger_export(
    since: Annotated[
        str | None, typer.Option(help="From when on: 12h, 7d, 4w ago, or 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to when; a day is its midnight.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; none prints it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Write every attempt as CSV, in the order of time."""
    from antiphon.cli.usage import export_command  # noqa: PLC0415

    export_command(since=since, until=until, output=output, config=config)


@ledger_app.command("prove")
def ledger_prove(
    head: Annotated[
        str | None, typer.Option(help="A head that an earlier proof told: it has to be there.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Check rows, manifests, journals and leases against each other; tells the first difference."""
    from antiphon.cli.proving import prove_command  # noqa: PLC0415

    prove_command(head, config=config, as_json=json)


@ledger_app.command("write-off")
def ledger_write_off(
    orphan: Annotated[str, typer.Argument(help="The process, as `ledger prove` names it.")],
    *,
    unspent: Annotated[
        bool, typer.Option("--unspent", help="It was not spent: it comes back to its budgets.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Decide about money of which nobody can say whether it was spent: it counts as spent."""
    from antiphon.cli.proving import write_off_command  # noqa: PLC0415

    write_off_command(orphan, unspent=unspent, config=config, as_json=json)
