"""What a strict simulator refuses of a request to Gemini's API, in Google's words."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from google import genai
from google.genai import types

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.test_gemini import RECORDED, asked

User = dict[str, object]
Refusal = Callable[..., Awaitable[str]]


@pytest.fixture
async def strict() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(seed=7, strict=True)) as running:
        yield running


@pytest.fixture
def refusal(strict: Simulator) -> Refusal:
    """What is said of a request; empty where it is answered."""

    async def ask(*contents: object, model: str = "sim-small", **members: object) -> str:
        body = {"contents": contents or [user("hello")], **members}
        status, told = await asked(strict, f"/v1beta/models/{model}:generateContent", body)
        if status == 200:
            return ""
        assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT")
        return told["error"]["message"]

    return ask


def user(text: str) -> User:
    return {"role": "user", "parts": [{"text": text}]}


def said(text: str) -> User:
    return {"role": "model", "parts": [{"text": text}]}


def call(*names: str, seal: str | None = None, **members: object) -> User:
    parts: list[dict] = [{"functionCall": {"name": name, "args": {}, **members}} for name in names]
    if seal is not None:
        parts[0]["thoughtSignature"] = seal
    return {"role": "model", "parts": parts}


def result(*names: str, role: str = "user", **members: object) -> User:
    parts = [{"functionResponse": {"name": n, "response": {"output": 1}, **members}} for n in names]
    return {"role": role, "parts": parts}


async def test_honest_conversations_are_answered(refusal: Refusal) -> None:
    assert await refusal() == ""
    assert await refusal(user("a"), said("b"), user("c")) == ""
    assert await refusal({"parts": [{"text": ""}]}) == ""
    assert await refusal(user("a"), call("f"), result("f")) == ""
    assert await refusal(user("a"), call("f", "g"), result("f", "g", role="function")) == ""
    assert await refusal(user("a"), call("f"), result("f"), call("g"), result("g")) == ""
    assert await refusal(user("a"), said("prefill")) == ""
    assert await refusal(user("a"), said("b"), call("f"), call("g"), result("f", "g")) == ""


NUMBER = "Please ensure that the number of function response parts is equal to the number of"
TURNS = [
    ([said("a")], "Please ensure that multiturn requests alternate between user and model."),
    ([call("f"), result("f")], "Please ensure that function call turn comes immediately after a"),
    ([user("a"), call("f", "g"), result("f")], NUMBER),
    ([user("a"), call("f"), result("f", "f")], NUMBER),
    ([user("a"), call("f"), user("b")], NUMBER),
    ([user("a"), call("f")], NUMBER),
    ([user("a"), call("f", "g"), result("g", "f")], "Please ensure that function response parts"),
    ([result("f")], "Please ensure that function response turn comes immediately after a"),
    ([user("a"), said("b"), result("f")], "Please ensure that function response turn comes"),
    ([{"role": "assistant", "parts": [{"text": "a"}]}], "Please use a valid role: user, model."),
    ([{"role": "user", "parts": []}], "* GenerateContentRequest.contents[0].parts: contents.parts"),
    (
        [user("a"), {"role": "user", "parts": [{"text": "b"}, {}]}],
        "* GenerateContentRequest.contents[1].parts[1].data: required oneof field 'data' must have",
    ),
    (
        [user("a"), call("f"), result("")],
        "* GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be",
    ),
]


@pytest.mark.parametrize(("contents", "told"), TURNS)
async def test_turns_have_an_order(refusal: Refusal, contents: list[User], told: str) -> None:
    assert (await refusal(*contents)).startswith(told)


async def test_results_with_ids_may_come_in_any_order(refusal: Refusal) -> None:
    def part(kind: str, name: str, id_: str) -> dict:
        return {kind: {"name": name, "id": id_}}

    calls = [part("functionCall", "f", "1"), part("functionCall", "f", "2")]
    results = [part("functionResponse", "f", "2"), part("functionResponse", "f", "1")]
    turns = [user("a"), {"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    assert await refusal(*turns) == ""
    results[0] = part("functionResponse", "f", "3")
    assert (await refusal(*turns)).startswith("Please ensure that function response parts")


UNKNOWN = 'Invalid JSON payload received. Unknown name "{}"{}: Cannot find field.'


async def test_unknown_members_are_named_with_their_place(refusal: Refusal) -> None:
    assert await refusal(messages=[]) == UNKNOWN.format("messages", "")
    part = {"parts": [{"text": "a", "cache_control": {}}]}
    assert await refusal(part) == UNKNOWN.format("cache_control", " at 'contents[0].parts[0]'")
    told = await refusal(generationConfig={"max_tokens": 1, "thinkingConfig": {"effort": "low"}})
    assert told.splitlines() == [
        UNKNOWN.format("max_tokens", " at 'generation_config'"),
        UNKNOWN.format("effort", " at 'generation_config.thinking_config'"),
    ]
    assert await refusal(tools=[{"functionDeclarations": [{"name": "f", "strict": True}]}])
    standard = {"type": "object", "$defs": {}, "additionalProperties": False}
    declared = {"name": "f", "parametersJsonSchema": standard}
    assert await refusal(tools=[{"functionDeclarations": [declared]}]) == ""


PLACE = "tools[0].function_declarations[0].parameters"
SCHEMAS = [
    (
        {"type": "object", "additionalProperties": False},
        UNKNOWN.format("additionalProperties", f" at '{PLACE}'"),
    ),
    (
        {"type": "object", "properties": {"a": {"const": 1}}},
        UNKNOWN.format("const", f" at '{PLACE}.properties[0].value'"),
    ),
    (
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        'Invalid JSON payload received. Unknown name "type" at',
    ),
    ({"type": "whatever"}, f"Invalid value at '{PLACE}.type'"),
    (
        {"type": "object", "properties": {"a": {"type": "array"}}},
        f"* GenerateContentRequest.{PLACE}.properties[a].items: missing field.",
    ),
    (
        {"type": "object", "properties": {"a": {"type": "integer", "enum": ["1"]}}},
        f"* GenerateContentRequest.{PLACE}.properties[a].enum: only allowed for STRING type",
    ),
    (
        {"type": "object", "properties": {"a": {"enum": [1]}}},
        f"Invalid value at '{PLACE}.properties[a].enum[0]' (TYPE_STRING), 1",
    ),
    (
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        f"* GenerateContentRequest.{PLACE}.required: property is not defined: b",
    ),
]


@pytest.mark.parametrize(("schema", "told"), SCHEMAS)
async def test_schemas_are_googles_own(refusal: Refusal, schema: object, told: str) -> None:
    tools = [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]
    assert (await refusal(tools=tools)).startswith(told)


ASK = "* GenerateContentRequest."
MEMBERS = [
    (
        {"tools": [{"functionDeclarations": [{"name": "1f"}]}]},
        f"{ASK}tools[0].function_declarations[0].name: Invalid function name.",
    ),
    (
        {"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]},
        "Duplicate function declaration found: f",
    ),
    (
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        "Function calling config is set without function_declarations.",
    ),
    (
        {"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": ["f"]}}},
        f"{ASK}tool_config.function_calling_config.allowed_function_names: allowed_function_names",
    ),
    (
        {"generationConfig": {"temperature": 3}},
        f"{ASK}generation_config.temperature: temperature must be in the range [0.0, 2.0].",
    ),
    (
        {"generationConfig": {"candidateCount": 9}},
        f"{ASK}generation_config.candidate_count: candidate_count must be in the range [1, 8].",
    ),
    (
        {"generationConfig": {"logprobs": 3}},
        f"{ASK}generation_config.logprobs: only allowed when response_logprobs is set to true.",
    ),
    (
        {"generationConfig": {"stopSequences": list("abcdef")}},
        f"{ASK}generation_config.stop_sequences: ",
    ),
    (
        {"generationConfig": {"responseMimeType": "text/html"}},
        f"{ASK}generation_config.response_mime_type: allowed mimetypes are `text/plain`, ",
    ),
    (
        {"generationConfig": {"responseSchema": {"type": "OBJECT"}}},
        f"{ASK}generation_config.response_schema: only allowed when response_mime_type is set",
    ),
    (
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}},
        "You can only set only one of thinking budget and thinking level.",
    ),
]


@pytest.mark.parametrize(("members", "told"), MEMBERS)
async def test_members_have_bounds(refusal: Refusal, members: dict, told: str) -> None:
    assert (await refusal(**members)).startswith(told)


async def test_calls_of_this_turn_need_their_seal(refusal: Refusal) -> None:
    async def told(*turns: User, model: str = "gemini-3-pro-preview") -> str:
        return await refusal(*turns, model=model)

    loop = [user("a"), call("f", "g"), result("f", "g")]
    missing = await told(*loop)
    assert missing.startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:f` , position 2." in missing
    assert await told(*loop, model="sim-reason") == missing
    assert await told(*loop, model="gemini-2.5-pro") == ""
    assert await told(*loop, said("b"), user("c")) == ""
    placeholder = "skip_thought_signature_validator"
    for seal in (placeholder, base64.b64encode(placeholder.encode()).decode()):
        sealed = [user("a"), call("f", "g", seal=seal), result("f", "g")]
        assert await told(*sealed) == ""
        assert "function call `default_api:h`" in await told(*sealed, call("h"), result("h"))
    forged = [user("a"), call("f", seal="c29tZXRoaW5n"), result("f")]
    assert await told(*forged) == "Corrupted thought signature."
    assert await told(*forged, model="gemini-2.5-pro") == "Corrupted thought signature."


async def test_the_official_client_gets_through_a_loop(strict: Simulator) -> None:
    """What it was told it sends back, and seals of another organisation are no good."""
    declared = [types.FunctionDeclaration(name=name) for name in ("get_weather", "get_stock")]
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=declared)],
        thinking_config=types.ThinkingConfig(include_thoughts=True),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    turns = [types.Content(role="user", parts=[types.Part(text="get_weather and get_stock")])]
    options = types.HttpOptions(base_url=strict.url)
    async with genai.Client(api_key="any", http_options=options).aio as client:
        answer = await client.models.generate_content(
            model="gemini-3-pro", contents=turns, config=config
        )
        turns.append(answer.candidates[0].content)
        parts = [
            types.Part.from_function_response(name=each.name, response={"output": "fine"})
            for each in answer.function_calls
        ]
        turns.append(types.Content(role="user", parts=parts))
        answer = await client.models.generate_content(
            model="gemini-3-pro", contents=turns, config=config
        )
        assert "The tool says" in answer.text
    contents = [turn.model_dump(mode="json", exclude_none=True, by_alias=True) for turn in turns]
    async with Simulator(SimulatorSpec(seed=8, strict=True)) as other:
        target = "/v1beta/models/gemini-3-pro:generateContent"
        status, told = await asked(other, target, {"contents": contents})
    assert (status, told["error"]["message"]) == (400, "Corrupted thought signature.")


def accepted() -> list[dict]:
    """What Google answered, as it was recorded."""
    lines = map(json.loads, RECORDED.read_text("utf-8").splitlines())
    return [one for one in lines if one.get("request") and one["response"]["status"] == 200]


UNKNOWN_HERE = ("Corrupted thought signature.", "CachedContent not found")
"""Seals and caches of others."""
LENIENT = {"21b03b7c316a90f0": "A call without its result, which this model took."}
OTHERS = {"6eed1a75558185d6": "`modelArmorConfig` is a member of Vertex alone."}


async def test_what_google_took_is_taken(strict: Simulator) -> None:
    refused: dict[str, str] = {}
    for one in accepted():
        path = one["request"]["path"].replace("streamGenerate", "generate").partition("?")[0]
        status, told = await asked(strict, path, one["request"]["body"])
        message = "" if status == 200 else told["error"]["message"]
        if not message.startswith(UNKNOWN_HERE) and message:
            refused[one["id"]] = message
    assert refused.keys() == {*LENIENT, *OTHERS}
    assert len(accepted()) > 20
