"""Requests that end in every way that there is, for tests of what is said of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from tests.server.raw import connected, request
from tests.server.stage import HELLO, Stage

PRICES = {"input": 1.1, "output": 2.3, "cache_read": 0.4, "reasoning": 3.7}
PRICED = {"sim-small": {"prices": PRICES}, "sim-reason": {"prices": PRICES}}
PACED = Latency(tokens_per_second=2000)
ROUTES: dict[str, object] = {
    "deep": {"deployments": ["one/sim-reason"], "retry": {"attempts": 1}},
    "again": {"deployments": ["one/sim-small"], "retry": {"attempts": 3, "backoff": 0.001}},
}
SPECS = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]


class EveryPath:
    """Goes them all.

    Args:
        road: A gateway with `ROUTES` and simulators of `SPECS`.
        headers: Of each request.
        messages: Of each request.
        user: Of each request.

    Attributes:
        said: Everything that callers were told.
    """

    def __init__(
        self,
        road: Stage,
        *,
        headers: Mapping[str, str] | None = None,
        messages: Sequence[object] = HELLO,
        user: str = "",
    ) -> None:
        self.road = road
        self.said: list[str] = []
        self._headers = dict(headers or {})
        self._body = {"messages": messages, **({"user": user} if user else {})}

    async def walk(self) -> None:
        road, one = self.road, self.road.first
        assert await self.ask("fast") == 200
        assert await self.ask("fast", stream=True) == 200
        assert await self.ask("deep") == 200
        assert await self.ask("one/sim-large") == 200
        await self.struck("both", "server-error", 200)
        await self.struck("again", "rate-limited-ms", 200)
        await self.struck("fast", "bad-request", 400)
        await self.struck("fast", "html", 502)
        one.set_latency(PACED)
        await self.struck("fast", "reset-inside", 200, stream=True)
        await self.struck("fast", "reset-inside", 502)
        one.set_latency(Latency(tokens_per_second=50))
        await self.leave()
        one.set_latency(Latency())
        await self.struck("fast", "key-echo", 502)
        for deployment in road.gateway.deployments():
            deployment.reset()
        assert await self.ask("absent") == 404
        assert await self.ask("fast", body=b"{") == 400
        assert await self.ask("fast", headers={"authorization": "Bearer wrong"}) in {200, 401}

    async def struck(self, model: str, fault: str, status: int, *, stream: bool = False) -> None:
        self.road.first.arm(FaultRule(fault, count=1))
        assert await self.ask(model, stream=stream) == status, fault
        self.road.first.disarm()

    async def ask(
        self,
        model: str,
        *,
        stream: bool = False,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        asked = json.dumps({"model": model, "stream": stream, **self._body}).encode()
        response = await self.road.http.post(
            "/v1/chat/completions",
            content=asked if body is None else body,
            headers={**self._headers, **(headers or {})},
        )
        await self.road.at_rest()
        self.said.append(f"{response.headers} {response.text}")
        return response.status_code

    async def leave(self) -> None:
        """Hang up inside a stream."""
        asked = {"model": "fast", "stream": True, **self._body}
        lines = [f"{name}: {value}" for name, value in self._headers.items()]
        async with connected(self.road) as raw:
            await raw.send(request(json.dumps(asked).encode(), *lines))
            assert (await raw.head()).status == 200
            await raw.reader.readuntil(b'"content":')
            raw.abort()
            await self.road.at_rest()
