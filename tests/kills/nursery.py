"""A process that has imported everything and forks gateways, so that one is up in 50 ms.

It reads an order a line, as JSON, and writes what happens to its children a line each:

    born ID PID
    ready ID ADDRESS    it takes connections, or its work has begun
    struck ID POINT N   it kills itself now, at the N-th time that it came by this point
    counts ID JSON      it ended by itself, and came by its points so often
    ended ID STATUS     as a shell would say it: minus the signal's number

An order says which job (`serve`, `adopt`,
`answer`, `simulate`) and where a child shall die: `die` has a point's name,
or none for any point, and the number of times. A shipper that is `eager` looks at the journal all
the time, so that there are as many batches as can be.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from collections import Counter
from pathlib import Path

from antiphon.access.tables import SCHEMA as ACCESS
from antiphon.clock import SystemClock
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serve
from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.storage.database import Database
from antiphon.usage import shipper
from antiphon.usage.adoption import Adoption
from antiphon.usage.journal.journal import SEGMENT_BYTES
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.tables import SCHEMA

try:
    from uvloop import new_event_loop
except ImportError:
    new_event_loop = asyncio.new_event_loop

Order = dict[str, object]
_DIE_WITH_PARENT = 1
_BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "soak",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


def say(*words: object) -> None:
    """One line in one write: children and watchers share the pipe."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Points:
    """The seam of a child: counts, and kills at the point that was ordered."""

    def __init__(self, order: Order) -> None:
        self.counts: Counter[str] = Counter()
        self._id = order["id"]
        die = order.get("die") or {}
        self._name, self._number = die.get("point"), die.get("number", 0)
        self._lock = threading.Lock()
        self._total = 0

    def __call__(self, point: str) -> None:
        # Two threads come by here, and only one of them may be the n-th.
        with self._lock:
            self.counts[point] += 1
            self._total += 1
            number = self._total if self._name is None else self.counts[point]
            if self._number == number and self._name in {None, point}:
                say("struck", self._id, point, number)
                os.kill(os.getpid(), signal.SIGKILL)


def serves(order: Order, points: Points) -> None:
    loaded = load(order["config"], environ={})
    size = order.get("segment_bytes", SEGMENT_BYTES)
    if order.get("eager"):
        shipper._EAGER = shipper._IDLE = 0.001

    async def run() -> None:
        async def ready(address: str) -> None:
            say("ready", order["id"], address)

        async with Antiphon(loaded, segment_bytes=size, seam=points) as gateway:
            await serve(gateway, on_ready=ready)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())


def adopts(order: Order, points: Points) -> None:
    folder = Path(order["folder"])
    database = Database(f"sqlite:///{folder / 'antiphon.db'}", [SCHEMA, ACCESS])
    ledger = Ledger(database, clock=SystemClock())
    say("ready", order["id"], "-")
    Adoption(folder / "journal", ledger, seam=points).adopt()
    database.close()


class Answer(asyncio.Protocol):
    """A provider that says one thing, as fast as can be."""

    def __init__(self) -> None:
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if found and len(body) == int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            self._got = b""
            self._transport.write(_ANSWER)


async def told_to_stop() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def answers(order: Order, _points: Points) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
        say("ready", order["id"], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await told_to_stop()
        server.close()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())


def simulates(order: Order, _points: Points) -> None:
    async def run() -> None:
        async with Simulator(SimulatorSpec(name="one")) as simulator:
            say("ready", order["id"], simulator.url)
            await told_to_stop()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())


JOBS = {"serve": serves, "adopt": adopts, "answer": answers, "simulate": simulates}


def child(order: Order) -> None:
    """A child's whole life."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    points = Points(order)
    try:
        JOBS[order["job"]](order, points)
    except BaseException:  # noqa: BLE001  a fork must not run its parent's way out
        traceback.print_exc()
        os._exit(70)
    say("counts", order["id"], json.dumps(points.counts))
    os._exit(0)


def watcher(order: Order) -> None:
    """Starts the child and waits for it, so that the nursery only reads orders."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with_parent()
    pid = os.fork()
    if not pid:
        die_with_parent()
        child(order)
    say("born", order["id"], pid)
    _, status = os.waitpid(pid, 0)
    say("ended", order["id"], os.waitstatus_to_exitcode(status))
    os._exit(0)


def die_with_parent() -> None:
    """Nobody outlives the tests that started him."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    load({"providers": {}}, environ={})  # reads the tables that every gateway needs
    say("open", 0, "-")
    for line in sys.stdin:
        if not os.fork():
            watcher(json.loads(line))


if __name__ == "__main__":
    main()
