"""The queue: what is told is kept, once, and nobody waits for it."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from antiphon.egress.webhooks.signing import new_webhook_secret
from antiphon.notices.config import NoticesSettings
from antiphon.notices.deliveries import Deliveries
from antiphon.notices.event import Event
from antiphon.notices.notices import MOST_WAITING, Notices
from antiphon.notices.tables import SCHEMA
from antiphon.storage.database import Database
from tests.unit.notices.conftest import Store


def made(
    store: Store, *, kept: Deliveries | None = None, **webhook: object
) -> tuple[Notices, list[int]]:
    hook = {"url": "https://hooks.example.com/", "secret": new_webhook_secret(), **webhook}
    told: list[int] = []
    settings = NoticesSettings.model_validate({"webhooks": {"ops": hook}})
    return Notices(settings, kept or store.deliveries, told=lambda: told.append(1)), told


def event(number: object = 1, **data: object) -> Event:
    return Event("budget.warning", "org_a", (str(number),), data, 1.8e9)


def test_it_is_told_once(store: Store) -> None:
    notices, told = made(store)
    assert notices.tell(event())
    assert not notices.tell(event(more="of the same"))
    assert notices.write()
    assert not notices.tell(event())
    assert (len(store.all()), len(told)) == (1, 1)
    again, told = made(store)
    assert again.tell(event())
    assert again.write()
    assert (len(store.all()), told) == (1, [])


def test_what_finds_no_room_is_counted_and_may_be_told_later(store: Store, caplog) -> None:
    notices, _ = made(store)
    taken = [notices.tell(event(number)) for number in range(MOST_WAITING + 3)]
    assert taken == [True] * MOST_WAITING + [False] * 3
    assert (notices.dropped, notices.waiting) == (3, MOST_WAITING)
    assert caplog.text.count("Events are dropped") == 1
    assert notices.write()
    assert notices.tell(event(MOST_WAITING))


def test_a_database_that_fails_for_a_while(store: Store, caplog) -> None:
    impatient = Database(store.url, [SCHEMA], busy_seconds=0.05)
    notices, _ = made(store, kept=Deliveries(impatient, clock=store.clock))
    notices.tell(event())
    other = sqlite3.connect(store.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not notices.write()
    assert not notices.write()
    assert "another process holds the database" in notices.trouble
    assert caplog.text.count("Events cannot be kept") == 1
    other.execute("ROLLBACK")
    other.close()
    assert notices.write()
    impatient.close()
    assert (notices.trouble, notices.waiting, len(store.all())) == ("", 0, 1)


def test_one_that_is_too_long_does_not_stop_the_others(store: Store, caplog) -> None:
    notices, _ = made(store)
    notices.tell(event(1, text="x" * 30_000))
    notices.tell(event(2))
    assert notices.write()
    assert len(store.all()) == 1
    assert "is not told: A webhook tells at most 20480 bytes" in caplog.text


def test_as_a_service(store: Store) -> None:
    notices, told = made(store)
    stop = threading.Event()
    thread = threading.Thread(target=notices.run, args=(stop,))
    thread.start()
    for number in range(20):
        notices.tell(event(number))
    while notices.waiting:
        pass
    stop.set()
    notices.stop()
    thread.join()
    assert len(store.all()) == 20
    assert told


@pytest.mark.parametrize(
    ("webhook", "mistake"),
    [
        ({"secret": "hunter2"}, "whsec_"),
        ({"secret": []}, "at least 1"),
        ({"secret": ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"] * 5}, "at most 4"),
        ({"events": []}, "at least 1"),
        ({"events": ["notice.test"]}, "budget.exceeded"),
        ({"events": ["budget.*"]}, "budget.warning"),
        ({"url": "https://example.com/" + "x" * 9000}, "at most"),
        ({"colour": "red"}, "not permitted"),
    ],
    ids=str,
)
def test_settings_that_are_none(store: Store, webhook: dict[str, object], mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        made(store, **webhook)


@pytest.mark.parametrize("name", ["", "Ops", "-a", "a b", "é", "x" * 65, "a.b"])
def test_names_that_are_none(name: str) -> None:
    hook = {"url": "https://hooks.example.com/", "secret": new_webhook_secret()}
    with pytest.raises(ValueError, match="pattern"):
        NoticesSettings.model_validate({"webhooks": {name: hook}})
