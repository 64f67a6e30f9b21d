"""Many keys cost a process no more than few, and what is revoked is refused within a second."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import pytest

from antiphon.access.desk import Access
from antiphon.access.keytext import new_key
from antiphon.access.walls import operator_here
from antiphon.clock import SystemClock
from antiphon.gateway.books import SCHEMAS
from antiphon.model.principal import HOME
from antiphon.storage.database import Database
from tests.campaign.process import MIB, Process
from tests.unit.access.tenancy import Tenancy

pytestmark = pytest.mark.campaign
FEW, MANY, USED = 1_000, 1_000_000, 500
MORE = 0.10
STARTS, SETTLE = 8, 2.0
PAGES = 6 * MIB
"""SQLite keeps at most 2 MB of a file's pages for each connection; a large file fills them."""
FIRST_USE = 0.005
WITHIN = 1.0


class Child:
    """A process that answers which keys open."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.memory = Process(process.pid)

    async def ask(self, key: str) -> tuple[str, float]:
        """The id or `none`, and the seconds that it took."""
        self._process.stdin.write(key.encode() + b"\n")
        found, took = (await self._process.stdout.readline()).split()
        return found.decode(), float(took)


@asynccontextmanager
async def child(path: Path) -> AsyncIterator[Child]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.campaign.keys", str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield Child(process)
    finally:
        process.stdin.close()
        await process.wait()


def filled(folder: Path, count: int) -> tuple[Path, list[str]]:
    """A database with so many keys, as a gateway opens it, and the texts of some."""
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'antiphon.db'}", SCHEMAS)
    access = Access.open(database, clock=SystemClock())
    desk = access.at(operator_here(), HOME)
    team = desk.teams.create("web").id
    texts = [desk.keys.create(team=team).secret.reveal() for _ in range(USED)]
    with database.reading() as connection:
        row = dict(
            connection.exec_driver_sql("SELECT * FROM virtual_keys LIMIT 1").mappings().one()
        )
    database.close()
    columns = ", ".join(row)
    values = ", ".join("?" * len(row))
    # In the order of the index, by the driver: a million are written in half a minute.
    numbers = range(USED, count)
    digests = sorted((sha256(b"%d" % number).digest(), f"key_{number:016x}") for number in numbers)
    with closing(sqlite3.connect(folder / "antiphon.db")) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            f"INSERT INTO virtual_keys ({columns}) VALUES ({values})",
            ((*({**row, "id": f"key_{number:016x}"}.values()),) for number in numbers),
        )
        connection.executemany(
            "INSERT INTO key_secrets (digest, organisation, key, shown, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            ((digest, row["organisation"], key, "ak-1…0000", 1) for digest, key in digests),
        )
    return folder, texts


class Served:
    """`antiphon serve` in a folder, asked over HTTP."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, took: float) -> None:
        self.memory = Process(process.pid)
        self.took = took
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    async def ask(self, key: str) -> tuple[int, float]:
        """The status of a list of models, and the seconds that it took."""
        return await asyncio.to_thread(self._ask, key)

    def _ask(self, key: str) -> tuple[int, float]:
        begun = time.perf_counter()
        self._connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - begun


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    """A gateway of its own process; `took` is the CPU time until it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = folder / "antiphon.yaml"
    config.write_text(
        f"server: {{host: 127.0.0.1, port: {port}}}\nauth: {{required: true}}\n"
        f"storage: {{data_dir: {folder}}}\n"
        "providers: {one: {dialect: openai_chat, base_url: 'http://127.0.0.1:9/v1', api_key: any}}\n"
        "models: {some: one/some}\nlogging: {requests: 'off'}\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "antiphon", "serve", "--config", str(config)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until_ready(port)
        one = Served(process, port, cpu_seconds(process.pid))
        try:
            yield one
        finally:
            one.close()
    finally:
        process.terminate()
        await process.wait()


def cpu_seconds(pid: int) -> float:
    """What a process has used, which other programs on the machine do not add to."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until_ready(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.002)
                continue
            writer.close()
            return


@pytest.mark.timeout(1200)
async def test_start_memory_and_first_use(tmp_path: Path, say: Callable[[str], None]):
    begun = time.monotonic()
    places = {count: filled(tmp_path / str(count), count) for count in (FEW, MANY)}
    say(f"{FEW + MANY} keys were written in {time.monotonic() - begun:.0f} s")
    starts: dict[int, list[float]] = {FEW: [], MANY: []}
    idle: dict[int, list[int]] = {FEW: [], MANY: []}
    used: dict[int, int] = {}
    firsts: list[float] = []
    for turn in range(STARTS):
        for count in (FEW, MANY) if turn % 2 else (MANY, FEW):
            folder, texts = places[count]
            async with served(folder) as one:
                if turn:
                    # The first start of each finds files and caches as nobody left them.
                    starts[count].append(one.took)
                    # What is looked up once a second has been by then.
                    await asyncio.sleep(SETTLE)
                    idle[count].append(one.memory.memory)
                if turn == STARTS - 1:
                    took = [await one.ask(text) for text in texts]
                    assert {status for status, _ in took} == {200}
                    first = sorted(seconds for _, seconds in took)[int(len(took) * 0.99)]
                    again = [await one.ask(text) for text in texts]
                    known = sorted(seconds for _, seconds in again)[int(len(again) * 0.99)]
                    for _ in range(USED):
                        assert (await one.ask(new_key().reveal()))[0] == 401
                    used[count] = one.memory.memory
                    say(
                        f"{count} keys: ready after {median(starts[count]):.2f} s of CPU, "
                        f"{median(idle[count]) / MIB:.1f} MiB idle, {used[count] / MIB:.1f} with "
                        f"{USED} in use; first use {first * 1e3:.2f} ms p99, later "
                        f"{known * 1e3:.2f} ms"
                    )
                    firsts.append(first)
    assert median(starts[MANY]) < (1 + MORE) * median(starts[FEW])
    assert median(idle[MANY]) < (1 + MORE) * median(idle[FEW])
    assert used[MANY] - used[FEW] < PAGES
    assert max(firsts) < FIRST_USE


async def test_revoked_within_a_second_everywhere(tmp_path: Path, say: Callable[[str], None]):
    tenancy = Tenancy(tmp_path)
    keys, longest = tenancy.default().keys, 0.0
    async with child(tenancy.path) as one, child(tenancy.path) as other:
        for _ in range(20):
            made = keys.create()
            for each in (one, other):
                assert (await each.ask(made.secret.reveal()))[0] == made.facts.id
            keys.revoke(made.facts.id)
            begun = time.monotonic()
            for each in (one, other):
                while (await each.ask(made.secret.reveal()))[0] != "none":
                    assert time.monotonic() - begun < 30
            longest = max(longest, time.monotonic() - begun)
    tenancy.close()
    say(f"revoked in two other processes after {longest:.2f} s at most")
    assert longest < WITHIN
