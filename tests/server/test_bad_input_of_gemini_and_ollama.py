"""Whatever a caller of Gemini or Ollama sends, it gets an error in its own dialect, or an answer.

Every body is sent twice: to a provider of the caller's dialect, which gets the bytes and is strict,
and to one of Chat Completions, for which all of it must be read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import pytest
from google.genai import errors

from antiphon.simulator import SimulatorSpec
from antiphon.simulator.wires import GEMINI, OLLAMA
from tests.sdks.jobs import PIXEL
from tests.server.callers import calling
from tests.server.raw import Response
from tests.server.stage import Stage, stage
from tests.server.test_bad_input_of_dialects import MALFORMED

EQUAL: Final = {GEMINI: "two/sim-small", OLLAMA: "three/sim-small"}
TRANSLATED: Final = "one/sim-small"
BODY: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
        OLLAMA: {"messages": [{"role": "user", "content": "Hello"}], "stream": False},
    }
)
WIRES = pytest.mark.parametrize("wire", [GEMINI, OLLAMA])


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=1, strict=True) for name in ("one", "two", "three")]
    spoken = {"two": "gemini", "three": "ollama"}
    async with stage(
        tmp_path,
        specs,
        providers_of={name: {"dialect": dialect} for name, dialect in spoken.items()},
    ) as running:
        yield running
        # However it was refused, its place was given back.
        assert not running.gateway.pipeline.live
        assert running.gateway.metrics.exposition().count(b'status="500"') == 0


async def posted(
    road: Stage, wire: str, body: bytes, model: str = TRANSLATED, path: str = ""
) -> Response:
    method = "streamGenerateContent" if b'"stream": true' in body else "generateContent"
    usual = f"/v1beta/models/{quote(model, safe='/')}:{method}" if wire == GEMINI else "/api/chat"
    async with asyncio.timeout(10):
        response = await road.http.post(path or usual, content=body)
    return Response(response.status_code, dict(response.headers), response.content)


def checked(wire: str, response: Response, status: int = 400) -> dict[str, Any]:
    """The error; asserts that it stands in the envelope of the caller's dialect."""
    assert response.status == status, response
    whole: Any = json.loads(response.body)
    assert response.headers["content-type"] == "application/json"
    assert whole["request_id"] == response.headers["x-antiphon-request-id"]
    if wire == GEMINI:
        error = whole["error"]
        message = error["message"]
        assert error["code"] == status
        assert error["status"] == {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[status]
        error["param"] = next(
            (each["metadata"].get("param") for each in error["details"] if "metadata" in each), None
        )
    else:
        error, message = whole, whole["error"]
    assert isinstance(message, str)
    assert message
    assert "Traceback" not in message
    assert "antiphon/" not in message
    return error


def body_of(wire: str, name: str, /, **members: object) -> bytes:
    named = {"model": name} if wire == OLLAMA else {}
    return json.dumps({**named, **BODY[wire], **members}).encode()


async def tried(
    road: Stage, wire: str, members: Mapping[str, object], statuses: set[int]
) -> dict[str, object]:
    """What came otherwise than it may, at both providers."""
    wrong: dict[str, object] = {}
    for model in (EQUAL[wire], TRANSLATED):
        response = await posted(road, wire, body_of(wire, model, **members), model)
        if response.status not in statuses:
            wrong[f"{members} at {model}"] = response
        elif response.status == 400:
            checked(wire, response)
    return wrong


@WIRES
async def test_what_is_no_request(road: Stage, wire: str) -> None:
    for body in MALFORMED.values():
        if body.startswith(b"{") and b"messages" not in body and b"NaN" not in body:
            continue
        checked(wire, await posted(road, wire, body))
    for body in (b"[" * 20_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000, b'{"contents": ['):
        checked(wire, await posted(road, wire, body))
    assert not any(each.requests for each in road.simulators)


MEMBERS: Final = {
    GEMINI: (
        *("contents", "systemInstruction", "tools", "toolConfig", "safetySettings"),
        *("generationConfig", "labels", "model", "system_instruction"),
    ),
    OLLAMA: (
        *("model", "messages", "tools", "format", "options", "stream", "think", "keep_alive"),
        *("logprobs", "top_logprobs", "template"),
    ),
}
WRONG: Final = (
    *(1, -1.5, 1e300, 10**40, "x", "", True, None, [], [1], ["x"], [[]], [{}], {}, {"type": 1}),
    *({"parts": 1}, {"parts": [1]}, [{"parts": {}}], [{"role": 1}], [{"role": "wizard"}]),
    *([{"functionDeclarations": 1}], [{"function": {"name": 1}}], {"a": {"b": {"c": [{}]}}}),
)


@WIRES
async def test_every_member_with_every_type(road: Stage, wire: str) -> None:
    """An answer, where a member is not looked at or may be so; else an error in its dialect."""
    wrong: dict[str, object] = {}
    for member in MEMBERS[wire]:
        for value in WRONG:
            # A text may be a model's name that nobody has.
            may = {200, 400, 404} if member == "model" else {200, 400}
            wrong |= await tried(road, wire, {member: value}, may)
    assert wrong == {}


INNER: Final = {
    GEMINI: {
        "generationConfig": (
            *("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "responseSchema"),
            *("responseMimeType", "responseJsonSchema", "candidateCount", "seed", "thinkingConfig"),
            *("max_output_tokens", "responseLogprobs", "logprobs", "presencePenalty"),
            *("responseModalities", "speechConfig"),
        )
    },
    OLLAMA: {
        "options": (
            *("temperature", "top_p", "top_k", "min_p", "num_predict", "stop", "seed", "num_ctx"),
            *("repeat_penalty", "presence_penalty", "mirostat"),
        )
    },
}


@WIRES
async def test_every_setting_with_every_type(road: Stage, wire: str) -> None:
    wrong: dict[str, object] = {}
    for outer, names in INNER[wire].items():
        for name in names:
            for value in WRONG:
                wrong |= await tried(road, wire, {outer: {name: value}}, {200, 400})
    assert wrong == {}


def said(*parts: object, role: object = "user") -> dict[str, object]:
    return {"role": role, "parts": [*parts]}


CALL: Final = {"functionCall": {"name": "f", "args": {"a": 1}}}
RESULT: Final = {"functionResponse": {"name": "f", "response": {"a": 1}}}
CALLED: Final = {
    "role": "assistant",
    "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
}
HI: Final = {"role": "user", "content": "Hi"}
HISTORIES: Final[Mapping[str, Mapping[str, list[object]]]] = MappingProxyType(
    {
        GEMINI: {
            "nobody": [],
            "no parts": [said()],
            "parts that are none": [said(1), said("x")],
            "an empty part": [said({})],
            "a part of two": [said({"text": "x", "functionCall": {"name": "f"}})],
            "a wrong role": [said({"text": "x"}, role="wizard")],
            "a number as role": [said({"text": "x"}, role=1)],
            "the model alone": [said({"text": "x"}, role="model")],
            "a number as text": [said({"text": 1})],
            "broken base64": [said({"inlineData": {"mimeType": "image/png", "data": "%%%"}})],
            "data without a type": [said({"inlineData": {"data": PIXEL}})],
            "data of no known type": [said({"inlineData": {"mimeType": "x/y", "data": PIXEL}})],
            "data that are a number": [said({"inlineData": {"mimeType": "image/png", "data": 1}})],
            "a file of nothing": [said({"fileData": {}})],
            "a call without a name": [said({"functionCall": {}}, role="model"), said(RESULT)],
            "arguments that are a text": [
                said({"text": "x"}),
                said({"functionCall": {"name": "f", "args": "x"}}, role="model"),
                said(RESULT),
            ],
            "a result without a call": [said(RESULT)],
            "a call without a result": [said({"text": "x"}), said(CALL, role="model")],
            "a result that is a text": [
                said({"text": "x"}),
                said(CALL, role="model"),
                said({"functionResponse": {"name": "f", "response": "x"}}),
            ],
            "a seal that is none": [
                said({"text": "x"}),
                said({**CALL, "thoughtSignature": "%%%"}, role="model"),
                said(RESULT),
            ],
            "a seal that is a number": [said({"text": "x", "thoughtSignature": 1}, role="model")],
            "a part of no known kind": [said({"smell": "x"})],
            "deep arguments": [
                said({"text": "x"}),
                said(
                    {
                        "functionCall": {
                            "name": "f",
                            "args": json.loads('{"a":' * 90 + "1" + "}" * 90),
                        }
                    },
                    role="model",
                ),
                said(RESULT),
            ],
        },
        OLLAMA: {
            "messages that are none": [1, "x"],
            "no role": [{"content": "x"}],
            "a wrong role": [{"role": "wizard", "content": "x"}],
            "a number as role": [{"role": 1, "content": "x"}],
            "no content": [{"role": "user"}],
            "null content": [{"role": "user", "content": None}],
            "a number as content": [{"role": "user", "content": 1}],
            "content in parts": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
            "broken base64": [{**HI, "images": ["%%%"]}],
            "a picture of no kind": [{**HI, "images": ["aGVsbG8="]}],
            "pictures that are a text": [{**HI, "images": PIXEL}],
            "a picture that is a number": [{**HI, "images": [1]}],
            "a picture of a data address": [{**HI, "images": [f"data:image/png;base64,{PIXEL}"]}],
            "a call without a name": [HI, {"role": "assistant", "tool_calls": [{"function": {}}]}],
            "a call that is none": [HI, {"role": "assistant", "tool_calls": [1]}],
            "arguments that are a text": [
                HI,
                {
                    "role": "assistant",
                    "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}],
                },
            ],
            "a result without a call": [{"role": "tool", "content": "x"}],
            "a result of another": [HI, CALLED, {"role": "tool", "tool_name": "g", "content": "x"}],
            "two results of one": [
                HI,
                CALLED,
                *({"role": "tool", "tool_name": "f", "content": each} for each in "xy"),
            ],
            "the assistant first": [{"role": "assistant", "content": "x"}, HI],
            "thought of no one": [{"role": "user", "thinking": "x", "content": "y"}],
        },
    }
)


@WIRES
async def test_conversations_that_are_odd(road: Stage, wire: str) -> None:
    member = {GEMINI: "contents", OLLAMA: "messages"}[wire]
    wrong: dict[str, object] = {}
    for name, turns in HISTORIES[wire].items():
        for found, response in (await tried(road, wire, {member: turns}, {200, 400})).items():
            wrong[f"{name}: {found}"] = response
    assert wrong == {}


@WIRES
async def test_what_nobody_can_answer_names_the_member(road: Stage, wire: str) -> None:
    cases: Mapping[str, list[tuple[dict[str, object], str]]] = {
        GEMINI: [
            ({"contents": 1}, "contents"),
            ({"contents": [said({"text": 1})]}, "contents"),
            ({"contents": [said({"text": "x"}, role="wizard")]}, "contents[0].role"),
            ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
            ({"generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
        ],
        OLLAMA: [
            ({"messages": 1}, "messages"),
            ({"messages": [{"role": 1, "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
            ({"options": {"temperature": "hot"}}, "options.temperature"),
            ({"stream": "yes"}, "stream"),
        ],
    }
    for members, param in cases[wire]:
        response = await posted(road, wire, body_of(wire, TRANSLATED, **members))
        assert checked(wire, response)["param"] == param, members


@WIRES
async def test_streams_are_refused_before_they_begin(road: Stage, wire: str) -> None:
    broken = {GEMINI: {"contents": 1}, OLLAMA: {"messages": 1}}[wire]
    body = body_of(wire, TRANSLATED, **broken, **({"stream": True} if wire == OLLAMA else {}))
    path = f"/v1beta/models/{TRANSLATED}:streamGenerateContent" if wire == GEMINI else ""
    checked(wire, await posted(road, wire, body, path=path))


@pytest.mark.parametrize(
    "name", ["one/a b", "one/a:b", "one/a/b:c", "one/a%2Fb", "one/a+b", "one/models/x"]
)
async def test_names_of_models_arrive_as_they_are(road: Stage, name: str) -> None:
    """With slashes, colons and spaces; google-genai escapes some of them, and others not."""
    wanted = name.partition("/")[2]
    for kind in ("gemini", "ollama"):
        async with calling(road, kind) as caller:
            caller.user("Hello")
            assert (await caller.ask(name, stream=False)).text
        found = json.loads(road.first.received[-1].body)["model"]
        # A path cannot say whether a client meant its escapes.
        assert found in {wanted, wanted.replace("%2F", "/")}, kind


async def test_a_broken_address_of_a_model(road: Stage) -> None:
    for path, status in (
        ("/v1beta/models/:generateContent", 404),
        ("/v1beta/models/absent:generateContent", 404),
        ("/v1beta/models/%FF:generateContent", 404),
        (f"/v1beta/models/{'x' * 3000}:generateContent", 404),
        ("/v1beta/models/one/sim-small:generateContent?alt=xml", 400),
    ):
        response = await posted(road, GEMINI, body_of(GEMINI, ""), path=path)
        assert response.status in {status, 400}, path
        checked(GEMINI, response, response.status)


async def test_google_s_client_raises_client_errors(road: Stage) -> None:
    async with calling(road, "gemini") as caller:
        caller.user("Hello")
        for model in ("absent", "nowhere/x"):
            with pytest.raises(errors.ClientError) as caught:
                await caller.ask(model, stream=False)
            assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
