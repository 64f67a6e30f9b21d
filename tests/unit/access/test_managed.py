"""What a process knows of keys, and how it hears that it is not true any more."""

from __future__ import annotations

import asyncio
import logging
import threading
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.access.bounded import Bounded
from antiphon.access.keytext import new_key
from antiphon.access.lookup import look_up
from antiphon.access.managed import LOOK_UP, ManagedKeys
from antiphon.access.resolver import Resolver
from antiphon.access.revoking import KEPT
from antiphon.access.tables import key_changes
from antiphon.access.watch import Watch
from antiphon.errors import Overloaded, StorageFailed


def made_up() -> bytes:
    """A key that nobody has, with the checksum of one."""
    return new_key().reveal().encode()


def found_in(tenancy, credential: bytes):
    return look_up(tenancy.database, sha256(credential).digest())


@given(st.integers(1, 20), st.lists(st.integers(0, 30), max_size=200))
def test_bounded(most, keys):
    held: Bounded[int, int] = Bounded(most)
    for key in keys:
        if held.get(key) is None:
            held.put(key, key + 1)
        assert held.get(key) == key + 1
        assert len(held) <= max(2, most)
    for key in set(keys):
        held.forget(key)
        assert held.get(key) is None
    assert len(held) == 0


def test_what_is_in_use_stays():
    held: Bounded[int, str] = Bounded(10)
    held.put(-1, "mine")
    for number in range(1000):
        held.put(number, "others'")
        assert held.get(-1) == "mine"


def test_garbage_is_refused_without_a_look_up(tenancy):
    process = tenancy.process()
    key = made_up()
    for garbage in (b"", b"x", b"ak-1", key[:-1], key + b"x", key * 1000, b"sk-" + key[3:]):
        assert process.principal(garbage) is None
    assert process.lookups == 0


def test_a_key_is_looked_up_once_and_an_unknown_one_too(tenancy):
    process, key, unknown = tenancy.process(), tenancy.default().keys.create(), made_up()
    for _ in range(3):
        assert process.principal(key)
        assert process.principal(unknown) is None
    assert process.lookups == 2


def test_made_up_keys_push_out_none_that_are_in_use(tenancy):
    process, key = tenancy.process(most=10), tenancy.default().keys.create()
    assert process.principal(key)
    for _ in range(100):
        assert process.principal(made_up()) is None
    assert process.lookups == 101
    assert process.principal(key)
    assert process.lookups == 101
    assert len(process.keys) <= 20


def test_many_keys_take_no_more_room_than_few(tenancy):
    process, keys = tenancy.process(most=10), tenancy.default().keys
    made = [keys.create() for _ in range(30)]
    for _ in range(2):
        assert all(map(process.principal, made))
    assert len(process.keys) <= 10


def test_each_process_sees_it_at_its_next_look(tenancy):
    keys, processes = tenancy.default().keys, [tenancy.process() for _ in range(3)]
    made, other = keys.create(), keys.create()
    for process in processes:
        assert process.principal(made)
        assert process.principal(other)
    keys.revoke(made.facts.id)
    for process in processes:
        process.watch.look()
        assert process.principal(made) is None
        assert process.principal(other)
        assert process.lookups == 3, "the other one was not forgotten"


def test_an_answer_from_before_a_change_is_not_remembered(tenancy):
    keys, process = tenancy.default().keys, tenancy.process()
    made = keys.create()
    credential = made.secret.reveal().encode()
    early = found_in(tenancy, credential)
    keys.revoke(made.facts.id)
    process.watch.look()
    assert process.keys.learn(early) is not None, "it was asked before"
    assert process.keys.find(credential) is LOOK_UP
    assert process.principal(made) is None


def test_whoever_comes_too_late_forgets_everything(tenancy):
    keys, process = tenancy.default().keys, tenancy.process()
    made, other = keys.create(), keys.create()
    assert process.principal(made)
    assert process.principal(other)
    keys.revoke(made.facts.id)
    with tenancy.database.writing() as connection:
        rows = [{"digest": b"%d" % number} for number in range(KEPT)]
        connection.execute(key_changes.insert(), rows)
    keys.rotate(other.facts.id)
    with tenancy.database.reading() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM key_changes").scalar()
    assert kept == KEPT
    process.watch.look()
    assert len(process.keys) == 0
    assert process.principal(made) is None
    assert process.principal(other)


def test_a_copy_from_before_is_another_database(tenancy):
    keys, process = tenancy.default().keys, tenancy.process()
    made, other = keys.create(), keys.create()
    keys.revoke(other.facts.id)
    process.watch.look()
    assert process.principal(made)
    with tenancy.database.writing() as connection:
        connection.execute(key_changes.delete())
    process.watch.look()
    assert len(process.keys) == 0


def test_while_the_database_is_away(tenancy):
    keys, process = tenancy.default().keys, tenancy.process()
    made, unknown = keys.create(), made_up()
    assert process.principal(made)
    process.close()
    tenancy.close()
    tenancy.path.rename(tenancy.path.with_suffix(".away"))
    tenancy.path.mkdir()
    with pytest.raises(StorageFailed):
        process.watch.look()
    with pytest.raises(StorageFailed):
        process.principal(unknown)
    assert process.principal(made)


def test_the_service_tells_and_stops(tenancy):
    told, stop = threading.Event(), threading.Event()
    watch = Watch(tenancy.process().database, lambda changes: told.set(), every=0.001)
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    try:
        assert told.wait(30), "once at the start, so that nothing older is believed"
        keys = tenancy.default().keys
        key = keys.create().facts.id
        told.clear()
        keys.revoke(key)
        assert told.wait(30)
        assert watch.trouble == ""
    finally:
        stop.set()
        watch.stop()
        thread.join()


def test_the_service_outlives_a_database_that_is_away(tenancy):
    process = tenancy.process()
    told, stop, failed = threading.Event(), threading.Event(), threading.Event()
    watch = Watch(process.database, lambda changes: told.set(), every=0.001)
    with tenancy.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE key_changes RENAME TO away")
    thread = threading.Thread(target=watch.run, args=(stop,))
    line = Line(failed)
    logging.getLogger("antiphon.access").addHandler(line)
    thread.start()
    try:
        assert failed.wait(30)
        assert not told.is_set()
        with tenancy.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO key_changes")
        assert told.wait(30)
    finally:
        stop.set()
        watch.stop()
        thread.join()
        logging.getLogger("antiphon.access").removeHandler(line)
    assert watch.trouble == ""


class Line(logging.Handler):
    """Says that a line was logged."""

    def __init__(self, told: threading.Event) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.set()


async def test_one_look_up_for_all_who_wait(tenancy):
    made, keys = tenancy.default().keys.create(), ManagedKeys(clock=tenancy.clock)
    database = Slow(tenancy.database)
    resolver = Resolver(keys, database)  # type: ignore[arg-type]
    credential = made.secret.reveal().encode()
    asking = [asyncio.ensure_future(resolver.principal(credential)) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    database.go.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {each.key_id for each in found[1:]} == {made.facts.id}
    assert database.asked == 1
    assert keys.find(credential) is found[1]
    resolver.close()


async def test_made_up_keys_do_not_wait_endlessly(tenancy):
    database = Slow(tenancy.database)
    keys = ManagedKeys(clock=tenancy.clock)
    resolver = Resolver(keys, database, most_waiting=5)  # type: ignore[arg-type]
    asking = [asyncio.ensure_future(resolver.principal(made_up())) for _ in range(8)]
    done, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_EXCEPTION)
    assert (len(done), len(waiting)) == (3, 5)
    for each in done:
        error = each.exception()
        assert isinstance(error, Overloaded)
        assert error.retry_after == 1.0
    assert await resolver.principal(b"garbage") is None
    database.go.set()
    assert await asyncio.gather(*waiting) == [None] * 5
    assert await resolver.principal(made_up()) is None
    resolver.close()


async def test_a_database_that_fails_is_told_and_forgotten(tenancy):
    made, keys = tenancy.default().keys.create(), ManagedKeys(clock=tenancy.clock)
    resolver = Resolver(keys, tenancy.database)
    with tenancy.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE key_changes RENAME TO away")
    credential = made.secret.reveal().encode()
    with pytest.raises(StorageFailed):
        await resolver.principal(credential)
    left = asyncio.ensure_future(resolver.principal(credential))
    await asyncio.sleep(0)
    left.cancel()
    with tenancy.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO key_changes")
    # The one that was left may still be under way, and may have failed.
    await asyncio.gather(resolver.principal(credential), return_exceptions=True)
    found = await resolver.principal(credential)
    assert found is not None
    assert found.key_id == made.facts.id
    resolver.close()


class Slow:
    """A database that answers when it is told to."""

    def __init__(self, database) -> None:
        self._database = database
        self.go = threading.Event()
        self.asked = 0

    def reading(self):
        self.asked += 1
        assert self.go.wait(30)
        return self._database.reading()
