"""What runs beside the road: each service on a thread of its own, started again when it fails.

A service that fails is started again after a pause that doubles, and health shows it; only the
journal's own trouble closes the gateway to new requests.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

import msgspec

from antiphon.clock import Clock

_log = logging.getLogger("antiphon.background")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0


class Service(Protocol):
    """Something that runs until it is told to stop."""

    @property
    def name(self) -> str:
        """How health calls it."""
        ...

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; on a thread of its own."""
        ...

    def stop(self) -> None:
        """Have `run` look at `stop` now."""
        ...


class ServiceState(msgspec.Struct):
    """How a service does.

    Attributes:
        status: `running`, `failed` or `stopped`.
        restarts: How often it was started again.
        error: What it failed with last; the class and the message.
    """

    status: str = "running"
    restarts: int = 0
    error: str = ""


class Background:
    """Starts services, starts them again, and stops them.

    Attributes:
        states: By the names of the services.
    """

    def __init__(self, *, clock: Clock) -> None:
        self.states: dict[str, ServiceState] = {}
        self._services: list[Service] = []
        self._clock = clock
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, *services: Service) -> None:
        """Start these."""
        for service in services:
            self._start(service)

    def stop(self) -> None:
        """Stop all of them, and wait until they have."""
        self._stop.set()
        for service in self._services:
            service.stop()
        for thread in self._threads:
            thread.join()

    def _start(self, service: Service) -> None:
        self.states[service.name] = ServiceState()
        self._services.append(service)
        name = f"antiphon-{service.name}"
        thread = threading.Thread(target=self._keep, args=(service,), name=name)
        self._threads.append(thread)
        thread.start()

    def _keep(self, service: Service) -> None:
        state, pause = self.states[service.name], _FIRST_PAUSE
        while not self._stop.is_set():
            begun = self._clock.monotonic()
            try:
                service.run(self._stop)
            # A task boundary: a defect of one service must not end the others unseen.
            except Exception as error:  # noqa: BLE001
                _log.exception("The service %s failed", service.name)
                state.status, state.error = "failed", f"{type(error).__name__}: {error}"
            else:
                break
            if self._clock.monotonic() - begun > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            self._stop.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            state.restarts += 1
            state.status = "running"
        state.status = "stopped"
