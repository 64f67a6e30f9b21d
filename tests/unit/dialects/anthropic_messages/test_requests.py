"""Requests: what is read, what is written for callers of other dialects, what is refused."""

import base64
import json

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model import seals
from antiphon.model.needs import Need, needs_of
from antiphon.model.parts import Author, CacheMark, File, Opaque, Origin, Reasoning, ToolResult
from antiphon.model.request import ChatRequest, OutputForm, ServerTool, ToolMode
from antiphon.wire.shallow import Members

HELLO = [{"role": "user", "content": "Hello"}]
ASK = {"model": "m", "max_tokens": 9, "messages": HELLO}


def members_of(body: object) -> Members:
    return Members.parse(json.dumps(body).encode())


def read(**members: object) -> ChatRequest:
    return ANTHROPIC_MESSAGES.decode_request(members_of(ASK | members))


def rewritten(request: ChatRequest, target: Target = Target("m")) -> dict[str, object]:  # noqa: B008
    return json.loads(ANTHROPIC_MESSAGES.encode_request(request, target).encode())


def from_chat(target: Target = Target("m"), **members: object) -> dict[str, object]:  # noqa: B008
    body = {"model": "m", "messages": HELLO} | members
    return rewritten(OPENAI_CHAT.decode_request(members_of(body)), target)


# ------------------------------------------------------------------ in passing


@pytest.mark.parametrize(
    ("broken", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": None}, "messages"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_is_refused_unread(broken: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        Payload(ANTHROPIC_MESSAGES, members_of(ASK | broken))
    assert raised.value.param == param


def test_a_request_goes_through_as_it_came() -> None:
    body = (
        b'{"model": "m",  "max_tokens":0, "messages":[{"role":"user","content":"x"}], "news": 1.50}'
    )
    payload = Payload(ANTHROPIC_MESSAGES, Members.parse(body))
    assert payload.encode(Target("other")) == body.replace(b'"m"', b'"other"')
    assert payload.output_bound == (0, 1)
    assert payload.wants_usage


def test_needs_are_cut_unread() -> None:
    body = members_of(
        ASK
        | {
            "temperature": 1,
            "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
            "output_config": {"effort": "low", "format": {"type": "json_schema"}},
            "tool_choice": {"type": "any"},
        }
    )

    def cut(*needs: Need) -> dict[str, object]:
        return json.loads(ANTHROPIC_MESSAGES.cut(body, needs).encode())

    assert "temperature" not in cut(Need.TEMPERATURE)
    assert cut(Need.EFFORT)["output_config"] == {"format": {"type": "json_schema"}}
    assert cut(Need.SUMMARY)["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert "thinking" not in cut(Need.BUDGET)
    assert cut(Need.FORCED_TOOL)["tool_choice"] == {"type": "auto"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": [1]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": "x"}]}]},
            "messages[0].content[0].source",
        ),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f", "input_schema": "x"}]}, "tools[0].input_schema"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"system": 1}, "system"),
        ({"thinking": "yes"}, "thinking"),
        ({"output_config": []}, "output_config"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id"),
    ],
)
def test_what_is_refused_when_it_is_read(members: dict[str, object], param: str) -> None:
    with pytest.raises((MalformedBody, InvalidRequest)) as raised:
        read(**members)
    assert raised.value.param == param


# ------------------------------------------------------------------ reading


def test_system_and_marks() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    request = read(
        system=[{"type": "text", "text": "Be brief.", "cache_control": mark}],
        messages=[*HELLO, {"role": "system", "content": "Now be long."}],
    )
    assert [turn.author for turn in request.turns] == [
        Author.SYSTEM,
        Author.USER,
        Author.SYSTEM,
    ]
    assert request.turns[0].parts[0].cache == CacheMark("1h", spelling="cache_control")
    assert needs_of(request) == {Need.CACHE_MARKS, Need.LATER_SYSTEM}


def test_results_stand_in_a_turn_of_tools() -> None:
    results = {"type": "tool_result", "tool_use_id": "t", "content": "4", "is_error": True}
    request = read(messages=[{"role": "user", "content": [results, {"type": "text", "text": "?"}]}])
    turn = request.turns[0]
    assert turn.author is Author.TOOL
    assert isinstance(turn.parts[0], ToolResult)
    assert (turn.parts[0].is_error, turn.text) == (True, "?")


def test_arguments_are_kept_byte_for_byte() -> None:
    body = (
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use'
        b'","id":"t","name":"f","input":{ "b" : 1.0,"a":[ ] }}]}]}'
    )
    request = ANTHROPIC_MESSAGES.decode_request(Members.parse(body))
    assert request.turns[0].tool_calls[0].arguments == '{ "b" : 1.0,"a":[ ] }'
    assert (
        b'"input":{ "b" : 1.0,"a":[ ] }'
        in ANTHROPIC_MESSAGES.encode_request(request, Target("m"))["messages"]
    )


@pytest.mark.parametrize("said", [{}, {"input": None}])
def test_a_call_that_says_no_input_has_an_empty_one(said: dict[str, object]) -> None:
    block = {"type": "tool_use", "id": "a", "name": "f", **said}
    request = read(messages=[{"role": "assistant", "content": [block]}])
    assert request.turns[0].tool_calls[0].arguments == "{}"


def test_a_document_of_text_is_a_file_that_others_can_read() -> None:
    source = {"type": "content", "content": [{"type": "text", "text": "one"}]}
    request = read(messages=[{"role": "user", "content": [{"type": "document", "source": source}]}])
    part = request.turns[0].parts[0]
    assert isinstance(part, File)
    assert base64.b64decode(part.blob.data or "") == b"one"
    assert part.blob.media_type == "text/plain"


def test_what_only_this_dialect_knows() -> None:
    request = read(
        tools=[{"type": "web_search_20260209", "name": "web_search"}],
        messages=[*HELLO, {"role": "assistant", "content": [{"type": "server_tool_use"}]}],
        container="c",
    )
    assert isinstance(request.tools[0], ServerTool)
    assert isinstance(request.turns[1].parts[0], Opaque)
    assert needs_of(request) >= {
        Need.ONLY_SERVER_TOOLS,
        Need.PAST_UNKNOWN_PARTS,
        Need.UNKNOWN_MEMBERS,
    }
    assert rewritten(request)["container"] == "c"


@pytest.mark.parametrize(
    ("tool", "demanded"),
    [
        ({"type": "bash_20250124", "name": "bash"}, []),
        (
            {
                "type": "text_editor_20250728",
                "name": "str_replace_based_edit_tool",
                "max_characters": 5000,
                "cache_control": {"type": "ephemeral"},
            },
            ["command", "path"],
        ),
        ({"type": "memory_20250818", "name": "memory"}, ["command"]),
    ],
)
def test_a_tool_that_the_caller_runs_is_a_function_for_others(
    tool: dict[str, object], demanded: list[str]
) -> None:
    request = read(tools=[tool])
    assert not needs_of(request) & {Need.SERVER_TOOLS, Need.ONLY_SERVER_TOOLS}
    assert rewritten(request)["tools"] == [tool]
    members = OPENAI_CHAT.encode_request(request, Target("m"))
    [told] = json.loads(members.encode())["tools"]
    assert told["function"]["name"] == tool["name"]
    assert told["function"]["description"]
    assert told["function"]["parameters"]["required"] == demanded
    assert "command" in told["function"]["parameters"]["properties"]


def test_a_computer_is_used_at_its_own_provider() -> None:
    tool = {"type": "computer_20250124", "name": "computer", "display_width_px": 9}
    assert needs_of(read(tools=[tool])) == {Need.ONLY_SERVER_TOOLS}


def test_choices() -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    request = read(tools=tools, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.parallel_tool_calls) == (ToolMode.REQUIRED, False)
    assert "tool_choice" not in rewritten(read(tool_choice={"type": "any"}))


def test_the_beta_of_structured_answers() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    request = read(output_format=form)
    assert request.output is not None
    assert request.output.form is OutputForm.SCHEMA
    assert rewritten(request)["output_format"] == form


# ------------------------------------------------------------------ thought


def thought(signature: str | None, *, kind: str = "thinking") -> Reasoning:
    block = {"type": kind, "thinking": "Hm", "signature": signature}
    if kind != "thinking":
        block = {"type": kind, "data": signature}
    request = read(messages=[{"role": "assistant", "content": [block]}])
    part = request.turns[0].parts[0]
    assert isinstance(part, Reasoning)
    return part


def test_a_native_seal() -> None:
    assert thought("c2ln") == Reasoning("Hm", signature="c2ln", origin=Origin(DIALECT))
    sealed = thought("c2ln", kind="redacted_thinking")
    assert (sealed.sealed, sealed.signature) == (True, "c2ln")


def test_a_seal_of_another_dialect_comes_back_whole() -> None:
    origin = Origin("openai_responses", "gpt", "org")
    part = thought(seals.wrap(origin, "gAAA", sealed=True))
    assert part == Reasoning(summary=("Hm",), signature="gAAA", origin=origin, sealed=True)
    unsealed = thought(seals.wrap(Origin("", "gpt"), ""))
    assert (unsealed.text, unsealed.signature) == ("Hm", None)


@pytest.mark.parametrize(
    ("signature", "scope", "kept"),
    [
        ("c2ln", "", True),
        (seals.wrap(Origin(DIALECT, "m", "org"), "c2ln"), "org", True),
        (seals.wrap(Origin(DIALECT, "m", "org"), "c2ln"), "another", False),
        (seals.wrap(Origin("openai_responses", "m"), "gAAA", sealed=True), "", False),
        (seals.wrap(Origin("", "m"), ""), "", False),
        ("antiphon1.broken", "", False),
        (None, "", False),
    ],
)
def test_only_valid_thought_is_written(signature: str | None, scope: str, *, kept: bool) -> None:
    block = {"type": "thinking", "thinking": "Hm", "signature": signature}
    said = {"type": "text", "text": "Yes"}
    request = read(messages=[*HELLO, {"role": "assistant", "content": [block, said]}, *HELLO])
    written = rewritten(request, Target("m", scope=scope))["messages"][1]["content"]
    if kept:
        assert written == [{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, said]
    else:
        assert written == "Yes"


# ------------------------------------------------------------------ other dialects' callers


def test_a_conversation_with_tools() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    out = from_chat(
        messages=[
            {"role": "system", "content": "One."},
            {"role": "developer", "content": "Two."},
            {"role": "user", "content": "Go"},
            {
                "role": "assistant",
                "content": "",
                "reasoning_content": "Hm",
                "tool_calls": [call | {"id": "c1"}, call | {"id": "c2"}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "4"},
            {"role": "tool", "tool_call_id": "c2", "content": ""},
            {"role": "user", "content": "  "},
            {"role": "user", "content": "So?"},
        ],
        tools=[{"type": "function", "function": {"name": "f"}}],
        parallel_tool_calls=False,
    )
    assert out["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    used = [
        {"type": "tool_use", "id": call_id, "name": "f", "input": {"a": 1}}
        for call_id in ("c1", "c2")
    ]
    assert out["messages"] == [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "content": used},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "4"},
                {"type": "tool_result", "tool_use_id": "c2", "content": ""},
            ],
        },
        {"role": "user", "content": "So?"},
    ]
    assert out["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert out["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a":1}', {"a": 1}),
        ("[1]", {"_raw": "[1]"}),
        ('{"a":', {"_raw": '{"a":'}),
        ('{"a":1} {"b":2}', {"_raw": '{"a":1} {"b":2}'}),
    ],
)
def test_arguments_that_are_no_object(arguments: str, written: object) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    out = from_chat(messages=[*HELLO, {"role": "assistant", "tool_calls": [call]}])
    assert out["messages"][1]["content"][0]["input"] == written


def test_pictures_and_files() -> None:
    out = from_chat(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                    {"type": "image_url", "image_url": {"url": "data:image/gif;base64,AAAA"}},
                    {
                        "type": "file",
                        "file": {
                            "filename": "a.pdf",
                            "file_data": "data:application/pdf;base64,AAAA",
                        },
                    },
                    {"type": "file", "file": {"file_data": "data:text/csv;base64,YSxi"}},
                ],
            }
        ]
    )
    sources = [block["source"] for block in out["messages"][0]["content"]]
    assert sources == [
        {"type": "url", "url": "https://x/y.png"},
        {"type": "base64", "media_type": "image/gif", "data": "AAAA"},
        {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        {"type": "text", "media_type": "text/plain", "data": "a,b"},
    ]
    assert out["messages"][0]["content"][2]["title"] == "a.pdf"


def test_members_in_other_words() -> None:
    out = from_chat(
        temperature=1.7,
        top_p=1,
        stop=["END", "\n"],
        user="u",
        metadata={"a": "b"},
        service_tier="default",
        seed=1,
        n=1,
    )
    assert out == {
        "model": "m",
        "max_tokens": 8192,
        "messages": HELLO,
        "temperature": 1.0,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
    }


def test_only_allowed_tools_are_offered() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "fgh"]
    referred = [{"type": "function", "function": {"name": "g"}}]
    choice = {"mode": "required", "tools": referred}
    out = from_chat(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": choice})
    assert [tool["name"] for tool in out["tools"]] == ["g"]
    assert out["tool_choice"] == {"type": "any"}


def test_a_schema_is_closed_and_its_bounds_are_told() -> None:
    schema = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "Years."},
            "tags": {"type": "array", "items": {"type": "object"}, "maxItems": 3},
        },
        "$defs": {"one": {"properties": {}}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    out = from_chat(response_format=form)["output_config"]["format"]
    assert out["type"] == "json_schema"
    assert out["schema"] == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "age": {"type": "integer", "description": "Years. {minimum: 0}"},
            "tags": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": False},
                "description": "{maxItems: 3}",
            },
        },
        "$defs": {"one": {"properties": {}, "additionalProperties": False}},
    }


def test_json_mode_has_no_member() -> None:
    """It is asked for in words, which are the affair of `fitting`."""
    out = from_chat(response_format={"type": "json_object"})
    assert "output_config" not in out
    assert "system" not in out


def test_a_custom_tool_that_nobody_wrapped() -> None:
    out = from_chat(tools=[{"type": "custom", "custom": {"name": "c"}}])
    assert out["tools"][0]["input_schema"]["required"] == ["input"]


@pytest.mark.parametrize("content", ["So: \n", [{"type": "text", "text": "So: \n"}]])
def test_an_answer_to_continue_ends_with_a_word(content: object) -> None:
    said = {"role": "assistant", "content": content}
    assert from_chat(messages=[*HELLO, said])["messages"][1]["content"] == "So:"
    assert from_chat(messages=[said, *HELLO])["messages"][0]["content"] == "So: \n"


def test_rules_alone_are_said_by_the_user() -> None:
    out = from_chat(messages=[{"role": "system", "content": "Be."}])
    assert out["messages"] == [{"role": "user", "content": "Be."}]
    assert "system" not in out
