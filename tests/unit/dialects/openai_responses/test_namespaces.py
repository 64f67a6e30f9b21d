"""Tools that are grouped under a name, and tools that stand among the items of the input."""

import json
from typing import Any

import pytest
from hypothesis import given

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import MalformedBody
from antiphon.model.events import (
    Ended,
    Finished,
    Started,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from antiphon.model.fold import fold
from antiphon.model.needs import Need
from antiphon.model.reply import Stop, StopReason
from antiphon.model.request import CustomTool, FunctionTool, ServerTool
from antiphon.wire.shallow import Members
from tests.unit.dialects.openai_responses.strategies import REQUESTS

Json = dict[str, Any]

SCHEMA: Json = {"type": "object", "properties": {"path": {"type": "string"}}}
HI: Json = {"type": "message", "role": "user", "content": "hi"}


def function(name: str, **more: Any) -> Json:
    return {"type": "function", "name": name, "parameters": SCHEMA, "strict": False} | more


def custom(name: str, **more: Any) -> Json:
    return {"type": "custom", "name": name} | more


def space(name: str, *tools: Json, **more: Any) -> Json:
    return {"type": "namespace", "name": name, "description": "x", "tools": [*tools]} | more


def additional(*tools: Json, **more: Any) -> Json:
    return {"type": "additional_tools", "role": "developer", "tools": [*tools]} | more


def payload_of(**body: Any) -> Payload:
    body = {"model": "m", "input": [HI]} | body
    return Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))


def names(payload: Payload) -> list[str]:
    """The names under which tools are offered elsewhere."""
    return [tool.name for tool in payload.request.tools if not isinstance(tool, ServerTool)]


def again(payload: Payload) -> Json:
    """The request, read and written."""
    return json.loads(OPENAI_RESPONSES.encode_request(payload.request, Target("m")).encode())


def stream(call: ToolCallStarted) -> list[StreamEvent]:
    stop = Finished(Stop(StopReason.TOOL, raw="tool_calls"))
    return [Started("chatcmpl-1", "m", 7), call, ToolCallDelta(0, "{}"), stop, Ended()]


def told(call: ToolCallStarted, asked: Payload) -> list[Json]:
    """The call as its caller hears of it: whole, and each time that a stream says it."""
    [whole] = json.loads(OPENAI_RESPONSES.encode_reply(fold(stream(call)), asked))["output"]
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True, asked=asked)
    frames = b"".join(map(encoder.feed, stream(call))).split(b"\n\n")[:-1]
    events = [json.loads(frame.partition(b"\ndata: ")[2]) for frame in frames]
    items = [event["item"] for event in events if "item" in event]
    assert events[-1]["response"]["output"] == [items[-1]]
    return [{"name": item["name"], "namespace": item.get("namespace")} for item in (whole, *items)]


FS = space("mcp__fs", function("read"), custom("patch"), function("find"), x_owner="me")
WEB = space("mcp__web", function("get"), function("find"))


# ------------------------------------------------------------------ what is offered


def test_each_is_a_tool_of_its_own() -> None:
    asked = payload_of(tools=[function("plan"), FS, WEB])
    assert names(asked) == ["plan", "read", "patch", "mcp__fs__find", "get", "mcp__web__find"]
    kinds = [type(tool) for tool in asked.request.tools]
    assert kinds == [FunctionTool, FunctionTool, CustomTool, *[FunctionTool] * 3]
    assert Need.SERVER_TOOLS not in asked.needs
    assert again(asked)["tools"] == [function("plan"), FS, WEB]


@pytest.mark.parametrize(
    ("tools", "offered"),
    [
        ([space("a", function("x")), function("x")], ["a__x", "x"]),
        ([space("a", function("x")), custom("x"), function("a__x")], ["a__x_2", "x", "a__x"]),
        ([space("a", function("b__x"), function("x")), space("a__b", function("x"))], None),
        ([space("a", function("x")), space("a", function("x"))], ["x", "x"]),
    ],
    ids=["a flat one keeps its name", "a name that is taken", "what reads the same", "twice one"],
)
def test_no_two_tools_have_one_name(tools: list[Json], offered: list[str] | None) -> None:
    asked = payload_of(tools=tools)
    if offered is None:
        assert len(set(names(asked))) == 3
    else:
        assert names(asked) == offered
    assert again(asked)["tools"] == tools


def test_items_that_hold_tools() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "read", "arguments": "{}"}
    items = [
        additional(FS, {"type": "web_search"}, id="at_1"),
        HI,
        call,
        additional(function("late")),
        additional(space("b", function("later"))),
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
        additional(function("last")),
    ]
    asked = payload_of(input=items, tools=[function("first")])
    offered = ["first", "read", "patch", "find", "late", "later", "last"]
    assert names(asked) == offered
    assert [turn.author for turn in asked.request.turns] == ["user", "assistant", "tool"]
    assert {Need.SERVER_TOOLS} == {Need.SERVER_TOOLS, Need.UNKNOWN_PARTS} & asked.needs
    written = again(asked)
    assert (written["input"], written["tools"]) == (items, [function("first")])


def test_tools_beside_a_word_of_the_user() -> None:
    asked = payload_of(input=[additional(function("x")), HI])
    assert again(asked)["input"] == [additional(function("x")), HI]


@pytest.mark.parametrize(
    "tool",
    [
        space("a", function("x", defer_loading=True)),
        space("a"),
        space("", function("x")),
        {"type": "namespace", "name": "a"},
        {"type": "namespace", "name": 7, "tools": [function("x")]},
        {"type": "tool_search"},
    ],
)
def test_what_only_its_own_provider_knows(tool: Json) -> None:
    asked = payload_of(tools=[tool, function("plan")])
    assert names(asked) == ["plan"]
    assert Need.SERVER_TOOLS in asked.needs
    assert again(asked)["tools"] == [tool, function("plan")]


def test_a_deferred_tool_beside_others() -> None:
    group = space("a", function("x"), function("y", defer_loading=True), custom("z"))
    asked = payload_of(tools=[group])
    assert names(asked) == ["x", "z"]
    assert Need.SERVER_TOOLS in asked.needs
    assert again(asked)["tools"] == [group]


@pytest.mark.parametrize("tools", [[], None, {}, "x"])
def test_an_item_that_holds_no_tools(tools: object) -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": tools}
    asked = payload_of(input=[item, HI])
    assert Need.UNKNOWN_PARTS in asked.needs
    assert again(asked)["input"] == [item, HI]


def test_it_is_known_where_a_tool_is_wrong() -> None:
    with pytest.raises(MalformedBody, match=r"input\[1\]\.tools\[0\]\.tools\[1\]\.name"):
        _ = payload_of(input=[HI, additional(space("a", function("x"), function("")))]).request


# ------------------------------------------------------------------ calls before


def test_calls_before_have_the_names_of_the_tools() -> None:
    items = [
        HI,
        {"type": "function_call", "call_id": "1", "name": "find", "arguments": "{}"}
        | {"namespace": "mcp__web"},
        {"type": "custom_tool_call", "call_id": "2", "name": "patch", "input": "x"}
        | {"namespace": "mcp__fs"},
        {"type": "function_call", "call_id": "3", "name": "find", "arguments": "{}"}
        | {"namespace": "gone"},
        {"type": "function_call", "call_id": "4", "name": "read", "arguments": "{}"}
        | {"namespace": "gone"},
    ]
    asked = payload_of(input=items, tools=[FS, WEB])
    called = [call.name for call in asked.request.turns[1].tool_calls]
    # Of what is gone: `find` is no tool's name elsewhere, `read` is another's.
    assert called == ["mcp__web__find", "patch", "find", "gone__read"]
    assert again(asked)["input"] == items


# ------------------------------------------------------------------ the choice


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ({"type": "function", "name": "read"}, ("read",)),
        ({"type": "function", "name": "read", "namespace": "mcp__fs"}, ("read",)),
        ({"type": "function", "name": "find", "namespace": "mcp__web"}, ("mcp__web__find",)),
        ({"type": "function", "name": "find"}, ("mcp__fs__find",)),
        ({"type": "custom", "name": "patch", "namespace": "mcp__fs"}, ("patch",)),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [
                    {"type": "function", "name": "find", "namespace": "mcp__web"},
                    {"type": "custom", "name": "patch", "namespace": "mcp__fs"},
                    {"type": "function", "name": "plan"},
                ],
            },
            ("mcp__web__find", "patch", "plan"),
        ),
    ],
)
def test_the_choice_of_a_tool(choice: Json, chosen: tuple[str, ...]) -> None:
    asked = payload_of(tools=[FS, WEB, function("plan")], tool_choice=choice)
    assert asked.request.tool_choice is not None
    assert asked.request.tool_choice.names == chosen
    assert Need.ONLY_SERVER_TOOLS not in asked.needs
    assert again(asked)["tool_choice"] == choice


def test_the_choice_of_a_tool_that_is_not_offered() -> None:
    choice = {"type": "function", "name": "read", "namespace": "gone"}
    asked = payload_of(tools=[FS], tool_choice=choice)
    assert Need.ONLY_SERVER_TOOLS in asked.needs
    assert again(asked)["tool_choice"] == choice


# ------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("called", "name", "namespace"),
    [
        ("read", "read", "mcp__fs"),
        ("mcp__web__find", "find", "mcp__web"),
        ("plan", "plan", None),
        ("unheard_of", "unheard_of", None),
    ],
)
def test_a_call_has_its_namespace_again(called: str, name: str, namespace: str | None) -> None:
    asked = payload_of(tools=[function("plan")], input=[additional(FS, WEB), HI])
    call = ToolCallStarted(0, "call_1", called)
    assert told(call, asked) == [{"name": name, "namespace": namespace}] * 3


def test_a_call_that_another_dialect_numbered() -> None:
    """Its own id means nothing here."""
    asked = payload_of(tools=[FS])
    reply = fold(stream(ToolCallStarted(0, "call_1", "read", id="toolu_1")))
    [item] = json.loads(OPENAI_RESPONSES.encode_reply(reply, asked))["output"]
    assert item["id"].startswith("fc_")


def test_a_provider_of_this_dialect_says_the_namespace_itself() -> None:
    asked = payload_of(tools=[FS, WEB])
    item = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "find"}
    item |= {"namespace": "mcp__web", "arguments": "{}", "status": "completed"}
    body = {"id": "resp_1", "model": "m", "status": "completed", "output": [item]}
    reply = OPENAI_RESPONSES.decode_reply(json.dumps(body).encode())
    [whole] = json.loads(OPENAI_RESPONSES.encode_reply(reply, asked))["output"]
    assert whole == item
    decoder = OPENAI_RESPONSES.stream_decoder()
    events = [
        event
        for kind, more in (
            ("response.created", {"response": body | {"status": "in_progress", "output": []}}),
            ("response.output_item.added", {"output_index": 0, "item": item | {"arguments": ""}}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": body}),
        )
        for event in decoder.feed(
            b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind} | more).encode())
        )
    ]
    [call] = fold(events).choices[0].turn.tool_calls
    started = next(event for event in events if isinstance(event, ToolCallStarted))
    assert (call.name, call.extra) == ("find", started.extra)
    assert told(started, asked) == [{"name": "find", "namespace": "mcp__web"}] * 3


@pytest.mark.parametrize("provider", [OPENAI_CHAT, ANTHROPIC_MESSAGES], ids=lambda each: each.name)
def test_names_that_are_too_long_come_back(provider: Any) -> None:
    long = "mcp__" + "very_" * 30
    asked = payload_of(tools=[space(long, function("find")), WEB])
    target = Target("m")
    fitting = Fitting(asked.request, provider.traits, target, OPENAI_RESPONSES.traits)
    sent = json.loads(provider.encode_request(fitting.request, target).encode())
    first = sent["tools"][0]
    name = first.get("function", first)["name"]
    assert len(name) <= provider.traits.tool_name_length
    [call] = [
        told
        for told in fitting.undo().feed(ToolCallStarted(0, "call_1", name))
        if isinstance(told, ToolCallStarted)
    ]
    assert told(call, asked)[0] == {"name": "find", "namespace": long}


@given(REQUESTS)
def test_every_tool_that_is_offered_is_found_again(body: Json) -> None:
    """Whatever is called by its name elsewhere is told by a name and a namespace of the caller."""
    asked = Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))
    lists = [body.get("tools", [])]
    if isinstance(body["input"], list):
        lists += [item["tools"] for item in body["input"] if item["type"] == "additional_tools"]
    known = {
        (each["name"], space)
        for tools in lists
        for tool in tools
        for each, space in (
            [(inner, tool["name"]) for inner in tool["tools"]]
            if tool["type"] == "namespace"
            else [(tool, None)]
        )
        if each["type"] in {"function", "custom"}
    }
    heard: dict[str, tuple[str, str | None]] = {}
    for name in names(asked):
        said = told(ToolCallStarted(0, "call_1", name), asked)[-1]
        heard[name] = said["name"], said["namespace"]
    assert set(heard.values()) <= known
    assert len(set(heard.values())) == len(heard)
