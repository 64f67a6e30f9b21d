"""`antiphon config`: what a configuration says, whether it can be used, and loading it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.options import ConfigOption, JsonOption
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import reaching

config_app = typer.Typer(
    help="Look at a configuration, and have a gateway load it.", no_args_is_help=True
)


@config_app.command("check")
def config_check(
    file: Annotated[Path | None, typer.Argument(help="The configuration.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Check a configuration; all mistakes at once, with their lines."""
    from antiphon.cli.configuration import check_command  # noqa: PLC0415

    check_command(file or config, as_json=json)


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from antiphon.cli.configuration import schema_command  # noqa: PLC0415

    schema_command()


@config_app.command("show")
def config_show(
    file: Annotated[Path | None, typer.Argument(help="The configuration.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Print the configuration in force, defaults included, secrets masked."""
    from antiphon.cli.configuration import show_command  # noqa: PLC0415

    show_command(file or config, as_json=json)


@config_app.command("plan")
@reaching
def config_plan(
    reach: Reach,
    file: Annotated[
        Path | None, typer.Argument(help="What to compare; by default the gateway's own file.")
    ] = None,
    *,
    against: Annotated[
        Path | None, typer.Option(help="Ask no gateway: compare with what this file says.")
    ] = None,
) -> None:
    """Tell what would change; exits with 0 if nothing, 1 if something, 2 if there are mistakes."""
    from antiphon.cli.planning import plan_command  # noqa: PLC0415

    plan_command(reach, file, against)


@config_app.command("reload")
@reaching
def config_reload(reach: Reach) -> None:
    """Have the gateway that runs load its configuration again; where it cannot, nothing changes."""
    from antiphon.cli.planning import reload_command  # noqa: PLC0415

    reload_command(reach)
