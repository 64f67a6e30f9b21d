"""Ids of calls, and results where they belong."""

import re

import msgspec
import pytest

from antiphon.dialects.fitting.calls import NO_RESULT, REPEATED, STRAY, answered, identified
from antiphon.dialects.fitting.fitting import fitted_turns
from antiphon.model.parts import (
    Author,
    Blob,
    CallKind,
    Image,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from tests.unit.dialects.fitting.conversations import (
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    RESPONSES_TRAITS,
    TARGET,
    assistant,
    call,
    result,
    said,
    tool,
    user,
)

MISSING = ToolResult("2", (Text(NO_RESULT),), is_error=True)


def ids(turns: tuple[Turn, ...]) -> list[str]:
    return [
        part.call_id
        for turn in turns
        for part in turn.parts
        if isinstance(part, ToolCall | ToolResult)
    ]


class TestIdentified:
    def test_legal_ids_of_their_own_stay(self) -> None:
        turns = (assistant(call("toolu_1"), call("x-2")), tool(result("x-2"), result("toolu_1")))
        assert identified(turns, ANTHROPIC_TRAITS) is turns

    @pytest.mark.parametrize("bad", ["functions.bash:0", "", "é", "a b"])
    def test_an_id_that_the_dialect_refuses_is_hashed(self, bad: str) -> None:
        one, two = ids(identified((assistant(call(bad)), tool(result(bad))), ANTHROPIC_TRAITS))
        assert one == two
        assert re.fullmatch(r"call_[0-9a-f]{20}", one)

    def test_dialects_differ_in_what_they_take(self) -> None:
        turns = (assistant(call("functions.bash:0")), tool(result("functions.bash:0")))
        assert identified(turns, CHAT_TRAITS) is turns
        assert identified(turns, RESPONSES_TRAITS) is turns
        long = (assistant(call("x" * 65)), tool(result("x" * 65)))
        assert identified(long, RESPONSES_TRAITS) is not long
        assert identified(long, ANTHROPIC_TRAITS) is long

    def test_a_server_that_counts_anew_in_each_turn(self) -> None:
        turns = (
            assistant(call("call_0"), call("call_1")),
            tool(result("call_1", "a"), result("call_0", "b")),
            assistant(call("call_0")),
            tool(result("call_0", "c")),
            assistant(call("call_0")),
            tool(result("call_0", "d")),
        )
        found = ids(identified(turns, CHAT_TRAITS))
        assert found[:4] == ["call_0", "call_1", "call_1", "call_0"]
        assert found[4] == found[5]
        assert found[6] == found[7]
        assert len(set(found)) == 4

    def test_calls_of_one_turn_that_share_an_id_are_answered_in_order(self) -> None:
        turns = (
            assistant(call("x", "f"), call("x", "g")),
            tool(result("x", "of f")),
            tool(result("x", "of g")),
        )
        one, two, three, four = ids(identified(turns, CHAT_TRAITS))
        assert (one, two) == (three, four)
        assert one != two

    def test_the_nearest_call_is_answered(self) -> None:
        turns = (assistant(call("x")), user("a"), assistant(call("x")), tool(result("x")))
        first, second, answer = ids(identified(turns, CHAT_TRAITS))
        assert answer == second != first

    def test_a_conversation_that_grows_keeps_its_ids(self) -> None:
        turns = tuple(
            turn
            for _ in range(4)
            for turn in (assistant(call("a:1"), call("b")), tool(result("a:1"), result("b")))
        )
        whole = ids(identified(turns, ANTHROPIC_TRAITS))
        for end in range(len(turns)):
            some = ids(identified(turns[:end], ANTHROPIC_TRAITS))
            assert some == whole[: len(some)]


class TestAnswered:
    def test_what_is_right_stays_the_same_object(self) -> None:
        for turns in (
            (user("a"), assistant(call("1"), call("2")), tool(result("1")), tool(result("2"))),
            (user("a"), assistant(call("1"), call("2")), tool(result("1"), result("2")), user("b")),
        ):
            assert answered(turns) is turns

    def test_results_in_the_order_of_the_calls(self) -> None:
        turns = (assistant(call("1"), call("2")), tool(result("2")), tool(result("1")))
        assert answered(turns) == (turns[0], tool(result("1"), result("2")))

    def test_results_behind_another_turn_are_moved_up(self) -> None:
        turns = (assistant(call("1")), said(Author.DEVELOPER, "a"), user("b"), tool(result("1")))
        assert answered(turns) == (turns[0], tool(result("1")), *turns[1:3])

    def test_results_in_a_turn_of_the_user_with_text(self) -> None:
        turns = (assistant(call("1"), call("2")), user(result("2"), result("1"), "and now?"))
        assert answered(turns) == (turns[0], tool(result("1"), result("2")), user("and now?"))

    def test_missing_ones_are_said_to_be_missing(self) -> None:
        turns = (assistant(call("1"), call("2")), tool(result("1")), user("a"))
        assert answered(turns) == (turns[0], tool(result("1"), MISSING), user("a"))
        assert answered((assistant(call("2")),)) == (assistant(call("2")), tool(MISSING))

    def test_a_result_without_a_call_becomes_text(self) -> None:
        picture = Image(Blob(url="https://x/y.png"))
        stray = ToolResult("9", (Text("found"), picture))
        assert answered((user("a"), tool(stray), assistant("b"))) == (
            user("a"),
            user(f"{STRAY} found", picture),
            assistant("b"),
        )

    def test_a_result_before_its_call_is_none_of_it(self) -> None:
        turns = (tool(result("2", "early")), assistant(call("2")))
        assert answered(turns) == (user(f"{STRAY} early"), turns[1], tool(MISSING))

    def test_the_first_result_counts(self) -> None:
        turns = (assistant(call("1")), tool(result("1", "a")), tool(result("1", "b")), user("c"))
        assert answered(turns) == (*turns[:2], user(f"{REPEATED} b"), user("c"))

    def test_one_object_in_two_places_counts_once(self) -> None:
        same = result("1", "a")
        turns = (assistant(call("1")), tool(same), user(same, "b"))
        assert answered(turns) == (*turns[:2], user(f"{REPEATED} a", "b"))

    def test_a_stray_result_stands_behind_those_that_count(self) -> None:
        turns = (assistant(call("1")), tool(result("9", "x"), result("1")))
        assert answered(turns) == (turns[0], tool(result("1")), user(f"{STRAY} x"))
        within = (assistant(result("9", "x"), call("1")), tool(result("1")))
        assert answered(within) == (
            assistant(call("1")),
            tool(result("1")),
            user(f"{STRAY} x"),
        )

    def test_a_result_is_of_the_kind_of_its_call(self) -> None:
        custom = ToolCall("1", "f", "x", kind=CallKind.CUSTOM)
        _, results = answered((assistant(custom), tool(result("1"))))
        (one,) = results.parts
        assert isinstance(one, ToolResult)
        assert one.kind is CallKind.CUSTOM


class TestItemsOfResponses:
    """Its writers put parallel calls and their outputs into a list, in several orders."""

    THOUGHT = Reasoning("hm")

    def test_calls_then_outputs(self) -> None:
        turns = (
            user("a"),
            assistant(self.THOUGHT),
            assistant(call("1")),
            assistant(call("2")),
            tool(result("1")),
            tool(result("2")),
            assistant("b"),
        )
        assert fitted_turns(turns, CHAT_TRAITS, TARGET) == (
            user("a"),
            assistant(self.THOUGHT, call("1"), call("2")),
            tool(result("1")),
            tool(result("2")),
            assistant("b"),
        )

    def test_each_output_behind_its_call(self) -> None:
        turns = (
            user("a"),
            assistant(self.THOUGHT),
            assistant(call("1")),
            tool(result("1")),
            assistant(call("2")),
            tool(result("2")),
        )
        # Whether the second call knew the first one's result is not to be seen: both stay.
        assert fitted_turns(turns, CHAT_TRAITS, TARGET) == (
            user("a"),
            assistant(self.THOUGHT, call("1")),
            *turns[3:],
        )

    def test_an_output_behind_the_next_call(self) -> None:
        turns = (
            assistant(call("1"), call("2")),
            tool(result("1")),
            assistant(call("3")),
            tool(result("2")),
            assistant(self.THOUGHT, call("4")),
            tool(result("4")),
            tool(result("3")),
        )
        assert fitted_turns(turns, CHAT_TRAITS, TARGET) == (
            turns[0],
            tool(result("1"), result("2")),
            turns[2],
            tool(result("3")),
            turns[4],
            tool(result("4")),
        )

    def test_turns_that_come_together_are_one(self) -> None:
        turns = (
            assistant(call("1")),
            tool(result("1")),
            assistant("a"),
            tool(result("1", "again")),
            assistant(self.THOUGHT, "b"),
        )
        repeated = user(f"{REPEATED} again")
        assert fitted_turns(turns, CHAT_TRAITS, TARGET) == (*turns[:3], repeated, turns[4])
        late = (assistant(call("1")), assistant("a"), tool(result("1")), assistant("b"))
        assert fitted_turns(late, CHAT_TRAITS, TARGET) == (
            assistant(call("1"), "a"),
            tool(result("1")),
            assistant("b"),
        )


def test_stored_conversations_fit_the_same() -> None:
    turns = (assistant(call("x:1")), user("a"), tool(result("x:1")))
    stored = msgspec.json.decode(msgspec.json.encode(turns), type=tuple[Turn, ...])
    assert fitted_turns(stored, ANTHROPIC_TRAITS, TARGET) == fitted_turns(
        turns, ANTHROPIC_TRAITS, TARGET
    )
