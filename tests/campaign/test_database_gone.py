"""A database that is locked, read-only or moved away while the gateway runs: nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import Fleet
from tests.kills.audit import Audit
from tests.kills.callers import Told, ask
from tests.kills.children import Nursery
from tests.kills.workload import configuration, providers, seen

pytestmark = pytest.mark.campaign
SEGMENT = 32_768
LONGER_THAN_BUSY = 7
"""Seconds: the shipper has given up waiting for the lock at least once."""


async def asked(address: str, count: int, prefix: str) -> list[Told]:
    """So many answers, eight at a time; each has to be good."""
    told: list[Told] = []
    for begin in range(0, count, 8):
        told += await asyncio.gather(
            *(
                ask(address, f"one/{prefix}-{number}", stream=number % 2 == 0)
                for number in range(begin, begin + 8)
            )
        )
    assert all(one.answered for one in told)
    return told


async def test_another_process_holds_it(nursery: Nursery, tmp_path: Path):
    async with providers() as fleet:
        config = configuration(fleet, tmp_path)
        child = nursery.start(tmp_path, config=config, segment_bytes=SEGMENT)
        address = await child.ready()
        told = await asked(address, 16, "before")
        thief = sqlite3.connect(tmp_path / "antiphon.db", isolation_level=None, timeout=10)
        with closing(thief):
            thief.execute("BEGIN EXCLUSIVE")
            told += await asked(address, 200, "held")
            await asyncio.sleep(LONGER_THAN_BUSY)
            told += await asked(address, 200, "still-held")
            thief.execute("ROLLBACK")
        assert "another process holds the database" in child.log()
        assert await child.stops() == 0
        balanced(Audit(tmp_path), told, fleet)


async def test_it_ends_while_another_process_holds_it(nursery: Nursery, tmp_path: Path):
    """What could not be shipped waits for the next start."""
    async with providers() as fleet:
        config = configuration(fleet, tmp_path)
        child = nursery.start(tmp_path, config=config, segment_bytes=SEGMENT)
        address = await child.ready()
        with closing(sqlite3.connect(tmp_path / "antiphon.db", isolation_level=None)) as thief:
            thief.execute("BEGIN EXCLUSIVE")
            told = await asked(address, 100, "held")
            assert await child.stops(seconds=30) == 0
            thief.execute("ROLLBACK")
        audit = Audit(tmp_path)
        assert audit.left_behind()
        audit.proves()
        audit.adopt()
        balanced(audit, told, fleet)


async def test_it_is_moved_away_and_back(nursery: Nursery, tmp_path: Path):
    folder = tmp_path / "books"
    folder.mkdir()
    database = folder / "antiphon.db"
    async with providers() as fleet:
        storage = {"database": f"sqlite:///{database}"}
        config = configuration(fleet, tmp_path, storage=storage)
        child = nursery.start(tmp_path, config=config, segment_bytes=SEGMENT)
        address = await child.ready()
        told = await asked(address, 16, "before")
        away = folder.rename(tmp_path / "away")
        told += await asked(address, 200, "away")
        away.rename(folder)
        told += await asked(address, 16, "back")
        assert await child.stops() == 0
        balanced(Audit(tmp_path, database=database), told, fleet)


async def test_it_cannot_be_written_for_a_while(tmp_path: Path):
    """As a disk that the kernel has put into its read-only mode."""
    async with providers() as fleet:
        gateway = Antiphon.from_config(configuration(fleet, tmp_path), environ={})
        async with gateway, serving(gateway) as address:
            books = gateway.books
            assert books is not None
            read_only = True

            @event.listens_for(books.database._engine, "checkout")
            def checkout(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
                connection.execute(f"PRAGMA query_only={int(read_only)}")

            told = await asked(address, 104, "kept")
            await until(lambda: "not written" in books.shipper.trouble)
            told += await asked(address, 104, "also-kept")
            assert books.shipper.shipped < len(told)
            read_only = False
            await until(lambda: books.shipper.shipped == len(told))
            assert books.shipper.trouble == ""
        balanced(Audit(tmp_path), told, fleet)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def balanced(audit: Audit, told: list[Told], fleet: Fleet) -> None:
    with closing(audit):
        assert audit.balances(told, seen(fleet)) == {"ok": len(told)}
