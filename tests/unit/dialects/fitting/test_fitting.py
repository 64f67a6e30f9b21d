"""Whole requests, and what holds for any conversation at all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Traits
from antiphon.model.parts import (
    Author,
    Blob,
    CallKind,
    Image,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ServerTool,
    ToolChoice,
    ToolMode,
)
from tests.unit.dialects.fitting.conversations import (
    ALL,
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    FOREIGN,
    RESPONSES_TRAITS,
    assistant,
    call,
    fit,
    result,
    said,
    tool,
    user,
)

OUR_AUTHORS = (Author.USER, Author.ASSISTANT)


@pytest.mark.parametrize("traits", ALL, ids=lambda traits: traits.dialect)
def test_a_plain_request_is_the_same_object(traits: Traits) -> None:
    plain = ChatRequest("m", (said(Author.SYSTEM, "a"), user("b")), max_output_tokens=5)
    assert fit(plain, traits).request is plain
    with_tools = ChatRequest(
        "m",
        (
            user("a"),
            assistant("b", call("1"), call("2")),
            tool(result("1"), result("2")),
            user("c"),
        ),
        tools=(FunctionTool("f"),),
        tool_choice=ToolChoice(ToolMode.NAMED, ("f",)),
    )
    assert fit(with_tools, traits).request is with_tools


@pytest.mark.parametrize(
    ("traits", "sent", "watched"),
    [
        (CHAT_TRAITS, ("a", " ", "b", "c"), ("d",)),
        (ANTHROPIC_TRAITS, ("a", "b", "c", "d"), (" ",)),
        (RESPONSES_TRAITS, (), ("a", " ", "b", "c", "d")),
    ],
    ids=["chat", "anthropic", "responses"],
)
def test_stops_are_sent_or_watched_for(
    traits: Traits, sent: tuple[str, ...], watched: tuple[str, ...]
) -> None:
    fitting = fit(ChatRequest("m", (user("a"),), stop=("a", " ", "b", "c", "", "d")), traits)
    assert fitting.request.stop == sent
    assert fitting.undoing.stops == watched


def test_all_at_once() -> None:
    request = ChatRequest(
        "m",
        (
            said(Author.SYSTEM, "be kind"),
            assistant(Reasoning("hm")),
            assistant(ToolCall("a:1", "patch.it", "x", kind=CallKind.CUSTOM)),
            said(Author.DEVELOPER, "be quick"),
            user(result("a:1", "done"), "go on", FOREIGN),
        ),
        tools=(CustomTool("patch.it"), ServerTool("elsewhere", msgspec.Raw(b"{}"))),
        tool_choice=ToolChoice(ToolMode.NAMED, ("patch.it",), kind=CallKind.CUSTOM),
    )
    fitted = fit(request).request
    (function,) = fitted.tools
    assert isinstance(function, FunctionTool)
    assert fitted.tool_choice == ToolChoice(ToolMode.NAMED, (function.name,))
    assert [turn.author for turn in fitted.turns] == [
        Author.SYSTEM,
        Author.USER,
        Author.ASSISTANT,
        Author.TOOL,
        Author.USER,
        Author.USER,
    ]
    (made,) = fitted.turns[2].parts
    assert isinstance(made, ToolCall)
    assert (made.name, made.arguments) == (function.name, '{"input":"x"}')
    assert fitted.turns[3] == tool(result(made.call_id, "done"))
    assert fitted.turns[4:] == (user("<system>\nbe quick\n</system>"), user("go on"))


# ------------------------------------------------------------------ any conversation

IDS = st.sampled_from(["", "1", "2", "call_0", "a:b", "x" * 70])
NAMES = st.sampled_from(["f", "g", "mcp.f", "mcp/f", "p.q", "patch", "y" * 70, "z" * 140])
WORDS = st.sampled_from(["", " ", "one", "two", "three \n", "vier"])
KINDS = st.sampled_from(CallKind)
ORIGINS = st.sampled_from(["anthropic_messages", "openai_responses", "elsewhere"]).map(
    lambda dialect: Origin(dialect, scope="here")
)
SHOWN = st.one_of(
    st.builds(Text, WORDS),
    st.just(Image(Blob(url="https://x/y.png"))),
    st.just(FOREIGN),
    st.just(Opaque("openai_chat", msgspec.Raw(b"{}"))),
)
CALLS = st.builds(ToolCall, IDS, NAMES, WORDS, KINDS)
RESULTS = st.builds(ToolResult, IDS, st.lists(SHOWN, max_size=2).map(tuple), kind=KINDS)
THOUGHT = st.builds(
    Reasoning, WORDS, signature=st.none() | st.just("s"), origin=st.none() | ORIGINS
)
PARTS: st.SearchStrategy[Part] = st.one_of(
    SHOWN, CALLS, RESULTS, THOUGHT, st.builds(Refusal, WORDS)
)
LIKELY: dict[Author, st.SearchStrategy[Part]] = {
    Author.SYSTEM: st.builds(Text, WORDS),
    Author.DEVELOPER: st.builds(Text, WORDS),
    Author.USER: SHOWN | RESULTS,
    Author.ASSISTANT: SHOWN | CALLS | THOUGHT,
    Author.TOOL: RESULTS,
}
TURNS = st.sampled_from(Author).flatmap(
    lambda author: st.builds(
        Turn, st.just(author), st.lists(LIKELY[author] | PARTS, max_size=3).map(tuple)
    )
)
OFFERED = st.one_of(
    st.builds(FunctionTool, NAMES),
    st.builds(CustomTool, NAMES),
    st.just(ServerTool("elsewhere", msgspec.Raw(b"{}"))),
)
REQUESTS = st.builds(
    ChatRequest,
    st.just("m"),
    st.lists(TURNS, max_size=8).map(tuple),
    tools=st.lists(OFFERED, max_size=4).map(tuple),
    tool_choice=st.none()
    | st.builds(
        ToolChoice, st.sampled_from([ToolMode.NAMED, ToolMode.ALLOWED]), NAMES.map(lambda n: (n,))
    ),
    stop=st.lists(WORDS, max_size=5).map(tuple),
    legacy_functions=st.booleans(),
)
TRAITS = st.sampled_from(ALL)


def parts_of(turns: tuple[Turn, ...]) -> list[Part]:
    return [part for turn in turns for part in turn.parts]


def check_calls(turns: tuple[Turn, ...]) -> None:
    """Every call is answered directly, in order, and nothing else answers."""
    waiting: list[ToolCall] = []
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                assert turn.author is Author.TOOL
                asked = waiting.pop(0)
                assert (asked.call_id, asked.kind) == (part.call_id, part.kind)
            else:
                assert turn.author is not Author.TOOL
        if turn.author is not Author.TOOL:
            assert not waiting
            waiting = list(turn.tool_calls)
            assert not waiting or turn.author is Author.ASSISTANT
    assert not waiting


@given(REQUESTS, TRAITS)
def test_any_conversation_fits(request: ChatRequest, traits: Traits) -> None:
    fitted = fit(request, traits).request
    turns = fitted.turns
    check_calls(turns)
    calls = [part for part in parts_of(turns) if isinstance(part, ToolCall)]
    assert all(traits.call_id.fullmatch(made.call_id) for made in calls)
    assert len({made.call_id for made in calls}) == len(calls)
    offered = [tool.name for tool in fitted.tools if not isinstance(tool, ServerTool)]
    assert len(set(offered)) == len(offered)
    for name in [*offered, *(made.name for made in calls)]:
        assert traits.tool_name.fullmatch(name)
    if not traits.custom_tools:
        assert not any(isinstance(tool, CustomTool) for tool in fitted.tools)
        assert all(made.kind is not CallKind.CUSTOM for made in calls)
    if not traits.legacy_functions:
        assert not fitted.legacy_functions
        assert all(made.kind is not CallKind.LEGACY for made in calls)
    assert all(turn.parts for turn in turns)
    shown = [*parts_of(turns)]
    shown += [inner for part in shown if isinstance(part, ToolResult) for inner in part.parts]
    assert all(part.dialect == traits.dialect for part in shown if isinstance(part, Opaque))
    assert all(part.text for part in parts_of(turns) if isinstance(part, Text))
    later = [turn.author for turn in turns]
    while later and later[0] in {Author.SYSTEM, Author.DEVELOPER}:
        later.pop(0)
    if not traits.later_system:
        assert not {Author.SYSTEM, Author.DEVELOPER} & {*later}
    if traits.user_first:
        assert later[0] is Author.USER


@given(REQUESTS, TRAITS)
def test_what_fits_stays_the_same_object(request: ChatRequest, traits: Traits) -> None:
    fitted = fit(request, traits).request
    again = fit(fitted, traits)
    assert again.request == fitted
    assert again.request.turns is fitted.turns
    assert not again.undoing.names


@given(REQUESTS, TRAITS)
def test_no_text_is_lost(request: ChatRequest, traits: Traits) -> None:
    told: dict[str, int] = {}
    for turn in fit(request, traits).request.turns:
        for part in turn.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            for each in inner:
                if isinstance(each, Text | Refusal):
                    for word in each.text.split():
                        told[word] = told.get(word, 0) + 1
    for turn in request.turns:
        for part in turn.parts:
            inner = part.parts if isinstance(part, ToolResult) else (part,)
            for each in inner:
                if isinstance(each, Text | Refusal):
                    for word in each.text.split():
                        told[word] = told.get(word, 0) - 1
                        assert told[word] >= 0


@given(REQUESTS, TRAITS, st.integers(0, 8))
def test_a_conversation_that_grows_keeps_its_calls(
    request: ChatRequest, traits: Traits, end: int
) -> None:
    turns = request.turns
    whole = fit(request, traits).request.turns
    some = msgspec.structs.replace(request, turns=turns[:end])
    begun = fit(some, traits).request.turns
    calls = [part for part in parts_of(begun) if isinstance(part, ToolCall)]
    after = [part for part in parts_of(whole) if isinstance(part, ToolCall)]
    assert [made.call_id for made in after][: len(calls)] == [made.call_id for made in calls]
