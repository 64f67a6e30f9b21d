"""Requests: every member, both ways, and what is refused."""

import json

import pytest

from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import CallerError, InvalidRequest, MalformedBody
from antiphon.model.parts import (
    ABSENT,
    Audio,
    Author,
    Blob,
    CacheMark,
    CallKind,
    Extra,
    File,
    Image,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import ChatRequest, Output, OutputForm, ReasoningAsk
from antiphon.wire.shallow import Members

HELLO = {"role": "user", "content": "hello"}


def members_of(**members: object) -> Members:
    return Members.parse(json.dumps({"model": "m", "messages": [HELLO], **members}).encode())


def decoded(*messages: object, **members: object) -> ChatRequest:
    given = {"messages": list(messages)} if messages else {}
    return OPENAI_CHAT.decode_request(members_of(**given, **members))


def encoded(request: ChatRequest, model: str = "m") -> dict[str, object]:
    return json.loads(OPENAI_CHAT.encode_request(request, Target(model)).encode())


def round_trip(*messages: object, **members: object) -> dict[str, object]:
    request = decoded(*messages, **members)
    out = encoded(request)
    again = OPENAI_CHAT.decode_request(Members.parse(json.dumps(out).encode()))
    assert again == request
    return out


def message(*messages: object) -> object:
    out = round_trip(*messages)["messages"]
    assert isinstance(out, list)
    return out[0] if len(messages) == 1 else out


# ------------------------------------------------------------------ members


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frequency_penalty", 0.5),
        ("presence_penalty", -0.5),
        ("temperature", 0.7),
        ("top_p", 0.1),
        ("top_k", 40),
        ("min_p", 0.05),
        ("repetition_penalty", 1.1),
        ("seed", 42),
        ("n", 2),
        ("logit_bias", {"50256": -100}),
        ("logprobs", True),
        ("logprobs", False),
        ("top_logprobs", 5),
        ("max_completion_tokens", 100),
        ("max_tokens", 100),
        ("stop", ["a", "b"]),
        ("parallel_tool_calls", False),
        ("metadata", {"k": "v"}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("web_search_options", {}),
        ("moderation", {"model": "omni", "policy": {"input": {"mode": "score"}}}),
        ("prompt_cache_key", "k"),
        ("prompt_cache_options", {"mode": "explicit", "ttl": "30m"}),
        ("prompt_cache_retention", "24h"),
        ("reasoning_effort", "xhigh"),
        ("response_format", {"type": "text"}),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_object", "schema": {"type": "object"}}),
        (
            "response_format",
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "n",
                    "description": "d",
                    "schema": {"type": "object"},
                    "strict": True,
                },
            },
        ),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "x": 1}, "y": 2},
        ),
        ("response_format", {"type": "json_schema", "schema": {"type": "object"}}),
        ("response_format", {"type": "grammar", "grammar": "root ::= x"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "bare"}}),
        ("safety_identifier", "s"),
        ("user", "u"),
        ("service_tier", "flex"),
        ("store", True),
        ("store", False),
        ("verbosity", "low"),
        ("stream", True),
        ("stream_options", {"include_usage": True}),
        ("stream_options", {"include_obfuscation": False}),
        ("thinking", {"type": "disabled"}),
        ("chat_template_kwargs", {"enable_thinking": False}),
        ("models", ["a", "b"]),
        ("tool_choice", "auto"),
        ("tool_choice", "none"),
        ("tool_choice", "required"),
        ("tool_choice", "any"),
        ("tool_choice", "bare_name"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("tool_choice", {"type": "custom", "custom": {"name": "f"}}),
        ("tool_choice", {"type": "web_search"}),
        (
            "tool_choice",
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
        ),
        (
            "tool_choice",
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "mcp", "server": "x"}]},
            },
        ),
        ("functions", [{"name": "f", "description": "d", "parameters": {"type": "object"}}]),
        ("function_call", "auto"),
        ("function_call", "none"),
        ("function_call", {"name": "f"}),
    ],
)
def test_a_member_survives(name: str, value: object) -> None:
    out = round_trip(**{name: value})
    assert out == {"model": "m", "messages": [HELLO], name: value}


def test_nothing_is_said_that_was_not() -> None:
    nulls = dict.fromkeys(
        [
            "temperature",
            "tools",
            "tool_choice",
            "stop",
            "stream",
            "stream_options",
            "metadata",
            "response_format",
            "user",
            "top_k",
            "extra",
            "logit_bias",
            "audio",
            "functions",
        ]
    )
    assert round_trip(**nulls) == {"model": "m", "messages": [HELLO]}
    assert round_trip(stream=False, stream_options={"include_usage": False}, tools=[]) == {
        "model": "m",
        "messages": [HELLO],
    }


def test_the_provider_s_name_of_the_model_is_written() -> None:
    assert encoded(decoded(), model="gpt-4.1")["model"] == "gpt-4.1"


def test_one_stop_is_a_list_of_one() -> None:
    assert round_trip(stop="END")["stop"] == ["END"]


def test_both_bounds_survive_and_the_newer_counts() -> None:
    request = decoded(max_tokens=1, max_completion_tokens=2)
    assert (request.max_output_tokens, request.legacy_max_tokens) == (2, False)
    assert encoded(request) == {
        "model": "m",
        "messages": [HELLO],
        "max_tokens": 1,
        "max_completion_tokens": 2,
    }
    assert decoded(max_tokens=1).legacy_max_tokens


def test_numbers_are_not_rounded() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":0.7,"x":1.0e-7,"top_p":1}'
    out = OPENAI_CHAT.encode_request(OPENAI_CHAT.decode_request(Members.parse(body)), Target("m"))
    assert out["temperature"] == b"0.7"
    assert out["x"] == b"1.0e-7"


# ------------------------------------------------------------------ messages


@pytest.mark.parametrize(
    "given",
    [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": "s", "name": "n"},
        {"role": "user", "content": ""},
        {"role": "user", "content": [], "x": 1},
        {"role": "user", "content": "a", "name": "n", "cache_control": {"type": "ephemeral"}},
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "a", "refusal": "no"},
        {"role": "assistant", "content": "a", "partial": True, "prefix": True},
        {"role": "assistant", "content": "a", "reasoning_content": "t"},
        {"role": "assistant", "content": "a", "reasoning": "t"},
        {"role": "assistant", "content": "a", "reasoning_content": "t", "reasoning": "t"},
        {"role": "assistant", "content": "a", "reasoning_content": " "},
        {"role": "assistant", "content": "a", "reasoning": {"odd": 1}},
        {
            "role": "assistant",
            "content": "a",
            "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s"}],
        },
        {
            "role": "assistant",
            "content": "a",
            "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}],
        },
        {"role": "assistant", "audio": {"id": "audio_1"}},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
            ],
        },
        {
            "role": "assistant",
            "content": "a",
            "tool_calls": [
                {
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}", "x": 1},
                    "index": 0,
                },
                {"id": "d", "type": "custom", "custom": {"name": "g", "input": "free text"}},
                {
                    "id": "e",
                    "type": "function",
                    "function": {"name": "h", "arguments": ""},
                    "extra_content": {"google": {"thought_signature": "s"}},
                },
                {"id": "f", "type": "server_thing", "server_thing": {}},
            ],
        },
        {
            "role": "assistant",
            "tool_calls": [{"id": "f", "type": "server_thing", "server_thing": {}}],
        },
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
        {"role": "assistant", "content": [{"type": "reference", "ids": [1]}]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        {"role": "tool", "tool_call_id": "c", "content": "", "name": "f"},
        {
            "role": "tool",
            "tool_call_id": "c",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
        {
            "role": "tool",
            "tool_call_id": "c",
            "content": "r",
            "cache_control": {"type": "ephemeral"},
        },
        {"role": "function", "name": "f", "content": "r"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "text",
                    "text": "a",
                    "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"},
                }
            ],
        },
        {
            "role": "user",
            "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "odd"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "x": 1}}
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}
            ],
        },
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "image_url",
                    "image_url": {"url": "data:;charset=x;base64,AAAA", "format": "png"},
                    "y": 1,
                }
            ],
        },
        {
            "role": "user",
            "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}],
        },
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
                }
            ],
        },
        {
            "role": "user",
            "content": [{"type": "file", "file": {"file_data": "AAAA", "filename": "a.pdf"}}],
        },
        {"role": "user", "content": [{"type": "file", "file": {"file_data": "https://x/a.pdf"}}]},
        {
            "role": "user",
            "content": [{"type": "file", "file": {"file_data": "AAAA", "file_id": "both"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "video_url", "video_url": {"url": "u"}},
                {"type": "text", "text": "b"},
            ],
        },
        {"role": "user", "content": [{"no_type": 1}]},
    ],
)
def test_a_message_survives(given: object) -> None:
    assert message(given) == given


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {"role": "user", "content": "a"},
        ),
        (
            {"role": "user", "content": "a", "name": None, "tool_calls": None},
            {"role": "user", "content": "a"},
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x"}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
        ),
        (
            {"role": "assistant", "content": None, "refusal": None},
            {"role": "assistant", "content": ""},
        ),
        (
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}],
            },
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a": 1}'},
                    }
                ],
            },
        ),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "assistant", "content": "", "refusal": "no"},
        ),
        (
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "t"}]},
                    {"type": "text", "text": "a"},
                ],
            },
            {"role": "assistant", "content": "a", "reasoning_content": "t"},
        ),
        (
            {"role": "assistant", "content": "a", "function_call": {"name": "", "arguments": ""}},
            {"role": "assistant", "content": "a"},
        ),
        (
            {"role": "tool", "tool_call_id": "c", "content": None},
            {"role": "tool", "tool_call_id": "c", "content": ""},
        ),
    ],
)
def test_a_message_is_written_the_plain_way(given: object, written: object) -> None:
    assert message(given) == written


def test_what_a_caller_asks_is_read_into_the_model() -> None:
    request = decoded(
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/gif;base64,R0", "detail": "low"},
                }
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning": "t",
            "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "g", "input": "i"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "r"},
        reasoning_effort="low",
        unknown=1,
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"type": "object"}, "strict": True},
                "cache_control": {"type": "ephemeral"},
            },
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
            {"type": "openrouter:web_search", "parameters": {}},
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}},
        },
    )
    assert request.turns == (
        Turn(Author.SYSTEM, (Text("s"),)),
        Turn(Author.USER, (Image(Blob(data="R0", media_type="image/gif"), detail="low"),)),
        Turn(
            Author.ASSISTANT,
            (Reasoning("t", spelling="reasoning"), ToolCall("c", "g", "i", kind=CallKind.CUSTOM)),
        ),
        Turn(Author.TOOL, (ToolResult("c", (Text("r"),)),)),
    )
    assert request.reasoning == ReasoningAsk("low")
    assert request.extra is not None
    assert {name: bytes(raw) for name, raw in request.extra.members.items()} == {"unknown": b"1"}
    function, custom, server = request.tools
    assert (function.name, bytes(function.parameters), function.strict, function.cache) == (
        "f",
        b'{"type": "object"}',
        True,
        CacheMark(spelling="cache_control"),
    )
    assert (custom.name, bytes(custom.format)) == ("g", b'{"type": "text"}')
    assert server.dialect == "openai_chat"
    assert request.output is not None
    assert (request.output.form, request.output.name, bytes(request.output.schema)) == (
        OutputForm.SCHEMA,
        "n",
        b'{"type": "object"}',
    )


def test_legacy_calls_get_ids_that_their_results_share() -> None:
    call = {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "r"}
    request = decoded(
        call, result, call, result, functions=[{"name": "f"}], function_call={"name": "f"}
    )
    ids = [
        part.call_id
        for turn in request.turns
        for part in turn.parts
        if isinstance(part, ToolCall | ToolResult)
    ]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert request.legacy_functions
    assert encoded(request)["messages"] == [call, result, call, result]


def test_tools_survive() -> None:
    tools = [
        {
            "type": "function",
            "function": {
                "name": "f",
                "description": "",
                "parameters": {"type": "object"},
                "strict": False,
                "x": 1,
            },
            "y": 2,
        },
        {"type": "function", "function": {"name": "g"}},
        {
            "type": "custom",
            "custom": {
                "name": "c",
                "description": "d",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}},
            },
        },
        {"type": "builtin_function", "function": {"name": "$web_search"}},
    ]
    allowed = {
        "mode": "auto",
        "tools": [
            {"type": "custom", "custom": {"name": "c"}},
            {"type": "function", "function": {"name": "f"}},
        ],
    }
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    assert round_trip(tools=tools, tool_choice=choice) == {
        "model": "m",
        "messages": [HELLO],
        "tools": tools,
        "tool_choice": choice,
    }
    functions = [{"name": "old"}]
    both = round_trip(tools=tools, functions=functions, function_call="auto")
    assert (both["tools"], both["functions"], both["function_call"]) == (tools, functions, "auto")


# ------------------------------------------------------------------ from other dialects


def test_results_of_tools_become_messages_of_their_own() -> None:
    turn = Turn(
        Author.USER,
        (
            ToolResult("a", (Text("1"),)),
            ToolResult("b", (Text("2"), Image(Blob(url="https://x"))), is_error=True),
            ToolResult("c", (Image(Blob(data="AA", media_type="image/png")),)),
            ToolResult("d", ()),
            Text("and now?"),
        ),
    )
    out = encoded(
        ChatRequest("m", (turn, Turn(Author.TOOL, (ToolResult("e", (File(Blob(file_id="f")),)),))))
    )
    assert out["messages"] == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": "Error: 2",
        },
        {"role": "tool", "tool_call_id": "c", "content": "(see the next message)"},
        {"role": "tool", "tool_call_id": "d", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "https://x"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                {"type": "text", "text": "and now?"},
            ],
        },
        {"role": "tool", "tool_call_id": "e", "content": "(see the next message)"},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
    ]


def test_what_another_dialect_keeps_for_itself_is_left_out() -> None:
    foreign = Extra("anthropic_messages", {"thinking": ABSENT})
    request = ChatRequest(
        "m",
        (
            Turn(
                Author.ASSISTANT,
                (
                    Reasoning("one"),
                    Reasoning(signature="seal", sealed=True, origin=Origin("anthropic_messages")),
                    Reasoning("two"),
                    Text("a", extra=foreign),
                    Opaque("gemini", ABSENT),
                    Refusal("no"),
                    Audio(Blob(data="AA"), id="audio_1"),
                    ToolCall("c", "f", "{}"),
                ),
                extra=foreign,
            ),
        ),
        output=Output(OutputForm.SCHEMA),
        extra=foreign,
    )
    out = encoded(request)
    assert out["messages"] == [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}],
            "reasoning_content": "one\n\ntwo",
            "refusal": "no",
            "audio": {"id": "audio_1"},
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        }
    ]
    assert set(out) == {"model", "messages", "response_format"}


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [HELLO, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [HELLO, {"role": "robot"}]}, "messages[1].role"),
        ({"messages": [HELLO, {"role": 1}]}, "messages[1].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]},
            "messages[0].content[0].text",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": 1}}]}
                ]
            },
            "messages[0].content[0].image_url.url",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": 1}}]}
                ]
            },
            "messages[0].tool_calls[0].function.name",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stop": [1]}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": "x"}}, "stream_options.include_usage"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": 1}, "tool_choice"),
        ({"response_format": "json"}, "response_format"),
        ({"function_call": "maybe"}, "function_call"),
        ({"metadata": "x"}, "metadata"),
        ({"audio": "x"}, "audio"),
        ({"user": 5}, "user"),
        ({"prompt_cache_options": 1}, "prompt_cache_options"),
    ],
)
def test_a_wrong_member_is_named(members: dict[str, object], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        OPENAI_CHAT.decode_request(members_of(**members))
    assert caught.value.param == param
    assert isinstance(caught.value, MalformedBody | InvalidRequest)


def test_a_number_that_python_cannot_hold_is_refused() -> None:
    with pytest.raises(MalformedBody):
        OPENAI_CHAT.decode_request(
            Members.parse(
                b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1e999}'
            )
        )


# ------------------------------------------------------------------ in passing


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "model"),
        (b'{"model":""}', "model"),
        (b'{"model":5,"messages":[1]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":null}', "messages"),
        (b'{"model":"m","messages":{}}', "messages"),
        (b'{"model":"m","messages":[ \n ]}', "messages"),
        (b'{"model":"m","messages":[1],"stream":1}', "stream"),
        (b'{"model":"m","messages":[1],"stream":true,"stream_options":true}', "stream_options"),
    ],
)
def test_the_cheap_check_refuses(body: bytes, param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        OPENAI_CHAT.check_request(Members.parse(body))
    assert caught.value.param == param


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b',"stream":null',
        b',"stream":false,"stream_options":null',
        b',"stream":true,"stream_options":{"include_usage":true}',
    ],
)
def test_the_cheap_check_passes_what_is_left_to_the_provider(rest: bytes) -> None:
    OPENAI_CHAT.check_request(
        Members.parse(b'{"model":"m","messages":[{"role":"robot"}]' + rest + b"}")
    )


@pytest.mark.parametrize(
    ("options", "wants", "asked"),
    [
        (b"", False, b'{"include_usage":true}'),
        (b',"stream_options":null', False, b'{"include_usage":true}'),
        (b',"stream_options":{"include_usage":false}', False, b'{"include_usage":true}'),
        (
            b',"stream_options":{"include_obfuscation":false}',
            False,
            b'{"include_obfuscation":false,"include_usage":true}',
        ),
        (b',"stream_options":{ "include_usage" : true }', True, b'{ "include_usage" : true }'),
    ],
)
def test_usage_is_asked_for(options: bytes, wants: bool, asked: bytes) -> None:
    members = Members.parse(b'{"model":"m","messages":[1]' + options + b"}")
    assert OPENAI_CHAT.wants_usage(members) is wants
    out = OPENAI_CHAT.ask_usage(members)
    assert out["stream_options"] == asked
    assert out.without("stream_options").encode() == b'{"model":"m","messages":[1]}'
