"""Antiphon in one object: the gateway that the server serves and that a program embeds.

    async with Antiphon.from_config("antiphon.yaml") as gateway:
        reply = await gateway.chat(model="fast", messages=[{"role": "user", "content": "Hi"}])
        print(reply.text)

A request from inside the process passes the same pipeline as one from outside: the same limits,
fallback and records.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from antiphon.access.admin import AdminKey
from antiphon.clock import Clock, SystemClock
from antiphon.config.load import Loaded, load
from antiphon.config.settings import Settings
from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import ConfigurationError, Draining, Mistake, StorageFailed
from antiphon.gateway import vitals
from antiphon.gateway.background import Background
from antiphon.gateway.books import Books
from antiphon.gateway.build import Build
from antiphon.gateway.health import Health, HealthDetail
from antiphon.gateway.in_force import InForce
from antiphon.gateway.limiting import put_in_force
from antiphon.gateway.listing import ModelEntry, list_models
from antiphon.gateway.prober import Prober
from antiphon.gateway.readings import readings
from antiphon.gateway.reporting import Reporting
from antiphon.gateway.rules import in_full, sum_up
from antiphon.gateway.streams import events_of
from antiphon.limits.concurrency import Concurrency
from antiphon.model.events import StreamEvent
from antiphon.model.principal import Principal
from antiphon.model.reply import ChatReply
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import Exchange, RequestIds
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.plan import Snapshot
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Transport
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.trace import Tracer
from antiphon.telemetry.windows import Latencies
from antiphon.usage.journal.journal import SEGMENT_BYTES, Seam, nowhere
from antiphon.version import VERSION
from antiphon.wire.shallow import Members

IN_PROCESS = Principal(key_id="in-process", scopes=frozenset({"inference", "admin"}))
_GRACE = 2.0
"""Seconds for exchanges that were told to end."""


class Antiphon:
    """An LLM gateway.

    Args:
        loaded: The configuration; `from_config` reads it.
        clock: Where time comes from.
        alone: The process is the gateway's own: it writes a line for each request, and its
            loggers write where the configuration says.
        segment_bytes: Bytes of one file of the journal.
        seam: Where tests let the process die: called with the name of each step of journal and
            shipper, before and after it.
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
        self.reporting: Reporting | None = None
        self.tracer: Tracer | None = None
        self._watching: Background | None = None
        self._alone = alone
        self.concurrency = Concurrency(settings.limits.concurrency)
        self._made_at = self.clock.monotonic()
        self._prober: Prober | None = None
        self._segment_bytes = segment_bytes
        self._seam = seam
        self._build = Build(settings, clock=self.clock)
        self.captures = self._build.captures
        self.snapshot: Snapshot = self._build.snapshot()
        self.pipeline = Pipeline(
            transport=self.transport,
            accounts=Accounts(None, clock=self.clock),
            concurrency=self.concurrency,
            metrics=self.metrics,
            clock=self.clock,
            auth_required=settings.auth.required,
            heartbeat=settings.server.heartbeat_seconds,
        )
        self.limits = put_in_force(
            settings, self.pipeline, self.providers, metrics=self.metrics, clock=self.clock
        )
        for deployment in self.deployments():
            self.metrics.bind(deployment.provider, deployment.model)
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
        services = (*reporting.services, *(() if prober is None else (prober,)))
        try:
            books = Books(
                self.settings,
                clock=self.clock,
                captures=self.captures,
                chores=[reporting.work, lambda: reporting.look(self.deployments)],
                services=services,
                segment_bytes=self._segment_bytes,
                seam=self._seam,
            )
        except ConfigurationError:
            reporting.close()
            raise
        self.books, self.reporting, self.tracer = books, reporting, reporting.tracer
        in_force = InForce(self.settings, books.database, books.treasury, self.limits)
        try:
            await in_force.begin()
        except StorageFailed as error:
            await self.__aexit__(None, None, None)
            raise ConfigurationError(
                [Mistake("storage", "storage.database", error.message)]
            ) from error
        self._watching = Background([in_force], clock=self.clock)
        self._watching.start()
        self.pipeline.accounts.keep(books.journal, books.treasury.spending)
        self._build.subjects = books.subjects
        self.snapshot = self._build.snapshot(self.admin_key, self.snapshot.found)
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
        await self.transport.aclose()
        books, self.books = self.books, None
        if books is not None:
            self.pipeline.accounts.keep(None)
            if self._watching is not None:
                await asyncio.to_thread(self._watching.stop)
            await asyncio.to_thread(books.close)
        reporting, self.reporting = self.reporting, None
        self.tracer = None
        if reporting is not None:
            await asyncio.to_thread(reporting.close)

    # asking

    async def chat(self, **members: object) -> ChatReply:
        """Ask a model and wait for the whole answer.

        Args:
            members: As in the body of OpenAI's Chat Completions: `model`, `messages`, `tools`...

        Raises:
            CallerError: The request cannot be served as it stands.
            UpstreamError, Exhausted: No deployment gave an answer.
        """
        async with self._open({**members, "stream": False}) as reply:
            assert isinstance(reply, WholeReply)
            said = OPENAI_CHAT.decode_reply(reply.body)
            if reply.structured is None:
                return said
            return msgspec.structs.replace(said, structured=reply.structured)

    @asynccontextmanager
    async def stream(self, **members: object) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """Ask a model and read the answer while it is being written.

            async with gateway.stream(model="fast", messages=[...]) as events:
                async for event in events: ...

        Leaving the block early ends the provider's work.

        Raises:
            CallerError: The request cannot be served as it stands.
            UpstreamError, Exhausted: No deployment gave an answer, or it broke off.
        """
        options = {"include_usage": True}
        async with self._open({"stream_options": options, **members, "stream": True}) as reply:
            assert isinstance(reply, StreamReply)
            yield events_of(reply)

    @asynccontextmanager
    async def _open(
        self, members: Mapping[str, object]
    ) -> AsyncGenerator[WholeReply | StreamReply]:
        if self.draining:
            raise Draining("The gateway is shutting down.")
        task = asyncio.current_task()
        assert task is not None
        exchange = Exchange(
            id=self.request_ids.new(),
            started=self.clock.monotonic(),
            payload=Payload(OPENAI_CHAT, Members.parse(msgspec.json.encode(members))),
            snapshot=self.snapshot,
            principal=IN_PROCESS,
            interrupt=task.cancel,
            trace=self.tracer.begin() if self.tracer is not None else None,
        )
        try:
            async with self.pipeline.open(exchange) as reply:
                yield reply
        except asyncio.CancelledError:
            if exchange.interrupted is None:
                raise
            task.uncancel()
            raise exchange.interrupted from None

    # looking

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Who can be asked, by the names of the configuration."""
        return self._build.providers

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

    def principal(self, credential: bytes | None) -> Principal:
        """Whose key this is.

        Raises:
            Unauthenticated: A key is required, and there is none that is known.
        """
        return self.pipeline.authenticate(self.snapshot, credential)

    def nearest(self, name: str) -> list[str]:
        """Names that look like this one."""
        return self.snapshot.nearest(name)

    def deployments(self) -> list[Deployment]:
        """Everything that stands behind a name, once."""
        plans = self.snapshot.plans.values()
        return list({each.name: each for plan in plans for each in plan.deployments}.values())

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

    def _sight(self) -> vitals.Sight:
        return vitals.Sight(
            clock=self.clock,
            snapshot=self.snapshot,
            deployments=self.deployments(),
            providers=self.providers,
            probes={} if self._prober is None else self._prober.found,
            books=self.books,
            draining=self.draining,
        )

    def latencies(self) -> Latencies:
        """How fast each name and each deployment answers lately, and how it fails."""
        return self.metrics.latencies(self.clock.monotonic())

    async def reachable(self) -> list[ModelEntry]:
        """The names that can be asked for, those of the passthrough asked of each provider.

        `models` lists them from then on. What could not be asked is in `unreachable` afterwards,
        with the reason.
        """
        if self._build.passes_through:
            providers = self._build.providers.values()
            found, self.unreachable = await list_models(providers, self.transport)
            self.snapshot = self._build.snapshot(self.admin_key, found)
        return self.models(IN_PROCESS)

    def claim_admin_key(self) -> AdminKey:
        """The admin key, which is made at the first start; from now on it opens management.

        For whoever serves: a program that only asks needs none, and none is made for it.

        Raises:
            ConfigurationError: Its file cannot be kept.
        """
        if self.admin_key is None:
            self.admin_key = self._build.admin_key()
            self.snapshot = self._build.snapshot(self.admin_key, self.snapshot.found)
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

    def _made_prober(self) -> Prober | None:
        if not self.settings.health.probe_seconds:
            return None
        return Prober(
            self.providers.values(),
            self.settings.health,
            transport=self.transport,
            loop=asyncio.get_running_loop(),
            resting=lambda: self.draining,
            clock=self.clock,
        )

    async def _idle(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.pipeline.idle()
