"""From an event to its receiver, through a whole gateway and real sockets."""

from __future__ import annotations

import json

import pytest

from antiphon import InvalidSignature
from antiphon.egress.webhooks.signing import new_webhook_secret
from antiphon.leases.terms import Pot
from antiphon.notices.event import Event
from antiphon.usage.budgets.budget import Budget, Scope
from antiphon.usage.budgets.budgets import Waiting
from antiphon.usage.budgets.periods import period_of
from antiphon.usage.budgets.purse import Purse
from antiphon.usage.budgets.sharing import Crossing
from tests.egress.servers import leads, says, sized
from tests.notices.conftest import (
    BUSY,
    CLOSED,
    OLD,
    OPEN,
    SECRET,
    Ahead,
    Desk,
    Receiver,
    listening,
    running,
    sections,
)

BILLION = 1_000_000_000


def crossing(
    share: int = 800, *, name: str = "web", limit: int = 10, at: float = 1.8e9
) -> Crossing:
    """A budget of a team, in the month of a moment, of which a share is spent."""
    budget = Budget(Scope.TEAM, name, limit * BILLION, steps=(800, 1000))
    period = period_of("month", int(at * 1e6), budget.zone)
    pot = Pot("team", f"org_default/{name}", period.name, period.ends)
    purse = Purse[Waiting](pot, budget, period, now=0.0, label=name)
    purse.spent = limit * BILLION * share // 1000
    return Crossing(purse, share)


async def test_a_test_arrives(receiver: Receiver, tmp_path) -> None:
    async with running(tmp_path, **sections(receiver)) as road:
        desk = Desk(road)
        [made] = (await desk.post("/test"))["data"]
        assert (made["state"], made["type"], made["webhook"]) == ("pending", "notice.test", "ops")
        await receiver.until(1)
        [told] = await desk.until("delivered")
        assert (told["id"], told["attempts"], told["status"]) == (made["id"], 1, 204)
        assert receiver.verified() == [told["event"]]
        with pytest.raises(InvalidSignature):
            receiver.verified(new_webhook_secret().reveal())


async def test_a_budget_that_nears_its_end(receiver: Receiver, tmp_path) -> None:
    async with running(tmp_path, **sections(receiver)) as road:
        noticing = road.gateway.books.noticing
        for _ in range(3):
            noticing.crossed(crossing(800))
        noticing.crossed(crossing(1000))
        await Desk(road).until("delivered", 2)
    ids = receiver.verified()
    assert len(set(ids)) == len(ids) == 2
    told = {each["type"]: each for each in (json.loads(visit.body) for visit in receiver.visits)}
    assert told.keys() == {"budget.warning", "budget.exceeded"}
    assert told["budget.warning"]["data"] == {
        "organisation": "org_default",
        "budget": {"scope": "team", "id": "web", "name": "web", "per": "month"},
        "period": "2027-01",
        "period_ends": "2027-02-01T00:00:00Z",
        "share": "0.8",
        "limit_usd": "10.000000000",
        "spent_usd": "8.000000000",
    }


async def test_what_is_told_again_after_a_restart_is_not_sent_again(
    receiver: Receiver, tmp_path
) -> None:
    for _ in range(2):
        async with running(tmp_path, **sections(receiver)) as road:
            road.gateway.books.noticing.crossed(crossing())
            await Desk(road).until("delivered")
            assert len((await Desk(road).get())["data"]) == 1
    assert len(receiver.verified()) == 1


async def test_a_receiver_that_is_away_for_a_while(receiver: Receiver, tmp_path) -> None:
    """It is tried again after five seconds and after five minutes, signed anew each time."""
    receiver.answers = [BUSY, BUSY]
    clock = Ahead()
    async with running(tmp_path, clock=clock, **sections(receiver)) as road:
        desk = Desk(road)
        [made] = (await desk.post("/test"))["data"]
        for count, wait in ((1, 6.1), (2, 361)):
            await receiver.until(count)
            while (shown := await desk.get(f"/{made['id']}"))["attempts"] < count:
                pass
            assert (shown["state"], shown["status"]) == ("pending", 503)
            assert shown["message"] == "The receiver answered with 503."
            assert shown["due_at"] > shown["created_at"]
            clock.by += wait
            road.gateway.books.noticing.courier.wake()
        [told] = await desk.until("delivered")
        assert (told["attempts"], told["message"], told["due_at"]) == (3, "", None)
    assert len({visit.body for visit in receiver.visits}) == 1
    times = [int(visit.headers["webhook-timestamp"]) for visit in receiver.visits]
    assert times[1] - times[0] >= 6
    assert times[2] - times[1] >= 361


async def test_what_waits_outlives_the_gateway(receiver: Receiver, tmp_path) -> None:
    receiver.answers = [BUSY]
    clock = Ahead()
    written = sections(receiver)
    async with running(tmp_path, clock=clock, **written) as road:
        road.gateway.books.noticing.crossed(crossing())
        await receiver.until(1)
        while not (await Desk(road).get())["data"][0]["attempts"]:
            pass
    clock.by += 10
    async with running(tmp_path, clock=clock, **written) as road:
        [told] = await Desk(road).until("delivered")
        assert told["attempts"] == 2
    assert len(set(receiver.verified())) == 1
    assert len(receiver.visits) == 2


async def test_an_event_that_is_told_while_the_gateway_ends_is_kept(
    receiver: Receiver, tmp_path
) -> None:
    written = sections(receiver)
    async with running(tmp_path, **written) as road:
        for number in range(20):
            road.gateway.books.noticing.crossed(crossing(name=f"team-{number}"))
    async with running(tmp_path, **written) as road:
        await Desk(road).until("delivered", 20)
    assert len(set(receiver.verified())) == 20


async def test_an_attempt_that_the_end_breaks_off_is_made_again(
    receiver: Receiver, tmp_path
) -> None:
    """A receiver that never answers does not keep the gateway from ending."""

    async def silent(visit) -> None:
        await visit.left()

    async with listening(silent) as server:
        receiver.server, good = server, receiver.server
        async with running(tmp_path, **sections(receiver)) as road:
            road.gateway.books.noticing.crossed(crossing())
            while not server.visits:
                await Desk(road).get()
        receiver.server = good
    async with running(tmp_path, **sections(receiver)) as road:
        [told] = await Desk(road).until("delivered")
    assert told["attempts"] == 1
    assert receiver.verified() == [told["event"]]


async def test_a_receiver_that_wants_none(receiver: Receiver, tmp_path, caplog) -> None:
    """410 ends what waits for the same webhook, too; by hand it can be sent again."""
    receiver.answers = [BUSY, sized(status="410 Gone")]
    async with running(tmp_path, **sections(receiver)) as road:
        desk, noticing = Desk(road), road.gateway.books.noticing
        noticing.crossed(crossing(name="first"))
        await receiver.until(1)
        while not (await desk.get())["data"][0]["attempts"]:
            pass
        noticing.crossed(crossing(name="second"))
        gone = await desk.until("gone", 2)
        assert {each["message"] for each in gone} == {"The receiver answered with 410."}
        assert noticing.courier.given_up == 1
        assert "to webhook ops is given up: The receiver answered with 410." in caplog.text
        again = await desk.post(f"/{gone[0]['id']}/retry")
        assert (again["state"], again["attempts"], again["ended_at"]) == ("pending", 0, None)
        assert (await desk.until("delivered"))[0]["id"] == gone[0]["id"]


async def test_the_old_key_and_the_new_one(receiver: Receiver, tmp_path) -> None:
    written = sections(receiver)
    both = {"url": receiver.url, "secret": [SECRET.reveal(), OLD.reveal()]}
    written["notices"] = {"webhooks": {"ops": both}}
    async with running(tmp_path, **written) as road:
        await Desk(road).post("/test")
        await receiver.until(1)
    assert receiver.verified(OLD.reveal()) == receiver.verified(SECRET.reveal())


async def test_each_gets_what_it_wants_and_of_whom_it_is(tmp_path) -> None:
    first, second, third = Receiver(), Receiver(), Receiver()
    async with (
        listening(first.handle) as first.server,
        listening(second.handle) as second.server,
        listening(third.handle) as third.server,
    ):
        secret = SECRET.reveal()
        written = sections(
            first,
            second,
            third,
            late={"url": second.url, "secret": secret, "events": ["budget.exceeded"]},
            theirs={"url": third.url, "secret": secret, "organisation": "org_b"},
        )
        async with running(tmp_path, **written) as road:
            tell = road.gateway.books.noticing.notices.tell
            for whose in ("org_a", "org_b"):
                for kind in ("budget.warning", "budget.exceeded", "budget.unknown"):
                    tell(Event(kind, whose, ("1",), {"organisation": whose}, 1.8e9))
            await Desk(road).until("delivered", 8)

    def told(receiver: Receiver) -> list[tuple[str, str]]:
        bodies = [json.loads(visit.body) for visit in receiver.visits]
        return sorted((each["type"], each["data"]["organisation"]) for each in bodies)

    kinds = ("budget.exceeded", "budget.warning")
    assert told(first) == [(kind, whose) for kind in kinds for whose in ("org_a", "org_b")]
    assert told(second) == [("budget.exceeded", whose) for whose in ("org_a", "org_b")]
    assert told(third) == [(kind, "org_b") for kind in kinds]


async def test_a_slow_receiver_does_not_hold_up_another(receiver: Receiver, tmp_path) -> None:
    async def silent(visit) -> None:
        await visit.left()

    async with listening(silent) as slow:
        written = sections(receiver)
        written["egress"]["ports"].append(slow.port)
        url = f"http://{OPEN}:{slow.port}/"
        written["notices"]["webhooks"]["slow"] = {"url": url, "secret": SECRET.reveal()}
        async with running(tmp_path, **written) as road:
            for number in range(50):
                road.gateway.books.noticing.crossed(crossing(name=f"team-{number}"))
            await Desk(road).until("delivered", 50, webhook="ops")
            assert slow.most_at_once <= 4


async def test_a_redirect_is_not_followed(tmp_path) -> None:
    """Not inside, and not to what is open either: a signed body goes nowhere else."""
    receiver = Receiver()
    async with (
        listening(says(sized()), at=CLOSED) as canary,
        listening(leads(f"http://{CLOSED}:{canary.port}/")) as receiver.server,
    ):
        async with running(tmp_path, **sections(receiver)) as road:
            await Desk(road).post("/test")
            while not (shown := (await Desk(road).get())["data"][0])["attempts"]:
                pass
        assert (shown["state"], shown["status"]) == ("pending", 302)
        assert canary.connections == 0
