"""A gateway and its pretend providers, on real sockets, for one test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai

from antiphon.clock import Clock
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Simulator, SimulatorSpec
from antiphon.usage.journal.journal import SEGMENT_BYTES

KEY = "test-key-0123456789abcdef"
HELLO = [{"role": "user", "content": "Hello there"}]


class Stage:
    """What a test needs of a running gateway."""

    def __init__(self, gateway: Antiphon, address: str, fleet: Fleet) -> None:
        self.gateway = gateway
        self.address = address
        self.simulators: list[Simulator] = list(fleet.values())
        # There is no TLS here, and to read the system's certificates takes a while.
        self.client = openai.AsyncOpenAI(
            base_url=f"{address}/v1",
            api_key=KEY,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(verify=False, timeout=20),
        )
        self.http = httpx2.AsyncClient(base_url=address, timeout=20, verify=False)
        host, port = address.removeprefix("http://").rsplit(":", 1)
        self.host, self.port = host, int(port)

    async def at_rest(self) -> None:
        """Wait until every request is recorded; its caller has the answer a moment earlier."""
        async with asyncio.timeout(5):
            while self.gateway.pipeline.live:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    @property
    def first(self) -> Simulator:
        return self.simulators[0]

    @property
    def second(self) -> Simulator:
        return self.simulators[1]


Section = Mapping[str, object]


def configuration(
    fleet: Fleet,
    *,
    server: Section | None = None,
    provider: Section | None = None,
    providers_of: Mapping[str, Section] | None = None,
    models: Section | None = None,
    dialects: Mapping[str, str] | None = None,
    **sections: object,
) -> dict[str, object]:
    """Every simulator as a provider of its name; `both` falls back from one to the next.

    `provider` says more of all of them, `providers_of` of single ones, `dialects` what they speak.
    """
    names = list(fleet)
    return {
        "server": {"port": 0, "drain_seconds": 0.5, **(server or {})},
        "providers": {
            name: {
                "dialect": (dialects or {}).get(name, "openai_chat"),
                "base_url": each.base_url,
                "api_key": "sk-upstream",
                **(provider or {}),
                **(providers_of or {}).get(name, {}),
            }
            for name, each in fleet.items()
        },
        "models": {
            "fast": {"deployments": [f"{names[0]}/sim-small"], "retry": {"attempts": 1}},
            "both": {
                "deployments": [f"{name}/sim-small" for name in names],
                "retry": {"attempts": 1},
            },
            "*": {"passthrough": True},
            **(models or {}),
        },
        **sections,
    }


@asynccontextmanager
async def stage(
    tmp_path: object,
    specs: list[SimulatorSpec] | None = None,
    *,
    alone: bool = False,
    ssl_context: ssl.SSLContext | None = None,
    clock: Clock | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    **sections: Any,
) -> AsyncIterator[Stage]:
    """Start everything, and stop everything; `alone` as if the process were the gateway's own.

    `pause` is how the providers' pauses pass.
    """
    specs = specs or [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    async with Fleet(specs, ssl_context=ssl_context, sleep=pause) as fleet:
        settings = configuration(fleet, storage={"data_dir": str(tmp_path)}, **sections)
        gateway = Antiphon(
            load(settings, environ={}), alone=alone, clock=clock, segment_bytes=segment_bytes
        )
        async with gateway, serving(gateway) as address:
            running = Stage(gateway, address, fleet)
            async with running.client, running.http:
                yield running
