"""One pretend provider on a real socket."""

import asyncio
import ssl
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Self

from msgspec.structs import replace

from antiphon.simulator.control import PREFIX, State, control
from antiphon.simulator.faults import CONTINUED_FAULTS, FAULTS, Fault
from antiphon.simulator.latency import Latency, latency_of
from antiphon.simulator.listener import Listener
from antiphon.simulator.ports import Request
from antiphon.simulator.received import Outcome, Received
from antiphon.simulator.replay import NONE, load
from antiphon.simulator.reply import Reply
from antiphon.simulator.roads import nowhere, road_to
from antiphon.simulator.rules import ArmedRules, FaultRule
from antiphon.simulator.spec import SimulatorSpec
from antiphon.simulator.untranslated import Shelf
from antiphon.simulator.wires import MODELS, WIRES

_NO_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType({})


class Simulator:
    """A provider that speaks the real wire format and says in every answer that it is pretending.

    Use it as an async context manager, or call `start` and `close`. It owns its sockets and
    tasks: after `close` nothing of it is left.

        async with Simulator(SimulatorSpec(seed=7)) as provider:
            client = AsyncOpenAI(base_url=provider.base_url, api_key="any")
    """

    def __init__(
        self,
        spec: SimulatorSpec | None = None,
        *,
        host: str = "127.0.0.1",
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        faults: Mapping[str, Fault] = _NO_FAULTS,
    ) -> None:
        """Prepare a simulator; nothing listens yet.

        Args:
            spec: what makes it this provider.
            host: the address to bind.
            ssl_context: for a provider over TLS.
            sleep: how pauses pass; a test may give its own.
            faults: further faults by name, besides the usual ones.

        Raises:
            ValueError: the latency profile or an armed fault is unknown, or a recording is broken.
            OSError: the recordings cannot be read.
        """
        self.spec = spec or SimulatorSpec()
        self.latency = latency_of(self.spec.latency)
        self.keys = self.spec.keys
        self.faults: Mapping[str, Fault] = {**FAULTS, **CONTINUED_FAULTS, **faults}
        self.rules = ArmedRules(self.spec.seed)
        self.shelf = Shelf()
        self.recordings = NONE
        if self.spec.replay is not None:
            self.recordings = load(self.spec.replay, wires=WIRES | {MODELS})
        self.requests = 0
        """How many requests there have been, those of the control API left out."""
        self.outcomes: Counter[Outcome] = Counter()
        """How they ended."""
        self._scheme = "http" if ssl_context is None else "https"
        self._kept: deque[Received] = deque(maxlen=self.spec.keep)
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._signature = (b"x-antiphon-simulator", self.spec.name.encode("ascii", "replace"))
        self._listener = Listener(
            self, host=host, port=self.spec.port, ssl_context=ssl_context, sleep=sleep
        )
        for rule in self.spec.faults:
            self.arm(rule)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen; also ends what the faults of the door began.

        Raises:
            OSError: the address is taken, or not ours.
        """
        await self._listener.open()

    async def close(self) -> None:
        """Drop all callers and leave nothing behind."""
        await self._listener.close()

    # where it is

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is known once it has started."""
        return self._listener.host, self._listener.port

    @property
    def url(self) -> str:
        """Its origin."""
        host, port = self.address
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as `base_url`."""
        return f"{self.url}/v1"

    # what it has seen

    @property
    def received(self) -> tuple[Received, ...]:
        """The last requests, the oldest first, those of the control API left out."""
        return tuple(self._kept)

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return self._listener.connected

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._listener.accepted

    @property
    def running(self) -> int:
        """How many tasks it has: replies that are being played, and a reopening to come."""
        return self._listener.running

    def state(self) -> State:
        """All of it at a glance."""
        return State(
            name=self.name,
            seed=self.spec.seed,
            url=self.url,
            listening=self._listener.listening,
            latency=self.latency,
            open_connections=self.open_connections,
            connections=self.connections,
            requests=self.requests,
            outcomes={outcome.value: self.outcomes[outcome] for outcome in Outcome},
            armed=len(self.rules),
            recordings=len(self.recordings),
        )

    async def until(self, condition: Callable[[Self], bool]) -> None:
        """Wait for something to become true of it; put a deadline around it.

        Looked at whenever a request, a connection or a task comes or goes.
        """
        if condition(self):
            return
        watcher = asyncio.get_running_loop().create_future()
        self._watchers.append((lambda: condition(self), watcher))
        await watcher

    def forget(self) -> None:
        """Forget what was received; the counts stay."""
        self._kept.clear()

    # what it shall do

    def arm(self, rule: FaultRule | str) -> None:
        """Let a fault strike requests to come; a name alone strikes all of them.

        Raises:
            ValueError: there is no such fault.
        """
        rule = FaultRule(rule) if isinstance(rule, str) else rule
        if rule.fault not in self.faults:
            raise ValueError(f"no fault {rule.fault!r}; there are {', '.join(self.faults)}")
        self.rules.arm(rule)

    def disarm(self) -> None:
        """Forget all armed faults."""
        self.rules.clear()

    def set_latency(self, latency: Latency | str) -> None:
        """Be that fast from the next request on.

        Raises:
            ValueError: no profile has that name.
        """
        self.latency = latency_of(latency)

    def set_keys(self, keys: frozenset[str] | None) -> None:
        """Accept only these keys from the next request on; `None` accepts all."""
        self.keys = keys

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse connections until `start`, or for so many seconds; running answers go on."""
        if seconds is None:
            self._listener.shut()
        else:
            self._listener.shut_for(seconds)

    # what its connections ask of it

    @property
    def refuse_for(self) -> float:
        """Seconds for which the faults of the door last."""
        return self.spec.refuse_for

    def receive(self, request: Request, connection: int) -> tuple[Received, Reply]:
        """Keep a request and decide on the reply."""
        received = Received(
            serial=self.requests + 1,
            connection=connection,
            method=request.method,
            target=request.target.decode("latin-1"),
            headers=tuple(request.headers),
            body=b"".join(request.body),
            at=asyncio.get_running_loop().time(),
        )
        if received.path.startswith(PREFIX):
            reply = control(self, received)
        else:
            self.requests += 1
            self._kept.append(received)
            road = road_to(received.method, received.path) or nowhere
            reply = road(self, received)
            self.noticed()
        return received, self._signed(reply, received)

    def _signed(self, reply: Reply, received: Received) -> Reply:
        headers = (*reply.headers, self._signature)
        if not any(name == b"x-request-id" for name, _ in headers):
            headers = (*headers, (b"x-request-id", b"req_%d" % received.serial))
        pieces = () if received.method == "HEAD" else reply.pieces
        return replace(reply, headers=headers, pieces=pieces)

    def ended(self, received: Received, outcome: Outcome) -> None:
        """The request is over."""
        received.outcome = outcome
        received.ended_at = asyncio.get_running_loop().time()
        if not received.path.startswith(PREFIX):
            self.outcomes[outcome] += 1
            self.noticed()

    def noticed(self) -> None:
        """Wake whoever waits for what has now become true."""
        if not self._watchers:
            return
        waiting, self._watchers = self._watchers, []
        for holds, watcher in waiting:
            if watcher.done():
                continue
            if holds():
                watcher.set_result(None)
            else:
                self._watchers.append((holds, watcher))
