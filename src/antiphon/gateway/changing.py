"""A gateway whose configuration can be replaced while it runs."""

from __future__ import annotations

import asyncio
from abc import ABC
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from antiphon.access.admin import AdminKey
from antiphon.access.callers import Callers
from antiphon.access.walls import Actor, operator_here
from antiphon.clock import Clock
from antiphon.config.load import Source
from antiphon.config.settings import Settings
from antiphon.gateway.books import Books
from antiphon.gateway.build import Build
from antiphon.gateway.generations import Generations, names_of
from antiphon.gateway.listing import list_models
from antiphon.gateway.prober import Prober
from antiphon.gateway.probing import weighing
from antiphon.gateway.reload import Reloaded, Reloading
from antiphon.gateway.reporting import Reporting
from antiphon.gateway.switches import ActiveModels
from antiphon.limits.config import of_section
from antiphon.limits.limits import Limits
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Origin, Transport
from antiphon.telemetry.gone import Gone
from antiphon.telemetry.metrics import Metrics


class Changing(ABC):
    """What a gateway has to be replaced, and what goes by it.

    Attributes:
        settings: In force; what is pinned as it was at the start.
        build: They, compiled.
        snapshot: What the road sees of it.
        reloading: Makes another one ready.
        generations: Those that requests go by.
        unreachable: Providers that did not list their models, and why.
        active: What somebody has put first by hand.
        lists: Somebody wants to know what they list.
    """

    settings: Settings
    build: Build
    snapshot: Snapshot
    reloading: Reloading
    generations: Generations
    unreachable: Mapping[str, str]
    lists: bool
    active: ActiveModels
    admin_key: AdminKey | None
    books: Books | None
    callers: Callers
    clock: Clock
    draining: bool
    limits: Limits
    metrics: Metrics
    pipeline: Pipeline
    reporting: Reporting | None
    transport: Transport
    _followers: list[Callable[[Settings], object]]
    _prober: Prober | None

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Who can be asked, by the names of the configuration."""
        return self.build.providers

    @property
    def generation(self) -> int:
        """Of the configuration in force."""
        return self.snapshot.generation

    def deployments(self) -> list[Deployment]:
        """Everything that stands behind a name, once."""
        plans = self.snapshot.plans.values()
        return list({each.name: each for plan in plans for each in plan.deployments}.values())

    async def reload(self, source: Source = None, *, actor: Actor | None = None) -> Reloaded:
        """Read the configuration again and put it into force, all at once.

        Requests under way finish as they began. What needs a restart stays, and is named.

        Args:
            source: Another one, which is read again from then on.
            actor: Who wants it, for the audit; by default the program itself.

        Raises:
            ConfigurationError: It cannot be used; what was in force stays.
            StorageFailed: The database did not do what it was asked; the same.
            Overloaded: The gateway does not run, or not any more.
        """
        return await self.reloading.reload(source, actor=actor or operator_here("program"))

    def follow(self, adopt: Callable[[Settings], object]) -> None:
        """Have somebody told of each other configuration as it is put into force.

        On the loop, in the step that does it: whoever is told may not fail, nor wait.
        """
        self._followers.append(adopt)

    def put(self, settings: Settings, build: Build, admin: AdminKey | None) -> None:
        """Have another configuration in force from now on; `Reloading` makes it ready."""
        self.settings, self.build, self.admin_key = settings, build, admin
        build.take_place()
        there = [each for each in self.snapshot.found if each.partition("/")[0] in build.providers]
        self._compile(there if build.passes_through else (), self.generation + 1)
        for adopt in self._followers:
            adopt(settings)

    async def ask_for_models(self, names: Collection[str]) -> None:
        """Ask these providers for their models; what others listed stays."""
        build = self.build
        if not build.passes_through or not names:
            return
        asked = [each for name, each in build.providers.items() if name in names]
        found, unreachable = await list_models(asked, self.transport)
        if build is not self.build:
            return  # whoever put another one into force has asked for it
        known = [each for each in self.snapshot.found if each.partition("/")[0] not in names]
        others = {name: why for name, why in self.unreachable.items() if name not in names}
        self.unreachable = {**others, **unreachable}
        self._compile([*known, *found], self.generation)

    def _compile(self, found: Sequence[str], generation: int) -> None:
        snapshot = self.build.snapshot(self.admin_key, found, generation=generation)
        self.active.apply(snapshot)
        self.snapshot = snapshot
        for deployment in self.deployments():
            self.metrics.bind(deployment.provider, deployment.model)
        if self.books is not None:
            self.generations.begin(self.snapshot, names_of(self.snapshot, self.providers))

    def _adopt(self, settings: Settings) -> None:
        self.callers.adopt(required=settings.auth.required, proxies=self.build.proxies())
        self.limits.adopt(settings.limits, of_section(settings.limits, settings.providers))
        self.pipeline.adopt(
            concurrency=settings.limits.concurrency,
            heartbeat=settings.server.heartbeat_seconds,
            cache=settings.cache,
        )
        if self.books is not None:
            self.books.adopt(settings, self.build.subjects)
        if not settings.health.probe_seconds:
            # Nobody would take it back any more what probes have found.
            for each in self.deployments():
                each.health.missed, each.health.unwell = 0, False
        if self._prober is not None:
            self._prober.adopt(settings.health)
            if settings.health.probe_seconds and self.books is not None:
                self.books.run_also(self._prober)
        if self.reporting is not None:
            self.reporting.adopt(settings.logging.level)

    def _part(self, gone: Gone, origins: AbstractSet[Origin]) -> None:
        """Let go of what only a former configuration had, now that nobody goes by it."""
        self.metrics.forget(gone)
        for provider in self.providers.values():
            provider.keys.forget(gone.deployments)
        self.transport.keep_only(origins)
        if self.pipeline.limiting is not None:
            self.pipeline.limiting.answers.forget(gone.routes)

    def _made_prober(self) -> Prober:
        prober = Prober(
            self._probed,
            self.settings.health,
            transport=self.transport,
            loop=asyncio.get_running_loop(),
            resting=lambda: self.draining,
            clock=self.clock,
        )
        prober.heard = weighing(self)
        return prober

    def _probed(self) -> Collection[Provider]:
        return self.providers.values()
