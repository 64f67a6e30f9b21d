"""The closed loop: wrk keeps 32 connections busy and checks every answer."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.road import answers
from benchmarks.road.machine import Cores, Tools, pinned
from benchmarks.road.probe import ask
from benchmarks.road.process import BrokenRunError
from benchmarks.road.standin import Kind, Standin
from benchmarks.road.targets import Started, Target
from benchmarks.road.template import ROOT

CONNECTIONS = 32
_TAIL_BYTES = 24
_SHOWN = {"x-antiphon-cache", "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"}


class Loaded(msgspec.Struct, frozen=True):
    """What wrk says at the end."""

    requests: int
    seconds: float
    wrong: int
    socket_errors: int
    timeouts: int
    p50_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """The load of one case, ready to be put on any target."""

    kind: Kind
    standin: Standin
    tools: Tools
    cores: Cores
    folder: Path

    def run(self, target: Target, started: Started, *, seconds: float) -> Loaded:
        """Load the target for that long (wrk knows only whole seconds).

        Raises:
            BrokenRunError: if one answer was wrong or one connection failed.
        """
        length = self.look(target, started)
        question, tail = self.folder / f"{self.kind}.question", self.folder / f"{self.kind}.tail"
        question.write_bytes(self._question())
        tail.write_bytes(
            self.standin.expected(self.kind)[-_TAIL_BYTES:] if self._is_exact(target) else b""
        )
        whole_seconds = max(1, round(seconds))
        command = [
            *(self.tools.wrk, "-t1", f"-c{CONNECTIONS}", f"-d{whole_seconds}s", "--timeout", "10s"),
            *("-s", str(ROOT / "wrk" / "post.lua")),
            f"{started.origin}{self._path}",
            *(str(question), started.key, str(length), str(tail)),
            *(["new"] if self.kind.is_new else []),
        ]
        with pinned(self.cores.load):
            done = subprocess.run(
                command, capture_output=True, timeout=whole_seconds + 60, check=False
            )
        if done.returncode != 0:
            raise BrokenRunError(f"{shlex.join(command)}\n{done.stderr.decode()}")
        loaded = msgspec.json.decode(done.stdout.splitlines()[-1], type=Loaded)
        self._check(loaded, started)
        return loaded

    def warm_up(self, target: Target, started: Started) -> None:
        """Fill pools and caches; streams that drip are asked only once."""
        if self.kind in (Kind.DRIP, Kind.SLOW):
            self.look(target, started)
        else:
            self.run(target, started, seconds=1)

    def look(self, target: Target, started: Started) -> int:
        """Ask once, look at the whole answer and return the length that all others must have."""
        answer = ask(started, self._question(), self._path)
        expected = self.standin.expected(self.kind)
        mark = b"end_turn" if self.kind.is_translated else b"choices"
        same = answer.body == expected if self._is_exact(target) else mark in answer.body
        if answer.status != 200 or not same:
            raise BrokenRunError(
                f"{started.name} answered {answer.status} to {self.kind}, not what the stand-in"
                f" said:\n{answer.body[:1000].decode(errors='replace')}"
            )
        shown = {name.lower() for name in answer.headers}
        if self.kind is Kind.EVERYTHING and started.ledger is not None and not shown >= _SHOWN:
            raise BrokenRunError(f"{started.name} has no limits or no cache: {answer.headers}")
        return len(answer.body)

    @property
    def _path(self) -> str:
        return "/v1/messages" if self.kind.is_translated else "/v1/chat/completions"

    def _is_exact(self, target: Target) -> bool:
        return target.exact and not self.kind.is_translated

    def _question(self) -> bytes:
        asked = answers.messages_question if self.kind.is_translated else answers.question
        return asked(streamed=self.kind in self.standin.streams)

    def _check(self, loaded: Loaded, started: Started) -> None:
        started.process.check()
        if loaded.wrong or loaded.socket_errors or loaded.timeouts or not loaded.requests:
            raise BrokenRunError(f"{started.name} under {self.kind}: {loaded}")
