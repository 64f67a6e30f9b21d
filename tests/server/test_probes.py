"""Asking providers whether they are there: at its own pace, and never because somebody looks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import openai
import pytest

from antiphon import Antiphon
from antiphon.clock import SystemClock
from antiphon.config.health import HealthSettings
from antiphon.gateway.health import HealthDetail
from antiphon.gateway.prober import Prober
from antiphon.simulator import Simulator, SimulatorSpec
from tests.server.stage import HELLO, Stage, stage

ADMIN = "admin-key-0123456789abcdef"
AUTH = {"admin_key": ADMIN}
ONCE = {"probe_seconds": 3600}
"""The first round is at once; there is no second one in a test."""


async def detail(road: Stage) -> HealthDetail:
    headers = {"authorization": f"Bearer {ADMIN}"}
    response = await road.http.get("/health/detailed", headers=headers)
    return msgspec.json.decode(response.content, type=HealthDetail)


@asynccontextmanager
async def probed(
    tmp_path: Path, *, unwell_after: int = 3, **sections: object
) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name="one"), SimulatorSpec(name="two", models=("a", "b"))]
    health = {**ONCE, "unwell_after": unwell_after}
    async with stage(tmp_path, specs, auth=AUTH, health=health, **sections) as road:
        yield road


async def until_probed(road: Stage) -> HealthDetail:
    async with asyncio.timeout(10):
        while True:
            found = await detail(road)
            if all(each.probe for each in found.upstreams):
                return found


async def again(road: Stage) -> HealthDetail:
    """After a second round."""
    await until_probed(road)
    await road.gateway._prober._round(threading.Event())
    return await detail(road)


async def test_off_unless_it_is_asked_for(road):
    assert "prober" not in road.gateway.books.background.states
    assert [each.connections for each in road.simulators] == [0, 0]


async def test_each_is_asked_for_its_models(tmp_path):
    async with probed(tmp_path) as road:
        found = await until_probed(road)
        assert found.services["prober"].status == "running"
        assert (found.status, found.reasons) == ("healthy", ())
        for each, simulator in zip(found.upstreams, road.simulators, strict=True):
            assert (each.probe.asked, each.probe.error) == ("models", "")
            assert each.probe.models == len(simulator.spec.models)
            assert each.probe.latency_ms > 0
            assert (each.latency_ms, each.latency_of) == (each.probe.latency_ms, "probe")
            assert each.latency_at == each.probe.at
            assert [(got.method, got.path) for got in simulator.received] == [("GET", "/v1/models")]
            assert simulator.received[0].header(b"authorization") == b"Bearer sk-upstream"
        assert found.llm.latency_ms == max(each.latency_ms for each in found.upstreams)
        short = (await road.http.get("/health")).json()
        assert short["llm"]["latency_ms"] == found.llm.latency_ms
        for _ in range(100):
            await road.http.get("/health")
            await detail(road)
        assert [each.requests for each in road.simulators] == [1, 1]


async def test_one_without_a_list_is_connected_to_only(tmp_path):
    async with probed(tmp_path, provider={"discover": False}) as road:
        found = await until_probed(road)
        assert [each.probe.asked for each in found.upstreams] == ["connection"] * 2
        assert [each.probe.models for each in found.upstreams] == [None] * 2
        assert found.status == "healthy"
        assert [each.requests for each in road.simulators] == [0, 0]
        async with asyncio.timeout(5):
            await road.first.until(lambda lab: lab.connections == 1 and not lab.open_connections)


@pytest.mark.parametrize("discover", [True, False])
async def test_one_that_is_not_there_is_told_and_still_tried(tmp_path, discover):
    async with probed(tmp_path, provider={"discover": discover}) as road:
        await until_probed(road)
        road.first.refuse()
        found = await again(road)
        assert found.upstreams[0].probe.error == "The provider refuses connections."
        assert (found.status, found.reasons) == ("degraded", ("probe_failed",))
        assert [each.status for each in found.upstreams] == ["degraded", "healthy"]
        assert found.upstreams[0].circuit_breaker.failures == 0
        assert found.upstreams[0].latency_ms is None
        deployment = road.gateway.snapshot.plan("both").deployments[0]
        assert deployment.is_well(road.gateway.clock.monotonic()), "only attempts say that it fails"
        await road.first.start()
        assert (await road.client.chat.completions.create(model="fast", messages=HELLO)).choices
        assert (await again(road)).status == "healthy"


async def test_the_later_of_answer_and_probe_tells_the_latency(tmp_path):
    async with probed(tmp_path) as road:
        await until_probed(road)
        clock = road.gateway.clock
        deployment = road.gateway.snapshot.plan("fast").deployments[0]
        deployment.health.succeeded(clock.monotonic(), 0.25)
        [one, two] = (await detail(road)).upstreams
        assert (one.latency_ms, one.latency_of) == (250.0, "answer")
        assert abs(one.latency_at - clock.now()) < 60
        assert two.latency_of == "probe"
        assert (await road.http.get("/health")).json()["llm"]["latency_ms"] == 250.0
        [one, _] = (await again(road)).upstreams
        assert (one.latency_ms, one.latency_of) == (one.probe.latency_ms, "probe")


async def test_a_key_that_is_refused(tmp_path):
    async with probed(tmp_path) as road:
        await until_probed(road)
        road.first.set_keys(frozenset())
        found = await again(road)
        assert found.upstreams[0].probe.error == "It answered with 401."
        assert (found.upstreams[0].keys.live, found.upstreams[0].keys.dead) == (1, 0)


# ------------------------------------------------------------------ pace and end


async def happened(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not so():  # noqa: ASYNC110  a thread tells nobody
            await asyncio.sleep(0.001)


class Listener:
    """Takes connections, says nothing until it may, and counts."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.taken = self.live = self.most = 0
        self.news = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        self.live += 1
        self.most = max(self.most, self.live)
        async with self.news:
            self.news.notify_all()
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.may.wait()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.live -= 1
            writer.close()


@asynccontextmanager
async def silent(
    tmp_path: Path, count: int, *, discover: bool = True, **health: object
) -> AsyncIterator[tuple[Antiphon, Listener]]:
    """A gateway before so many providers, which are one that does not answer."""
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    config = {
        "storage": {"data_dir": str(tmp_path)},
        "providers": {
            f"p{number}": {
                "base_url": f"http://127.0.0.1:{port}/v1",
                "api_key": "sk-any",
                "discover": discover,
            }
            for number in range(count)
        },
        "models": {"fast": "p0/m"},
        "health": {**ONCE, **health},
    }
    async with server:
        yield Antiphon.from_config(config, environ={}), listener
        listener.may.set()


async def test_no_more_at_once_than_is_allowed(tmp_path):
    async with silent(tmp_path, 7, probe_concurrency=2) as (gateway, listener):
        async with gateway, asyncio.timeout(10):
            async with listener.news:
                await listener.news.wait_for(lambda: listener.taken == 2)
            listener.may.set()
            await happened(lambda: len(gateway._prober.found) == 7)
        assert (listener.taken, listener.most) == (7, 2)


@pytest.mark.parametrize("discover", [True, False])
async def test_a_gateway_that_ends_waits_for_no_probe(tmp_path, monkeypatch, discover):
    looking = asyncio.Event()

    async def hangs(_origin: object) -> list[str]:
        looking.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr("antiphon.gateway.prober.addresses", hangs)
    tasks = asyncio.all_tasks()
    async with silent(tmp_path, 3, discover=discover, probe_timeout=60) as (gateway, listener):
        async with asyncio.timeout(10), gateway:
            if discover:
                async with listener.news:
                    await listener.news.wait_for(lambda: listener.taken == 3)
            else:
                await looking.wait()
        names = {each.name for each in threading.enumerate()}
        assert "antiphon-prober" not in names
    await happened(lambda: not asyncio.all_tasks() - tasks)


async def test_one_that_does_not_answer_in_time(tmp_path):
    async with silent(tmp_path, 1, probe_timeout=0.05) as (gateway, _):
        async with gateway, asyncio.timeout(10):
            await happened(lambda: bool(gateway._prober.found))
            probe = (await gateway.health_in_detail()).upstreams[0].probe
        assert probe.error
        assert probe.latency_ms > 0


class Stop(threading.Event):
    """Is set after so many waits, and keeps what they were."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        if len(self.waits) == self._most:
            self.set()
        return self.is_set()


def prober(
    gateway: Antiphon, chances: list[float], wake: Stop | None = None, *, resting: bool = False
) -> Prober:
    made = Prober(
        gateway.providers.values,
        HealthSettings(probe_seconds=10),
        transport=gateway.transport,
        loop=asyncio.get_running_loop(),
        resting=lambda: resting,
        clock=SystemClock(),
        chance=lambda: chances.pop(0),
    )
    made._wake = wake or made._wake
    return made


async def test_the_pace_is_spread(road):
    stop = Stop(3)
    await asyncio.to_thread(prober(road.gateway, [0.0, 0.5, 1.0], stop).run, stop)
    assert stop.waits == pytest.approx([9.0, 10.0, 11.0])
    assert [each.requests for each in road.simulators] == [3, 3]


async def test_nobody_is_asked_while_the_gateway_drains(road):
    stop = Stop(2)
    asked = prober(road.gateway, [0.5] * 2, stop, resting=True)
    await asyncio.to_thread(asked.run, stop)
    assert asked.found == {}
    assert [each.connections for each in road.simulators] == [0, 0]


async def test_another_way_of_listing(tmp_path):
    """What answers is there, whatever it lists."""
    async with Simulator(SimulatorSpec(name="bare", models=())) as bare:
        config = {
            "storage": {"data_dir": str(tmp_path)},
            "providers": {"bare": {"base_url": bare.base_url, "api_key": "sk-any"}},
            "models": {"fast": "bare/m"},
            "health": ONCE,
        }
        async with Antiphon.from_config(config, environ={}) as gateway, asyncio.timeout(10):
            await happened(lambda: bool(gateway._prober.found))
            probe = (await gateway.health_in_detail()).upstreams[0].probe
    assert (probe.models, probe.error) == (0, "")


async def test_who_misses_a_few_is_asked_last_and_comes_back(tmp_path):
    async with probed(tmp_path, unwell_after=2) as road:
        await until_probed(road)
        road.first.refuse()
        await again(road)
        found = await again(road)
        assert found.upstreams[0].put_last == "missed_probes"
        assert "upstream_doubtful" in found.reasons
        answer = await road.client.chat.completions.with_raw_response.create(
            model="both", messages=HELLO
        )
        assert answer.headers["x-antiphon-deployment"] == "two/sim-small"
        assert answer.headers["x-antiphon-attempts"] == "1"
        await road.first.start()
        found = await again(road)
        assert (found.status, found.upstreams[0].put_last) == ("healthy", None)


async def test_who_is_there_again_may_be_probed_by_a_request_at_once(tmp_path):
    async with probed(tmp_path) as road:
        await until_probed(road)
        road.first.refuse()
        client = road.client.with_options(max_retries=0)
        for _ in range(5):
            with pytest.raises(openai.APIStatusError):
                await client.chat.completions.create(model="fast", messages=HELLO)
        found = await again(road)
        assert found.upstreams[0].circuit_breaker.state == "open"
        await road.first.start()
        found = await again(road)
        assert found.upstreams[0].circuit_breaker.state == "half_open"
        assert (await client.chat.completions.create(model="fast", messages=HELLO)).choices
        assert (await again(road)).upstreams[0].circuit_breaker.state == "closed"
