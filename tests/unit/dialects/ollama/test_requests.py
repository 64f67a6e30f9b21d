"""Requests of `/api/chat`: what is read, what is written, what is refused."""

import json

import msgspec
import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.ollama import OLLAMA
from antiphon.errors import CallerError, InvalidRequest, MalformedBody
from antiphon.model.needs import Need
from antiphon.model.parts import (
    Audio,
    Author,
    Blob,
    CallKind,
    File,
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
    Output,
    OutputForm,
    ReasoningAsk,
    Sampling,
    ServerTool,
    ToolChoice,
    ToolMode,
)
from antiphon.wire.shallow import Members

HELLO = {"role": "user", "content": "Hello"}
PNG = "iVBORw0KGgoAAAANSUhEUg=="


def members(**body: object) -> Members:
    return Members.parse(json.dumps({"model": "m:8b", "messages": [HELLO]} | body).encode())


def read(**body: object) -> ChatRequest:
    return OLLAMA.decode_request(members(**body))


def write(*turns: Turn, **asked: object) -> dict[str, object]:
    request = ChatRequest("asked", turns or (Turn(Author.USER, (Text("Hello"),)),), **asked)
    return json.loads(OLLAMA.encode_request(request, Target("m:8b")).encode())


def messages(*turns: Turn) -> object:
    return write(*turns)["messages"]


def turn(author: Author, *parts: Part) -> Turn:
    return Turn(author, parts)


# ------------------------------------------------------------------ in passing


@pytest.mark.parametrize(
    ("given", "stream"),
    [({}, True), ({"stream": None}, True), ({"stream": True}, True), ({"stream": False}, False)],
)
def test_it_streams_unless_it_says_that_it_does_not(given: dict[str, object], stream: bool) -> None:
    payload = Payload(OLLAMA, members(**given))
    assert (payload.stream, payload.request.stream) == (stream, stream)
    assert payload.wants_usage
    assert json.loads(payload.encode(Target("n/a b:c")))["model"] == "n/a b:c"
    written = OLLAMA.encode_request(payload.request, Target("m"))
    assert written["stream"] == json.dumps(stream).encode()


@pytest.mark.parametrize("given", [{}, {"messages": None}, {"messages": []}])
def test_without_messages_a_model_is_loaded(given: dict[str, object]) -> None:
    asked = Members.parse(json.dumps({"model": "m", "stream": True} | given).encode())
    assert OLLAMA.asks_nothing(asked)
    assert OLLAMA.check_request(asked) == ("m", False)
    loaded = json.loads(OLLAMA.encode_loaded(asked, created=0))
    assert loaded == {
        "model": "m",
        "created_at": "1970-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "load",
    }


@pytest.mark.parametrize(
    ("kept", "reason"),
    [(0, "unload"), ("0", "unload"), ("0s", "unload"), ("5m", "load"), (-1, "load"), (10, "load")],
)
def test_or_let_go(kept: object, reason: str) -> None:
    asked = members(messages=[], keep_alive=kept)
    assert json.loads(OLLAMA.encode_loaded(asked, created=0))["done_reason"] == reason


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 1}, "model"),
        ({"model": None}, "model"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": {}}, "messages"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_is_refused_unread(body: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        OLLAMA.check_request(members(**body))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"num_predict": 9}, 9),
        ({"num_predict": -1}, None),
        ({"num_predict": "x"}, None),
        ({"seed": 1}, None),
        (None, None),
        ([], None),
    ],
)
def test_the_bound_of_the_answer(options: object, bound: int | None) -> None:
    assert OLLAMA.output_bound(members(options=options)) == (bound, 1)
    assert OLLAMA.output_bound(members()) == (None, 1)


def test_what_a_model_refuses_is_cut_out_of_the_options() -> None:
    asked = members(options={"temperature": 0.1, "num_ctx": 4096}, think="high")
    assert OLLAMA.asks(asked, Need.TEMPERATURE)
    assert not OLLAMA.asks(asked, Need.TOP_P)
    assert OLLAMA.asks(asked, Need.EFFORT)
    assert not OLLAMA.asks(asked, Need.FORCED_TOOL)
    left = OLLAMA.cut(asked, {Need.TEMPERATURE, Need.EFFORT, Need.FORCED_TOOL})
    assert json.loads(left.encode()) == {
        "model": "m:8b",
        "messages": [HELLO],
        "options": {"num_ctx": 4096},
    }
    bare = OLLAMA.cut(members(options={"temperature": 0.1}), {Need.TEMPERATURE})
    assert "options" not in bare
    assert OLLAMA.cut(members(), {Need.SEED}).encode() == members().encode()


@pytest.mark.parametrize(
    ("path", "based"),
    [
        ("", "/api"),
        ("/v1", "/api"),
        ("/api", "/api"),
        ("/ollama", "/ollama/api"),
        ("/ollama/v1", "/ollama/api"),
    ],
)
def test_where_the_endpoints_stand(path: str, based: str) -> None:
    assert OLLAMA.based(path) + OLLAMA.endpoint == f"{based}/chat"


# ------------------------------------------------------------------ reading


def test_a_conversation() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    request = read(
        messages=[
            {"role": "System", "content": "Be brief"},
            {"role": "user", "content": "What?", "images": [PNG, "data:image/x;base64,AAAA"]},
            {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [call, call]},
            {"role": "tool", "content": "1", "tool_name": "f"},
            {"role": "tool", "content": "2"},
            {"role": "tool", "content": "3"},
        ]
    )
    system, user, said, *results = request.turns
    assert system == turn(Author.SYSTEM, Text("Be brief"))
    assert user.parts == (
        Text("What?"),
        Image(Blob(data=PNG, media_type="image/png")),
        Image(Blob(data="AAAA", media_type="image/x")),
    )
    assert said.parts[0] == Reasoning("Hm")
    ids = [each.call_id for each in said.tool_calls]
    assert len(set(ids)) == 2
    assert [json.loads(each.arguments) for each in said.tool_calls] == [{"a": 1}] * 2
    answered = [part for each in results for part in each.parts if isinstance(part, ToolResult)]
    assert [(each.call_id, each.name) for each in answered] == [
        (ids[0], "f"),
        (ids[1], "f"),
        ("", None),
    ]


def test_results_find_their_calls_by_id_and_by_name() -> None:
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": {}}},
        {"id": "b", "function": {"name": "g", "arguments": {}}},
        {"id": "c", "function": {"name": "g", "arguments": {}}},
    ]
    request = read(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "content": "1", "tool_call_id": "c"},
            {"role": "tool", "content": "2", "tool_name": "g"},
            {"role": "tool", "content": "3"},
            {"role": "tool", "content": "4", "tool_call_id": "a"},
            {"role": "tool", "content": "5", "tool_name": "h"},
        ]
    )
    results = [each.parts[0] for each in request.turns[1:]]
    assert [(each.call_id, each.name) for each in results if isinstance(each, ToolResult)] == [
        ("c", "g"),
        ("b", "g"),
        ("a", "f"),
        ("a", None),
        ("", "h"),
    ]


def test_arguments_keep_their_bytes_and_may_be_text() -> None:
    raw = b'{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f",'
    asked = Members.parse(
        raw + b'"arguments":{ "a" : 1.0 }}},{"function":{"name":"g","arguments":'
        b'"{\\"b\\":2}"}},{"function":{"name":"h"}}]}]}'
    )
    calls = OLLAMA.decode_request(asked).turns[0].tool_calls
    assert [call.arguments for call in calls] == ['{ "a" : 1.0 }', '{"b":2}', "{}"]


def test_what_is_asked_beside_the_question() -> None:
    request = read(
        options={
            "temperature": 0.5,
            "top_k": 40,
            "repeat_penalty": 1.1,
            "num_predict": 100,
            "num_ctx": 8192,
            "stop": "END",
        },
        keep_alive="5m",
        logprobs=True,
        top_logprobs=2,
        format="",
        tools=[],
    )
    assert request.sampling == Sampling(
        temperature=0.5, top_k=40, repetition_penalty=1.1, logprobs=True, top_logprobs=2
    )
    assert (request.max_output_tokens, request.stop, request.output) == (100, ("END",), None)
    assert request.extra is not None
    assert {name: json.loads(bytes(raw)) for name, raw in request.extra.members.items()} == {
        "options": {"num_ctx": 8192},
        "keep_alive": "5m",
    }
    needs = Payload(OLLAMA, members(keep_alive="5m")).needs
    assert needs == {Need.UNKNOWN_MEMBERS}


@pytest.mark.parametrize(
    ("think", "asked", "written"),
    [
        (True, ReasoningAsk(budget=-1), True),
        (False, ReasoningAsk("none"), False),
        ("low", ReasoningAsk("low"), "low"),
        ("max", ReasoningAsk("max"), "max"),
        (None, None, None),
    ],
)
def test_thought(think: object, asked: ReasoningAsk | None, written: object) -> None:
    assert read(think=think).reasoning == asked
    assert write(reasoning=asked).get("think") == written


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        (ReasoningAsk("minimal"), "low"),
        (ReasoningAsk("default"), True),
        (ReasoningAsk("xhigh"), "max"),
        (ReasoningAsk(budget=0), False),
        (ReasoningAsk(budget=1024), "low"),
        (ReasoningAsk(budget=60000), "high"),
        (ReasoningAsk(budget=-1), True),
        (ReasoningAsk(summary="auto"), None),
    ],
)
def test_thought_as_others_ask_for_it(asked: ReasoningAsk, written: object) -> None:
    assert write(reasoning=asked).get("think") == written


def test_the_form_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}
    request = read(format=schema)
    assert request.output is not None
    assert (request.output.form, json.loads(bytes(request.output.schema))) == (
        OutputForm.SCHEMA,
        schema,
    )
    assert write(output=request.output)["format"] == schema
    assert read(format="json").output == Output(OutputForm.JSON)
    assert write(output=Output(OutputForm.JSON))["format"] == "json"
    assert "format" not in write(output=Output())
    assert write(output=Output(OutputForm.SCHEMA))["format"] == "json"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"text": "a"}]}]}, "messages[0].content"),
        ({"messages": [HELLO, {"role": "user", "images": "a"}]}, "messages[1].images"),
        ({"messages": [{"role": "assistant", "tool_calls": [1]}]}, "messages[0].tool_calls[0]"),
        ({"format": "xml"}, "format"),
        ({"format": 1}, "format"),
        ({"think": 1}, "think"),
        ({"options": []}, "options"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [1]}, "tools[0]"),
    ],
)
def test_what_is_refused(body: dict[str, object], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        read(**body)
    assert isinstance(caught.value, MalformedBody | InvalidRequest)
    assert caught.value.param == param


# ------------------------------------------------------------------ writing


def test_turns_of_another_dialect() -> None:
    seal = Origin("anthropic_messages")
    assert messages(
        turn(Author.DEVELOPER, Text("Rule 1"), Text("Rule 2")),
        turn(Author.USER, Image(Blob(data=PNG)), Text("a"), Text("b")),
        turn(
            Author.ASSISTANT,
            Reasoning("Hm", signature="s", origin=seal),
            Reasoning(signature="hidden", origin=seal, sealed=True),
            Reasoning(summary=("In short",)),
            Text("One "),
            Text("two"),
            ToolCall("call_1", "f", '{"a": 1}'),
            ToolCall("call_2", "g", "not json"),
            ToolCall("call_3", "h", "free", kind=CallKind.CUSTOM),
            ToolCall("call_4", "i", " "),
            Refusal(" No"),
        ),
        turn(Author.SYSTEM, Text("Later")),
    ) == [
        {"role": "system", "content": "Rule 1\n\nRule 2"},
        {"role": "user", "content": "a\n\nb", "images": [PNG]},
        {
            "role": "assistant",
            "content": "One two No",
            "thinking": "Hm\n\nIn short",
            "tool_calls": [
                {"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}},
                {"id": "call_2", "function": {"name": "g", "arguments": {"_raw": "not json"}}},
                {"id": "call_3", "function": {"name": "h", "arguments": {"input": "free"}}},
                {"id": "call_4", "function": {"name": "i", "arguments": {}}},
            ],
        },
        {"role": "system", "content": "Later"},
    ]


def test_results_are_texts_that_name_their_tool_and_pictures_follow() -> None:
    picture = Image(Blob(data=PNG))
    assert messages(
        turn(Author.ASSISTANT, ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}")),
        turn(
            Author.TOOL,
            ToolResult("1", (Text("a"), picture, Text("b"))),
            ToolResult("2", (picture,)),
        ),
        turn(Author.TOOL, ToolResult("3", (Text("no"),), is_error=True, name="h")),
        turn(Author.TOOL, ToolResult("4", (), is_error=True), Text("Go on")),
        turn(Author.USER, ToolResult("5", (Image(Blob(url="https://x/y.png")),))),
    ) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "1", "function": {"name": "f", "arguments": {}}},
                {"id": "2", "function": {"name": "g", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "a\n\nb", "tool_name": "f", "tool_call_id": "1"},
        {
            "role": "tool",
            "content": "(see the next message)",
            "tool_name": "g",
            "tool_call_id": "2",
        },
        {"role": "tool", "content": "Error: no", "tool_name": "h", "tool_call_id": "3"},
        {"role": "tool", "content": "Error: the tool failed.", "tool_call_id": "4"},
        {"role": "user", "content": "Go on", "images": [PNG, PNG]},
        {"role": "tool", "content": "", "tool_call_id": "5"},
    ]


def test_pictures_of_results_come_before_the_next_turn() -> None:
    shown = turn(Author.TOOL, ToolResult("1", (Image(Blob(data=PNG)),)))
    assert messages(shown, turn(Author.ASSISTANT, Text("I see"))) == [
        {"role": "tool", "content": "(see the next message)", "tool_call_id": "1"},
        {"role": "user", "content": "", "images": [PNG]},
        {"role": "assistant", "content": "I see"},
    ]
    assert messages(shown) == [
        {"role": "tool", "content": "(see the next message)", "tool_call_id": "1"},
        {"role": "user", "content": "", "images": [PNG]},
    ]


def test_what_has_no_place_is_left_out() -> None:
    assert messages(
        turn(
            Author.USER,
            Text("a"),
            Audio(Blob(data="AAAA")),
            File(Blob(data="AAAA")),
            Opaque("gemini", msgspec.Raw(b"{}")),
            Image(Blob(url="https://x/y.png")),
        )
    ) == [{"role": "user", "content": "a"}]


def test_a_call_without_an_id_gets_none() -> None:
    call = {"function": {"name": "f", "arguments": {}, "index": 1}}
    said = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "1"},
    ]
    written = OLLAMA.encode_request(read(messages=said), Target("m"))
    assert json.loads(written["messages"]) == [said[0], {**said[1], "tool_name": "f"}]


F, G = (
    FunctionTool("f"),
    FunctionTool("g", "Does", msgspec.Raw(b'{"properties":{"a":true,"b":{}}}')),
)
ANY = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (None, ["f", "g"]),
        (ToolChoice(ToolMode.AUTO), ["f", "g"]),
        (ToolChoice(ToolMode.REQUIRED), ["f", "g"]),
        (ToolChoice(ToolMode.NAMED, ("g",)), ["g"]),
        (ToolChoice(ToolMode.ALLOWED, ("f",)), ["f"]),
        (ToolChoice(ToolMode.NONE), []),
    ],
)
def test_the_choice_is_what_is_offered(choice: ToolChoice | None, offered: list[str]) -> None:
    out = write(tools=(F, G), tool_choice=choice)
    assert "tool_choice" not in out
    assert [each["function"]["name"] for each in out.get("tools", [])] == offered


def test_tools_of_another_dialect() -> None:
    tools = (
        F,
        G,
        CustomTool("h", "Free"),
        ServerTool("openai_responses", msgspec.Raw(b'{"type":"web_search"}')),
        FunctionTool("i", parameters=msgspec.Raw(b"["), strict=True),
    )
    assert write(tools=tools)["tools"] == [
        {"type": "function", "function": {"name": "f", "parameters": ANY}},
        {
            "type": "function",
            "function": {
                "name": "g",
                "description": "Does",
                "parameters": {"type": "object", "properties": {"a": {}, "b": {}}},
            },
        },
        {
            "type": "function",
            "function": {
                "name": "h",
                "description": "Free",
                "parameters": {
                    "type": "object",
                    "properties": {"input": {"type": "string"}},
                    "required": ["input"],
                },
            },
        },
        {"type": "function", "function": {"name": "i", "parameters": ANY}},
    ]


def test_sampling_of_another_dialect() -> None:
    out = write(
        sampling=Sampling(temperature=0.2, min_p=0.1, repetition_penalty=1.2, seed=3),
        max_output_tokens=50,
        stop=("END", " "),
    )
    assert out["options"] == {
        "temperature": 0.2,
        "min_p": 0.1,
        "repeat_penalty": 1.2,
        "seed": 3,
        "num_predict": 50,
        "stop": ["END", " "],
    }
    assert "options" not in write()
