"""Several pretend providers at once."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from typing_extensions import override

from antiphon.simulator.latency import Latency
from antiphon.simulator.simulator import Simulator
from antiphon.simulator.spec import SimulatorSpec

FIRST_PORT = 9100


class Fleet(Mapping[str, Simulator]):
    """Simulators by name; they start together and leave together.

    async with Fleet(fleet_specs(2)) as fleet:
        print(fleet["simulator-1"].base_url)
    """

    def __init__(
        self,
        specs: Sequence[SimulatorSpec],
        *,
        host: str = "127.0.0.1",
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Prepare a fleet; nothing listens yet.

        Raises:
            ValueError: two have the same name, or a spec is wrong.
            OSError: recordings cannot be read.
        """
        self._simulators = {
            spec.name: Simulator(spec, host=host, ssl_context=ssl_context, sleep=sleep)
            for spec in specs
        }
        if len(self._simulators) < len(specs):
            raise ValueError("two simulators of a fleet have the same name")
        self._started = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for simulator in self.values():
                await stack.enter_async_context(simulator)
            self._started = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._started.aclose()

    @override
    def __getitem__(self, key: str, /) -> Simulator:
        return self._simulators[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._simulators)

    @override
    def __len__(self) -> int:
        return len(self._simulators)


def fleet_specs(
    count: int, *, first_port: int = FIRST_PORT, seed: int = 0, latency: Latency | str = "typical"
) -> tuple[SimulatorSpec, ...]:
    """Specs of so many providers on consecutive ports, each with a seed of its own.

    From port 0 each takes any free one.
    """
    return tuple(
        SimulatorSpec(
            name=f"simulator-{number + 1}",
            port=first_port + number if first_port else 0,
            seed=seed + number,
            latency=latency,
        )
        for number in range(count)
    )
