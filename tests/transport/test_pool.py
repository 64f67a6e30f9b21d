"""Which connection a call gets, who waits for one, and which are thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from antiphon.errors import ConnectFailed, UpstreamBroken, UpstreamError, UpstreamTimeout
from antiphon.providers.transport import Answer, Origin
from tests.transport.conftest import Bench
from tests.transport.hostile import (
    STREAM_HEAD,
    Handler,
    Peer,
    chunk,
    chunked,
    says,
    says_and_closes,
    sized,
)


class Gate:
    """A server that answers when it is told to, and says which connection each call came on."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Peer] = asyncio.Queue()
        self.peers: list[Peer] = []

    async def handler(self, peer: Peer) -> None:
        self.peers.append(peer)
        while await peer.request():
            self.waiting.put_nowait(peer)
            await peer.gone.wait()
            peer.gone.clear()

    async def answer(self) -> None:
        peer = await self.waiting.get()
        await peer.say(sized(b"%d" % self.peers.index(peer)))
        peer.gone.set()


async def finish(answer: Answer) -> bytes:
    await answer.head()
    return await answer.whole()


async def test_a_connection_is_used_again(bench: Bench) -> None:
    server = await bench.serve(says(sized(), chunked(b"hello")))
    facts: list[bool] = []
    for stream in (False, True, False):
        answer = await bench.transport.send(bench.call(server, stream=stream))
        facts.append(answer.reused)
        assert await finish(answer) == b"hello"
    transport = bench.transport
    assert facts == [False, True, True]
    assert (transport.created, transport.reused, transport.open, transport.idle) == (1, 2, 1, 1)


async def test_closing_a_complete_answer_keeps_its_connection(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    answer = await bench.transport.send(bench.call(server))
    await answer.head()
    assert bench.transport.idle == 1
    answer.close()
    answer.close()
    assert await answer.whole() == b"hello"
    assert bench.transport.idle == 1


async def test_the_last_one_released_is_the_first_one_taken(bench: Bench) -> None:
    gate = Gate()
    server = await bench.serve(gate.handler)
    answers = [await bench.transport.send(bench.call(server)) for _ in range(3)]
    for answer in answers:
        await gate.answer()
        last = await finish(answer)
    assert bench.transport.idle == 3
    for _ in range(3):
        answer = await bench.transport.send(bench.call(server))
        await gate.answer()
        assert await finish(answer) == last
    assert bench.transport.created == 3


async def test_origins_share_nothing(bench: Bench) -> None:
    one, two = await bench.serve(says(sized(b"1"))), await bench.serve(says(sized(b"2")))
    for _ in range(3):
        assert await bench.whole(one) == b"1"
        assert await bench.whole(two) == b"2"
    assert (one.connections, two.connections, bench.transport.idle) == (1, 1, 2)


async def test_an_idle_connection_expires(bench: Bench) -> None:
    bench.bind(idle_seconds=0.05)
    server = await bench.serve(says(sized()))
    for _ in range(2):
        await bench.whole(server)
        assert bench.transport.open == 1
        await bench.until(lambda: bench.transport.open == 0)
        assert bench.transport.idle == 0
    assert server.connections == 2


async def test_a_busy_connection_does_not_expire(bench: Bench) -> None:
    bench.bind(idle_seconds=0.03)
    gate = Gate()
    server = await bench.serve(gate.handler)
    for _ in range(2):
        answer = await bench.transport.send(bench.call(server))
        await asyncio.sleep(0.05)
        await gate.answer()
        assert await finish(answer) == b"0"
    assert server.connections == 1


async def test_idle_connections_have_a_bound(bench: Bench) -> None:
    bench.bind(idle_per_origin=2)
    gate = Gate()
    server = await bench.serve(gate.handler)
    answers = [await bench.transport.send(bench.call(server)) for _ in range(5)]
    for answer in answers:
        await gate.answer()
        await finish(answer)
    await bench.until(lambda: bench.transport.open == 2)
    assert bench.transport.idle == 2


async def test_calls_beyond_the_bound_wait_their_turn(bench: Bench) -> None:
    bench.bind(connections_per_origin=2)
    gate = Gate()
    server = await bench.serve(gate.handler)
    order: list[int] = []

    async def one(number: int) -> None:
        answer = await bench.transport.send(bench.call(server))
        order.append(number)
        await finish(answer)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(one(number))
            await asyncio.sleep(0)
        for _ in range(6):
            assert bench.transport.open <= 2
            await gate.answer()
    assert order[2:] == [2, 3, 4, 5]
    assert sorted(order[:2]) == [0, 1]
    assert server.connections == 2


async def test_a_waiting_call_gets_the_place_of_a_broken_connection(bench: Bench) -> None:
    bench.bind(connections_per_origin=1)
    server = await bench.serve(
        says_and_closes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello")
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_code_of(bench.whole(server))) for _ in range(4)]
    assert [task.result() for task in tasks] == ["truncated"] * 4
    assert server.connections == 4


async def test_the_queue_has_a_bound(bench: Bench) -> None:
    bench.bind(connections_per_origin=1, queue=1)
    gate = Gate()
    server = await bench.serve(gate.handler)
    first = await bench.transport.send(bench.call(server))
    async with asyncio.TaskGroup() as group:
        second = group.create_task(bench.transport.send(bench.call(server)))
        await asyncio.sleep(0)
        with pytest.raises(UpstreamError) as caught:
            await bench.transport.send(bench.call(server))
        assert caught.value.code == "pool_exhausted"
        await gate.answer()
        await finish(first)
    await gate.answer()
    assert await finish(second.result()) == b"0"


async def test_waiting_for_a_connection_is_bound_by_the_connect_deadline(bench: Bench) -> None:
    bench.bind(connections_per_origin=1)
    gate = Gate()
    server = await bench.serve(gate.handler)
    first = await bench.transport.send(bench.call(server))
    with pytest.raises(UpstreamTimeout) as caught:
        await bench.transport.send(bench.call(server, connect=0.03))
    assert caught.value.code == "connect_timeout"
    assert "127.0.0.1" not in caught.value.message
    with pytest.raises(UpstreamTimeout) as caught:
        await bench.transport.send(bench.call(server, total=0.03))
    assert caught.value.code == "total_timeout"
    await gate.answer()
    assert await finish(first) == b"0"


async def test_a_cancelled_waiter_loses_nothing(bench: Bench) -> None:
    bench.bind(connections_per_origin=1)
    gate = Gate()
    server = await bench.serve(gate.handler)
    first = await bench.transport.send(bench.call(server))
    waiting = [asyncio.ensure_future(bench.transport.send(bench.call(server))) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await gate.answer()
    await finish(first)
    second = await waiting[1]
    await gate.answer()
    await finish(second)
    third = await waiting[2]
    await gate.answer()
    assert await finish(third) == b"0"
    assert waiting[0].cancelled()
    assert bench.transport.idle == 1


async def test_a_waiter_cancelled_as_it_is_served_passes_it_on(bench: Bench) -> None:
    bench.bind(connections_per_origin=1)
    gate = Gate()
    server = await bench.serve(gate.handler)
    first = await bench.transport.send(bench.call(server))
    waiting = [asyncio.ensure_future(bench.transport.send(bench.call(server))) for _ in range(2)]
    await asyncio.sleep(0)
    (pool,) = bench.transport._pools.values()
    (served, _) = tuple(pool._waiters)
    _cancel_between(served, waiting[0])
    await gate.answer()
    await finish(first)
    second = await waiting[1]
    await gate.answer()
    assert await finish(second) == b"0"
    assert waiting[0].cancelled()
    assert (bench.transport.created, bench.transport.idle) == (1, 1)


async def test_a_waiter_cancelled_with_leave_to_open_passes_it_on(bench: Bench) -> None:
    bench.bind(connections_per_origin=1)
    server = await bench.serve(Gate().handler)
    first = await bench.transport.send(bench.call(server))
    waiting = [asyncio.ensure_future(bench.transport.send(bench.call(server))) for _ in range(2)]
    await asyncio.sleep(0)
    (pool,) = bench.transport._pools.values()
    (served, _) = tuple(pool._waiters)
    _cancel_between(served, waiting[0])
    first.close()
    second = await waiting[1]
    assert waiting[0].cancelled()
    second.close()
    await bench.until(lambda: bench.transport.open == 0)
    assert pool._opening == 0


async def _then_closes(peer: Peer) -> None:
    await peer.request()
    await peer.say(sized())
    await asyncio.sleep(0.01)
    peer.close()


async def _then_resets(peer: Peer) -> None:
    await peer.request()
    await peer.say(sized())
    await asyncio.sleep(0.01)
    peer.reset()


async def _then_babbles(peer: Peer) -> None:
    await peer.request()
    await peer.say(sized())
    await asyncio.sleep(0.01)
    await peer.say(sized(b"yours?"))
    await peer.left()


@pytest.mark.parametrize("handler", [_then_closes, _then_resets, _then_babbles])
async def test_an_idle_connection_that_stirs_is_dropped(bench: Bench, handler: Handler) -> None:
    server = await bench.serve(handler)
    for number in range(1, 4):
        assert await bench.whole(server) == b"hello"
        await bench.until(lambda: bench.transport.open == 0)
        assert bench.transport.idle == 0
        assert server.connections == number


@pytest.mark.parametrize(
    "answer",
    [
        sized(extra=b"Connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        sized() + sized(b"a whole answer to nobody"),
        sized() + b"HTTP/1.1 200 OK\r\nX: ",
        sized() + b"H",
        sized() + b"\x00",
        sized(extra=b"Connection: close\r\n") + b"more",
        chunked(b"hello") + chunked(b"smuggled"),
    ],
    ids=["close", "1.0", "answer", "half", "letter", "nul", "closed-more", "chunked"],
)
async def test_what_is_not_to_be_used_again(bench: Bench, answer: bytes) -> None:
    server = await bench.serve(says(answer))
    for number in range(1, 4):
        assert await bench.whole(server) == b"hello"
        assert bench.transport.idle == 0
        assert server.connections == number


async def test_an_answer_before_the_request_was_sent_ends_the_connection(bench: Bench) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(sized(b"too large", status="413 Content Too Large"))
        await asyncio.sleep(0.01)
        await peer.left()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, b"x" * 20_000_000))
    assert (head := await answer.head()) is not None
    assert head.status == 413
    assert await answer.whole() == b"too large"
    assert bench.transport.idle == 0


class TestStale:
    """A reused connection that closes before a word of the answer."""

    @staticmethod
    def closes_at_second(*, reset: bool, word: bytes = b"") -> Handler:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.say(sized(b"first"))
            if await peer.request():
                await peer.say(word)
            if reset:
                await asyncio.sleep(0.005)
                peer.reset()
            else:
                peer.close()

        return handler

    @pytest.mark.parametrize("reset", [False, True], ids=["eof", "rst"])
    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
    @pytest.mark.parametrize("size", [10, 3_000_000])
    async def test_is_replaced_once(
        self, bench: Bench, reset: bool, stream: bool, size: int
    ) -> None:
        server = await bench.serve(self.closes_at_second(reset=reset))
        assert await bench.whole(server) == b"first"
        answer = await bench.transport.send(bench.call(server, b"x" * size, stream=stream))
        assert answer.reused
        assert (head := await answer.head()) is not None
        assert head.status == 200
        assert not answer.reused
        assert await answer.whole() == b"first"
        assert server.connections == 2

    async def test_is_replaced_when_the_body_is_asked_for_first(self, bench: Bench) -> None:
        server = await bench.serve(self.closes_at_second(reset=False))
        for ask in (Answer.whole, Answer.read):
            await bench.whole(server)
            answer = await bench.transport.send(bench.call(server))
            assert await ask(answer) == b"first"
            answer.close()
            await bench.until(lambda: bench.transport.idle == 1)
            (pool,) = bench.transport._pools.values()
            next(iter(pool._idle)).abort()

    async def test_is_replaced_by_a_fresh_one_not_by_the_next_stale_one(self, bench: Bench) -> None:
        gate = Gate()
        stale = asyncio.Event()

        async def handler(peer: Peer) -> None:
            if server.connections <= 3:
                await peer.request()
                gate.waiting.put_nowait(peer)
                await peer.request()
                peer.close()
            else:
                stale.set()
                await says(sized(b"fresh"))(peer)

        server = await bench.serve(handler)
        answers = [await bench.transport.send(bench.call(server)) for _ in range(3)]
        for _ in answers:
            peer = await gate.waiting.get()
            await peer.say(sized(b"old"))
        for answer in answers:
            await finish(answer)
        assert bench.transport.idle == 3
        assert await bench.whole(server) == b"fresh"
        assert stale.is_set()
        assert server.connections == 4

    @pytest.mark.parametrize(
        ("word", "reset", "code"),
        [(b"H", False, "truncated"), (b"H", True, "reset"), (STREAM_HEAD, False, "truncated")],
    )
    async def test_is_not_replaced_once_it_said_a_word(
        self, bench: Bench, word: bytes, reset: bool, code: str
    ) -> None:
        server = await bench.serve(self.closes_at_second(reset=reset, word=word))
        await bench.whole(server)
        assert await _code_of(bench.whole(server)) == code
        assert server.connections == 1

    async def test_its_replacement_is_not_replaced(self, bench: Bench) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            if server.connections == 1:
                await peer.say(sized())
                await peer.request()
            peer.close()

        server = await bench.serve(handler)
        await bench.whole(server)
        assert await _code_of(bench.whole(server)) == "closed"
        assert server.connections == 2

    async def test_its_replacement_may_be_refused(self, bench: Bench) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            server._server.close()
            await peer.say(sized())
            await peer.request()
            peer.close()

        server = await bench.serve(handler)
        await bench.whole(server)
        answer = await bench.transport.send(bench.call(server))
        for _ in range(2):
            with pytest.raises(ConnectFailed) as caught:
                await answer.head()
            assert caught.value.code == "connect_refused"

    async def test_a_full_pool_makes_room_for_the_replacement(self, bench: Bench) -> None:
        bench.bind(connections_per_origin=1)
        server = await bench.serve(self.closes_at_second(reset=False))
        await bench.whole(server)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(bench.whole(server)) for _ in range(4)]
        assert [task.result() for task in tasks] == [b"first"] * 4

    async def test_giving_up_while_it_is_replaced(self, bench: Bench) -> None:
        gate = Gate()

        async def handler(peer: Peer) -> None:
            await peer.request()
            if server.connections == 1:
                await peer.say(sized())
                await peer.request()
                peer.close()
            else:
                gate.waiting.put_nowait(peer)
                await peer.left()

        server = await bench.serve(handler)
        await bench.whole(server)
        answer = await bench.transport.send(bench.call(server))
        task = asyncio.ensure_future(answer.head())
        await gate.waiting.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await bench.until(lambda: bench.transport.open == 0)


async def test_giving_up_in_the_middle_closes_the_socket_at_once(bench: Bench) -> None:
    left = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(STREAM_HEAD + chunk(b"data: 1\n\n"))
        await peer.left()
        left.set()

    server = await bench.serve(handler)
    answer = await bench.transport.send(bench.call(server, stream=True))
    assert await answer.read() == b"data: 1\n\n"
    answer.close()
    answer.close()
    await asyncio.wait_for(left.wait(), 1)
    with pytest.raises(UpstreamBroken) as caught:
        await answer.read()
    assert caught.value.code == "closed"


@pytest.mark.parametrize("stage", ["head", "read", "whole", "send"])
async def test_cancelling_whoever_waits_closes_the_socket(bench: Bench, stage: str) -> None:
    left, heard = asyncio.Event(), asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        if stage in {"read", "whole"}:
            await peer.say(STREAM_HEAD)
        heard.set()
        if stage == "send":
            await asyncio.sleep(0.05)
        await peer.left()
        left.set()

    async def go() -> None:
        body = b"x" * (30_000_000 if stage == "send" else 10)
        answer = await bench.transport.send(bench.call(server, body, stream=stage != "head"))
        await answer.head()
        await answer.read() if stage == "read" else await answer.whole()

    server = await bench.serve(handler)
    task = asyncio.ensure_future(go())
    await heard.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(left.wait(), 1)
    await bench.until(lambda: bench.transport.open == 0)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_giving_up_at_any_step_of_connecting_leaves_nothing(
    bench: Bench, scheme: str
) -> None:
    server = await bench.serve(Gate().handler)
    origin = Origin(scheme, "localhost", server.origin.port)
    for steps in range(40):
        task = asyncio.ensure_future(bench.transport.send(bench.call(origin)))
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001 * (steps % 3))
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None:
            task.result().close()
        await bench.until(lambda: bench.transport.open == 0)
    (pool,) = bench.transport._pools.values()
    assert pool._opening == 0


class TestClosing:
    async def test_calls_under_way_fail_and_later_ones_too(self, bench: Bench) -> None:
        bench.bind(connections_per_origin=1)
        server = await bench.serve(Gate().handler)
        answer = await bench.transport.send(bench.call(server))
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_code_of(answer.head()))
            waiting = group.create_task(_code_of(bench.transport.send(bench.call(server))))
            await asyncio.sleep(0)
            await bench.transport.aclose()
        assert reading.result() == waiting.result() == "transport_closed"
        assert bench.transport.open == 0
        other = await bench.serve(says(sized()))
        for target in (server, other):
            assert await _code_of(bench.transport.send(bench.call(target))) == "transport_closed"
        await bench.transport.aclose()

    async def test_a_connection_in_the_making_is_closed_too(self, bench: Bench) -> None:
        server = await bench.serve(says(sized()))
        task = asyncio.ensure_future(_code_of(bench.transport.send(bench.call(server))))
        await asyncio.sleep(0)
        await bench.transport.aclose()
        assert bench.transport.open == 0
        assert await task == "transport_closed"

    async def test_a_transport_that_was_never_used(self, bench: Bench) -> None:
        await bench.transport.aclose()


def _cancel_between(served: asyncio.Future[object], task: asyncio.Task[object]) -> None:
    """Cancel the task after its future is set, before it wakes up."""
    loop = asyncio.get_running_loop()

    def look() -> None:
        if served.done():
            task.cancel()
        else:
            loop.call_soon(look)

    look()


async def _code_of(awaitable: Awaitable[object]) -> str:
    try:
        await awaitable
    except UpstreamError as error:
        return error.code
    return "ok"
