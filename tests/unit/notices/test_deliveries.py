"""Who may send what, and what becomes of it, with time that a test moves."""

from __future__ import annotations

import threading
from random import Random

import pytest
from sqlalchemy import update

from antiphon.egress.webhooks.delivery import Outcome, Schedule, State, Verdict
from antiphon.notices.deliveries import Claim
from antiphon.notices.tables import deliveries
from tests.unit.notices.conftest import Store

TAKEN = Outcome(Verdict.TAKEN, 204)
BUSY = Outcome(Verdict.AGAIN, 503, "The receiver answered with 503.")
GONE = Outcome(Verdict.GONE, 410, "The receiver answered with 410.")
DAY = 24 * 3600.0


def settle(store: Store, claim: Claim, outcome: Outcome) -> bool:
    now = store.clock.now()
    after = claim.delivery.after(outcome, Schedule(), now=now, random=Random(1))
    return store.deliveries.settle(claim, after, status=outcome.status)


def states(store: Store) -> list[str]:
    return sorted(each.state for each in store.all())


def test_an_event_is_entered_once_for_each_webhook(store: Store) -> None:
    assert len(store.enter("a", "b", "a")) == 2
    assert store.enter("a") == []
    assert len(store.enter("a", webhook="other")) == 1
    assert store.deliveries.waiting() == {"ops": 2, "other": 1}


def test_it_is_one_s_own_until_the_claim_runs_out(store: Store) -> None:
    store.enter("a")
    [first] = store.deliveries.claim("ops", 4, seconds=40)
    assert store.deliveries.claim("ops", 4, seconds=40) == []
    assert store.deliveries.waiting() == {}
    store.clock.time += 39.9
    assert store.deliveries.claim("ops", 4, seconds=40) == []
    store.clock.time += 0.2
    [second] = store.deliveries.claim("ops", 4, seconds=40)
    assert second.message == first.message
    assert second.token != first.token


def test_who_comes_too_late_changes_nothing(store: Store) -> None:
    store.enter("a")
    [late] = store.deliveries.claim("ops", 1, seconds=40)
    store.clock.time += 41
    [mine] = store.deliveries.claim("ops", 1, seconds=40)
    assert not settle(store, late, BUSY)
    store.deliveries.release([late])
    assert store.deliveries.waiting() == {}
    assert settle(store, mine, BUSY)
    assert store.all()[0].attempts == 1


def test_but_that_it_was_taken_is_true_whoever_says_it(store: Store) -> None:
    store.enter("a")
    [late] = store.deliveries.claim("ops", 1, seconds=40)
    store.clock.time += 41
    [mine] = store.deliveries.claim("ops", 1, seconds=40)
    assert settle(store, late, TAKEN)
    assert not settle(store, mine, BUSY)
    assert not settle(store, mine, TAKEN)
    assert states(store) == ["delivered"]


def test_what_is_let_go_is_due_as_it_was(store: Store) -> None:
    store.enter("a", "b")
    claims = store.deliveries.claim("ops", 2, seconds=40)
    store.deliveries.release(claims[:1])
    [again] = store.deliveries.claim("ops", 2, seconds=40)
    assert (again.id, again.delivery) == (claims[0].id, claims[0].delivery)


def test_to_the_end_of_the_schedule(store: Store) -> None:
    store.enter("a")
    waits: list[float] = []
    begun = store.clock.time
    while states(store) == ["pending"]:
        claims = store.deliveries.claim("ops", 1, seconds=40)
        if claims:
            settle(store, claims[0], BUSY)
            waits.append(store.clock.time - begun)
        store.clock.time += 5.0 if len(waits) < 3 else 600.0
    [over] = store.all()
    assert (over.state, over.attempts, over.due_at) == ("failed", 10, None)
    assert len(waits) == 10
    assert 3 * DAY < waits[-1] < 4 * DAY


def test_gone_ends_what_waits_for_the_same_webhook_and_is_nobody_s(store: Store) -> None:
    store.enter("a", "b", "c")
    store.enter("a", webhook="other")
    first, second = store.deliveries.claim("ops", 2, seconds=40)
    settle(store, first, GONE)
    assert states(store) == ["gone", "gone", "pending", "pending"]
    assert settle(store, second, TAKEN)
    assert store.deliveries.waiting() == {"other": 1}


@pytest.mark.parametrize("back", [60.0, 3 * DAY, 3650 * DAY])
def test_a_clock_that_is_put_back_holds_up_nothing_for_ever(store: Store, back: float) -> None:
    """A claim lasts an hour and some at most, and a wait a day and some."""
    store.enter("a", "b")
    [_] = store.deliveries.claim("ops", 1, seconds=40)
    store.clock.time -= back
    found = len(store.deliveries.claim("ops", 9, seconds=40))
    for _ in range(30):
        store.clock.time += 3600
        found += len(store.deliveries.claim("ops", 9, seconds=40))
        if found >= 2:
            break
    assert found >= 2


def test_what_is_over_goes_and_what_nobody_waits_for_is_given_up(store: Store) -> None:
    store.enter("a", "b")
    store.enter("c", webhook="former")
    [claim] = store.deliveries.claim("ops", 1, seconds=40)
    settle(store, claim, TAKEN)

    def swept() -> tuple[int, int]:
        return store.deliveries.sweep(keep_days=30, webhooks=["ops"])

    assert swept() == (0, 0)
    store.clock.time += 7.5 * DAY
    assert swept() == (1, 0)
    assert states(store) == ["delivered", "failed", "pending"]
    store.clock.time += 23 * DAY
    assert swept() == (0, 1)
    store.clock.time += 8 * DAY
    assert swept() == (0, 1)
    assert states(store) == ["pending"]


def test_many_claim_at_once_and_each_is_claimed_once(store: Store) -> None:
    store.enter(*map(str, range(60)))
    found: list[str] = []

    def take() -> None:
        while claims := store.deliveries.claim("ops", 3, seconds=40):
            found.extend(each.id for each in claims)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 60


def test_the_most_pressing_come_first(store: Store) -> None:
    for name in "abc":
        store.enter(name)
        store.clock.time += 1
    wanted = store.all()[1].id
    with store.database.writing() as connection:
        chosen = deliveries.c.id == wanted
        connection.execute(update(deliveries).where(chosen).values(due_at=0))
    [first] = store.deliveries.claim("ops", 1, seconds=40)
    assert first.id == wanted
    assert first.delivery.state is State.PENDING
