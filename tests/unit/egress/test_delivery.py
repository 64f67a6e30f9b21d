"""What is told, and when it is told again."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

from datetime import datetime
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.egress.webhooks.delivery import (
    Delivery,
    Outcome,
    Schedule,
    State,
    Verdict,
)
from antiphon.egress.webhooks.message import compose, message_id
from antiphon.egress.webhooks.sender import retry_after
from antiphon.errors import BodyTooLarge
from tests.unit.egress.spellings import CALM

OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(Verdict),
    st.none() | st.integers(200, 599),
    st.text(max_size=5),
    st.text(max_size=5),
    st.none() | st.floats(0, 1e9),
)


def test_the_schedule_of_the_standard():
    wait = Schedule(jitter=0.0).wait
    waits = [wait(attempts, Random(1)) for attempts in range(1, 11)]
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]


@CALM
@given(st.integers(1, 9), st.none() | st.floats(0, 1e9), st.randoms(use_true_random=False))
def test_a_wait(attempts, asked, random):
    schedule = Schedule()
    least = max(schedule.delays[attempts - 1], min(asked or 0, schedule.longest))
    assert least <= schedule.wait(attempts, random, asked) <= least * 1.2


@CALM
@given(st.lists(OUTCOMES, max_size=30), st.randoms(use_true_random=False))
def test_a_delivery(outcomes, random):
    """It ends after ten attempts at most, moves on in time only, and an end is an end."""
    delivery, schedule, now = Delivery(due=0.0), Schedule(), 0.0
    for outcome in outcomes:
        now = max(now, delivery.due)
        assert delivery.is_due(now) == (delivery.state is State.PENDING)
        after = delivery.after(outcome, schedule, now=now, random=random)
        if delivery.state is not State.PENDING:
            assert after is delivery
            continue
        assert after.attempts == delivery.attempts + 1
        assert after.message == outcome.message
        if outcome.verdict is Verdict.AGAIN and after.attempts < 10:
            assert after.state is State.PENDING
            assert not after.is_due(now)
        else:
            ends = {Verdict.TAKEN: State.DELIVERED, Verdict.GONE: State.GONE}
            assert after.state is ends.get(outcome.verdict, State.FAILED)
        delivery = after
    assert delivery.attempts <= 10


def test_it_can_be_stored():
    delivery = Delivery(due=5.0, attempts=2, message="x")
    assert msgspec.json.decode(msgspec.json.encode(delivery), type=Delivery) == delivery


@CALM
@given(st.lists(st.text(max_size=10), max_size=4), st.lists(st.text(max_size=10), max_size=4))
def test_an_id_is_made_of_what_makes_the_event(one, other):
    assert (message_id(*one) == message_id(*other)) == (one == other)
    assert message_id(*one).startswith("msg_")
    assert message_id(*one)[4:].isalnum()


def test_a_message():
    message = compose("budget.warning", {"share": 0.8}, id=message_id("a"), at=1667507170.344522)
    told = msgspec.json.decode(message.body)
    assert told["type"] == "budget.warning"
    assert told["data"] == {"share": 0.8}
    assert datetime.fromisoformat(told["timestamp"]).timestamp() == 1667507170.344522
    assert message == compose("budget.warning", {"share": 0.8}, id=message.id, at=1667507170.344522)


def test_a_message_over_the_bound():
    assert compose("a.b", {"x": "y" * 20_000}, id="m", at=0)
    with pytest.raises(BodyTooLarge):
        compose("a.b", {"x": "y" * 20_480}, id="m", at=0)


@pytest.mark.parametrize("type_", ["", "A", "a..b", ".a", "a b", "ä", "a-b"])
def test_what_is_no_type(type_):
    with pytest.raises(ValueError, match="type of an event"):
        compose(type_, {}, id="m", at=0)


def test_what_is_no_id():
    with pytest.raises(ValueError, match="id of a webhook"):
        compose("a.b", {}, id="msg.1", at=0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("０", None),
        ("0", 0),
        ("120", 120),
        ("9" * 400, None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_how_long_a_receiver_wants_to_be_left_alone(text, seconds):
    assert retry_after(text, 10.0) == seconds
