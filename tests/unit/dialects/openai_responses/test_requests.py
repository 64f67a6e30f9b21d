"""Requests: what they mean, what is refused, and what other dialects' requests become."""

import json
from typing import Any

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import InvalidRequest, MalformedBody, UnsupportedParameter
from antiphon.model.needs import Need, needs_of
from antiphon.model.parts import (
    Author,
    Blob,
    CallKind,
    Extra,
    File,
    Image,
    Opaque,
    Origin,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    ReasoningAsk,
    Sampling,
    ServerTool,
    ToolChoice,
    ToolMode,
)
from antiphon.model.seals import wrap
from antiphon.wire.shallow import Members

DIALECT = "openai_responses"
USER = Turn(Author.USER, (Text("hi"),))


def payload_of(**body: Any) -> Payload:
    body = {"model": "m", "input": "hi"} | body
    return Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))


def request_of(**body: Any) -> ChatRequest:
    return payload_of(**body).request


def written(request: ChatRequest, scope: str = "") -> dict[str, Any]:
    members = OPENAI_RESPONSES.encode_request(request, Target("up", scope=scope))
    return json.loads(members.encode())


def items_of(*turns: Turn, scope: str = "") -> Any:
    return written(ChatRequest("m", (USER, *turns)), scope)["input"][1:]


# ------------------------------------------------------------------ the cheap checks


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 3}, "model"),
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": {}}, "input"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_is_malformed(body: dict[str, Any], param: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        payload_of(**body)
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"background": True}, "background"),
        (
            {
                "input": [
                    {"role": "user", "content": "x"},
                    {"type": "item_reference", "id": "msg_1"},
                ]
            },
            "input[1]",
        ),
    ],
)
def test_nothing_is_stored_here(body: dict[str, Any], param: str) -> None:
    with pytest.raises(UnsupportedParameter) as raised:
        payload_of(**body)
    assert raised.value.param == param
    assert "send the whole conversation" in raised.value.message
    assert "once response storage is configured" in raised.value.message
    assert raised.value.status == 400


def test_what_says_nothing_is_not_refused() -> None:
    payload_of(previous_response_id=None, conversation=None, background=False)
    payload_of(input='say "item_reference"')
    payload_of(input=[{"role": "user", "content": '{"type":"item_reference"}'}])


def test_a_prompt_stands_for_the_input() -> None:
    request = request_of(input=None, prompt={"id": "pmpt_1"})
    assert Need.UNKNOWN_PARTS in needs_of(request), "its words stand at the provider"
    assert written(request)["prompt"] == {"id": "pmpt_1"}
    assert "input" not in written(request)


@pytest.mark.parametrize(
    ("item", "error", "param"),
    [
        ({"role": "robot", "content": "x"}, InvalidRequest, "input[0].role"),
        ({"role": "user"}, MalformedBody, "input[0].content"),
        ({"content": "x"}, MalformedBody, "input[0].type"),
        ({"type": "function_call_output", "output": "x"}, MalformedBody, "input[0].call_id"),
        (
            {"role": "user", "content": [{"type": "input_text"}]},
            MalformedBody,
            "input[0].content[0].text",
        ),
        ({"type": "reasoning", "id": 3, "summary": []}, MalformedBody, "input[0].id"),
        (3, MalformedBody, "input[0]"),
    ],
)
def test_items_that_cannot_be_read(item: object, error: type[Exception], param: str) -> None:
    with pytest.raises(error) as raised:
        request_of(input=[item])
    assert getattr(raised.value, "param", None) == param


@pytest.mark.parametrize(
    ("raw", "bound"), [(b"7", 7), (b"null", None), (b"-1", None), (b"1.5", None), (b"9" * 12, None)]
)
def test_how_much_may_be_said(raw: bytes, bound: int | None) -> None:
    members = Members.parse(b'{"model":"m","input":"x","max_output_tokens":%b}' % raw)
    assert OPENAI_RESPONSES.output_bound(members) == (bound, 1)


# ------------------------------------------------------------------ what goes through unread


def test_store_is_false_where_nothing_is_said() -> None:
    body = b'{ "model": "m",\n "input": "x", "news": 1.50 }'
    payload = Payload(OPENAI_RESPONSES, Members.parse(body))
    sent = payload.encode(Target("up"))
    assert sent == b'{ "model": "up",\n "input": "x", "news": 1.50,"store":false }'
    for said in (True, False):
        kept = json.loads(payload_of(store=said).encode(Target("up")))
        assert kept["store"] is said
    nothing = json.loads(payload_of(store=None).encode(Target("up")))
    assert nothing["store"] is False


def test_a_foreign_seal_is_left_out() -> None:
    """A conversation that began elsewhere goes on at a provider of this dialect."""
    foreign = wrap(Origin("anthropic_messages", "claude", "org"), "sig")
    items = [
        {"role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": foreign},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAA"},
        {"role": "user", "content": f"what is {foreign}?"},
    ]
    sent = json.loads(payload_of(input=items).encode(Target("up")))
    assert sent["input"] == [items[0], items[2], items[3]]


# ------------------------------------------------------------------ what a request means


def test_the_items_of_an_answer_are_one_turn() -> None:
    request = request_of(
        instructions="be brief",
        input=[
            {"role": "user", "content": "hi"},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": "gAAA",
            },
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "phase": "commentary",
                "content": [{"type": "output_text", "text": "let me see", "annotations": []}],
            },
            {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "b", "name": "g", "input": "x"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {
                "type": "custom_tool_call_output",
                "call_id": "b",
                "output": [{"type": "input_text", "text": "2"}],
            },
        ],
    )
    system, user, said, first, second = request.turns
    assert (system.author, system.text) == (Author.SYSTEM, "be brief")
    assert user == USER
    assert said.phase == "commentary"
    thought, text, call, custom = said.parts
    assert isinstance(thought, Reasoning)
    assert (thought.summary, thought.signature) == (("hm",), "gAAA")
    assert thought.origin == Origin(DIALECT)
    assert isinstance(text, Text)
    assert (text.text, text.id) == ("let me see", "msg_1")
    assert isinstance(call, ToolCall)
    assert (call.call_id, call.id, call.arguments) == ("a", "fc_1", "{}")
    assert isinstance(custom, ToolCall)
    assert (custom.kind, custom.arguments) == (CallKind.CUSTOM, "x")
    assert first.parts == (ToolResult("a", (Text("1"),)),)
    assert second.parts == (ToolResult("b", (Text("2"),), kind=CallKind.CUSTOM),)


def test_two_easy_messages_stay_two() -> None:
    said = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    request = request_of(input=[{"role": "user", "content": "hi"}, *said])
    assert [turn.text for turn in request.turns] == ["hi", "a", "b"]
    assert [item["content"] for item in written(request)["input"]] == ["hi", "a", "b"]


def test_instructions_come_first_and_come_back() -> None:
    request = request_of(instructions="a", input=[{"role": "system", "content": "b"}])
    assert [turn.text for turn in request.turns] == ["a", "b"]
    again = written(request)
    assert again["instructions"] == "a"
    assert [item["content"] for item in again["input"]] == ["b"]
    chat = json.loads(OPENAI_CHAT.encode_request(request, Target("up")).encode())
    assert [message["content"] for message in chat["messages"]] == ["a", "b"]


def test_pictures_and_files() -> None:
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "high"},
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,BB"},
        {"type": "input_file", "file_url": "https://x/y.pdf"},
    ]
    request = request_of(input=[{"role": "user", "content": content}])
    assert request.turns[0].parts == (
        Image(Blob(data="AA", media_type="image/png"), detail="high"),
        Image(Blob(file_id="file-1"), detail="auto"),
        File(Blob(data="BB", media_type="application/pdf"), filename="a.pdf"),
        File(Blob(url="https://x/y.pdf")),
    )
    assert written(request)["input"][0]["content"] == content


def test_items_nobody_else_knows() -> None:
    request = request_of(
        input=[
            {"role": "user", "content": "hi"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
            {"type": "shell_call_output", "call_id": "a", "output": []},
            {"type": "compaction", "encrypted_content": "x"},
        ]
    )
    authors = [turn.author for turn in request.turns]
    assert authors == [Author.USER, Author.ASSISTANT, Author.TOOL, Author.USER]
    assert all(isinstance(turn.parts[0], Opaque) for turn in request.turns[1:])
    assert {Need.UNKNOWN_PARTS, Need.PAST_UNKNOWN_PARTS} <= needs_of(request)


def test_tools_and_the_choice_among_them() -> None:
    request = request_of(
        tools=[
            {"type": "function", "name": "f", "parameters": {}, "strict": True},
            {"type": "custom", "name": "g", "format": {"type": "text"}},
            {"type": "local_shell"},
        ],
        tool_choice={
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "f"}],
        },
    )
    function, custom, server = request.tools
    assert isinstance(function, FunctionTool)
    assert function.strict is True
    assert isinstance(custom, CustomTool)
    assert isinstance(server, ServerTool)
    assert request.tool_choice == ToolChoice(ToolMode.ALLOWED, ("f",), required=True)
    kept = request_of(tool_choice={"type": "mcp", "server_label": "x"})
    assert written(kept)["tool_choice"] == {"type": "mcp", "server_label": "x"}


# ------------------------------------------------------------------ requests of other dialects


def test_a_tool_that_says_nothing_is_not_strict() -> None:
    """Absent is strict here, and loose elsewhere."""
    tool = FunctionTool("f")
    assert written(ChatRequest("m", (USER,), tools=(tool,)))["tools"] == [
        {
            "type": "function",
            "name": "f",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]
    ours = request_of(tools=[{"type": "function", "name": "f"}])
    assert written(ours)["tools"] == [{"type": "function", "name": "f"}]


def test_foreign_ids_are_not_sent() -> None:
    other = Extra("anthropic_messages", {})
    said = Turn(
        Author.ASSISTANT,
        (Text("x", id="msg_x", extra=other), ToolCall("toolu_1", "f", "{}", id="toolu_1")),
        id="msg_01",
    )
    result = Turn(Author.USER, (ToolResult("toolu_1", (Text("1"),), id="r_1"), Text("and?")))
    assert items_of(said, result) == [
        {"type": "message", "role": "assistant", "content": "x"},
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "1"},
        {"type": "message", "role": "user", "content": "and?"},
    ]


@pytest.mark.parametrize(
    ("thought", "scope", "kept"),
    [
        (Reasoning("loose"), "", False),
        (Reasoning("x", signature="s", origin=Origin("anthropic_messages")), "", False),
        (
            Reasoning(signature="s", origin=Origin(DIALECT, "m", "org"), extra=Extra(DIALECT, {})),
            "org",
            True,
        ),
        (
            Reasoning(signature="s", origin=Origin(DIALECT, "m", "org"), extra=Extra(DIALECT, {})),
            "other",
            False,
        ),
    ],
)
def test_thought_goes_where_its_seal_is_valid(thought: Reasoning, scope: str, kept: bool) -> None:
    call = ToolCall("a", "f", "{}", id="fc_1", extra=Extra(DIALECT, {}))
    items = items_of(Turn(Author.ASSISTANT, (thought, call)), scope=scope)
    assert [item["type"] for item in items] == (["reasoning"] if kept else []) + ["function_call"]
    assert ("id" in items[-1]) is kept, "the items of a thought that is left out have no ids"


def test_a_wrapped_seal_is_unwrapped() -> None:
    seal = wrap(Origin("anthropic_messages", "claude", "org"), "sig")
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": seal,
    }
    (turn,) = request_of(input=[item]).turns
    (thought,) = turn.parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.summary, thought.signature) == ("hm", (), "sig")
    assert thought.origin == Origin("anthropic_messages", "claude", "org")


def test_the_seal_is_asked_for_where_thought_is() -> None:
    asked = written(ChatRequest("m", (USER,), reasoning=ReasoningAsk("low")))
    assert asked["include"] == ["reasoning.encrypted_content"]
    assert asked["store"] is False
    for silent in (None, ReasoningAsk("none"), ReasoningAsk(budget=0)):
        assert "include" not in written(ChatRequest("m", (USER,), reasoning=silent))


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1024, "low"), (10000, "medium"), (31999, "high")]
)
def test_the_nearest_effort(budget: int, effort: str) -> None:
    asked = written(ChatRequest("m", (USER,), reasoning=ReasoningAsk(budget=budget)))
    assert asked["reasoning"] == {"effort": effort}


def test_what_has_no_word_here_is_left_out() -> None:
    request = ChatRequest(
        "m",
        (USER,),
        sampling=Sampling(temperature=0.5, top_k=3, seed=7, presence_penalty=1.0),
        max_output_tokens=3,
        stop=("x",),
        n=1,
    )
    assert written(request) == {
        "model": "up",
        "input": "hi",
        "temperature": 0.5,
        "max_output_tokens": 16,
        "store": False,
    }


def test_a_tool_that_failed() -> None:
    result = ToolResult("a", (Text("no such file"),), is_error=True)
    (item,) = items_of(Turn(Author.TOOL, (result,)))
    assert item["output"] == "Error: no such file"


def test_a_result_answers_in_the_kind_of_its_call() -> None:
    """Chat has one message for the results of both."""
    call = ToolCall("a", "f", "x", kind=CallKind.CUSTOM)
    turns = (Turn(Author.ASSISTANT, (call,)), Turn(Author.TOOL, (ToolResult("a", (Text("1"),)),)))
    assert [item["type"] for item in items_of(*turns)] == [
        "custom_tool_call",
        "custom_tool_call_output",
    ]


def test_chats_grammar_is_flat_here() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "custom", "custom": {"name": "f", "format": grammar}}],
    }
    request = OPENAI_CHAT.decode_request(Members.parse(json.dumps(body).encode()))
    (tool,) = written(request)["tools"]
    assert tool["format"] == {"type": "grammar", "syntax": "lark", "definition": "x"}
    back = request_of(tools=[tool]).tools
    chat = json.loads(
        OPENAI_CHAT.encode_request(ChatRequest("m", (USER,), tools=back), Target("up")).encode()
    )
    assert chat["tools"][0]["custom"]["format"] == grammar


def test_log_probabilities_that_a_model_refuses() -> None:
    include = ["message.output_text.logprobs", "reasoning.encrypted_content"]
    payload = payload_of(include=include, top_logprobs=3, temperature=1)
    sent = json.loads(payload.encode(Target("up"), dropped={Need.LOGPROBS, Need.TEMPERATURE}))
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert "top_logprobs" not in sent
    assert "temperature" not in sent


def test_thought_without_a_seal_goes_back_to_chat_only() -> None:
    """It came from a server of Chat, and was told to a caller here."""
    item = {
        "type": "reasoning",
        "id": "rs_x00",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
        "encrypted_content": wrap(Origin(""), ""),
    }
    payload = payload_of(input=[item, {"role": "assistant", "content": "x"}])
    sent = json.loads(payload.encode(Target("up")))
    assert [each.get("role") for each in sent["input"]] == ["assistant"]
    assert [each["role"] for each in written(payload.request)["input"]] == ["assistant"]
    chat = json.loads(OPENAI_CHAT.encode_request(payload.request, Target("up")).encode())
    assert chat["messages"][0]["reasoning_content"] == "hm"
