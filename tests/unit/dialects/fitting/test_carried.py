"""Ids that go through a caller that would refuse them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.fitting.calls import identified
from antiphon.dialects.fitting.carried import carried, uncarried
from tests.unit.dialects.fitting.conversations import (
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    assistant,
    call,
    result,
    tool,
)

WORDS = ANTHROPIC_TRAITS.call_id
IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(IDS, max_size=5))
def test_ids_come_back_as_they_were(ids: list[str]) -> None:
    given_out: list[str] = []
    for one in ids:
        given_out.append(carried(one, WORDS, given_out))
    assert all(WORDS.fullmatch(one) for one in given_out)
    assert len(set(given_out)) == len(ids)
    assert [uncarried(one) for one in given_out] == ids


def test_an_id_that_is_legal_and_new_stays() -> None:
    assert carried("toolu_1", WORDS, ["toolu_2"]) == "toolu_1"
    assert uncarried("toolu_1") == "toolu_1"


def test_where_there_is_no_room_it_is_lost() -> None:
    short = re.compile(r"[a-z0-9_A-Z-]{1,32}")
    one = carried("x" * 40, short, ())
    two = carried("x" * 40, short, [one])
    assert short.fullmatch(one)
    assert short.fullmatch(two)
    assert one != two


@pytest.mark.parametrize(
    "made_up", ["antiphon1_", "antiphon1_!!!", "antiphon1_YQ", "antiphon1_eDp5"]
)
def test_what_only_looks_like_one_stays(made_up: str) -> None:
    assert uncarried(made_up) == made_up


def test_each_provider_gets_an_id_that_it_takes() -> None:
    told = carried("functions.bash:0", WORDS, ())
    turns = (assistant(call(told)), tool(result(told)))
    assert identified(turns, CHAT_TRAITS) == (
        assistant(call("functions.bash:0")),
        tool(result("functions.bash:0")),
    )
    assert identified(turns, ANTHROPIC_TRAITS) is turns
