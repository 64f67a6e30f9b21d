"""What it costs to let callers wish, and to keep why a request went where it went."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from antiphon.clock import SystemClock
from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.gateway.gateway import IN_PROCESS, Antiphon
from antiphon.pipeline.deciding import kept
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.wishes import read_wishes, wishes_in
from antiphon.usage.journal.journal import Journal
from antiphon.usage.journal.record import Decided
from antiphon.wire.shallow import Members

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_SDK = [
    (b"host", b"127.0.0.1:4100"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"OpenAI/Python"),
    (b"x-stainless-lang", b"python"),
    (b"x-stainless-read-timeout", b"600"),
    (b"authorization", b"Bearer bench"),
    (b"content-length", b"1024"),
]
_WISHED = {"models": ["other"], "provider": {"order": ["two"], "ignore": ["three"]}}


def no_wish() -> Timed:
    """`pipeline.wishes`: the look at a body that wishes nothing."""
    payload = _payload()
    return lambda: wishes_in(payload)


def wish_of_an_sdk() -> Timed:
    """`pipeline.wishes`: the time-out that a client's library sends with each request."""
    payload = _payload()
    return lambda: read_wishes(_SDK, payload)


def wish_in_a_body() -> Timed:
    """`pipeline.wishes`: models and providers in the body, which is written without them."""
    payload = _payload(**_WISHED)
    return lambda: read_wishes(_SDK, payload)


def decision() -> Timed:
    """`pipeline.deciding`, `usage.journal`: why the first of three was asked, written down."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-bench-"))
    atexit.register(shutil.rmtree, folder)
    journal = Journal(folder, ledger="bench", clock=SystemClock(), segment_bytes=1 << 30)
    provider = {"dialect": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "api_key": "any"}
    served = Antiphon.from_config(
        {
            "storage": {"data_dir": str(folder)},
            "providers": dict.fromkeys(("one", "two", "three"), provider),
            "models": {
                "bench": {
                    "deployments": ["one/model", "two/model", "three/model"],
                    "strategy": "cheapest",
                }
            },
        },
        environ={},
    )
    exchange = Exchange(
        id="req_5f2c9d01a7b3-0000001a",
        started=served.clock.monotonic(),
        payload=_payload(),
        snapshot=served.snapshot,
        principal=IN_PROCESS,
        interrupt=lambda: None,
    )
    plan = served.pipeline.route(exchange)
    served.pipeline.choose(exchange, plan)
    assert exchange.choice is not None
    first = exchange.choice.deployments[0]
    exchange.attempts.append(Attempt(first, first.face, 0.0, last=True))
    return lambda: journal.decided(Decided(exchange.id, 1_790_000_000_000_000, kept(exchange)))


def _payload(**members: object) -> Payload:
    text = "word " * 180
    asked = {"model": "bench", "messages": [{"role": "user", "content": text}], **members}
    return Payload(OPENAI_CHAT, Members.parse(msgspec.json.encode(asked)))


def deciding_cases() -> dict[str, Setup]:
    """The cases, by name."""
    return {
        "pipeline.no_wish": no_wish,
        "pipeline.wish_of_an_sdk": wish_of_an_sdk,
        "pipeline.wish_in_a_body": wish_in_a_body,
        "pipeline.decision_of_three": decision,
    }
