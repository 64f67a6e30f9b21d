"""The end of a real process: what runs may finish, and nothing ends without a word."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import openai
import pytest

from antiphon.simulator import Latency, Outcome, Simulator, SimulatorSpec
from tests.server.stage import HELLO, KEY

LONG = [{"role": "user", "content": "[tokens: 4000]"}]
SHORT = [{"role": "user", "content": "[tokens: 30]"}]
STARTED = re.compile(rb"http://127\.0\.0\.1:(\d+)")


class Served:
    """A gateway in a process of its own, and the provider behind it."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, provider: Simulator) -> None:
        self.process = process
        self.address = address
        self.provider = provider
        self.http = httpx2.AsyncClient(base_url=address, timeout=10)
        self.client = openai.AsyncOpenAI(
            base_url=f"{address}/v1", api_key=KEY, max_retries=0, timeout=10
        )

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def begin(self, messages: list[dict[str, str]]) -> Stream:
        stream = await self.client.chat.completions.create(
            model="fast", messages=messages, stream=True
        )
        return Stream(stream)

    async def exit_code(self, seconds: float) -> int:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(self.process.wait)

    async def draining(self) -> None:
        async with asyncio.timeout(3):
            while (await self.http.get("/readyz")).status_code != 503:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


class Stream:
    """A stream that has begun, and what came of it."""

    def __init__(self, chunks: openai.AsyncStream) -> None:
        self.chunks = aiter(chunks)
        self.finish: str | None = None
        self.count = 0

    async def first(self) -> None:
        while not self.count:
            await self._one()

    async def rest(self) -> str | None:
        with contextlib.suppress(StopAsyncIteration):
            while True:
                await self._one()
        return self.finish

    async def _one(self) -> None:
        chunk = await anext(self.chunks)
        for choice in chunk.choices:
            self.count += bool(choice.delta.content)
            self.finish = choice.finish_reason or self.finish


@asynccontextmanager
async def served(tmp_path: Path, *, drain: float) -> AsyncIterator[Served]:
    async with Simulator(SimulatorSpec(name="lab")) as provider:
        config = {
            "server": {"port": 0, "drain_seconds": drain},
            "storage": {"data_dir": str(tmp_path / "data")},
            "providers": {
                "lab": {
                    "dialect": "openai_chat",
                    "base_url": provider.base_url,
                    "api_key": "sk-upstream",
                }
            },
            "models": {"fast": "lab/sim-small"},
        }
        path = tmp_path / "antiphon.yaml"
        path.write_text(json.dumps(config))
        # Not by the loop: uvloop forks itself with all that former tests have left in it.
        process = subprocess.Popen(  # noqa: ASYNC220
            [sys.executable, "-u", "-m", "antiphon", "serve", "--config", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(15):
                port = None
                while port is None:
                    line = await asyncio.to_thread(process.stdout.readline)
                    assert line, "the gateway did not start"
                    port = STARTED.search(line)
            running = Served(process, f"http://127.0.0.1:{int(port[1])}", provider)
            async with running.client, running.http:
                yield running
        finally:
            if process.poll() is None:
                process.kill()
            rest = await asyncio.to_thread(process.stdout.read)
            await asyncio.to_thread(process.wait)
            process.stdout.close()
            assert b"Traceback" not in rest, rest.decode()


async def test_running_streams_finish_and_new_requests_are_refused(tmp_path):
    async with served(tmp_path, drain=10) as road:
        road.provider.set_latency(Latency(tokens_per_second=30))
        streams = [await road.begin(SHORT) for _ in range(5)]
        await asyncio.gather(*(stream.first() for stream in streams))
        road.signal()
        await road.draining()
        assert (await road.http.get("/livez")).status_code == 200
        with pytest.raises(openai.InternalServerError) as caught:
            await road.client.chat.completions.create(model="fast", messages=HELLO)
        assert caught.value.status_code == 503
        assert caught.value.response.headers["retry-after"] == "1"
        ends = await asyncio.gather(*(stream.rest() for stream in streams))
        assert set(ends) <= {"stop", "length"}
        assert await road.exit_code(5) == 0
        assert road.provider.outcomes[Outcome.CALLER_LEFT] == 0


async def test_a_whole_answer_is_waited_for(tmp_path):
    async with served(tmp_path, drain=10) as road:
        road.provider.set_latency(Latency(first_token=0.5))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(
                road.client.chat.completions.create(model="fast", messages=HELLO)
            )
            async with asyncio.timeout(5):
                await road.provider.until(lambda lab: lab.received)
            road.signal()
        assert task.result().choices[0].finish_reason == "stop"
        assert await road.exit_code(5) == 0


async def test_streams_over_the_bound_end_with_an_error_event(tmp_path):
    async with served(tmp_path, drain=0.3) as road:
        road.provider.set_latency(Latency(tokens_per_second=50))
        streams = [await road.begin(LONG) for _ in range(5)]
        await asyncio.gather(*(stream.first() for stream in streams))
        road.signal()
        for stream in streams:
            with pytest.raises(openai.APIError) as caught:
                await stream.rest()
            assert not isinstance(caught.value, openai.APIConnectionError)
            assert "shutting down" in caught.value.message
        assert await road.exit_code(5) == 0
        async with asyncio.timeout(1):
            await road.provider.until(lambda lab: lab.outcomes[Outcome.CALLER_LEFT] == 5)


async def test_what_waits_over_the_bound_gets_a_503(tmp_path):
    async with served(tmp_path, drain=0.3) as road:
        road.provider.set_latency(Latency(first_token=30))
        asked = [
            asyncio.ensure_future(
                road.client.chat.completions.create(model="fast", messages=HELLO, stream=stream)
            )
            for stream in (False, True)
        ]
        async with asyncio.timeout(5):
            await road.provider.until(lambda lab: len(lab.received) == 2)
        road.signal()
        for result in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(result, openai.InternalServerError)
            assert result.status_code == 503
        assert await road.exit_code(5) == 0


async def test_a_second_signal_hurries(tmp_path):
    async with served(tmp_path, drain=60) as road:
        road.provider.set_latency(Latency(tokens_per_second=50))
        stream = await road.begin(LONG)
        await stream.first()
        road.signal()
        await road.draining()
        road.signal(signal.SIGINT)
        with pytest.raises(openai.APIError, match="shutting down"):
            await stream.rest()
        assert await road.exit_code(5) == 0


async def test_a_caller_who_does_not_read_does_not_hold_up_the_end(tmp_path):
    async with served(tmp_path, drain=0.3) as road:
        host, port = road.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        body = json.dumps({"model": "fast", "stream": True, "messages": HELLO}).encode()
        road.provider.arm("endless")
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n")
        await asyncio.sleep(0.3)
        road.signal()
        assert await road.exit_code(10) == 0
        writer.transport.abort()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_gateway_ends_at_once(tmp_path, number):
    async with served(tmp_path, drain=60) as road:
        assert (await road.http.get("/readyz")).status_code == 200
        road.signal(number)
        assert await road.exit_code(3) == 0
