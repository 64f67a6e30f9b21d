"""Asks providers whether they are there, so that health can say so without asking.

A probe asks for the list of models, which costs no tokens; a provider without one is connected to
only. A list that comes proves no answer, and one that does not come disproves none: so a provider
that misses a few in a row is asked last, and nothing more; and one that is there again may be
probed by a request at once, if its breaker is open (`gateway.probing`).

The pace is kept on a thread, as that of any service. The calls are made on the gateway's loop, to
which transport and keys belong.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Collection
from concurrent.futures import CancelledError
from contextlib import suppress

from antiphon.clock import Clock
from antiphon.config.health import HealthSettings
from antiphon.errors import AntiphonError, NotAnAnswer, UpstreamTimeout
from antiphon.gateway.health import Probe
from antiphon.providers.model_names import model_names
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Call, Origin, Timeouts, Upstream
from antiphon.providers.transport.dial import addresses, failure

_OK = 200
_SPREAD = 0.2
"""Of the pause between two rounds, so that replicas do not keep step."""


def _chance() -> float:
    return secrets.randbelow(1000) / 1000


def _nobody(provider: str, probe: Probe) -> None:
    del provider, probe


class Prober:
    """Probes until it is stopped; while nobody is to be asked, it waits for other settings.

    Args:
        providers: Whom to ask; asked anew at each round.
        settings: How often, how many at once, and for how long.
        transport: What the calls go through.
        loop: Where it lives.
        resting: Whether nobody is to be asked, since the gateway is about to end.
        clock: For the times of probes.
        chance: Between 0 and 1.

    Attributes:
        found: The last probe of each provider.
        heard: Is told of each, on the loop.
    """

    name = "prober"

    def __init__(
        self,
        providers: Callable[[], Collection[Provider]],
        settings: HealthSettings,
        *,
        transport: Upstream,
        loop: asyncio.AbstractEventLoop,
        resting: Callable[[], bool],
        clock: Clock,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self.found: dict[str, Probe] = {}
        self._providers = providers
        self._settings = settings
        self._transport = transport
        self._loop = loop
        self._resting = resting
        self._clock = clock
        self._chance = chance
        self._task: asyncio.Task[object] | None = None
        self.heard: Callable[[str, Probe], None] = _nobody
        self._wake = threading.Event()

    def adopt(self, settings: HealthSettings) -> None:
        """Go by other settings from now on; on the loop."""
        if settings != self._settings:
            self._settings = settings
            self._wake.set()
        there = {each.name for each in self._providers()} if settings.probe_seconds else set[str]()
        self.found = {name: probe for name, probe in self.found.items() if name in there}

    def run(self, stop: threading.Event) -> None:
        """Probe, and wait, until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            if self._settings.probe_seconds:
                round_ = asyncio.run_coroutine_threadsafe(self._round(stop), self._loop)
                with suppress(CancelledError):
                    round_.result()
            spread = 1 - _SPREAD / 2 + _SPREAD * self._chance()
            # Between the two, `stop` may have been set, or the settings be others.
            if not stop.is_set():
                self._wake.wait(self._settings.probe_seconds * spread or None)

    def stop(self) -> None:
        """Have a round that is under way end now."""
        self._wake.set()
        with suppress(RuntimeError):  # the loop is closed, and so is the round
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _round(self, stop: threading.Event) -> None:
        if stop.is_set() or self._resting():
            return
        providers = self._providers()
        places = asyncio.Semaphore(self._settings.probe_concurrency)
        self._task = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                for provider in providers:
                    group.create_task(self._probe(provider, places))
        finally:
            self._task = None

    async def _probe(self, provider: Provider, places: asyncio.Semaphore) -> None:
        async with places:
            if self._resting():
                return
            begun = self._clock.monotonic()
            lists, models, error = True, None, ""
            try:
                asked = provider.models_head()
                lists = asked is not None
                if asked is None:
                    await self._connect(provider.address.origin)
                else:
                    models = await self._list(provider.address.origin, asked[0])
            except AntiphonError as failed:
                error = failed.message
            spent = (self._clock.monotonic() - begun) * 1000
            if provider not in self._providers():
                return  # another configuration came meanwhile
            self.found[provider.name] = probe = Probe(
                "models" if lists else "connection",
                at=self._clock.now(),
                latency_ms=round(spent, 2),
                models=models,
                error=error,
            )
            self.heard(provider.name, probe)

    async def _list(self, origin: Origin, head: bytes) -> int:
        """How many models it lists.

        Raises:
            UpstreamError: It does not.
        """
        most = self._settings.probe_timeout
        timeouts = Timeouts(connect=most, first_byte=most, idle=most, total=most)
        answer = await self._transport.send(Call(origin, head, b"", timeouts))
        try:
            told = await answer.head()
            body = await answer.whole()
        finally:
            answer.close()
        assert told is not None
        if told.status != _OK:
            raise NotAnAnswer(f"It answered with {told.status}.", code="unexpected_status")
        return len(model_names(body))

    async def _connect(self, origin: Origin) -> None:
        """Open a connection, and close it.

        Raises:
            ConnectFailed: It takes none.
            UpstreamTimeout: It does not say.
        """
        failed = OSError()
        try:
            async with asyncio.timeout(self._settings.probe_timeout):
                hosts = await addresses(origin)
                for host in hosts:
                    try:
                        # One that swallows packets must not eat the time of the others.
                        async with asyncio.timeout(self._settings.probe_timeout / len(hosts)):
                            _, writer = await asyncio.open_connection(host, origin.port)
                    except OSError as error:  # a TimeoutError is one
                        failed = error
                    else:
                        writer.transport.abort()
                        return
        except TimeoutError as error:
            failed = error
        if isinstance(failed, TimeoutError):
            raise UpstreamTimeout("No connection in time.", code="connect_timeout") from failed
        raise failure(origin, failed) from failed
