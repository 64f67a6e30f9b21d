"""Webhooks from end to end: signed here, sent through the door, verified by the receiver."""

from __future__ import annotations

from random import Random

import pytest

from antiphon import verify_webhook
from antiphon.egress.errors import BadAddress, BlockedAddress
from antiphon.egress.webhooks.delivery import Delivery, Schedule, State, Verdict
from antiphon.egress.webhooks.message import compose, message_id
from antiphon.egress.webhooks.sender import Endpoint, Webhooks
from antiphon.egress.webhooks.signing import new_webhook_secret
from antiphon.secret import Secret
from tests.egress.conftest import CLOSED, OPEN, Bench
from tests.egress.servers import Server, Visit, leads, says, sized

START = 1_800_000_000.0
KEY, OLD = new_webhook_secret(), new_webhook_secret()
MESSAGE = compose("budget.warning", {"share": 0.8}, id=message_id("t", "b", "1"), at=START)


class Moved:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


def endpoint(server: Server, *keys: Secret) -> Endpoint:
    return Endpoint(f"http://{OPEN}:{server.port}/hook", keys or (KEY,))


def in_turn(*answers: bytes):
    remaining = list(answers)

    async def handler(visit: Visit) -> None:
        await says(remaining.pop(0) if len(remaining) > 1 else remaining[0])(visit)

    return handler


async def test_until_it_is_taken(bench: Bench) -> None:
    """Two failures, then success: one id, one body, a signature of each attempt's own time."""
    server = await bench.serve(
        in_turn(
            sized(status="500 Internal Server Error"),
            sized(status="429 Too Many Requests", extra="Retry-After: 4000\r\n"),
            sized(status="204 No Content", body=b""),
        )
    )
    clock, random = Moved(), Random(3)
    hooks = Webhooks(await bench.door(server), clock)
    delivery, waits = Delivery(due=START), []
    while delivery.state is State.PENDING:
        waits.append(delivery.due - clock.time)
        clock.time = delivery.due
        outcome = await hooks.attempt(endpoint(server), MESSAGE)
        delivery = delivery.after(outcome, Schedule(), now=clock.time, random=random)
    assert delivery.state is State.DELIVERED
    assert waits[0] == 0
    assert 5 <= waits[1] <= 6
    assert 4000 <= waits[2] <= 4800
    received = [
        verify_webhook(each.body, each.headers, KEY, clock=clock, tolerance=10_000)
        for each in server.visits
    ]
    assert [each.id for each in received] == [MESSAGE.id] * 3
    assert [each.timestamp for each in received] == sorted({each.timestamp for each in received})
    assert {each.body for each in server.visits} == {MESSAGE.body}
    assert server.visits[0].headers["content-type"] == "application/json"


async def test_both_keys_while_one_replaces_the_other(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    clock = Moved()
    await Webhooks(await bench.door(server), clock).attempt(endpoint(server, KEY, OLD), MESSAGE)
    [visit] = server.visits
    for key in (KEY, OLD):
        assert verify_webhook(visit.body, visit.headers, key, clock=clock).id == MESSAGE.id


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("200 OK", Verdict.TAKEN),
        ("299 Odd", Verdict.TAKEN),
        ("400 Bad Request", Verdict.AGAIN),
        ("401 Unauthorized", Verdict.AGAIN),
        ("404 Not Found", Verdict.AGAIN),
        ("410 Gone", Verdict.GONE),
        ("503 Service Unavailable", Verdict.AGAIN),
    ],
)
async def test_statuses(bench: Bench, status: str, verdict: Verdict) -> None:
    server = await bench.serve(says(sized(status=status)))
    outcome = await Webhooks(await bench.door(server), Moved()).attempt(endpoint(server), MESSAGE)
    assert outcome.verdict is verdict
    assert outcome.status == int(status[:3])


async def test_a_redirect_is_a_failure(bench: Bench) -> None:
    canary = await bench.serve(says(sized()))
    server = await bench.serve(leads(f"http://{OPEN}:{canary.port}/"))
    hooks = Webhooks(await bench.door(server, canary), Moved())
    outcome = await hooks.attempt(endpoint(server), MESSAGE)
    assert (outcome.verdict, outcome.status) == (Verdict.AGAIN, 302)
    assert canary.connections == 0


async def test_an_address_that_turned_bad(bench: Bench) -> None:
    canary = await bench.serve(says(sized()), at=CLOSED)
    bench.names.says("hooks.example", (CLOSED,))
    hooks = Webhooks(await bench.door(canary), Moved())
    aimed = Endpoint(f"http://hooks.example:{canary.port}/", (KEY,))
    hooks.check(aimed)
    outcome = await hooks.attempt(aimed, MESSAGE)
    assert outcome.verdict is Verdict.NEVER
    assert CLOSED in outcome.reason
    assert CLOSED not in outcome.message
    assert canary.connections == 0


async def test_a_name_that_does_not_exist_may_exist_later(bench: Bench) -> None:
    hooks = Webhooks(await bench.door(), Moved())
    outcome = await hooks.attempt(Endpoint("http://nowhere.example/", (KEY,)), MESSAGE)
    assert (outcome.verdict, outcome.status) == (Verdict.AGAIN, None)


async def test_an_endpoint_is_judged_when_it_is_written_down(bench: Bench) -> None:
    hooks = Webhooks(await bench.door(), Moved())
    hooks.check(Endpoint("http://hooks.example/", (KEY, OLD)))
    with pytest.raises(BadAddress):
        hooks.check(Endpoint("hooks.example", (KEY,)))
    with pytest.raises(BlockedAddress):
        hooks.check(Endpoint("http://10.1/", (KEY,)))
    for keys in ((), (Secret("hunter2"),)):
        with pytest.raises(ValueError, match="key"):
            hooks.check(Endpoint("http://hooks.example/", keys))
