"""A database with tenants, time that is moved, and a process that knows keys."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from antiphon.access.desk import Access, Desk
from antiphon.access.facts import NewKey
from antiphon.access.lookup import look_up
from antiphon.access.managed import LOOK_UP, ManagedKeys
from antiphon.access.tables import SCHEMA
from antiphon.access.walls import Actor, actor_of, operator_here
from antiphon.access.watch import Watch
from antiphon.model.principal import Principal
from antiphon.storage.database import Database
from antiphon.usage.ledger.tables import SCHEMA as LEDGER

ROOT = operator_here()


class MovedClock:
    """Time stands still unless it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> float:
        return 1_790_000_000.0 + self.time


class Process:
    """What one process on a database knows, its look-ups counted."""

    def __init__(self, path: Path, clock: MovedClock, *, most: int = 100) -> None:
        self.database = Database(f"sqlite:///{path}", [SCHEMA, LEDGER])
        self.keys = ManagedKeys(clock=clock, most=most, most_unknown=most)
        self.watch = Watch(self.database, self.keys.apply)
        self.lookups = 0
        self.watch.look()

    def principal(self, key: NewKey | bytes) -> Principal | None:
        credential = key if isinstance(key, bytes) else key.secret.reveal().encode()
        found = self.keys.find(credential)
        if found is LOOK_UP:
            self.lookups += 1
            return self.keys.learn(look_up(self.database, sha256(credential).digest()))
        return found

    def close(self) -> None:
        self.database.close()


class Tenancy:
    """The administration of a database."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "antiphon.db"
        self.clock = MovedClock()
        self.database = Database(f"sqlite:///{self.path}", [SCHEMA, LEDGER])
        self.access = Access(self.database, clock=self.clock)
        self.processes: list[Process] = []

    def organisation(self, name: str) -> str:
        return self.access.organisations(ROOT).create(name).id

    def default(self) -> Desk:
        return self.access.at(ROOT, self.access.organisations(ROOT).default().id)

    def process(self, **options: int) -> Process:
        self.processes.append(Process(self.path, self.clock, **options))
        return self.processes[-1]

    def actor(self, key: NewKey) -> Actor:
        """Who holds a key, as a door would say it."""
        principal = self.process().principal(key)
        assert principal is not None
        return actor_of(principal)

    def close(self) -> None:
        for each in self.processes:
            each.close()
        self.database.close()
