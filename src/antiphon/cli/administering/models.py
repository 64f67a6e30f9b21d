"""`antiphon models`: what can be asked for, which one is asked first, and how each does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from antiphon.cli.administering.showing import show_list
from antiphon.cli.naming import path_of
from antiphon.cli.options import ConfigOption, JsonOption
from antiphon.cli.output import fail, remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

models = typer.Typer(help="List models, see how they do, and switch the active one.")
_PATH = "/api/v1/models"
_ACTIVE = ("model", "active", "since", "deployments")


@models.callback(invoke_without_command=True)
def list_models(
    context: typer.Context,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """List the models that can be asked for."""
    if context.invoked_subcommand is not None:
        return
    from antiphon.cli.serving import models_command  # noqa: PLC0415

    models_command(config, as_json=json)


class _Active(msgspec.Struct):
    model: str
    deployment: str | None
    in_force: bool
    why_not: str
    switched_at: str | None
    deployments: list[str]


class _ActiveList(msgspec.Struct):
    data: list[_Active]


@models.command("active")
@reaching
def active_model(
    reach: Reach,
    model: Annotated[str | None, typer.Argument(help="A model; none lists all.")] = None,
    deployment: Annotated[
        str | None, typer.Argument(help="PROVIDER/MODEL that is to be asked first.")
    ] = None,
    *,
    reset: Annotated[
        bool, typer.Option("--reset", help="Give the model back to the configuration.")
    ] = False,
) -> None:
    """Show which deployment of a model is asked first, or switch it, within a second."""
    if reset and (model is None or deployment is not None):
        fail("--reset: name a model, and no deployment", 2)
    with office(reach) as asked:
        if model is None:
            told = asked.get(f"{_PATH}/active")
            rows = msgspec.convert(told, _ActiveList).data
        else:
            path = f"{path_of('models', model)}/active"
            if reset:
                told = asked.delete(path)
            elif deployment is None:
                told = asked.get(path)
            else:
                told = asked.put(path, {"deployment": deployment})
            rows = [msgspec.convert(told, _Active)]
        where = asked.where
    if reach.as_json:
        show_json(told)
    elif model is None or not (reset or deployment):
        show_list([_cells(each) for each in rows], _ACTIVE, "there is no model")
    else:
        [row] = rows
        say(row.deployment or "")
        remark(f"{row.model} asks {row.deployment or 'as configured'}, in {where}")


def _cells(row: _Active) -> Mapping[str, object]:
    shown = row.deployment or "as configured"
    return {
        "model": row.model,
        "active": f"{shown} (without force: {row.why_not})" if row.why_not else shown,
        "since": row.switched_at,
        "deployments": row.deployments,
    }
