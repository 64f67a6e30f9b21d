"""The hot modules as functions to be timed: a table of setups, each with a row in `figures.toml`.

A setup prepares what the road has at hand (a body, a plan, an open pool) and returns the function
whose calls are timed; it may be `async` as long as it never truly waits. To add one, write the
setup, put it into the table, and give it a budget under `[hot_path]`.
"""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable
from copy import copy
from pathlib import Path
from random import Random

import msgspec

from antiphon.access.config import KeySettings
from antiphon.access.keys import StaticKeys
from antiphon.clock import SystemClock
from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import UpstreamTimeout
from antiphon.gateway.gateway import IN_PROCESS, Antiphon
from antiphon.limits.concurrency import Concurrency
from antiphon.model.principal import Principal
from antiphon.model.usage import Usage
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.phases import Pipeline
from antiphon.pipeline.recording import Recording
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.spending import Spending
from antiphon.providers.pricebook import PriceBook
from antiphon.providers.transport import Head
from antiphon.server.caller import Caller
from antiphon.storage.database import Database
from antiphon.telemetry.lines import json_line
from antiphon.telemetry.metrics import Metrics
from antiphon.telemetry.report import AttemptReport, Reports, RequestReport
from antiphon.telemetry.trace import Tracer
from antiphon.usage.journal.journal import Journal
from antiphon.usage.journal.record import Closed, Opened
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.shipper import Shipper
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter
from benchmarks.access_cases import access_cases
from benchmarks.admission_cases import admission_cases
from benchmarks.budget_cases import BOB, CARD, budget_cases, spending_of_four_levels
from benchmarks.cache_cases import cache_cases, keep_answer
from benchmarks.deciding_cases import deciding_cases
from benchmarks.embedding_cases import embedding_cases
from benchmarks.idempotency_cases import idempotency_cases
from benchmarks.limits_cases import limits_cases
from benchmarks.road.answers import question
from benchmarks.routing_cases import routing_cases
from benchmarks.strategy_cases import strategy_cases
from benchmarks.translation_cases import translation_cases

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_KEY = "bench-key-0123456789abcdef"
_EVENTS = 100


def shallow_decode(length: int) -> Setup:
    """Split a request one level deep, every member kept as raw bytes: the floor for `wire`."""

    def setup() -> Timed:
        body = chat_body(length)
        decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        return lambda: decode(body)

    return setup


def payload(length: int) -> Setup:
    """`wire.shallow`, `dialects...requests`: split and check a request that goes through unread."""

    def setup() -> Timed:
        body = chat_body(length)
        return lambda: Payload(OPENAI_CHAT, Members.parse(body))

    return setup


def encode(length: int) -> Setup:
    """`dialects.base`, `wire.shallow`: the body for a provider, the model replaced."""

    def setup() -> Timed:
        asked = Payload(OPENAI_CHAT, Members.parse(chat_body(length)))
        return lambda: asked.encode(Target("bench-model"))

    return setup


def inspect_reply() -> Timed:
    """`dialects.openai_chat.replies`: what the road must know of a whole reply."""
    body = reply_body()
    return lambda: OPENAI_CHAT.inspect_reply(body)


def splitter() -> Timed:
    """`wire.sse`: one read of a hundred frames."""
    burst = stream_body()

    def split() -> object:
        return Splitter().feed(burst)

    return split


def relay() -> Timed:
    """`pipeline.relay`, `dialects...decoder`: a hundred events of one read, usage hidden."""
    burst = stream_body()
    asked = Payload(OPENAI_CHAT, Members.parse(chat_body(10)))

    def forward() -> object:
        return Relay(OPENAI_CHAT, asked).feed(burst)

    return forward


def caller() -> Timed:
    """`server.caller`: the headers of a request, read once."""
    headers = [
        (b"host", b"127.0.0.1:4100"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {_KEY}".encode()),
        (b"content-length", b"1024"),
    ]
    return lambda: Caller(headers)


def find_key() -> Timed:
    """`access.keys`: a key's principal."""
    keys = StaticKeys([KeySettings.model_validate({"key": _KEY})])
    key = _KEY.encode()
    return lambda: keys.find(key)


def concurrency() -> Timed:
    """`limits.concurrency`: a place taken and given back."""
    places = Concurrency(10)

    def take_and_give() -> None:
        places.take()
        places.give()

    return take_and_give


def rates(method: str) -> Setup:
    """`providers.rates`: the bound before an attempt, and the cost after it, on two tiers."""

    def setup() -> Timed:
        quote = PriceBook().quote(["google"], "gemini-2.5-pro", now=1.8e9)
        card, usage = quote.card, Usage(input_tokens=9_000, output_tokens=700)
        assert card is not None
        if method == "bound":
            return lambda: card.bound(12_000, 4_096)
        return lambda: card.cost(usage, at=1.8e9)

    return setup


def meters() -> Timed:
    """`telemetry`: what one good request adds."""
    metrics = Metrics()
    usage = Usage(input_tokens=100, output_tokens=20)

    def count() -> None:
        route, by = metrics.route("bench"), metrics.deployment("standin", "bench-model")
        by.succeeded(7.0, 0.01, usage)
        by.charged("bench", usage, 12_345)
        route.duration.observe(0.01)
        route.overhead.observe(0.0001)
        route.succeeded(by)
        route.window.answered(7.0, 0.01, 0.0, 20)

    return count


def scrape() -> Timed:
    """`telemetry`: an exposition of a hundred deployments, each behind a route of its own."""
    metrics = Metrics()
    usage = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=7, reasoning_tokens=3)
    for number in range(100):
        route, by = metrics.route(f"route-{number}"), metrics.deployment("standin", f"m-{number}")
        by.succeeded(7.0, 0.01, usage)
        by.charged("bench", usage, 12_345)
        by.failed(7.0, UpstreamTimeout("", code="idle_timeout"))
        route.duration.observe(0.01)
        route.overhead.observe(0.0001)
        route.first_token.observe(0.01)
        route.succeeded(by)
    return metrics.exposition


def reported() -> Timed:
    """`pipeline.recording`: what a report adds to an exchange that somebody listens to."""
    served = gateway()
    recording = Recording(Metrics(), clock=served.clock)
    recording.reports = Reports(room=0)
    recording.reports.every = True
    asked = asked_once(served, chat_body(900))
    deployment = served.deployments()[0]
    attempt = Attempt(deployment, deployment.face, sent_at=asked.started)
    attempt.closed, attempt.usage = True, Usage(input_tokens=100, output_tokens=20)
    asked.attempts.append(attempt)
    now = served.clock.monotonic()
    return lambda: recording.exchange(asked, now)


def report() -> Timed:
    """`telemetry.lines`: a request's line of JSON; beside the road, but on the same core."""
    usage = Usage(input_tokens=100, output_tokens=20)
    attempt = AttemptReport(
        *("standin", "bench-model", "openai", "127.0.0.1", 9, "ok", "ok", 0, "reported"),
        usage=usage,
        cost=12_345,
        started_at=1_760_000_000_000_000,
        first_byte=900,
        total=1000,
    )
    told = RequestReport(
        request="req_bench",
        ended_at=1_760_000_000_123_456,
        status=200,
        kind="ok",
        total=1100,
        route="bench",
        heard="openai_chat",
        spoken="openai_chat",
        key_id="static-00000000",
        team="bench",
        attempts=(attempt,),
    )
    return lambda: json_line(told)


def trace() -> Timed:
    """`telemetry.trace`: where tracing is on, a request's place in its trace and one header."""
    tracer = Tracer(sample=1.0, random=Random(1))
    headers = [
        (b"host", b"127.0.0.1:4100"),
        (b"content-type", b"application/json"),
        (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        (b"content-length", b"1024"),
    ]
    return lambda: tracer.begin(headers).header(1)


def deployment_head() -> Timed:
    """`providers.deployment`, `providers.keys`: the pre-rendered head of a call."""
    deployment = gateway().deployments()[0]
    face, keys = deployment.face, deployment.keys
    return lambda: face.head(keys.take(), False)


def pipeline_of(served: Antiphon) -> Pipeline:
    """A pipeline of its own, whose provider answers at once."""
    return Pipeline(
        transport=Instant(),
        accounts=Accounts(journal(), clock=served.clock),
        concurrency=Concurrency(10),
        metrics=Metrics(),
        clock=served.clock,
        heartbeat=15,
    )


def exchange() -> Timed:
    """`pipeline`: a whole exchange around a provider that answers at once, record included."""
    served = gateway()
    pipeline = pipeline_of(served)
    body = chat_body(900)

    async def ask() -> None:
        async with pipeline.open(asked_once(served, body)):
            pass

    return ask


def exchange_hit() -> Timed:
    """`pipeline.caching`: a whole exchange that is answered from memory, record included."""
    served = gateway(cache={})
    pipeline = pipeline_of(served)
    body = chat_body(900)
    keep_answer(pipeline, served, body, _REPLY)

    async def ask() -> None:
        async with pipeline.open(asked_once(served, body)):
            pass

    return ask


def asked_once(served: Antiphon, body: bytes, who: Principal = IN_PROCESS) -> Exchange:
    """An exchange that has just begun."""
    return Exchange(
        id="req_bench",
        started=served.clock.monotonic(),
        payload=Payload(OPENAI_CHAT, Members.parse(body)),
        snapshot=served.snapshot,
        principal=who,
        interrupt=lambda: None,
    )


def accounts_in_budgets() -> Timed:
    """`pipeline.spending` too: the same attempt, reserved in a tree of four levels, and settled."""
    return accounts(spending_of_four_levels(BOB))


def accounts(spending: Spending | None = None) -> Timed:
    """`pipeline.accounts`, `usage.journal`, `providers.rates`: one attempt, opened and closed."""
    served, book = gateway(), Accounts(journal(), clock=SystemClock())
    book.spending = spending
    asked = Exchange(
        id="req_5f2c9d01a7b3-0000001a",
        started=served.clock.monotonic(),
        payload=Payload(OPENAI_CHAT, Members.parse(chat_body(900))),
        snapshot=served.snapshot,
        principal=IN_PROCESS if spending is None else BOB,
        interrupt=lambda: None,
        plan=served.snapshot.plan("bench"),
    )
    deployment, usage = copy(served.deployments()[0]), Usage(input_tokens=100, output_tokens=130)
    if spending is not None:
        deployment.rates = CARD

    def attempt() -> None:
        asked.attempts.clear()
        made = Attempt(deployment, deployment.face, served.clock.monotonic())
        asked.attempts.append(made)
        made.started_at = int(served.clock.now() * 1e6)
        book.measure(asked, made, 1000)
        if spending is not None:
            assert spending.at_once(asked, made)
        book.opened(asked, made)
        made.usage, made.ended_at = usage, served.clock.monotonic()
        book.succeeded(asked, made, 0)

    return attempt


def shipping() -> Timed:
    """`usage.shipper`, `usage.ledger`: 64 attempts from the journal into SQLite, one batch."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-bench-"))
    atexit.register(shutil.rmtree, folder)
    clock = SystemClock()
    ledger = Ledger(Database(f"sqlite:///{folder}/ledger.db", [SCHEMA]), clock=clock)
    written = Journal(folder / "journal", ledger=ledger.name, clock=clock, segment_bytes=1 << 30)
    shipper, numbers = Shipper(written, ledger, clock=clock), itertools.count()
    stop = threading.Event()
    stop.set()

    def ship() -> None:
        for number in itertools.islice(numbers, 64):
            entry = written.open(msgspec.structs.replace(OPENED, request=f"req_{number:016x}"))
            written.close(
                entry,
                msgspec.structs.replace(
                    CLOSED, opened=entry[1], request=f"req_{number:016x}", ended_at=number
                ),
            )
        shipper.run(stop)

    return ship


class Instant:
    """An `Upstream` whose answers are whole before they are asked for."""

    async def send(self, call: object) -> Instant:
        return self

    async def head(self, patience: float | None = None) -> Head:
        return _HEAD

    async def whole(self) -> bytes:
        return _REPLY

    def close(self) -> None:
        """Nothing is open."""


def journal() -> Journal:
    """A journal that nobody ships."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-bench-"))
    atexit.register(shutil.rmtree, folder)
    return Journal(folder, ledger="bench", clock=SystemClock(), segment_bytes=1 << 30)


def gateway(**route: object) -> Antiphon:
    """A gateway with one route, whose provider is never reached."""
    with tempfile.TemporaryDirectory() as folder:
        return Antiphon.from_config(
            {
                "storage": {"data_dir": folder},
                "providers": {
                    "standin": {
                        "dialect": "openai_chat",
                        "base_url": "http://127.0.0.1:9/v1",
                        "api_key": "any",
                    }
                },
                "models": {"bench": {"deployments": ["standin/bench-model"], **route}},
            },
            environ={},
        )


def chat_body(length: int) -> bytes:
    """Build a chat request of about that many bytes, long by its messages as real ones are."""
    request = msgspec.json.decode(question(streamed=False))
    turn = request["messages"][-1]
    while len(body := msgspec.json.encode(request)) < length:
        request["messages"].append(turn)
    return body


def reply_body() -> bytes:
    """A whole reply of about a kilobyte."""
    details = {"cached_tokens": 0, "audio_tokens": 0}
    message = {"role": "assistant", "content": "word " * 130, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 130,
        "total_tokens": 230,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    return msgspec.json.encode(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "bench-model",
            "choices": [choice],
            "usage": usage,
        }
    )


def stream_body() -> bytes:
    """A hundred events of text, as one read."""
    chunk = msgspec.json.encode(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "created": 1_760_000_000,
            "model": "bench-model",
            "system_fingerprint": "fp_bench",
            "choices": [
                {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
            ],
        }
    )
    return (b"data: " + chunk + b"\n\n") * _EVENTS


_HEAD = Head(200, ((b"content-type", b"application/json"),))
_REPLY = reply_body()

_WHO = {"key_id": "static-01234567", "provider": "standin", "model": "bench-model"}
OPENED = Opened(
    **_WHO,
    request="",
    attempt=1,
    started_at=1_760_000_000_000_000,
    team="bench",
    department="",
    subject="sub_0123456789abcdef",
    alias="bench",
    heard="openai_chat",
    spoken="openai_chat",
    stream=False,
    input_bound=1000,
    output_bound=32_768,
    cost_bound=1_000_000,
    price="book 2026-11-03",
)
CLOSED = Closed(
    **_WHO,
    opened=0,
    request="",
    attempt=1,
    ended_at=0,
    outcome="ok",
    code="",
    charge="reported",
    last=True,
    usage=(100, 0, 0, 0, 130, 0, 0, 0, 0),
    cost=12_345,
    first_byte=1_000,
    total=2_000,
    first_token=0,
    request_total=2_100,
    overhead=100,
    stop="stop",
    warnings=(),
)

CASES: dict[str, Setup] = {
    "msgspec.shallow_1kb": shallow_decode(900),
    "msgspec.shallow_23kb": shallow_decode(23_000),
    "wire.payload_1kb": payload(900),
    "wire.payload_23kb": payload(23_000),
    "wire.encode_1kb": encode(900),
    "wire.encode_23kb": encode(23_000),
    "wire.split_100_frames": splitter,
    "dialects.inspect_reply_1kb": inspect_reply,
    "pipeline.relay_100_events": relay,
    "pipeline.exchange": exchange,
    "pipeline.exchange_hit": exchange_hit,
    "usage.attempt": accounts,
    "usage.attempt_in_budgets": accounts_in_budgets,
    "usage.ship_64": shipping,
    "providers.head": deployment_head,
    "providers.rates_bound": rates("bound"),
    "providers.rates_cost": rates("cost"),
    "server.caller": caller,
    "access.find": find_key,
    "limits.concurrency": concurrency,
    "telemetry.request": meters,
    "telemetry.scrape_100_deployments": scrape,
    "telemetry.exchange_reported": reported,
    "telemetry.json_line": report,
    "telemetry.trace": trace,
    **translation_cases(),
    **embedding_cases(),
    **cache_cases({"1kb": chat_body(900), "32kb": chat_body(32_000)}, reply_body()),
    **access_cases(),
    **budget_cases(),
    **limits_cases(),
    **routing_cases(),
    **deciding_cases(),
    **admission_cases(gateway, lambda served, who: asked_once(served, chat_body(900), who)),
    **idempotency_cases(chat_body(900)),
    **strategy_cases(),
}
