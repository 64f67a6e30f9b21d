"""`/api/v1/models/.../active`: which deployment of a model is asked first, while the gateway runs.

For whoever has the whole gateway: names of models are of no tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Path
from pydantic import Field

from antiphon.access.facts import SwitchFacts
from antiphon.access.switches import Switches
from antiphon.access.walls import not_found
from antiphon.errors import InvalidRequest
from antiphon.gateway.switches import NO_MODEL, Route
from antiphon.server.api_actor import Asking, Front, front_of, routes
from antiphon.server.api_views import Body, Moment, View

ACTIVE = routes("models")
_MOST_NAMED = 20
_Alias = Annotated[
    str, Path(min_length=1, max_length=500, description="The name of a model, or an alias of it.")
]


class ActiveView(View):
    """A model, and the deployment that is asked first by a switch."""

    model: str = Field(description="The name that callers use.")
    deployment: str | None = Field(
        description="The deployment that it is switched to; null where the configuration decides."
    )
    in_force: bool = Field(description="Whether that one is asked first.")
    why_not: str = Field(description="Why not, where it is switched; else empty.")
    switched_at: Moment | None
    deployments: list[str] = Field(description="Those that it can be switched to.")


class ActiveListView(View):
    """All models, by name."""

    data: list[ActiveView]


class ActiveBody(Body):
    """What a model is switched to."""

    deployment: str = Field(
        max_length=1_000,
        description="One of its deployments, as `PROVIDER/MODEL`.",
        examples=["anthropic/claude-sonnet-4-5"],
    )


def _switches(actor: Asking, front: Annotated[Front, Depends(front_of)]) -> Switches:
    return Switches(front.database, actor, clock=front.clock)


_Kept = Annotated[Switches, Depends(_switches)]
_Here = Annotated[Front, Depends(front_of)]


@ACTIVE.get("/models/active", summary="List active models")
def list_active(switches: _Kept, front: _Here) -> ActiveListView:
    """Every model with what it is switched to, those included that the configuration lacks."""
    kept = {row.alias: row for row in switches.list()}
    known = {each.alias: each for each in front.routes.values()}
    names = sorted({*known, *kept})
    return ActiveListView(data=[_view(name, known.get(name), kept.get(name)) for name in names])


@ACTIVE.get("/models/{model_name:path}/active", summary="Show the active model")
def show_active(switches: _Kept, front: _Here, model_name: _Alias) -> ActiveView:
    """One model, and what it is switched to."""
    return _of(model_name, switches, front)


@ACTIVE.put("/models/{model_name:path}/active", summary="Switch the active model")
def switch_active(
    switches: _Kept, front: _Here, model_name: _Alias, body: ActiveBody
) -> ActiveView:
    """Have a deployment asked first, within a second in every process, and after a restart too.

    The others follow in the order that the configuration says, where it fails. What rules and
    privacy leave out stays left out.
    """
    route = front.routes.get(model_name)
    if route is None:
        raise not_found("model")
    if body.deployment not in route.deployments:
        some = ", ".join(route.deployments[:_MOST_NAMED])
        raise InvalidRequest(
            f"{route.alias!r} has no deployment {body.deployment[:200]!r}; it has {some}.",
            param="deployment",
        )
    return _view(route.alias, route, switches.switch(route.alias, body.deployment))


@ACTIVE.delete("/models/{model_name:path}/active", summary="Reset the active model")
def reset_active(switches: _Kept, front: _Here, model_name: _Alias) -> ActiveView:
    """Give a model back to the configuration; also one that the configuration lacks."""
    route = front.routes.get(model_name)
    alias = model_name if route is None else route.alias
    switches.reset(alias)
    return _view(alias, route, None)


def _of(model: str, switches: Switches, front: Front) -> ActiveView:
    route = front.routes.get(model)
    alias = model if route is None else route.alias
    row: Mapping[str, SwitchFacts] = {each.alias: each for each in switches.list()}
    if route is None and alias not in row:
        raise not_found("model")
    return _view(alias, route, row.get(alias))


def _view(alias: str, route: Route | None, row: SwitchFacts | None) -> ActiveView:
    why_not = ""
    if row is not None:
        why_not = NO_MODEL if route is None else route.why_not(row.deployment)
    return ActiveView.model_validate(
        {
            "model": alias,
            "deployment": None if row is None else row.deployment,
            "in_force": row is not None and not why_not,
            "why_not": why_not,
            "switched_at": None if row is None else row.switched_at,
            "deployments": [] if route is None else route.deployments,
        }
    )
