"""What the exact cache costs on the road of a route that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from antiphon.cache.config import CacheSettings, RouteCacheSettings
from antiphon.cache.directives import NO_WISHES, wishes_of
from antiphon.cache.entry import Entry
from antiphon.cache.memory import ExactCache
from antiphon.cache.policy import CachePolicy
from antiphon.cache.replay import replay
from antiphon.cache.wall import Tenant
from antiphon.clock import SystemClock
from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.gateway.gateway import IN_PROCESS, Antiphon
from antiphon.pipeline.phases import Pipeline
from antiphon.wire.shallow import Members

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_WHO = Tenant("static-01234567", "app", "web", "acme")


def _policy(scope: str) -> CachePolicy:
    settings = RouteCacheSettings.model_validate({"scope": scope})
    return CachePolicy(settings, alias="bench", plan=bytes(32))


def _key(body: bytes, scope: str = "user") -> Setup:
    """`cache.policy`, `cache.canonical`: the key of a request."""

    def setup() -> Timed:
        policy = _policy(scope)
        return lambda: policy.key(_WHO, OPENAI_CHAT.name, body)

    return setup


def _hit(body: bytes, answer: bytes) -> Setup:
    """`cache`: key, look-up and replay of an answer that is there, among ten thousand."""

    def setup() -> Timed:
        clock, policy = SystemClock(), _policy("user")
        cache = ExactCache(CacheSettings(), clock=clock)
        asked = Payload(OPENAI_CHAT, Members.parse(body))
        entry = Entry(False, (answer,), (answer,), clock.monotonic(), 3600.0)
        for number in range(10_000):
            cache.keep(number.to_bytes(32, "big"), entry, policy)
        key = policy.key(_WHO, OPENAI_CHAT.name, body)
        assert key is not None
        cache.keep(key, entry, policy)

        def look() -> bytes | None:
            key = policy.key(_WHO, OPENAI_CHAT.name, asked.body)
            assert key is not None
            found = cache.find(key, policy, NO_WISHES)
            assert found is not None
            return replay(found, asked)

        return look

    return setup


def _keep(answer: bytes) -> Setup:
    """`cache.memory`: an answer that is stored, and another that has to go for it."""

    def setup() -> Timed:
        clock, policy = SystemClock(), _policy("user")
        cache = ExactCache(CacheSettings(max_entries=1_000), clock=clock)
        numbers = iter(range(1 << 62))

        def keep() -> None:
            entry = Entry(False, (answer,), (answer,), clock.monotonic(), 3600.0)
            cache.keep(next(numbers).to_bytes(32, "big"), entry, policy)

        return keep

    return setup


def _wishes() -> Timed:
    """`cache.directives`: a header, where there is one."""
    return lambda: wishes_of(b"no-cache, max-age=60")


def keep_answer(pipeline: Pipeline, served: Antiphon, body: bytes, answer: bytes) -> None:
    """Have a whole answer to a body of the route `bench` in the memory of a pipeline."""
    policy = served.snapshot.plan("bench").cache
    assert policy is not None
    tenant = Tenant.of(IN_PROCESS, organisation="org_default")
    key = policy.key(tenant, OPENAI_CHAT.name, body)
    assert key is not None
    now = served.clock.monotonic()
    entry = Entry(False, (answer,), (answer,), now, 1e6, deployment="standin/bench-model")
    pipeline.caching.memory.keep(key, entry, policy)


def cache_cases(bodies: Mapping[str, bytes], answer: bytes) -> dict[str, Setup]:
    """All of them, by name; bodies by theirs, `1kb` among them."""
    keys = {f"cache.key_{name}": _key(body) for name, body in bodies.items()}
    shared = {f"cache.key_{name}_shared": _key(body, "team") for name, body in bodies.items()}
    return {
        **keys,
        **shared,
        "cache.hit_1kb": _hit(bodies["1kb"], answer),
        "cache.keep": _keep(answer),
        "cache.wishes": _wishes,
    }
