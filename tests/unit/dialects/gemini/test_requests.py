"""Requests: what each member means, and what other dialects' requests become."""

import json

import msgspec
import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.fields import DIALECT
from antiphon.dialects.gemini.seals import PLACEHOLDER
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model import seals
from antiphon.model.needs import Need
from antiphon.model.parts import (
    Audio,
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
    Output,
    OutputForm,
    ServerTool,
    ToolChoice,
    ToolMode,
)
from antiphon.wire.shallow import Members

HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]
NEW, OLD = Target("gemini-3-pro"), Target("gemini-2.5-flash")
ASKED = Turn(Author.USER, (Text("Hello"),))


def read(**members: object) -> ChatRequest:
    body = {"model": "m", "contents": HELLO, **members}
    return GEMINI.decode_request(Members.parse(json.dumps(body).encode()))


def write(request: ChatRequest, target: Target = NEW) -> dict[str, object]:
    return json.loads(GEMINI.strip(GEMINI.encode_request(request, target)).encode())


def said(*parts: object) -> ChatRequest:
    return read(contents=[*HELLO, {"role": "model", "parts": list(parts)}])


# ------------------------------------------------------------------ turns


def test_a_mixed_spelling_is_read_and_one_is_written() -> None:
    request = read(
        system_instruction={"parts": {"text": "Be brief"}},
        generation_config={"max_output_tokens": 9, "topP": 0.5, "stop_sequences": ["x"]},
        tools={"function_declarations": [{"name": "f", "parameters_json_schema": {"a_b": 1}}]},
    )
    assert request.turns[0] == Turn(Author.SYSTEM, (Text("Be brief"),))
    assert (request.max_output_tokens, request.sampling.top_p, request.stop) == (9, 0.5, ("x",))
    assert write(request) == {
        "contents": HELLO,
        "systemInstruction": {"parts": [{"text": "Be brief"}]},
        "generationConfig": {"maxOutputTokens": 9, "topP": 0.5, "stopSequences": ["x"]},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"a_b": 1}}]}],
    }


def test_calls_without_ids_meet_their_results_by_name_and_order() -> None:
    calls = [{"functionCall": {"name": name, "args": {}}} for name in ("f", "g", "f")]
    results = [
        {"functionResponse": {"name": name, "response": {"output": text}}}
        for name, text in (("g", "1"), ("f", "2"), ("f", "3"))
    ]
    contents = [
        *HELLO,
        {"role": "model", "parts": calls},
        {"role": "user", "parts": results},
        {"role": "model", "parts": calls[:1]},
        {"role": "function", "parts": results[1:2]},
    ]
    request = read(contents=contents)
    first, second = request.turns[1].tool_calls, request.turns[3].tool_calls
    ids = [call.call_id for call in first + second]
    assert len(set(ids)) == 4
    answered = [
        part.call_id
        for turn in request.turns
        for part in turn.parts
        if isinstance(part, ToolResult)
    ]
    assert answered == [ids[1], ids[0], ids[2], ids[3]]
    assert request.turns[4].author is Author.TOOL
    contents[4]["role"] = "user"
    assert write(request, OLD)["contents"] == contents


def test_results() -> None:
    def result(**response: object) -> ToolResult:
        part = {"functionResponse": {"id": "c", "name": "f", "response": response}}
        found = read(contents=[{"role": "user", "parts": [part]}]).turns[0].parts[0]
        assert isinstance(found, ToolResult)
        return found

    assert result(output="sunny").parts == (Text("sunny"),)
    failed = result(error="no")
    assert (failed.parts, failed.is_error) == ((Text("no"),), True)
    assert result(value=1).parts == (Text('{"value": 1}'),)
    assert result().parts == ()


def test_pictures_sounds_and_documents() -> None:
    def part(mime: str, **members: object) -> object:
        parts = [{"inlineData": {"mimeType": mime, "data": "AAAA"}, **members}]
        return read(contents=[{"parts": parts}]).turns[0].parts[0]

    assert part("image/png") == Image(Blob(data="AAAA", media_type="image/png"))
    assert part("audio/mpeg") == Audio(Blob(data="AAAA", media_type="audio/mpeg"), format="mp3")
    assert isinstance(part("application/pdf"), File)
    assert isinstance(part("video/mp4"), Opaque)
    assert isinstance(part("image/png", videoMetadata={"fps": 1}), Opaque)


def test_files_of_google_are_handles_and_others_are_addresses() -> None:
    def blob(uri: str) -> Blob:
        parts = [{"fileData": {"fileUri": uri, "mimeType": "image/png"}}]
        found = read(contents=[{"parts": parts}]).turns[0].parts[0]
        assert isinstance(found, Image)
        return found.blob

    assert blob("gs://b/x.png").file_id == "gs://b/x.png"
    assert blob("https://x/y.png").url == "https://x/y.png"
    shown = Turn(Author.USER, (Image(Blob(url="https://x/y.jpg")),))
    assert write(ChatRequest("m", (shown,)))["contents"][0]["parts"] == [
        {"fileData": {"fileUri": "https://x/y.jpg", "mimeType": "image/jpeg"}}
    ]


def test_chunks_that_the_official_client_keeps_are_one_answer() -> None:
    pieces = [{"role": "model", "parts": [{"text": text}]} for text in ("Hel", "lo", "")]
    pieces.insert(0, {"role": "model", "parts": [{"text": "H", "thought": True}]})
    pieces.insert(1, {"role": "model", "parts": [{"text": "m", "thought": True}]})
    request = read(contents=[*HELLO, *pieces])
    assert len(request.turns) == 2
    thought, text = request.turns[1].parts
    assert (thought.text, text.text) == ("Hm", "Hello")


# ------------------------------------------------------------------ seals


def test_a_seal_stands_on_the_part_behind_the_thought() -> None:
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}
    thought = {"text": "Hm", "thought": True}
    request = said(thought, call)
    found, called = request.turns[1].parts
    assert found == Reasoning("Hm", signature="c2ln", origin=Origin(DIALECT))
    assert called == ToolCall("c", "f", "{}")
    assert write(request)["contents"][1]["parts"] == [thought, call]


def test_a_seal_that_is_not_valid_there_is_replaced() -> None:
    for origin in (Origin("anthropic_messages", "claude"), Origin(DIALECT, "m", "elsewhere")):
        thought = Reasoning("Hm", signature="c2ln", origin=origin)
        calls = (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))
        request = ChatRequest("m", (ASKED, Turn(Author.ASSISTANT, (thought, *calls))))
        target = Target("gemini-3-pro", scope="here")
        parts = write(request, target)["contents"][1]["parts"]
        assert [part.get("thoughtSignature") for part in parts] == [PLACEHOLDER, None]
        old = write(request, Target("gemini-2.5-pro", scope="here"))["contents"][1]["parts"]
        assert [part.get("thoughtSignature") for part in old] == [None, None]


def test_a_wrapped_seal_is_unwrapped_in_either_alphabet() -> None:
    from antiphon.dialects.gemini.seals import write_seal

    origin = Origin("anthropic_messages", "claude", "org")
    thought = Reasoning("Hm", signature="sig/+", origin=origin)
    seal = write_seal(thought)
    assert seal is not None
    for spelled in (seal, seal.replace("+", "-").replace("/", "_").rstrip("=")):
        part = {"text": "Hm", "thought": True, "thoughtSignature": spelled}
        request = said(part)
        assert request.turns[1].parts == (thought,)
        body = json.dumps({"model": "m", "contents": [{"role": "model", "parts": [part]}]})
        payload = Payload(GEMINI, Members.parse(body.encode()))
        assert not payload.passes(GEMINI), "no provider may be given it"


def test_a_stream_of_thought_and_the_seal_over_it_are_one() -> None:
    seal = seals.wrap(Origin("anthropic_messages", "claude"), "sig")
    pieces = [{"text": text, "thought": True} for text in ("Let", " me", " think")]
    request = said(*pieces, {"text": "", "thought": True, "thoughtSignature": seal})
    origin = Origin("anthropic_messages", "claude")
    assert request.turns[1].parts == (Reasoning("Let me think", signature="sig", origin=origin),)


# ------------------------------------------------------------------ tools


def test_a_schema_of_the_old_form_is_json_schema_in_the_model() -> None:
    parameters = {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING", "nullable": True}},
        "propertyOrdering": ["a"],
    }
    request = read(tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}])
    tool = request.tools[0]
    assert isinstance(tool, FunctionTool)
    assert json.loads(bytes(tool.parameters)) == {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}},
    }
    assert write(request)["tools"][0]["functionDeclarations"][0]["parameters"] == parameters


def test_tools_of_others() -> None:
    schema = msgspec.Raw(b'{"type":"object","properties":{"a":{"const":1}},"$schema":"x"}')
    tools = (
        FunctionTool("f", "does", schema, strict=True),
        CustomTool("g"),
        ServerTool("openai_responses", msgspec.Raw(b'{"type":"web_search"}')),
    )
    written = write(ChatRequest("m", (ASKED,), tools=tools))["tools"]
    assert len(written) == 1
    first, second = written[0]["functionDeclarations"]
    assert first == {
        "name": "f",
        "description": "does",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"a": {"enum": [1], "type": "integer"}},
        },
    }
    assert second["parametersJsonSchema"]["required"] == ["input"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice(ToolMode.AUTO), {"mode": "AUTO"}),
        (ToolChoice(ToolMode.NONE), {"mode": "NONE"}),
        (ToolChoice(ToolMode.REQUIRED), {"mode": "ANY"}),
        (ToolChoice(ToolMode.NAMED, ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            ToolChoice(ToolMode.ALLOWED, ("f", "g"), required=True),
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
        ),
        (
            ToolChoice(ToolMode.ALLOWED, ("f",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_choices(choice: ToolChoice, config: dict[str, object]) -> None:
    tools = [{"functionDeclarations": [{"name": "f"}]}]
    request = read(tools=tools, toolConfig={"functionCallingConfig": config})
    assert request.tool_choice == choice
    assert write(request)["toolConfig"] == {"functionCallingConfig": config}
    without = msgspec.structs.replace(request, tools=())
    assert "toolConfig" not in write(without)


def test_results_of_others() -> None:
    image = Image(Blob(data="AAAA", media_type="image/png"))
    results = (
        ToolResult("c1", (Text("one"), image)),
        ToolResult("c2", (Text("two"),), is_error=True),
    )
    calls = (ToolCall("c1", "f", "{}"), ToolCall("c2", "g", "no json"))
    turns = (
        ASKED,
        Turn(Author.ASSISTANT, calls),
        *(Turn(Author.TOOL, (each,)) for each in results),
    )
    request = ChatRequest("m", turns)
    shown = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    one = {"id": "c1", "name": "f", "response": {"output": "one"}}
    two = {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "two"}}}
    contents = write(request)["contents"]
    assert contents[1]["parts"][1]["functionCall"]["args"] == {"_raw": "no json"}
    assert contents[2]["parts"] == [{"functionResponse": {**one, "parts": [shown]}}, two]
    old = write(request, OLD)["contents"]
    assert old[2]["parts"] == [{"functionResponse": one}, two, shown], "older ones see it behind"


def test_a_fitted_conversation() -> None:
    turns = (
        Turn(Author.ASSISTANT, (Text("Hi"),)),
        ASKED,
        Turn(Author.SYSTEM, (Text("Be brief"),)),
        Turn(Author.ASSISTANT, (ToolCall("c", "no name!", "x", kind=CallKind.CUSTOM),)),
    )
    request = ChatRequest("m", turns, tools=(CustomTool("no name!"),), stop=tuple("abcdef"))
    fitted = Fitting(request, GEMINI.traits, NEW).request
    written = write(fitted)
    roles = [content["role"] for content in written["contents"]]
    assert roles == ["user", "model", "user", "user", "model", "user"]
    assert "<system>" in written["contents"][3]["parts"][0]["text"]
    assert written["generationConfig"]["stopSequences"] == list("abcde")
    call = written["contents"][4]["parts"][0]["functionCall"]
    assert GEMINI.traits.tool_name.fullmatch(call["name"])
    assert call["args"] == {"input": "x"}


# ------------------------------------------------------------------ the answer


def test_forms_of_the_answer() -> None:
    form = Output(
        OutputForm.SCHEMA, schema=msgspec.Raw(b'{"type":"object","oneOf":[{"const":"a"}]}')
    )
    assert write(ChatRequest("m", (ASKED,), output=form))["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {
            "type": "object",
            "anyOf": [{"enum": ["a"], "type": "string"}],
        },
    }
    for output, kind in ((OutputForm.JSON, "application/json"), (OutputForm.TEXT, "text/plain")):
        request = ChatRequest("m", (ASKED,), output=Output(output))
        assert write(request)["generationConfig"] == {"responseMimeType": kind}
    old = read(
        generationConfig={
            "responseMimeType": "application/json",
            "responseSchema": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"},
        }
    )
    assert old.output is not None
    assert json.loads(bytes(old.output.schema)) == {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 2,
    }


def test_what_is_kept_is_written_again() -> None:
    kept = {"safetySettings": [{"category": "x"}], "cachedContent": "c", "labels": {"a_b": "c"}}
    request = read(**kept, serviceTier="STANDARD")
    assert request.extra == Extra(DIALECT, request.extra.members if request.extra else {})
    assert request.service_tier == "default"
    assert write(request) == {"contents": HELLO, **kept, "serviceTier": "standard"}


def test_a_bound_is_cut_to_what_the_model_can() -> None:
    request = read(generationConfig={"maxOutputTokens": 99})
    assert write(request, Target("m", max_output=9))["generationConfig"] == {"maxOutputTokens": 9}


# ------------------------------------------------------------------ in passing


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"contents": []}, "contents"),
        ({"contents": "x"}, "contents"),
        ({"stream": 1}, "stream"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"parts": "x"}]}, "contents[0].parts"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"generationConfig": {"temperature": "x"}}, "generationConfig.temperature"),
        ({"generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
    ],
)
def test_what_is_malformed_is_named(members: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as raised:
        read(**members)
    assert raised.value.param == param


def test_a_role_that_is_none() -> None:
    with pytest.raises(InvalidRequest) as raised:
        read(contents=[{"role": "system", "parts": [{"text": "x"}]}])
    assert raised.value.param == "contents[0].role"


@pytest.mark.parametrize(
    ("config", "bound"),
    [
        ({"generationConfig": {"maxOutputTokens": 9, "candidateCount": 2}}, (9, 2)),
        ({"generation_config": {"max_output_tokens": 9}}, (9, 1)),
        ({"generationConfig": {"max_output_tokens": 9}}, (9, 1)),
        ({"generationConfig": []}, (None, 1)),
        ({}, (None, 1)),
    ],
)
def test_the_bound_of_an_answer(config: dict[str, object], bound: tuple[int | None, int]) -> None:
    body = json.dumps({"model": "m", "contents": HELLO, **config})
    assert GEMINI.output_bound(Members.parse(body.encode())) == bound


def members(**given: object) -> Members:
    return Members.parse(json.dumps({"model": "m", "contents": HELLO, **given}).encode())


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize("thinking", ["thinkingConfig", "thinking_config"])
def test_what_is_asked_for_in_an_object_is_found_and_cut(config: str, thinking: str) -> None:
    given = members(**{config: {"temperature": 1, thinking: {"thinking_level": "LOW", "x": 1}}})
    assert GEMINI.asks(given, Need.TEMPERATURE)
    assert GEMINI.asks(given, Need.EFFORT)
    assert not GEMINI.asks(given, Need.TOP_P)
    cut = json.loads(GEMINI.cut(given, [Need.TEMPERATURE, Need.EFFORT]).encode())
    assert cut[config] == {thinking: {"x": 1}}


def test_a_forced_tool_is_found_and_freed() -> None:
    given = members(tool_config={"functionCallingConfig": {"mode": "ANY"}})
    assert GEMINI.asks(given, Need.FORCED_TOOL)
    cut = GEMINI.cut(given, [Need.FORCED_TOOL])
    assert not GEMINI.asks(cut, Need.FORCED_TOOL)
    assert GEMINI.decode_request(cut).tool_choice == ToolChoice(ToolMode.AUTO)


def test_what_stands_in_the_path_is_no_part_of_the_body() -> None:
    given = members(stream=True)
    assert set(GEMINI.strip(given)) == {"contents"}
