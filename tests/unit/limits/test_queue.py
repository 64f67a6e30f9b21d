"""Who waits, in which order, and that nobody is forgotten."""

from __future__ import annotations

from antiphon.limits.path import Demand, Gate
from antiphon.limits.taken import Taken
from antiphon.limits.waiting import Place, State, Waiter
from antiphon.model.principal import Principal
from tests.unit.limits.test_limits import ALICE, BOB, ONE, Desk, limit

LOW, NORMAL, HIGH = -1, 0, 1


class Hall(Desk):
    """A desk at which one waits; the clockwork of the queue is turned by hand."""

    def __init__(self, *limits: object) -> None:
        super().__init__(*limits)
        self.woken: list[Waiter] = []

    def come(
        self, who: Principal, priority: int = NORMAL, demand: Demand = ONE, seconds: float = 1e6
    ) -> Taken | Waiter:
        made = self.take(who, demand=demand)
        if isinstance(made, Taken):
            return made
        return self.stand([(who, made, demand)], priority, seconds)

    def stand(self, wanted, priority: int = NORMAL, seconds: float = 1e6) -> Waiter:
        now = self.limits.now()
        places = [
            Place(self.limits.path(who, "fast", now), demand, gate) for who, gate, demand in wanted
        ]
        waiter = Waiter(
            places,
            arrived=now,
            priority=priority,
            until=now + int(seconds * 1e6),
            wake=lambda: self.woken.append(waiter),
        )
        self.limits.queue.join(waiter, now)
        return waiter

    def pass_time(self, seconds: float) -> None:
        """Time passes; the timer goes off whenever it is due."""
        end = self.clock.time + seconds
        while True:
            due = self.limits.queue.due()
            at = self.clock.time + max(due - self.limits.now(), 0) / 1e6
            if at > end:
                break
            self.clock.time = at + 1e-6
            self.limits.queue.tick(self.limits.now())
        self.clock.time = max(end, self.clock.time)

    def end(self, taken: Taken | None, tokens: int = 10) -> None:
        assert taken is not None
        self.limits.settle(taken, tokens, 100, self.limits.now())


def queued(**members: object):
    return limit(**{"scope": "key", "when_full": "queue", **members})


def test_equal_priority_is_first_come_first_served():
    hall = Hall(queued(concurrency=1))
    first = hall.come(ALICE)
    waiters = [hall.come(ALICE) for _ in range(5)]
    assert isinstance(first, Taken)
    hall.end(first)
    for number, each in enumerate(waiters):
        assert hall.woken == waiters[: number + 1]
        hall.end(each.taken)
    assert hall.limits.queue.waiting == 0
    assert isinstance(hall.come(ALICE), Taken)


def test_a_newcomer_does_not_overtake():
    """There is room for a small request, but somebody waits for more."""
    hall = Hall(queued(tokens=100))
    begun = hall.come(ALICE, demand=Demand(1, 60, 0, 1, 60, 0))
    big = hall.come(ALICE, demand=Demand(1, 80, 0, 1, 80, 0))
    small = hall.come(ALICE, demand=Demand(1, 5, 0, 1, 5, 0))
    assert isinstance(begun, Taken)
    assert [big.state, small.state] == [State.WAITING, State.WAITING]
    hall.end(begun, 10)
    assert hall.woken == [big, small], "it goes as soon as less was used than was taken"


def test_the_urgent_go_first_but_only_so_far():
    hall = Hall(queued(concurrency=1, queue={"seconds": 600, "step": 5}))
    held = hall.come(ALICE)
    low = hall.come(ALICE, LOW)
    hall.clock.time += 4
    normal = hall.come(ALICE)
    hall.clock.time += 4
    high = hall.come(ALICE, HIGH)
    hall.clock.time += 4
    late = hall.come(ALICE, HIGH)
    assert isinstance(held, Taken)
    hall.end(held)
    for each in (high, normal, low, late):
        assert hall.woken[-1] is each, "who came 12 seconds before is worth two steps"
        hall.end(each.taken)


def test_the_low_do_not_starve_under_a_flood_of_urgent_ones():
    hall = Hall(queued(concurrency=1, queue={"length": 1000, "seconds": 600, "step": 5}))
    under_way = hall.come(ALICE, HIGH)
    low = hall.come(ALICE, LOW)
    assert isinstance(under_way, Taken)
    for _ in range(40):
        hall.come(ALICE, HIGH)
        hall.come(ALICE, HIGH)
        hall.pass_time(1)
        hall.end(under_way)
        under_way = hall.woken[-1].taken
        if low.state is State.SERVED:
            break
    assert low.state is State.SERVED
    assert hall.clock.time <= 1000 + 12 * 2


def test_a_queue_is_bounded_in_length_and_time():
    hall = Hall(queued(concurrency=1, queue={"length": 2, "seconds": 10}))
    held = hall.come(ALICE)
    first, second, third = (hall.come(ALICE) for _ in range(3))
    assert [first.state, second.state, third.state] == [
        State.WAITING,
        State.WAITING,
        State.REFUSED,
    ]
    hall.pass_time(9.9)
    assert first.state is State.WAITING
    hall.pass_time(0.2)
    assert [first.state, second.state] == [State.LATE, State.LATE]
    assert isinstance(held, Taken)
    hall.end(held)
    assert isinstance(hall.come(ALICE), Taken)


def test_who_leaves_makes_room_behind():
    hall = Hall(queued(tokens=100))
    hall.come(ALICE, demand=Demand(1, 60, 0, 1, 60, 0))
    big = hall.come(ALICE, demand=Demand(1, 80, 0, 1, 80, 0))
    small = hall.come(ALICE, demand=Demand(1, 5, 0, 1, 5, 0))
    hall.limits.queue.leave(big, hall.limits.now())
    assert small.state is State.SERVED, "it was stopped by nobody but the one before it"
    assert hall.woken == [small]


def test_time_makes_room():
    hall = Hall(queued(requests=2))
    hall.come(ALICE)
    hall.come(ALICE)
    waiter = hall.come(ALICE)
    hall.pass_time(29)
    assert waiter.state is State.WAITING
    other = Hall(queued(requests=2, queue={"seconds": 100}))
    other.come(ALICE)
    other.come(ALICE)
    waiters = [other.come(ALICE) for _ in range(3)]
    other.pass_time(62)
    assert [each.state for each in waiters] == [State.SERVED, State.SERVED, State.WAITING]


def test_one_who_waits_elsewhere_stops_nobody_here():
    """Alice's turn at the team's line comes, but her own limit is reached meanwhile."""
    hall = Hall(
        limit(scope="team", concurrency=2, when_full="queue"),
        queued(concurrency=1),
    )
    alice, bob = hall.come(ALICE), hall.come(BOB)
    again = [hall.come(ALICE), hall.come(BOB), hall.come(ALICE)]
    assert isinstance(alice, Taken)
    assert isinstance(bob, Taken)
    hall.end(bob)
    assert [each.state for each in again] == [State.WAITING, State.SERVED, State.WAITING]
    hall.end(alice)
    assert [each.state for each in again] == [State.SERVED, State.SERVED, State.WAITING]
    hall.end(again[0].taken)
    assert again[2].state is State.SERVED


def test_nobody_overtakes_in_a_line_that_he_comes_to_later():
    """Alice waited for her own limit; at the team's, Bob was before her, and needs more."""
    hall = Hall(
        queued(concurrency=1),
        limit(scope="team", tokens=100, when_full="queue"),
    )
    first = hall.come(ALICE, demand=Demand(1, 60, 0, 1, 60, 0))
    bob = hall.come(BOB, demand=Demand(1, 80, 0, 1, 80, 0))
    second = hall.come(ALICE, demand=Demand(1, 5, 0, 1, 5, 0))
    assert isinstance(first, Taken)
    hall.end(first, 60)
    assert [bob.state, second.state] == [State.WAITING, State.WAITING]
    hall.limits.queue.leave(bob, hall.limits.now())
    assert second.state is State.SERVED


def test_a_limit_that_lets_nobody_wait_refuses_those_who_come_to_it():
    hall = Hall(
        limit(scope="team", concurrency=1, when_full="queue"), limit(scope="user", tokens=9)
    )
    held = hall.come(BOB)
    waiter = hall.come(ALICE)
    now = hall.limits.now()
    taken = hall.limits.take(hall.limits.path(ALICE, "other", now), ONE, now)
    assert isinstance(taken, Gate)
    path = hall.limits.path(ALICE, "fast", now)
    path.gates[0].meter.add(now, 9)
    assert isinstance(held, Taken)
    hall.end(held)
    assert waiter.state is State.REFUSED
    assert waiter.limit is not None
    assert waiter.limit.scope == "user"


def test_any_of_several_will_do_and_only_one_is_taken():
    hall = Hall(queued(concurrency=1))
    first, second = hall.come(ALICE), hall.come(BOB)
    wanted = [(who, hall.take(who), ONE) for who in (ALICE, BOB)]
    waiter = hall.stand(wanted)
    behind = hall.come(ALICE)
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    hall.end(second)
    assert [waiter.state, waiter.at] == [State.SERVED, 1]
    hall.end(first)
    assert behind.state is State.SERVED, "he does not stand in the other line any more"
    assert hall.limits.queue.waiting == 0


def test_other_limits_have_everybody_ask_anew():
    hall = Hall(queued(concurrency=1))
    hall.come(ALICE)
    waiter = hall.come(ALICE)
    hall.limits.replace(limit(scope="key", name="key-a", concurrency=5))
    assert waiter.state is State.AGAIN
    assert isinstance(hall.come(ALICE), Taken)


def test_a_queue_before_nothing_refuses():
    """A limit of zero never has room: nobody waits for it in vain."""
    hall = Hall(queued(concurrency=0))
    assert hall.come(ALICE).state is State.REFUSED


def test_those_who_left_are_forgotten():
    hall = Hall(queued(concurrency=1, queue={"length": 10}))
    hall.come(ALICE)
    hall.come(ALICE)
    for _ in range(5_000):
        waiter = hall.come(ALICE)
        hall.limits.queue.leave(waiter, hall.limits.now())
    queue = hall.limits.queue
    assert queue.waiting == 1
    assert sum(len(line) for line in queue._lines.values()) < 100
    assert len(queue._ends) < 100
