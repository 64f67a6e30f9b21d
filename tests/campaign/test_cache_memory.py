"""What the exact cache says that it takes is what it takes, and it stays within its bound."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from random import Random

import pytest

from antiphon.cache.config import CacheSettings, RouteCacheSettings
from antiphon.cache.entry import Entry, Piece, pack
from antiphon.cache.memory import ExactCache
from antiphon.cache.policy import CachePolicy
from antiphon.clock import SystemClock
from antiphon.model.reply import StopReason
from antiphon.model.usage import Usage
from tests.campaign.process import MIB

pytestmark = pytest.mark.campaign
LEAST = 0.88
"""Of what is counted, so much is really there at the least: tables keep room free by leaps."""

OWN = 16 * 1024
"""Bytes that the test itself and an empty cache take."""


def small(random: Random, number: int) -> Entry:
    body = random.randbytes(random.randrange(200, 2000))
    return Entry(False, (body,), (body,), number + 0.5, 3600.0, request=f"req_x-{number:08x}")


def whole(random: Random, number: int) -> Entry:
    body = random.randbytes(random.randrange(1_000, 100_000))
    usage = Usage(random.randrange(100_000), output_tokens=random.randrange(100_000))
    return Entry(False, (body,), (body,), number + 0.5, 3600.0, usage, StopReason.STOP)


def streamed(random: Random, number: int) -> Entry:
    pieces = [Piece.of(random.randbytes(random.randrange(50, 300))) for _ in range(40)]
    pieces += [Piece(random.randbytes(200), b""), Piece.of(b"data: [DONE]\n\n")]
    return Entry(
        True,
        *pack(pieces),
        number + 0.5,
        3600.0,
        request=f"req_x-{number:08x}",
        subject=f"sub_{number:016x}",
        warnings=(f"lost {number}",),
    )


@pytest.fixture
def traced() -> Iterator[Callable[[], int]]:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    yield held
    tracemalloc.stop()


@pytest.mark.parametrize("make", [small, whole, streamed])
@pytest.mark.parametrize("bound", [4 * MIB, 24 * MIB])
def test_what_is_counted_is_there(
    make: Callable[[Random, int], Entry],
    bound: int,
    traced: Callable[[], int],
    say: Callable[[str], None],
):
    random, clock = Random(1), SystemClock()
    policy = CachePolicy(RouteCacheSettings(), alias="fast", plan=b"")
    cache = ExactCache(CacheSettings(max_bytes=bound), clock=clock)
    shares: list[float] = []
    number = 0
    while cache.statistics().evicted < 2_000:
        cache.keep(random.randbytes(32), make(random, number), policy)
        number += 1
        if number % (250 if number < 8_000 else 2_000) == 0:
            shares.append((traced() - OWN) / cache.bytes)
            assert cache.bytes <= bound
    say(f"cache {make.__name__}, {bound // MIB} MiB: {min(shares):.3f}..{max(shares):.3f} is there")
    assert max(shares) <= 1.0
    assert min(shares) >= LEAST
    cache.drop()
    assert cache.bytes == 0
    assert traced() < 256 * 1024
