"""Active models in force: what administrators have put first, in the plans of the road.

They are read before the first request is served, and again within a fifth of a second after
somebody changed one, in this process or in another. While the database is away, what is in force
stays so. A switch to a deployment that the configuration has no longer is kept, without force: it
comes into force again when the configuration has it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from antiphon.access.switches import Switched, switched
from antiphon.config.settings import Settings
from antiphon.pipeline.config import WILD
from antiphon.pipeline.plan import Snapshot
from antiphon.pipeline.pools import Pools
from antiphon.storage.database import Readable

NO_MODEL: Final = "the configuration has no such model"
NO_DEPLOYMENT: Final = "the model has no such deployment"


class Route(NamedTuple):
    """A model that can be switched.

    Attributes:
        alias: Its own name.
        deployments: Who may answer, as `provider/model`, in the order given.
    """

    alias: str
    deployments: tuple[str, ...]

    def why_not(self, deployment: str) -> str:
        """Why a switch to a deployment has no force; empty where it has."""
        return "" if deployment in self.deployments else NO_DEPLOYMENT


Routes = Mapping[str, Route]
"""Models, by every name that they go by."""


def routes_of(snapshot: Snapshot) -> Routes:
    """The models in force."""
    return {
        name: Route(plan.alias, tuple(each.name for each in plan.deployments))
        for name, plan in snapshot.plans.items()
    }


def routes_in(settings: Settings) -> Routes:
    """The models of a configuration that nobody runs."""
    pools, found = Pools(settings.models), dict[str, Route]()
    for name, route in settings.models.items():
        if WILD not in name:
            targets = [each.target for each in pools.of(name, route.deployments)]
            told = Route(name, tuple(f"{each.provider}/{each.model}" for each in targets))
            found |= dict.fromkeys((name, *route.aliases), told)
    return found


class ActiveModels:
    """What is put first; belongs to the event loop.

    Attributes:
        by_alias: Names of models to deployments, as `provider/model`, with or without force.
    """

    def __init__(self) -> None:
        self.by_alias: Mapping[str, str] = {}

    async def begin(self, database: Readable, snapshot: Snapshot) -> int:
        """Put everything into force that is kept now; gives the number of the newest entry.

        Raises:
            StorageFailed: The database did not do what it was asked.
        """
        found = await asyncio.to_thread(switched, database)
        self.take(found, snapshot)
        return found.newest

    def take(self, found: Switched, snapshot: Snapshot) -> None:
        """Take what changed."""
        self.by_alias = found.by_alias
        self.apply(snapshot)

    def apply(self, snapshot: Snapshot) -> None:
        """Put the plans of a snapshot right: before it is in force, and when something changed."""
        for plan in snapshot.plans.values():
            name = self.by_alias.get(plan.alias)
            plan.chooser.active = next(
                (each for each in plan.deployments if each.name == name), None
            )
