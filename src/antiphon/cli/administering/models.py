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
_STATUS = ("deployment", "available", "busy", "first byte", "rate", "memory", "active for")
_SERVED = "how models do is known to a gateway that runs"
_GIGABYTE = 1_000_000_000


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


class _Deployment(msgspec.Struct):
    available: bool
    why_not: list[str]
    rate_limited_until: float | None
    in_flight: int
    first_byte_ms: float | None
    tokens_per_second: float | None
    loaded: bool | None
    memory_bytes: int | None
    active_for: list[str]


class _Status(msgspec.Struct):
    total_models: int
    cache_size: int
    deployments: dict[str, _Deployment]


@models.command("status")
@reaching
def status_of_models(
    reach: Reach,
    which: Annotated[
        str | None, typer.Argument(help="A model, or PROVIDER/MODEL; none for all.")
    ] = None,
) -> None:
    """Show how deployments do: who can answer, how fast, and which are in memory."""
    with office(reach, served=_SERVED) as asked:
        told = asked.get(_PATH)
    if reach.as_json:
        show_json(told)
        return
    status = msgspec.convert(told, _Status)
    names = list(status.deployments) if which is None else _behind(told, which)
    rows = [_shown(name, status.deployments[name]) for name in names]
    show_list(rows, _STATUS, "there is no model")
    remark(f"{status.total_models} names can be asked for; {status.cache_size} answers are stored")


def _behind(told: Mapping[str, object], which: str) -> list[str]:
    """The deployments of a model, or the one that is meant."""
    found = msgspec.convert(told, _Names)
    if which in found.models:
        return found.models[which].deployments
    if which not in found.deployments:
        fail(f"there is no model named {which!r}")
    return [which]


class _Behind(msgspec.Struct):
    deployments: list[str]


class _Names(msgspec.Struct):
    models: dict[str, _Behind]
    deployments: dict[str, object]


def _shown(name: str, row: _Deployment) -> Mapping[str, object]:
    memory = {None: None, False: "not loaded", True: "loaded"}[row.loaded]
    if row.memory_bytes:
        memory = f"{row.memory_bytes / _GIGABYTE:.1f} GB"
    return {
        "deployment": name,
        "available": "yes" if row.available else "; ".join(row.why_not),
        "busy": row.in_flight,
        "first byte": None if row.first_byte_ms is None else f"{row.first_byte_ms:.0f} ms",
        "rate": None if row.tokens_per_second is None else f"{row.tokens_per_second:.0f}/s",
        "memory": memory,
        "active for": row.active_for,
    }
