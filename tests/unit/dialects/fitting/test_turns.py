"""Turns that another dialect can say: parts, neighbours, places."""

import msgspec
import pytest

from antiphon.dialects.contract import Traits
from antiphon.dialects.fitting.turns import (
    OPENING,
    UNSHOWN,
    begun,
    is_plain,
    joined,
    placed,
    sayable,
)
from antiphon.model.parts import Author, Opaque, Origin, Reasoning, Text, ToolResult, Turn
from tests.unit.dialects.fitting.conversations import (
    ALL,
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    FOREIGN,
    RESPONSES_TRAITS,
    assistant,
    call,
    result,
    said,
    tool,
    user,
)

OWN = Opaque("anthropic_messages", msgspec.Raw(b"{}"))
SEALED = Reasoning("hm", signature="s", origin=Origin("anthropic_messages", scope="here"))
PLAIN = (
    said(Author.SYSTEM, "Be kind."),
    user("Hello."),
    assistant("Hello!"),
    user("How are", "you?"),
)


@pytest.mark.parametrize("traits", ALL, ids=lambda traits: traits.dialect)
def test_a_plain_conversation_stays_the_same_object(traits: Traits) -> None:
    assert is_plain(PLAIN, traits)
    assert sayable(PLAIN, traits, "here") is PLAIN
    assert joined(PLAIN) is PLAIN
    assert placed(PLAIN) is PLAIN
    assert begun(PLAIN) is PLAIN


@pytest.mark.parametrize(
    "turns",
    [
        (),
        (user(),),
        (user(""),),
        (user(" \n"),),
        (user(FOREIGN),),
        (user("a"), said(Author.SYSTEM, "b")),
        (assistant("a"), user("b")),
        (said(Author.SYSTEM, "a"),),
        (user("a"), assistant(call("1"))),
        (user("a"), tool(result("1"))),
        (user("a"), assistant(SEALED, "b")),
    ],
)
def test_what_a_rule_may_change_is_not_plain(turns: tuple[Turn, ...]) -> None:
    assert not is_plain(turns, ANTHROPIC_TRAITS)


class TestSayable:
    def test_parts_of_other_dialects_go(self) -> None:
        turns = (user("a", FOREIGN), assistant(FOREIGN, "b", OWN))
        assert sayable(turns, ANTHROPIC_TRAITS, "") == (user("a"), assistant("b", OWN))

    def test_what_a_tool_gave_back_is_told_as_it_is(self) -> None:
        turns = (tool(ToolResult("1", (Text("a"), FOREIGN, Text("")))),)
        told = (tool(ToolResult("1", (Text("a"), Text('{"type":"video"}')))),)
        assert sayable(turns, ANTHROPIC_TRAITS, "") == told

    def test_a_users_turn_keeps_its_place(self) -> None:
        assert sayable((user(FOREIGN),), CHAT_TRAITS, "") == (user(UNSHOWN),)

    def test_other_turns_of_which_nothing_is_left_go(self) -> None:
        turns = (user("a"), assistant(FOREIGN), assistant(""), user(), user("b"))
        assert sayable(turns, CHAT_TRAITS, "") == (user("a"), user("b"))

    def test_blank_text_goes_where_it_is_refused(self) -> None:
        turns = (user("a", " \n"), assistant("\t"))
        assert sayable(turns, ANTHROPIC_TRAITS, "") == (user("a"),)
        assert sayable(turns, CHAT_TRAITS, "") is turns

    def test_a_call_that_no_assistant_made_goes(self) -> None:
        assert sayable((user("a", call("1")),), CHAT_TRAITS, "") == (user("a"),)

    def test_thought_stays_where_its_seal_is_valid(self) -> None:
        turns = (assistant(SEALED, "a"),)
        assert sayable(turns, ANTHROPIC_TRAITS, "here") is turns
        assert sayable(turns, ANTHROPIC_TRAITS, "there") == (assistant("a"),)
        assert sayable(turns, RESPONSES_TRAITS, "here") == (assistant("a"),)

    def test_thought_stays_where_it_needs_no_seal(self) -> None:
        turns = (assistant(SEALED, "a"),)
        assert sayable(turns, CHAT_TRAITS, "") is turns
        locked = Reasoning(signature="s", origin=SEALED.origin, sealed=True)
        assert sayable((assistant(locked, "a"),), CHAT_TRAITS, "") == (assistant("a"),)

    def test_an_assistant_that_only_thought_is_gone(self) -> None:
        turns = (user("a"), assistant(SEALED))
        assert sayable(turns, RESPONSES_TRAITS, "") == (user("a"),)


class TestJoined:
    def test_items_of_one_answer_become_one_turn(self) -> None:
        turns = (
            user("a"),
            assistant(Reasoning("hm")),
            assistant("b"),
            assistant(call("1")),
            assistant(call("2")),
            tool(result("1")),
        )
        whole = assistant(Reasoning("hm"), "b", call("1"), call("2"))
        assert joined(turns) == (user("a"), whole, tool(result("1")))

    def test_two_texts_stay_two(self) -> None:
        turns = (user("a"), assistant("b"), assistant("c"))
        assert joined(turns) is turns

    def test_a_turn_between_keeps_them_apart(self) -> None:
        turns = (assistant(call("1")), tool(result("1")), assistant(call("2")), tool(result("2")))
        assert joined(turns) is turns


class TestPlaced:
    def test_later_instructions_stay_in_place_as_marked_text(self) -> None:
        turns = (
            said(Author.SYSTEM, "a"),
            said(Author.DEVELOPER, "b"),
            user("c"),
            said(Author.DEVELOPER, "d", "e"),
            user("f"),
        )
        marked = user("<system>\nd\n</system>", "<system>\ne\n</system>")
        assert placed(turns) == (*turns[:3], marked, turns[4])


class TestBegun:
    def test_the_user_comes_first(self) -> None:
        opening = user(OPENING)
        assert begun((assistant("a"),)) == (opening, assistant("a"))
        leading = said(Author.SYSTEM, "a")
        assert begun((leading,)) == (leading, opening)
        assert begun(()) == (opening,)
