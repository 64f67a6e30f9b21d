"""Callers who are slow, who leave, and who are too many: nobody waits for them for ever."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
from pathlib import Path

import pytest

from antiphon.simulator import Latency, Outcome
from tests.server.raw import Raw, chat_body, connected, request
from tests.server.stage import HELLO, Stage, stage

HASTY = {"deadlines": {"headers": 0.3, "body": 0.3, "write_stall": 0.4, "keep_alive": 0.3}}
SOON = 3
"""Seconds in which a deadline of 0.3 s and the moment for a last word must be over."""


@pytest.fixture
async def hasty(tmp_path):
    async with stage(tmp_path, server=HASTY) as running:
        yield running


async def drip(raw: Raw, data: bytes, pause: float = 0.05) -> None:
    """A byte now and then, until the gateway has had enough."""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            await raw.send(bytes([byte]))
            await asyncio.sleep(pause)


async def until(holds, seconds: float = SOON) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  nobody tells a test when it does
            await asyncio.sleep(0.005)


def left(road: Stage, count: int = 1):
    return lambda: road.first.outcomes[Outcome.CALLER_LEFT] >= count


# ------------------------------------------------------------------ slow to send


@pytest.mark.parametrize("at", [1, 20, 60])
async def test_a_head_that_comes_a_byte_at_a_time(hasty, at):
    async with asyncio.timeout(SOON), connected(hasty) as raw, asyncio.TaskGroup() as group:
        await raw.send(request()[:at])
        group.create_task(drip(raw, request()[at:]))
        answer = await raw.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert hasty.first.requests == 0


@pytest.mark.parametrize("framing", ["sized", "chunked"])
async def test_a_body_that_comes_a_byte_at_a_time(hasty, framing):
    line = "Content-Length: 1000" if framing == "sized" else "Transfer-Encoding: chunked"
    trickle = b" " * 100 if framing == "sized" else b"1\r\n \r\n" * 20
    async with asyncio.timeout(SOON), connected(hasty) as raw, asyncio.TaskGroup() as group:
        await raw.send(request(b"", line))
        group.create_task(drip(raw, trickle))
        answer = await raw.response()
        assert answer.status == 408
        assert answer.error["code"] == "request_timeout"
        assert await raw.is_closed()
    assert hasty.first.requests == 0
    assert not hasty.gateway.pipeline.live


async def test_a_body_that_does_not_come(hasty):
    async with connected(hasty) as raw:
        await raw.send(request(b"", "Content-Length: 10"))
        assert (await raw.response()).status == 408
        assert await raw.is_closed()


async def test_a_large_body_that_comes_steadily_has_its_time(hasty):
    body = chat_body(messages=[{"role": "user", "content": "x" * 200_000}])
    async with connected(hasty) as raw:
        await raw.send(request(b"", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 20_000):
            await raw.send(body[start : start + 20_000])
            await asyncio.sleep(0.06)
        assert (await raw.response()).status == 200


async def test_connections_without_a_word_are_closed(hasty):
    async with connected(hasty) as silent, connected(hasty) as kept:
        await kept.send(request())
        assert (await kept.response()).status == 200
        assert await silent.is_closed()
        assert await kept.is_closed()


async def test_the_others_are_served_while_many_are_slow(hasty):
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for number in range(100):
            raw = await stack.enter_async_context(connected(hasty))
            group.create_task(drip(raw, request()[: 20 + number]))
        for _ in range(20):
            answer = await hasty.client.chat.completions.create(model="fast", messages=HELLO)
            assert answer.choices
    assert not hasty.gateway.pipeline.live


# ------------------------------------------------------------------ slow to read


def narrow(raw: Raw) -> None:
    """Take as little as the operating system lets one take."""
    raw.writer.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
    )
    raw.writer.transport.pause_reading()


def memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def test_who_reads_nothing_of_a_stream_is_dropped(hasty):
    async with connected(hasty) as raw:
        narrow(raw)
        hasty.first.set_latency(Latency(tokens_per_second=1e9))
        said = [{"role": "user", "content": "[tokens: 400000]"}]
        await raw.send(request(chat_body(stream=True, messages=said)))
        await until(left(hasty), 8)
        await until(lambda: not hasty.gateway.pipeline.live)


async def test_who_reads_nothing_holds_the_provider_back(tmp_path):
    """An endless answer stays with the provider: kernel buffers are all that it fills."""
    server = {"deadlines": {"write_stall": 60}}
    async with stage(tmp_path, server=server) as road, connected(road) as raw:
        narrow(raw)
        road.first.arm("endless")
        await raw.send(request(chat_body(stream=True)))
        await until(lambda: road.first.received)
        await asyncio.sleep(0.3)
        before = memory()
        await asyncio.sleep(0.5)
        assert memory() - before < 8 << 20
        assert len(road.gateway.pipeline.live) == 1
        raw.abort()
        await until(lambda: not road.gateway.pipeline.live)
        assert left(road)() or road.first.outcomes[Outcome.BROKEN]


async def test_a_slow_reader_gets_everything(tmp_path):
    async with stage(tmp_path, server=HASTY) as road, connected(road) as raw:
        body = chat_body(stream=True, messages=[{"role": "user", "content": "[tokens: 20000]"}])
        await raw.send(request(body, "Connection: close"))
        got = b""
        while piece := await raw.reader.read(50_000):
            got += piece
            await asyncio.sleep(0.005)
        assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


# ------------------------------------------------------------------ who leave


async def test_who_leaves_in_the_head(road):
    for size in (1, 10, 50, 90):
        async with connected(road) as raw:
            await raw.send(request()[:size])
            raw.abort()
    assert (await road.client.chat.completions.create(model="fast", messages=HELLO)).choices


async def test_who_leaves_in_the_body(road):
    async with connected(road) as raw:
        await raw.send(request()[:-10])
        raw.abort()
    assert (await road.client.chat.completions.create(model="fast", messages=HELLO)).choices
    assert road.first.requests == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", ["abort", "close", "half"])
async def test_who_leaves_while_waiting(road, stream, how):
    road.first.set_latency(Latency(first_token=30))
    async with connected(road) as raw:
        await raw.send(request(chat_body(stream=stream)))
        await until(lambda: road.first.received)
        if how == "abort":
            raw.abort()
        elif how == "half":
            raw.writer.write_eof()
        else:
            raw.writer.close()
        await until(left(road), 1)
        await until(lambda: not road.gateway.pipeline.live, 1)
    assert "client_closed" in metrics(road)


def metrics(road: Stage) -> str:
    return road.gateway.metrics.exposition().decode()


async def test_who_leaves_inside_a_stream(road):
    road.first.set_latency(Latency(tokens_per_second=50))
    async with connected(road) as raw:
        body = chat_body(stream=True, messages=[{"role": "user", "content": "[tokens: 4000]"}])
        await raw.send(request(body))
        assert (await raw.head()).status == 200
        await raw.reader.readuntil(b"content")
        raw.abort()
        await until(left(road), 1)
        await until(lambda: not road.gateway.pipeline.live, 1)


async def test_who_leaves_at_the_end_of_a_stream(road):
    """The answer was whole: it counts as such, whoever hangs up first."""
    for _ in range(20):
        async with connected(road) as raw:
            await raw.send(request(chat_body(stream=True)))
            await raw.reader.readuntil(b"[DONE]")
            raw.abort()
    await until(lambda: not road.gateway.pipeline.live)
    await until(lambda: road.first.outcomes[Outcome.ANSWERED] == 20)
    assert "client_closed" not in metrics(road)


async def test_who_leaves_during_a_backoff(tmp_path):
    models = {"fast": {"deployments": ["one/sim-small"], "retry": {"attempts": 3, "backoff": 30}}}
    async with stage(tmp_path, models=models) as road, connected(road) as raw:
        road.first.arm("server-error")
        await raw.send(request())
        await until(lambda: road.first.outcomes[Outcome.ANSWERED])
        await until(lambda: len(road.gateway.pipeline.live) == 1)
        raw.abort()
        await until(lambda: not road.gateway.pipeline.live, 1)
        assert road.first.requests == 1


# ------------------------------------------------------------------ who do not wait their turn


async def test_of_pipelined_requests_the_first_is_answered(road):
    async with connected(road) as raw:
        await raw.send(request() + request(chat_body(model="both")) + request())
        assert (await raw.response()).status == 200
        assert await raw.is_closed()
    assert road.first.requests == 1


async def test_a_request_sent_during_another_is_ignored(road):
    road.first.set_latency(Latency(first_token=0.1))
    async with connected(road) as raw:
        await raw.send(request())
        await until(lambda: road.first.received)
        await raw.send(request())
        assert (await raw.response()).status == 200
        assert await raw.is_closed()
    assert road.first.requests == 1


async def test_garbage_behind_a_running_stream_changes_nothing(road):
    road.first.set_latency(Latency(tokens_per_second=500))
    async with connected(road) as raw:
        await raw.send(request(chat_body(stream=True)))
        await raw.head()
        for _ in range(5):
            await raw.send(b"\x00garbage\r\n\r\n" * 1000)
        assert (await raw.rest()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert road.first.outcomes[Outcome.ANSWERED] == 1


# ------------------------------------------------------------------ too many


async def test_one_connection_too_many_gets_a_503(tmp_path):
    async with stage(tmp_path, server={"max_connections": 3}) as road:
        async with contextlib.AsyncExitStack() as stack:
            raws = [await stack.enter_async_context(connected(road)) for _ in range(4)]
            await raws[3].send(request())
            answer = await raws[3].response()
            assert (answer.status, answer.error["code"]) == (503, "overloaded")
            assert answer.headers["retry-after"] == "1"
            assert await raws[3].is_closed()
            await raws[0].send(request())
            assert (await raws[0].response()).status == 200
        await asyncio.sleep(0)
        assert (await road.client.chat.completions.create(model="fast", messages=HELLO)).choices


async def test_one_request_too_many_gets_a_503(tmp_path):
    async with stage(tmp_path, limits={"concurrency": 2}) as road:
        road.first.set_latency(Latency(first_token=0.2))
        results = await asyncio.gather(
            *(
                road.http.post("/v1/chat/completions", json={"model": "fast", "messages": HELLO})
                for _ in range(5)
            )
        )
        refused = [each for each in results if each.status_code == 503]
        assert len(refused) == 3
        for each in refused:
            assert each.headers["retry-after"] == "1"
            assert each.json()["error"]["code"] == "overloaded"
        assert road.first.requests == 2
        assert (await road.client.chat.completions.create(model="fast", messages=HELLO)).choices


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_nothing_is_left_of_many(hasty):
    """Connections that are opened, used and dropped in every way: no descriptor, no task."""

    async def visit(number: int) -> None:
        async with connected(hasty) as raw:
            with contextlib.suppress(ConnectionError):
                match number % 6:
                    case 0:
                        await raw.send(request())
                        await raw.response()
                    case 1:
                        await raw.send(request(chat_body(stream=True)))
                        await raw.head()
                        raw.abort()
                    case 2:
                        await raw.send(request()[:-5])
                        raw.abort()
                    case 3:
                        await raw.send(b"garbage\r\n\r\n")
                        await raw.response()
                    case 4:
                        await raw.send(request(chat_body(stream=True), "Connection: close"))
                        await raw.rest()
                    case _:
                        raw.abort()

    async def settled() -> tuple[int, int]:
        await until(lambda: not hasty.gateway.pipeline.live)
        await asyncio.sleep(1.5)
        gc.collect()
        return descriptors(), len(asyncio.all_tasks())

    await asyncio.gather(*(visit(number) for number in range(60)))
    before = await settled()
    for _ in range(5):
        await asyncio.gather(*(visit(number) for number in range(60)))
    after = await settled()
    # The pool of connections to the provider may hold a few more or fewer.
    assert abs(after[0] - before[0]) <= 2 * 60
    assert after[1] <= before[1] + hasty.gateway.transport.open
    callers = after[0] - 2 * hasty.gateway.transport.open
    assert callers <= before[0]
