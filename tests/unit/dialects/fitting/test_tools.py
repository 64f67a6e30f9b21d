"""Tools: which are offered, free text, names."""

import json

import msgspec
import pytest

from antiphon.dialects.fitting import tools
from antiphon.model.parts import CacheMark, CallKind, Extra, ToolCall, ToolResult
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ServerTool,
    ToolChoice,
    ToolMode,
)
from tests.unit.dialects.fitting.conversations import (
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    RESPONSES_TRAITS,
    assistant,
    call,
    result,
    tool,
    user,
)

SEARCH = ServerTool("elsewhere", msgspec.Raw(b'{"type":"web_search"}'))
OWN = ServerTool("anthropic_messages", msgspec.Raw(b"{}"))


def asks(
    *offered: FunctionTool | CustomTool | ServerTool, choice: ToolChoice | None = None
) -> ChatRequest:
    return ChatRequest("m", (user("a"),), tools=offered, tool_choice=choice)


class TestOffered:
    def test_tools_that_only_another_provider_runs_go(self) -> None:
        request = asks(FunctionTool("f"), SEARCH, OWN)
        assert tools.offered(request, ANTHROPIC_TRAITS).tools == (FunctionTool("f"), OWN)

    def test_nothing_to_do(self) -> None:
        for request in (
            ChatRequest("m", ()),
            asks(FunctionTool("f"), choice=ToolChoice(ToolMode.NAMED, ("f",))),
        ):
            assert tools.offered(request, CHAT_TRAITS) is request

    def test_without_any_tool_there_is_no_choice(self) -> None:
        request = msgspec.structs.replace(
            asks(SEARCH, choice=ToolChoice(ToolMode.REQUIRED)), parallel_tool_calls=False
        )
        fitted = tools.offered(request, CHAT_TRAITS)
        assert (fitted.tools, fitted.tool_choice, fitted.parallel_tool_calls) == ((), None, None)

    def test_the_choice_is_free_where_it_named_what_is_gone(self) -> None:
        choice = ToolChoice(ToolMode.NAMED, ("web_search",))
        fitted = tools.offered(asks(FunctionTool("f"), SEARCH, choice=choice), CHAT_TRAITS)
        assert fitted.tool_choice == ToolChoice(ToolMode.AUTO)

    def test_what_is_left_may_be_chosen(self) -> None:
        choice = ToolChoice(ToolMode.ALLOWED, ("f", "web_search"), required=True)
        fitted = tools.offered(asks(FunctionTool("f"), SEARCH, choice=choice), CHAT_TRAITS)
        assert fitted.tool_choice == ToolChoice(ToolMode.ALLOWED, ("f",), required=True)

    def test_a_choice_in_the_words_of_another_dialect(self) -> None:
        extra = Extra("elsewhere", {"tool_choice": msgspec.Raw(b'{"type":"web_search"}')})
        choice = ToolChoice(ToolMode.AUTO, extra=extra)
        fitted = tools.offered(asks(FunctionTool("f"), SEARCH, choice=choice), CHAT_TRAITS)
        assert fitted.tool_choice == ToolChoice(ToolMode.AUTO)

    def test_a_name_that_was_never_offered_is_the_callers_mistake(self) -> None:
        request = asks(FunctionTool("f"), choice=ToolChoice(ToolMode.NAMED, ("g",)))
        assert tools.offered(request, CHAT_TRAITS) is request

    def test_the_first_tool_of_a_name_counts(self) -> None:
        request = asks(FunctionTool("f", "one"), CustomTool("f"), FunctionTool("g"))
        fitted = tools.offered(request, CHAT_TRAITS)
        assert fitted.tools == (FunctionTool("f", "one"), FunctionTool("g"))


class TestWrapped:
    def test_a_function_stands_for_the_tool(self) -> None:
        patch = CustomTool("patch", "Changes files.", cache=CacheMark())
        (function,) = tools.wrapped(asks(patch)).tools
        assert isinstance(function, FunctionTool)
        assert (function.name, function.cache) == ("patch", CacheMark())
        assert (function.description or "").startswith("Changes files.\n\n")
        assert "`input`" in (function.description or "")
        schema = json.loads(bytes(function.parameters))
        assert schema["required"] == ["input"]
        assert schema["properties"]["input"]["type"] == "string"

    @pytest.mark.parametrize(
        "form",
        [
            b'{"type":"grammar","syntax":"lark","definition":"start: WORD"}',
            b'{"type":"grammar","grammar":{"syntax":"lark","definition":"start: WORD"}}',
        ],
    )
    def test_its_grammar_is_told(self, form: bytes) -> None:
        (function,) = tools.wrapped(asks(CustomTool("f", format=msgspec.Raw(form)))).tools
        assert isinstance(function, FunctionTool)
        told = (function.description or "").splitlines()
        assert told[-2:] == ["The input must follow this lark grammar:", "start: WORD"]

    @pytest.mark.parametrize("form", [b'{"type":"new","x":1}', b"[]", b'{"syntax":1}'])
    def test_a_form_that_nobody_knows_is_told_as_it_is(self, form: bytes) -> None:
        (function,) = tools.wrapped(asks(CustomTool("f", format=msgspec.Raw(form)))).tools
        assert isinstance(function, FunctionTool)
        assert (function.description or "").endswith(form.decode())

    def test_plain_text_needs_no_telling(self) -> None:
        free = msgspec.Raw(b'{"type":"text"}')
        assert tools.wrapped(asks(CustomTool("f", format=free))) == tools.wrapped(
            asks(CustomTool("f"))
        )

    def test_past_calls_and_the_choice(self) -> None:
        said = ToolCall("1", "patch", '*** "Begin"\n', kind=CallKind.CUSTOM)
        gave = ToolResult("1", (), kind=CallKind.CUSTOM)
        choice = ToolChoice(ToolMode.NAMED, ("patch",), kind=CallKind.CUSTOM)
        request = msgspec.structs.replace(
            asks(CustomTool("patch"), choice=choice),
            turns=(user("a"), assistant(said), tool(gave), assistant(call("2"))),
        )
        fitted = tools.wrapped(request)
        (past,) = fitted.turns[1].tool_calls
        assert past.kind is CallKind.FUNCTION
        assert json.loads(past.arguments) == {"input": '*** "Begin"\n'}
        assert fitted.turns[2] == tool(ToolResult("1", ()))
        assert fitted.turns[3] is request.turns[3]
        assert fitted.tool_choice == ToolChoice(ToolMode.NAMED, ("patch",))


class TestNames:
    @pytest.mark.parametrize("bad", ["mcp.files/read", "a:b", "é", "", "x" * 65, "a b"])
    def test_a_name_that_the_dialect_refuses(self, bad: str) -> None:
        request = asks(FunctionTool(bad), FunctionTool("ok"))
        ((old, new),) = tools.legal_names(request, CHAT_TRAITS).items()
        assert old == bad
        assert CHAT_TRAITS.tool_name.fullmatch(new)

    def test_it_can_still_be_read(self) -> None:
        names = tools.legal_names(asks(FunctionTool("mcp.files/read")), CHAT_TRAITS)
        assert names["mcp.files/read"].startswith("mcp_files_read_")

    def test_long_names_where_they_are_legal(self) -> None:
        request = asks(FunctionTool("x" * 65))
        assert not tools.legal_names(request, ANTHROPIC_TRAITS)
        assert tools.legal_names(request, RESPONSES_TRAITS)

    def test_names_that_differ_stay_different(self) -> None:
        names = ["a.b", "a/b", "a_b", "x" * 70, "x" * 71]
        new = tools.legal_names(asks(*map(FunctionTool, names)), CHAT_TRAITS)
        assert set(new) == {*names} - {"a_b"}
        assert len({*new.values(), "a_b"}) == 5

    def test_a_name_does_not_depend_on_the_others(self) -> None:
        alone = tools.legal_names(asks(FunctionTool("a.b")), CHAT_TRAITS)
        among = tools.legal_names(
            asks(FunctionTool("c.d"), FunctionTool("a.b"), FunctionTool("e")), CHAT_TRAITS
        )
        assert alone["a.b"] == among["a.b"]

    def test_a_name_that_is_taken_is_not_given(self) -> None:
        first = tools.legal_names(asks(FunctionTool("a.b")), CHAT_TRAITS)["a.b"]
        second = tools.legal_names(asks(FunctionTool("a.b"), FunctionTool(first)), CHAT_TRAITS)
        assert set(second) == {"a.b"}
        assert second["a.b"] != first

    def test_all_places_are_renamed(self) -> None:
        request = msgspec.structs.replace(
            asks(FunctionTool("a.b"), SEARCH, choice=ToolChoice(ToolMode.NAMED, ("a.b",))),
            turns=(
                assistant(call("1", "a.b"), call("2", "old.one")),
                tool(ToolResult("1", (), name="a.b"), result("2")),
            ),
        )
        names = tools.legal_names(request, CHAT_TRAITS)
        fitted = tools.renamed(request, names)
        new = names["a.b"]
        assert fitted.tools == (FunctionTool(new), SEARCH)
        assert fitted.tool_choice == ToolChoice(ToolMode.NAMED, (new,))
        assert fitted.turns == (
            assistant(call("1", new), call("2", names["old.one"])),
            tool(ToolResult("1", (), name=new), result("2")),
        )


class TestLegacy:
    def test_calls_get_ids_and_come_one_by_one(self) -> None:
        past = ToolCall("call_legacy_1", "f", "{}", kind=CallKind.LEGACY)
        gave = ToolResult("call_legacy_1", (), name="f", kind=CallKind.LEGACY)
        request = msgspec.structs.replace(
            asks(FunctionTool("f")),
            legacy_functions=True,
            turns=(user("a"), assistant(past), tool(gave)),
        )
        fitted = tools.with_ids(request)
        assert fitted.parallel_tool_calls is False
        assert not fitted.legacy_functions
        assert fitted.turns[1:] == (
            assistant(call("call_legacy_1")),
            tool(ToolResult("call_legacy_1", (), name="f")),
        )
