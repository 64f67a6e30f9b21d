"""Taking a deployment into use again, as an operator may ask."""

from __future__ import annotations

import logging

from antiphon.access.audit import Act, enter
from antiphon.access.walls import Actor
from antiphon.errors import ModelNotFound, PathNotFound
from antiphon.model.principal import HOME
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.deployment import Deployment
from antiphon.storage.database import Database

_log = logging.getLogger("antiphon.breaker")


def deployment_of(snapshot: Snapshot, name: str) -> Deployment:
    """A deployment by its name, `PROVIDER/MODEL`.

    Raises:
        PathNotFound: No route has it, and no caller can name it.
    """
    for plan in snapshot.plans.values():
        for each in plan.deployments:
            if each.name == name:
                return each
    try:
        plan = snapshot.plan(name)
    except ModelNotFound:
        raise PathNotFound(f"There is no deployment {name[:200]!r}.") from None
    return plan.deployments[0]


def reset(deployment: Deployment) -> None:
    """Close its breaker, and use its provider's keys again."""
    deployment.reset()
    _log.info("%s was reset: its breaker is closed", deployment.name)


def note_reset(database: Database, actor: Actor, deployment: str, *, at: int) -> None:
    """Enter it into the audit, before it is done.

    Raises:
        StorageFailed: It cannot be entered, so it must not be done.
    """
    with database.writing() as connection:
        enter(connection, actor, Act("deployment.reset", deployment, HOME), at=at)
