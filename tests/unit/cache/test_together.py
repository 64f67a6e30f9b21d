"""Key, memory, flights and replay in the order in which the pipeline uses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from antiphon.cache.config import CacheSettings, RouteCacheSettings
from antiphon.cache.directives import Wishes, wishes_of
from antiphon.cache.entry import Entry, Piece, pack
from antiphon.cache.errors import NotStored
from antiphon.cache.flight import END, Reader
from antiphon.cache.flights import Flights
from antiphon.cache.memory import ExactCache
from antiphon.cache.policy import CachePolicy
from antiphon.cache.replay import replay
from antiphon.cache.storable import Ending
from antiphon.cache.wall import Tenant
from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import ConnectFailed
from antiphon.model.reply import StopReason
from antiphon.wire.shallow import Members
from tests.unit.cache.loops import run

ANNA, BERT = Tenant("k1", "anna"), Tenant("k2", "bert")
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
DONE = b"data: [DONE]\n\n"


def frame(text: str | None, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    return b"data: %b\n\n" % json.dumps({**CHUNK, "choices": [choice]}).encode()


def whole(text: str, stop: str) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": stop}
    return json.dumps({**CHUNK, "object": "chat.completion", "choices": [choice]}).encode()


class Provider:
    """Gives numbered answers."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.stop = "stop"

    def pieces(self, *, stream: bool) -> list[bytes]:
        self.asked += 1
        if self.down:
            raise ConnectFailed("down", code="connect_failed")
        text = f"answer {self.asked}"
        if not stream:
            return [whole(text, self.stop)]
        return [frame(text, None), frame(None, self.stop), DONE]


class Asking:
    """A call on the account of a request."""

    def __init__(self, gateway: Gateway, key: bytes, payload: Payload, wishes: Wishes) -> None:
        self.gateway, self.key, self.payload, self.wishes = gateway, key, payload, wishes
        self.left: list[bytes] | None = None

    async def next(self) -> Piece:
        await asyncio.sleep(0.1)
        if self.left is None:
            self.left = self.gateway.provider.pieces(stream=self.payload.stream)
        return Piece.of(self.left.pop(0)) if self.left else END

    def landed(self, pieces: Sequence[Piece] | None) -> None:
        if pieces is not None:
            gateway = self.gateway
            stop = {"stop": StopReason.STOP, "length": StopReason.LENGTH}[gateway.provider.stop]
            now, keeps = gateway.clock.monotonic(), gateway.policy.keeps
            entry = Entry(self.payload.stream, *pack(pieces), now, keeps, stop=stop)
            gateway.cache.offer(self.key, entry, gateway.policy, self.wishes, Ending(stop))

    async def rest(self) -> None:
        """Nothing is behind it."""

    def close(self) -> None:
        """Nothing is open."""


class LoopClock:
    """The loop's time, and hours that a test adds."""

    def __init__(self) -> None:
        self.later = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.later

    def now(self) -> float:
        return 1.7e9 + self.monotonic()


class Gateway:
    """Looks up, shares and stores, as the pipeline will."""

    def __init__(self, flights: Flights[Asking], *, stale_for: float = 0, **route: object) -> None:
        self.clock = LoopClock()
        self.provider = Provider()
        self.policy = CachePolicy(
            RouteCacheSettings.model_validate(route),
            alias="fast",
            plan=b"plan",
            stale_for=stale_for,
        )
        self.cache = ExactCache(CacheSettings(), clock=self.clock)
        self.flights = flights

    async def ask(
        self, tenant: Tenant = ANNA, header: bytes | None = None, *, stream: bool = False
    ) -> tuple[str, bytes]:
        question = {"role": "user", "content": "How much?"}
        body = json.dumps({"model": "fast", "messages": [question], "stream": stream}).encode()
        payload = Payload(OPENAI_CHAT, Members.parse(body))
        wishes = wishes_of(header)
        key = self.policy.key(tenant, payload.dialect.name, payload.body)
        assert key is not None
        entry = self.cache.find(key, self.policy, wishes)
        told = None if entry is None else replay(entry, payload)
        if told is not None:
            return "hit", told
        if wishes.only:
            raise NotStored
        try:
            return await self.call(key, payload, wishes)
        except ConnectFailed:
            entry = self.cache.find_stale(key, self.policy, wishes)
            told = None if entry is None else replay(entry, payload)
            if told is None:
                raise
            return "stale", told

    async def call(self, key: bytes, payload: Payload, wishes: Wishes) -> tuple[str, bytes]:
        call = Asking(self, key, payload, wishes)
        if not (self.policy.share and wishes.shares):
            pieces = []
            while (piece := await call.next()) is not END:
                pieces.append(piece)
            call.landed(pieces)
            return "miss", b"".join(piece.shown for piece in pieces)
        reader = self.flights.join(key, lambda: call, stream=payload.stream)
        try:
            return await self.read(reader)
        finally:
            self.flights.leave(reader)

    async def read(self, reader: Reader[Asking]) -> tuple[str, bytes]:
        got = b""
        while (piece := await reader.next()) is not END:
            assert piece is not None
            got += piece.shown
        if reader.shared:
            self.policy.tally.shared += 1
        return ("shared" if reader.shared else "miss"), got


def served(**route: object):
    def wrap(test):
        def ran() -> None:
            async def main() -> None:
                async with Flights[Asking](most_held=1 << 18) as flights:
                    await test(Gateway(flights, **route))

            run(main)

        ran.__name__ = test.__name__
        return ran

    return wrap


@pytest.mark.parametrize("stream", [False, True])
def test_a_hundred_at_once_and_one_later(stream: bool):
    async def main() -> None:
        async with Flights[Asking](most_held=1 << 18) as flights:
            gateway = Gateway(flights)
            told = await asyncio.gather(*(gateway.ask(stream=stream) for _ in range(100)))
            assert sorted(how for how, _ in told) == ["miss"] + ["shared"] * 99
            assert len({answer for _, answer in told}) == 1
            assert await gateway.ask(stream=stream) == ("hit", told[0][1])
            assert gateway.provider.asked == 1
            tally = gateway.policy.tally
            assert (tally.hits, tally.misses, tally.shared, tally.stored) == (1, 100, 99, 1)

    run(main)


@served()
async def test_a_stored_stream_is_given_whole_and_the_other_way_round(gateway: Gateway):
    await gateway.ask(stream=True)
    how, answer = await gateway.ask()
    assert how == "hit"
    assert json.loads(answer)["choices"][0]["message"]["content"] == "answer 1"
    await gateway.ask(BERT)
    how, answer = await gateway.ask(BERT, stream=True)
    assert how == "hit"
    assert b"answer 2" in answer
    assert answer.endswith(DONE)


@served()
async def test_nobody_is_given_another_ones_answer(gateway: Gateway):
    both = await asyncio.gather(gateway.ask(ANNA), gateway.ask(BERT))
    assert [how for how, _ in both] == ["miss", "miss"]
    assert (await gateway.ask(BERT))[1] == both[1][1] != both[0][1]


@served()
async def test_what_the_caller_says(gateway: Gateway):
    with pytest.raises(NotStored) as caught:
        await gateway.ask(header=b"only-if-cached")
    assert (caught.value.status, gateway.provider.asked) == (504, 0)
    assert (await gateway.ask(header=b"no-store"))[0] == "miss"
    assert (await gateway.ask())[1] == whole("answer 2", "stop")
    assert (await gateway.ask(header=b"only-if-cached"))[1] == whole("answer 2", "stop")
    assert (await gateway.ask(header=b"no-cache"))[1] == whole("answer 3", "stop")
    assert await gateway.ask() == ("hit", whole("answer 3", "stop"))
    gateway.clock.later += 61
    assert (await gateway.ask(header=b"max-age=60"))[0] == "miss"


@served()
async def test_who_asks_anew_twice_is_answered_twice(gateway: Gateway):
    told = await asyncio.gather(*(gateway.ask(header=b"no-cache") for _ in range(2)))
    assert len({answer for _, answer in told}) == 2


@served(ttl=60, stale_for=600)
async def test_a_stale_answer_is_better_than_none(gateway: Gateway):
    await gateway.ask()
    gateway.clock.later += 61
    gateway.provider.down = True
    assert await gateway.ask() == ("stale", whole("answer 1", "stop"))
    with pytest.raises(ConnectFailed):
        await gateway.ask(header=b"no-cache")
    gateway.provider.down = False
    assert (await gateway.ask())[0] == "miss"
    gateway.provider.down = True
    gateway.clock.later += 661
    with pytest.raises(ConnectFailed):
        await gateway.ask()


@served()
async def test_what_was_cut_short_is_not_stored(gateway: Gateway):
    gateway.provider.stop = "length"
    await gateway.ask()
    assert (await gateway.ask())[0] == "miss"
    assert gateway.policy.tally.not_stored == {"truncated": 2}


@served(share=False)
async def test_a_route_that_does_not_share(gateway: Gateway):
    told = await asyncio.gather(gateway.ask(), gateway.ask())
    assert ([how for how, _ in told], gateway.provider.asked) == (["miss", "miss"], 2)
