"""A pipeline without a network: a clock that is moved, and providers that follow a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import AntiphonError, ConnectFailed, UpstreamBroken, UpstreamTimeout
from antiphon.gateway.gateway import Antiphon
from antiphon.limits.concurrency import Concurrency
from antiphon.model.principal import ANONYMOUS
from antiphon.pipeline.accounts import Accounts
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.phases import Pipeline
from antiphon.providers.deployment import Deployment
from antiphon.providers.transport import Call, Head
from antiphon.telemetry.metrics import Metrics
from antiphon.usage.journal.journal import Journal
from antiphon.usage.journal.record import Closed, Record
from antiphon.usage.journal.scan import scan_file
from antiphon.wire.shallow import Members

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
REPLY = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


class FakeClock:
    """Time stands still unless it is moved; `sleep` moves it."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return 1.7e9 + self.time

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.time += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.time += seconds


class Script(NamedTuple):
    """What one attempt meets.

    Attributes:
        status: Of the answer.
        body: In the pieces in which it is read; a number is a silence of so many seconds, and
            an error is raised.
        headers: Further ones.
        on_send: Raised in place of an answer.
        delay: Seconds before the head.
    """

    status: int = 200
    body: Sequence[bytes | float | Exception] = ()
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    on_send: Exception | None = None
    delay: float = 0.0


def answer(text: str = "hi") -> Script:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return Script(body=[json.dumps({**REPLY, "choices": choices}).encode()])


def chunk(text: str | None = None, finish: str | None = None, **delta: object) -> bytes:
    if text is not None:
        delta["content"] = text
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: %b\n\n" % json.dumps({**head, "choices": [choice]}).encode()


ROLE = chunk(role="assistant")
STOP = chunk(finish="stop")
DONE = b"data: [DONE]\n\n"


def streamed(*pieces: bytes | float | Exception, delay: float = 0.0) -> Script:
    return Script(body=pieces, headers=(SSE,), delay=delay)


def told(*texts: str) -> Script:
    return streamed(ROLE, *(chunk(text) for text in texts), STOP, DONE)


def refusal(
    status: int, code: str = "", *, retry_after: float | None = None, message: str = "No."
) -> Script:
    body = {"error": {"message": message, "type": None, "param": None, "code": code or None}}
    headers = (JSON,)
    if retry_after is not None:
        headers = (*headers, (b"retry-after", b"%g" % retry_after))
    return Script(status, [json.dumps(body).encode()], headers)


LIMITED = refusal(429, "rate_limit_exceeded")
DOWN = refusal(500, "server_error")
BUSY = refusal(503, "server_is_overloaded")
BAD_KEY = refusal(401, "invalid_api_key")
NO_MONEY = refusal(429, "insufficient_quota")
FORBIDDEN = refusal(403)
NO_MODEL = refusal(404, "model_not_found")
TOO_LONG = refusal(400, "context_length_exceeded")
BAD_REQUEST = refusal(400, message="temperature: no.")
REFUSED = Script(on_send=ConnectFailed("Refused.", code="connect_refused"))
NO_TIME_TO_CONNECT = Script(on_send=UpstreamTimeout("Late.", code="connect_timeout"))
LATE = Script(on_send=UpstreamTimeout("Late.", code="first_byte_timeout"))
BROKEN = Script(on_send=UpstreamBroken("Reset.", code="reset"))


class FakeAnswer:
    """An answer that follows its script."""

    def __init__(self, upstream: FakeUpstream, call: Call, script: Script) -> None:
        self.upstream = upstream
        self.call = call
        self.script = script
        self.left = list(script.body)
        self.silence = script.delay
        self.closed = False
        self.size = 0

    async def head(self, patience: float | None = None) -> Head | None:
        await self.upstream.step()
        if not await self._quiet(patience):
            return None
        return Head(self.script.status, self.script.headers)

    async def read(self, patience: float | None = None) -> bytes | None:
        await self.upstream.step()
        assert not self.closed, "read after close"
        while self.left and isinstance(self.left[0], float):
            self.silence += self.left.pop(0)
        if not await self._quiet(patience):
            return None
        if not self.left:
            return b""
        piece = self.left.pop(0)
        if isinstance(piece, Exception):
            raise piece
        assert isinstance(piece, bytes)
        return piece

    async def whole(self) -> bytes:
        pieces = b""
        while piece := await self.read():
            pieces += piece
            self.size += len(piece)
        return pieces

    def close(self) -> None:
        self.closed = True

    async def _quiet(self, patience: float | None) -> bool:
        """Let the silence pass, or as much of it as the reader waits for."""
        clock = self.upstream.clock
        if patience is not None and patience < self.silence:
            clock.time += patience
            self.silence -= patience
            return False
        clock.time += self.silence
        self.silence = 0.0
        return True


class FakeUpstream:
    """Providers by their host; each has a script for each attempt, and its last one stays.

    Attributes:
        cancel_at: The step at which the running task is cancelled; 0 for none.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.scripts: dict[str, list[Script]] = {}
        self.calls: list[Call] = []
        self.answers: list[FakeAnswer] = []
        self.steps = 0
        self.cancel_at = 0
        self.on_call: Callable[[], None] = lambda: None

    @property
    def asked(self) -> list[str]:
        return [call.origin.host.partition(".")[0] for call in self.calls]

    async def step(self) -> None:
        self.steps += 1
        if self.steps == self.cancel_at:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await asyncio.sleep(0)

    async def send(self, call: Call) -> FakeAnswer:
        self.calls.append(call)
        self.on_call()
        await self.step()
        scripts = self.scripts[call.origin.host.partition(".")[0]]
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        if script.on_send is not None:
            raise script.on_send
        self.answers.append(FakeAnswer(self, call, script))
        return self.answers[-1]


class CountedPipeline(Pipeline):
    """Keeps what was recorded."""

    recorded: list[Exchange]

    def record(self, exchange: Exchange) -> None:
        self.recorded.append(exchange)
        super().record(exchange)


class House:
    """A pipeline over fakes; `road` is a name with the given deployments behind it."""

    def __init__(
        self,
        data_dir: object,
        names: Sequence[str] = ("one", "two", "three"),
        *,
        keys: Sequence[str] = ("sk-1",),
        heartbeat: float = 15.0,
        deadline: float = 600.0,
        concurrency: int = 10,
        windows: Mapping[str, int] | None = None,
        route: Mapping[str, object] | None = None,
        models: Mapping[str, object] | None = None,
        **retry: object,
    ) -> None:
        self.clock = FakeClock()
        settings: dict[str, object] = {
            "storage": {"data_dir": str(data_dir)},
            "providers": {
                name: {
                    "dialect": "openai_chat",
                    "base_url": f"http://{name}.test/v1",
                    "api_key": list(keys),
                    "models": {
                        "m": {
                            "prices": {"input": 3, "output": 15},
                            **({"context": windows[name]} if windows else {}),
                        }
                    },
                }
                for name in names
            },
            "models": models
            or {
                "road": {
                    "deployments": [f"{name}/m" for name in names],
                    "retry": retry,
                    "deadline": deadline,
                    **(route or {}),
                }
            },
        }
        self.gateway = Antiphon.from_config(settings, environ={}, clock=self.clock)
        self.upstream = FakeUpstream(self.clock)
        self.journal = Journal(Path(str(data_dir)) / "journal", ledger="house", clock=self.clock)
        self.metrics = Metrics()
        self.concurrency = Concurrency(concurrency)
        self.pipeline = CountedPipeline(
            transport=self.upstream,  # type: ignore[arg-type]
            accounts=Accounts(self.journal, clock=self.clock),
            concurrency=self.concurrency,
            metrics=self.metrics,
            clock=self.clock,
            heartbeat=heartbeat,
        )
        self.pipeline.recorded = []
        self.pipeline.chance = lambda: 1.0

    def script(self, **scripts: Script | list[Script]) -> None:
        for name, each in scripts.items():
            self.upstream.scripts[name] = each if isinstance(each, list) else [each]

    def deployment(self, name: str) -> Deployment:
        return next(each for each in self.gateway.deployments() if each.provider == name)

    def exchange(self, **members: object) -> Exchange:
        body = {"model": "road", "messages": [{"role": "user", "content": "x"}], **members}
        return Exchange(
            id="req_1",
            started=self.clock.monotonic(),
            payload=Payload(OPENAI_CHAT, Members.parse(json.dumps(body).encode())),
            snapshot=self.gateway.snapshot,
            principal=ANONYMOUS,
            interrupt=lambda: None,
        )

    async def ask(self, **members: object) -> str:
        """The text of a whole answer."""
        async with self.pipeline.open(self.exchange(**members)) as reply:
            return json.loads(reply.body)["choices"][0]["message"]["content"]

    async def stream(self, **members: object) -> bytes:
        """All bytes of a streamed answer."""
        pieces: list[bytes] = []
        async with self.pipeline.open(self.exchange(stream=True, **members)) as reply:
            more = True
            while more:
                pieces.append(await reply.next())
                more = not reply.ended
            await reply.drain()
        return b"".join(pieces)

    async def fails(self, **members: object) -> AntiphonError:
        """The error of a request that has none but that."""
        try:
            if members.get("stream"):
                members.pop("stream")
                await self.stream(**members)
            else:
                await self.ask(**members)
        except AntiphonError as error:
            return error
        raise AssertionError("it was answered")

    def check_clean(self, exchanges: int) -> None:
        """Nothing is left, and each exchange was recorded once."""
        assert len(self.pipeline.recorded) == exchanges
        assert not self.pipeline.live
        assert self.concurrency.in_use == 0
        assert all(each.closed for each in self.upstream.answers)
        assert not any(each.pace.in_flight for each in self.gateway.deployments())
        attempts = [attempt for each in self.pipeline.recorded for attempt in each.attempts]
        assert all(attempt.closed for attempt in attempts)
        assert self.journal.open_attempts == 0
        ended = [record for record in self.written() if isinstance(record, Closed)]
        assert len(ended) == len(attempts)

    def written(self) -> list[Record]:
        """Everything that stands in the journal."""
        return [
            record for each in self.journal.segments for _, record in scan_file(each.path).records
        ]


def text_of(stream: bytes) -> str:
    datas = [frame[6:] for frame in stream.split(b"\n\n") if frame.startswith(b"data: {")]
    chunks = [json.loads(data) for data in datas]
    return "".join(
        choice["delta"].get("content") or ""
        for each in chunks
        for choice in each.get("choices", ())
    )
