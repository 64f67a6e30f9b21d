"""Antiphon in one object: the gateway that the server serves and that a program embeds.

    async with Antiphon.from_config("antiphon.yaml") as gateway:
        reply = await gateway.chat(model="fast", messages=[{"role": "user", "content": "Hi"}])
        print(reply.text)

A request from inside the process passes the same pipeline as one from outside.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from antiphon.access.admin import AdminKey
from antiphon.access.callers import Callers, Claim
from antiphon.access.desk import Access
from antiphon.access.switches import Switched, SwitchWatch
from antiphon.access.watch import Watch
from antiphon.cache.statistics import Tally
from antiphon.clock import Clock, SystemClock
from antiphon.config.load import Loaded, load
from antiphon.config.settings import Settings
from antiphon.errors import ConfigurationError, Draining, Mistake, Overloaded, StorageFailed
from antiphon.gateway import vitals
from antiphon.gateway.asking import IN_PROCESS, Asking
from antiphon.gateway.books import Books
from antiphon.gateway.build import Build
from antiphon.gateway.changing import Changing
from antiphon.gateway.explaining import Asked, Explanation, explain
from antiphon.gateway.generations import Generations
from antiphon.gateway.health import Health, HealthDetail, UpstreamHealth
from antiphon.gateway.in_force import InForce
from antiphon.gateway.limiting import put_in_force
from antiphon.gateway.listing import ModelEntry
from antiphon.gateway.prober import Prober
from antiphon.gateway.readings import readings
from antiphon.gateway.reload import Reloading
from antiphon.gateway.reporting import Reporting
from antiphon.gateway.resetting import deployment_of, reset
from antiphon.gateway.rules import in_full, sum_up
from antiphon.gateway.switches import ActiveModels
from antiphon.limits.concurrency import Concurrency
from antiphon.model.principal import Principal
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import RequestIds
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.transport import Transport
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.trace import Tracer
from antiphon.telemetry.windows import Latencies
from antiphon.usage.journal.journal import SEGMENT_BYTES, Seam, nowhere
from antiphon.version import VERSION

_GRACE = 2.0
"""Seconds for exchanges that were told to end."""


class Antiphon(Asking, Changing):
    """An LLM gateway.

    Args:
        loaded: The configuration; `from_config` reads it.
        clock: Where time comes from.
        alone: The process is the gateway's own: it writes a line for each request, and its
            loggers write where the configuration says.
        segment_bytes: Bytes of one file of the journal.
        seam: Where tests let the process die (`usage.journal.journal.Seam`).
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        clock: Clock | None = None,
        alone: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        seam: Seam = nowhere,
    ) -> None:
        settings = loaded.settings
        self.settings: Settings = settings
        self.warnings: Sequence[str] = loaded.warnings
        self.source: str = loaded.source
        self.version = VERSION
        self.clock = clock or SystemClock()
        self.metrics = Metrics()
        self.transport = Transport()
        self.request_ids = RequestIds(secrets.token_hex(6))
        self.draining = False
        self.unreachable: Mapping[str, str] = {}
        self.admin_key: AdminKey | None = None
        self.books: Books | None = None
        self.access: Access | None = None
        self.reporting: Reporting | None = None
        self.tracer: Tracer | None = None
        self.in_force: InForce | None = None
        self._alone = alone
        self.concurrency = Concurrency(settings.limits.concurrency)
        self._made_at = self.clock.monotonic()
        self._prober: Prober | None = None
        self._segment_bytes = segment_bytes
        self._seam = seam
        self.build = Build(settings, clock=self.clock)
        self.active = ActiveModels()
        self.callers = Callers(
            required=settings.auth.required, proxies=self.build.proxies(), clock=self.clock
        )
        self.captures = self.build.captures
        self.generations = Generations(self._part)
        self.snapshot: Snapshot = self.build.snapshot()
        self.reloading = Reloading(self, loaded)
        self._followers: list[Callable[[Settings], object]] = [self._adopt]
        self.lists = False
        self.pipeline = Pipeline(
            transport=self.transport,
            accounts=Accounts(None, clock=self.clock),
            concurrency=self.concurrency,
            metrics=self.metrics,
            clock=self.clock,
            heartbeat=settings.server.heartbeat_seconds,
            cache=settings.cache,
        )
        self.limits = put_in_force(
            settings,
            self.pipeline,
            lambda: self.providers,
            metrics=self.metrics,
            clock=self.clock,
        )
        self._compile((), 1)
        self.metrics.add(*readings(self))

    @classmethod
    def from_config(
        cls,
        source: str | Path | Mapping[str, object] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """A gateway by a file, by the same content as a mapping, or by what the environment has.

        Args:
            source: Path of a YAML file, or its content; None looks for `ANTIPHON_CONFIG`,
                `./antiphon.yaml`, and then for providers in the environment.
            environ: In place of the process's own environment.
            clock: Where time comes from.

        Raises:
            ConfigurationError: With every mistake at once.
        """
        return cls(load(source, environ=environ, clock=clock), clock=clock)

    async def __aenter__(self) -> Self:
        """Start: from now on there is a ledger, and whoever listens is told.

        Raises:
            ConfigurationError: The database, the journal's folder or the log cannot be used.
        """
        reporting = Reporting(
            self.settings, self.pipeline.recording.reports, clock=self.clock, alone=self._alone
        )
        self._prober = prober = self._made_prober()
        services = [*reporting.services]
        if self.settings.health.probe_seconds:
            services.append(prober)
        try:
            books = Books(
                self.settings,
                clock=self.clock,
                captures=self.captures,
                chores=[reporting.work, lambda: reporting.look(self.deployments)],
                segment_bytes=self._segment_bytes,
                seam=self._seam,
            )
        except ConfigurationError:
            reporting.close()
            raise
        self.books, self.reporting, self.tracer = books, reporting, reporting.tracer
        self.access = books.access
        self.callers.open(books.database)
        in_force = InForce(self.settings, books.database, books.treasury, self.limits)
        self.in_force = in_force
        try:
            await in_force.begin()
            newest = await self.active.begin(books.database, self.snapshot)
        except StorageFailed as error:
            await self.__aexit__(None, None, None)
            raise ConfigurationError([Mistake("storage", "storage", error.message)]) from error
        soon = asyncio.get_running_loop().call_soon_threadsafe
        services += [Watch(books.database, partial(soon, self.callers.apply)), in_force]
        switched = SwitchWatch(books.database, partial(soon, self._switched), told=newest)
        services.append(switched)
        self.pipeline.accounts.keep(books.journal, books.treasury.spending)
        await self.pipeline.caching.__aenter__()
        self.build.subjects = books.subjects
        self._compile(self.snapshot.found, self.generation)
        books.start(services)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop: what is still under way is ended, and what was done is shipped."""
        if self.pipeline.live:
            await self.drain(0)
        await self.pipeline.caching.__aexit__(kind, error, traceback)
        await self.transport.aclose()
        if self.in_force is not None:
            self.in_force.stop()
        books, self.books = self.books, None
        if books is not None:
            self.pipeline.accounts.keep(None)
            self.access = None
            self.callers.close()
            await asyncio.to_thread(books.close)
        reporting, self.reporting = self.reporting, None
        self.tracer = None
        if reporting is not None:
            await asyncio.to_thread(reporting.close)

    # looking

    @property
    def tallies(self) -> Mapping[str, Tally]:
        """What became of the requests of each route with a cache."""
        return self.build.tallies

    def models(self, principal: Principal) -> list[ModelEntry]:
        """The names that this caller may ask for: routes, then what `reachable` has found."""
        snapshot = self.snapshot
        entries = [
            ModelEntry(
                name, tuple(each.name for each in plan.deployments), plan.deployments[0].facts
            )
            for name, plan in snapshot.plans.items()
        ]
        entries += [ModelEntry(name, (name,)) for name in snapshot.found]
        return [entry for entry in entries if principal.may_use(entry.name)]

    async def explain(
        self, *, headers: Mapping[str, str] | None = None, **members: object
    ) -> Explanation:
        """What would become of a request, without making it: nothing is sent, taken or changed.

        Args:
            headers: What its caller would say in headers.
            members: As of `chat`.

        Raises:
            MalformedBody: It is no request.
        """
        asked = Asked(request=msgspec.json.encode(members), headers=headers or {})
        return await explain(self, asked, IN_PROCESS)

    async def principal(self, claim: Claim) -> Principal:
        """Who is calling.

        Raises:
            As `Callers.principal`.
        """
        return await self.callers.principal(self.snapshot.keys, claim.credential, claim.person)

    def nearest(self, name: str) -> list[str]:
        """Names that look like this one."""
        return self.snapshot.nearest(name)

    def reset(self, name: str) -> None:
        """Take `PROVIDER/MODEL` into use again, as `resetting`; `PathNotFound` if there is none."""
        reset(deployment_of(self.snapshot, name))

    @property
    def open_books(self) -> Books:
        """The books, for whoever answers from them.

        Raises:
            Overloaded: The gateway ends.
        """
        if self.books is None:
            raise Overloaded("The gateway is shutting down.")
        return self.books

    @property
    def obstacle(self) -> str:
        """Why no new request is taken: `draining`, `blocked` by the accounting, or empty."""
        if self.draining:
            return "draining"
        return "" if self.books is not None and self.books.journal.takes_new else "blocked"

    def health(self) -> Health:
        """How the gateway does, in a few words; asks nobody."""
        return sum_up(vitals.facts(self._sight()))

    async def health_in_detail(self) -> HealthDetail:
        """How it does, in full; asks nobody but the disk how large the database is."""
        sight, books = self._sight(), self.books
        size = None
        if books is not None:
            with suppress(StorageFailed):  # a disk that fails is not to silence this
                size = await asyncio.to_thread(books.database.bytes_on_disk)
        return in_full(
            vitals.facts(sight),
            performance=vitals.performance(self.latencies(), self.concurrency),
            process=await vitals.process(self._made_at, self.clock),
            database_bytes=size,
        )

    def upstreams(self) -> Sequence[UpstreamHealth]:
        """How those do that can be asked; asks nobody."""
        return vitals.facts(self._sight()).upstreams

    def _sight(self) -> vitals.Sight:
        return vitals.Sight(
            clock=self.clock,
            snapshot=self.snapshot,
            deployments=self.deployments(),
            providers=self.providers,
            probes={} if self._prober is None else self._prober.found,
            books=self.books,
            draining=self.draining,
            config=self.reloading.health,
        )

    def latencies(self) -> Latencies:
        """How fast each name and each deployment answers lately, and how it fails."""
        return self.metrics.latencies(self.clock.monotonic())

    async def reachable(self) -> list[ModelEntry]:
        """The names that can be asked for, those of the passthrough asked of each provider.

        `models` lists them from then on; `unreachable` says what could not be asked, and why.
        """
        self.lists = True
        await self.ask_for_models(self.providers)
        return self.models(IN_PROCESS)

    def claim_admin_key(self) -> AdminKey:
        """The admin key, which is made at the first start; from now on it opens management.

        For whoever serves: a program that only asks needs none, and none is made for it.

        Raises:
            ConfigurationError: Its file cannot be kept.
        """
        if self.admin_key is None:
            self.admin_key = self.build.admin_key()
            self._compile(self.snapshot.found, self.generation)
        return self.admin_key

    # ending

    async def drain(self, seconds: float) -> None:
        """Take nothing new, wait for what runs, and end what is left with a clear error."""
        self.draining = True
        await self._idle(seconds)
        for exchange in list(self.pipeline.live):
            exchange.abort(Draining("The gateway is shutting down.", retry_after=1))
        await self._idle(_GRACE)

    def hurry(self) -> None:
        """Have a drain wait no longer."""
        self.pipeline.hurry()

    def _switched(self, found: Switched) -> None:
        self.active.take(found, self.snapshot)

    async def _idle(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.pipeline.idle()
