"""The tests' side of the nursery: children that can be waited for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

PATIENCE = 20
KILLED = -signal.SIGKILL
Die = Mapping[str, object]


class Struck(NamedTuple):
    """Where a child has killed itself."""

    point: str
    number: int


def at(point: str | None, number: int) -> Die:
    """Die at the n-th time that this point, or any, is come by."""
    return {"point": point, "number": number}


class Child:
    """A process of the nursery.

    Attributes:
        struck: Where it killed itself, once it did.
        counts: How often it came by its points, once it ended by itself.
    """

    def __init__(self, log: Path) -> None:
        self.struck: Struck | None = None
        self.counts: Mapping[str, int] = {}
        self._log = log
        self._pid: Future[int] = Future()
        self._ready: Future[str] = Future()
        self._ended: Future[int] = Future()

    def hears(self, word: str, rest: str) -> None:
        match word:
            case "born":
                self._pid.set_result(int(rest))
            case "ready":
                self._ready.set_result(rest)
            case "struck":
                point, number = rest.split()
                self.struck = Struck(point, int(number))
            case "counts":
                self.counts = json.loads(rest)
            case "ended":
                if not self._ready.done():
                    self._ready.set_result("")
                self._ended.set_result(int(rest))

    async def pid(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.wrap_future(self._pid)

    async def ready(self) -> str:
        """Its address; empty where it died before it had one."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.wrap_future(self._ready)

    def address(self) -> str:
        """As `ready`, for a test that has no event loop."""
        address = self._ready.result(PATIENCE)
        assert address, self.log()
        return address

    def waits_for_end(self) -> int:
        """As `stops`, for a test that has no event loop."""
        os.kill(self._pid.result(PATIENCE), signal.SIGTERM)
        status = self._ended.result(PATIENCE)
        assert "Traceback" not in self.log(), self.log()
        return status

    async def ended(self, seconds: float = PATIENCE) -> int:
        """Its exit status."""
        async with asyncio.timeout(seconds):
            status = await asyncio.wrap_future(self._ended)
        log = self.log()
        assert status in {0, KILLED}, log
        assert "Traceback" not in log, log
        return status

    @property
    def is_over(self) -> bool:
        return self._ended.done()

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    async def send(self, number: int) -> None:
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(await self.pid(), number)

    async def stops(self, number: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Its exit status, after a signal."""
        await self.send(number)
        return await self.ended(seconds)


class Nursery:
    """Starts children in no time; close it at the end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._children: dict[str, Child] = {}
        self._numbers = itertools.count(1)
        assert self._process.stdout.readline().startswith("open"), "the nursery did not start"
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def start(self, home: Path, job: str = "serve", **order: object) -> Child:
        """A child; its log goes into this folder."""
        number = str(next(self._numbers))
        log = home / f"child-{number}.log"
        child = self._children[number] = Child(log)
        line = json.dumps({"id": number, "job": job, "log": str(log), **order})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return child

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.kill()
        # Watchers and children die with it, and the pipe ends with the last of them.
        self._listener.join(PATIENCE)
        self._process.stdout.close()

    def _listen(self) -> None:
        for line in self._process.stdout:
            word, number, rest = line.rstrip("\n").split(" ", 2)
            self._children[number].hears(word, rest)
            if word == "ended":
                del self._children[number]
