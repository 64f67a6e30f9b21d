"""What belongs together stays together: while it may, and whoever comes or goes."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.sticky import Sticky
from tests.unit.routing.pools import asking, names, pool

TEN = pool(10)


def sticky(*, load: float = 1.25, floor: int = 4, by: Fact = Fact.CONVERSATION) -> Sticky:
    return Sticky(by, size=32, load=load, floor=floor)


def ordered(candidates: list[Candidate], ask: Ask, by: Sticky | None = None) -> list[str]:
    scores = (by or sticky()).scores(candidates, ask, 0.0)
    places = sorted(range(len(candidates)), key=scores.__getitem__)
    return names([candidates[each] for each in places])


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1), st.sets(st.integers(0, 9), max_size=9), st.randoms())
def test_a_conversation_keeps_its_place_when_others_leave_or_come(key, gone, random):
    before = ordered(TEN, asking(conversation=key))
    left = [each for each in TEN if int(each.deployment.provider[1:]) not in gone]
    random.shuffle(left)
    after = ordered(left, asking(conversation=key))
    assert after == [name for name in before if name in set(names(left))]


def test_conversations_spread_as_deployments_weigh():
    weights = [1.0, 1.0, 2.0, 4.0]
    candidates, first = pool(4, weights=weights), Counter()
    for each in range(8_000):
        first[ordered(candidates, asking(conversation=f"c{each}"))[0]] += 1
    expected = {f"p{each}": 1_000 * weight for each, weight in enumerate(weights)}
    # Chi-square with three degrees of freedom: the keys are fixed, so it holds or it does not.
    assert sum((first[name] - much) ** 2 / much for name, much in expected.items()) < 16.3


def test_what_was_at_one_that_leaves_spreads_over_all_others():
    moved = Counter()
    for each in range(10_000):
        first, second, *_ = ordered(TEN, asking(conversation=f"c{each}"))
        if first == "p3":
            moved[second] += 1
    much = moved.total() / 9
    assert len(moved) == 9
    assert sum((count - much) ** 2 / much for count in moved.values()) < 26.1


@settings(max_examples=200, deadline=None)
@given(
    st.integers(2, 10),
    st.floats(1, 3),
    st.integers(1, 6),
    st.lists(st.integers(0, 5), min_size=1, max_size=120),
    st.data(),
)
def test_nobody_has_more_than_its_share_of_what_is_under_way(count, load, floor, keys, data):
    weights = data.draw(st.lists(st.sampled_from([0.5, 1, 3]), min_size=count, max_size=count))
    candidates, by = pool(count, weights=weights), sticky(load=load, floor=floor)
    paces = {each.deployment.provider: each.deployment.pace for each in candidates}
    for under_way, key in enumerate(keys, 1):
        chosen = ordered(candidates, asking(conversation=str(key)), by)[0]
        paces[chosen].in_flight += 1
        for each in candidates:
            fair = load * under_way * each.weight / sum(weights)
            assert each.deployment.pace.in_flight <= max(floor, math.ceil(fair), 1)


def test_one_with_too_much_to_do_is_passed_over_and_had_again_later():
    ask = asking(conversation="one")
    home, next_one, *_ = ordered(TEN, ask)
    pace = next(each.deployment.pace for each in TEN if each.deployment.provider == home)
    pace.in_flight = 40
    assert ordered(TEN, ask)[0] == next_one
    assert ordered(TEN, ask)[-1] == home
    pace.in_flight = 0
    assert ordered(TEN, ask)[0] == home


def test_a_prefix_is_its_first_bytes():
    by = sticky(by=Fact.PREFIX)
    one, other, third = Ask(), Ask(), Ask()
    one.prefix, other.prefix = b"x" * 32 + b"one", b"x" * 32 + b"other"
    third.prefix = b"y" * 32
    homes = [ordered(TEN, each, by) for each in (one, other, third)]
    assert homes[0] == homes[1] != homes[2]


def test_every_process_says_the_same():
    code = (
        "from tests.unit.routing.test_sticky import TEN, ordered, asking\n"
        "print(ordered(TEN, asking(conversation='caf\\u00e9')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert told.stdout.strip() == str(ordered(TEN, asking(conversation="café")))
