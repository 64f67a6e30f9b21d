"""HTTP as callers of all kinds speak it, and what is kept of it."""

import asyncio
import ssl

import pytest
import trustme
import uvloop
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from antiphon.simulator import Latency, Outcome, Simulator, SimulatorSpec
from tests.simulator.callers import called, chat_request


async def test_requests_are_kept_byte_for_byte(simulator: Simulator) -> None:
    body = b'{ "model":"sim-small",\n "messages":[{"role":"user","content":"\xc3\xa9"}], "x" : 1.0}'
    head = b"POST /v1/chat/completions?a=%20b HTTP/1.1\r\nHOST: lab\r\nX-Two: 1\r\nx-two: 2\r\n"
    async with called(simulator) as (reader, writer):
        for at in range(0, len(head), 7):
            writer.write(head[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"transfer-encoding: chunked\r\n\r\n5\r\n" + body[:5] + b"\r\n")
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body) - 5, body[5:]))
        await reader.readuntil(b"\r\n\r\n")
    [kept] = simulator.received
    assert kept.body == body
    assert kept.target == "/v1/chat/completions?a=%20b"
    assert kept.path == "/v1/chat/completions"
    assert kept.headers[:3] == ((b"HOST", b"lab"), (b"X-Two", b"1"), (b"x-two", b"2"))
    assert kept.header(b"x-two") == b"1"
    assert kept.outcome is Outcome.ANSWERED


async def test_only_the_last_requests_are_kept() -> None:
    async with Simulator(SimulatorSpec(keep=2)) as lab:
        for _ in range(3):
            async with called(lab) as (reader, writer):
                writer.write(chat_request())
                await reader.read()
        assert [one.serial for one in lab.received] == [2, 3]
        assert lab.requests == 3
        lab.forget()
        assert lab.received == ()


async def test_pipelined_requests_are_answered_in_order(simulator: Simulator) -> None:
    simulator.set_latency(Latency(first_token=0.01))
    async with called(simulator) as (reader, writer):
        for number in range(3):
            writer.write(chat_request(text=f"[say: {number}]", close=False))
        many = 2000
        await simulator.until(lambda lab: lab.requests == 1)
        simulator.set_latency("instant")
        for _ in range(many):
            writer.write(b"GET /health HTTP/1.1\r\nhost: lab\r\n\r\n")
        writer.write(chat_request(text="[say: last]"))
        answer = await reader.read()
    assert answer.count(b'"status":"ok"') == many
    places = [answer.index(b'"content":"%b"' % said) for said in (b"0", b"1", b"2", b"last")]
    assert places == sorted(places)
    assert simulator.connections == 1
    assert {one.connection for one in simulator.received} == {1}


async def test_a_large_body_is_expected(simulator: Simulator) -> None:
    request = chat_request(text="x" * 3_000_000).replace(
        b"host: lab\r\n", b"host: lab\r\nexpect: 100-continue\r\n"
    )
    head, _, body = request.partition(b"\r\n\r\n")
    async with called(simulator) as (reader, writer):
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
    assert simulator.received[0].body == body


@pytest.mark.parametrize("garbage", [b"hello\r\n\r\n", b"\x16\x03\x01\x00\xa5", b"GET\r\n\r\n"])
async def test_what_is_no_http_is_refused(simulator: Simulator, garbage: bytes) -> None:
    async with called(simulator) as (reader, writer):
        writer.write(garbage)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_a_body_without_end_is_refused(simulator: Simulator) -> None:
    async with called(simulator) as (reader, writer):
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n")
        block = bytes(1024 * 1024)
        for _ in range(66):
            writer.write(block)
            await asyncio.sleep(0)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 413 ")


async def test_a_head_has_no_body(simulator: Simulator) -> None:
    async with DefaultAsyncHttpxClient() as http:
        answer = await http.head(f"{simulator.url}/health")
    assert answer.status_code == 404
    assert answer.content == b""


async def test_health_needs_no_key(simulator: Simulator) -> None:
    simulator.set_keys(frozenset())
    async with DefaultAsyncHttpxClient() as http:
        answer = await http.get(f"{simulator.url}/health")
    assert answer.json() == {"status": "ok", "simulator": "lab"}


async def test_a_caller_who_leaves_is_noticed(simulator: Simulator) -> None:
    simulator.set_latency(Latency(first_token=0, tokens_per_second=200))
    async with called(simulator) as (reader, writer):
        writer.write(chat_request(text="[tokens: 4000]", stream=True))
        await reader.readuntil(b'"content":" ')
    async with asyncio.timeout(5):
        await simulator.until(lambda lab: lab.outcomes[Outcome.CALLER_LEFT] == 1)
        await simulator.until(lambda lab: lab.open_connections == 0)
    assert simulator.received[0].outcome is Outcome.CALLER_LEFT
    await simulator.until(lambda lab: lab.running == 0)


async def test_a_slow_reader_holds_the_stream_up(simulator: Simulator) -> None:
    simulator.set_latency(Latency(first_token=0.001))
    async with called(simulator, limit=1024) as (reader, writer):
        writer.write(chat_request(text="[tokens: 200000]", stream=True))
        await reader.readuntil(b"\r\n\r\n")
        rest = 0
        while simulator.received[0].outcome is Outcome.OPEN:
            rest += len(await reader.read(65536))
        assert rest > 20_000_000
        assert await reader.read()
    assert simulator.received[0].outcome is Outcome.ANSWERED


async def test_latency_follows_the_profile() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    spec = SimulatorSpec(latency=Latency(first_token=0.5, tokens_per_second=10, jitter=0.1))
    async with Simulator(spec, sleep=sleep) as lab:
        async with called(lab) as (reader, writer):
            writer.write(chat_request(text="[tokens: 30]"))
            await reader.read()
        [whole] = slept
        assert whole == pytest.approx(3.5, rel=0.1)
        assert whole != 3.5
        slept.clear()
        async with called(lab) as (reader, writer):
            writer.write(chat_request(text="[tokens: 30]", stream=True))
            await reader.read()
    assert slept[0] == pytest.approx(0.5, rel=0.1)
    assert len(slept) > 10
    # Each word is rounded up to whole tokens, so a stream is a little slower.
    assert 3.0 < sum(slept[1:]) < 6.0


async def test_closing_drops_everybody() -> None:
    lab = Simulator()
    await lab.start()
    async with called(lab) as (reader, writer), called(lab) as (idle, _):
        writer.write(chat_request("fault:stall"))
        await lab.until(lambda lab: lab.requests == 1 and lab.open_connections == 2)
        await lab.close()
        assert (lab.open_connections, lab.running) == (0, 0)
        assert lab.received[0].outcome is Outcome.BROKEN
        assert await reader.read() == await idle.read() == b""
    await lab.start()
    async with called(lab) as (reader, writer):
        writer.write(chat_request())
        assert b"200 OK" in await reader.read()
    await lab.close()


async def test_it_speaks_tls() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with Simulator(ssl_context=server) as lab:
        assert lab.base_url.startswith("https://127.0.0.1:")
        async with (
            DefaultAsyncHttpxClient(verify=trusting) as http,
            AsyncOpenAI(base_url=lab.base_url, api_key="any", http_client=http) as client,
        ):
            models = [model.id async for model in client.models.list()]
        assert models
        async with called(lab, ssl=trusting) as (reader, writer):
            writer.write(chat_request("fault:reset"))
            with pytest.raises(ConnectionResetError):
                await reader.read()


def test_it_runs_on_uvloop() -> None:
    async def main() -> None:
        async with Simulator(SimulatorSpec(latency=Latency(first_token=0.001))) as lab:
            for name, seen in (("x", b"HTTP/1.1 200"), ("fault:cut", b"HTTP/1.1 200")):
                async with called(lab) as (reader, writer):
                    writer.write(chat_request(name, stream=True))
                    assert (await reader.read()).startswith(seen)
            async with called(lab) as (reader, writer):
                writer.write(chat_request("fault:reset"))
                with pytest.raises(ConnectionResetError):
                    await reader.read()
        assert (lab.open_connections, lab.running) == (0, 0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
