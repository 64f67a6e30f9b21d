"""Whatever a caller of Messages or Responses sends, it gets an error in its own dialect, or an answer.

Every body is sent twice: to a provider of the caller's dialect, which gets the bytes and is strict,
and to one of Chat Completions, for which all of it must be read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import anthropic
import openai
import pytest

from antiphon.simulator import SimulatorSpec
from antiphon.simulator.wires import MESSAGES, RESPONSES
from tests.server.fault_callers import calling
from tests.server.raw import Response
from tests.server.stage import Stage, stage

PATHS: Final = {MESSAGES: "/v1/messages", RESPONSES: "/v1/responses"}
EQUAL: Final = {MESSAGES: "two/sim-small", RESPONSES: "three/sim-small"}
TRANSLATED: Final = "one/sim-small"
HELLO: Final = [{"role": "user", "content": "Hello"}]
BODY: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {MESSAGES: {"messages": HELLO, "max_tokens": 100}, RESPONSES: {"input": "Hello"}}
)
TYPES: Final = {
    MESSAGES: {"invalid_request_error", "not_found_error", "request_too_large"},
    RESPONSES: {"invalid_request_error"},
}


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=1, strict=True) for name in ("one", "two", "three")]
    spoken = {"two": "anthropic_messages", "three": "openai_responses"}
    async with stage(
        tmp_path,
        specs,
        providers_of={name: {"dialect": dialect} for name, dialect in spoken.items()},
        models={"fast": {"deployments": ["two/sim-small", "three/sim-small"]}},
    ) as running:
        yield running
        # However it was refused, its place was given back.
        assert not running.gateway.pipeline.live
        assert running.gateway.metrics.exposition().count(b'status="500"') == 0


async def posted(road: Stage, wire: str, body: bytes, **headers: str) -> Response:
    async with asyncio.timeout(10):
        response = await road.http.post(PATHS[wire], content=body, headers=headers)
    return Response(response.status_code, dict(response.headers), response.content)


def checked(wire: str, response: Response, status: int = 400) -> dict[str, Any]:
    """The error; asserts that it stands in the envelope of the caller's dialect."""
    assert response.status == status, response
    assert response.headers["content-type"] == "application/json"
    whole: dict[str, Any] = json.loads(response.body)
    error: dict[str, Any] = whole["error"]
    assert whole["request_id"] == response.headers["x-antiphon-request-id"]
    assert error["message"]
    assert "Traceback" not in error["message"]
    assert "antiphon/" not in error["message"]
    if wire == MESSAGES:
        assert whole["type"] == "error"
        assert {"type", "message", "code"} <= set(error)
        assert response.headers["request-id"] == whole["request_id"]
    else:
        assert {"message", "type", "param", "code"} <= set(error)
        assert response.headers["x-request-id"] == whole["request_id"]
    if status == 400:
        assert error["type"] in TYPES[wire], error
        assert response.headers.get("x-should-retry", "false") == "false"
    return error


def body_of(wire: str, model: str = TRANSLATED, **members: object) -> bytes:
    return json.dumps({"model": model, **BODY[wire], **members}).encode()


# ------------------------------------------------------------------ no request at all

MALFORMED: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "nothing": b"",
        "no JSON": b"hello",
        "cut JSON": b'{"model": "fast", "messages": [',
        "two values": b'{"model": "fast"}{}',
        "NaN": b'{"model": "fast", "temperature": NaN}',
        "a list": b"[{}]",
        "a text": b'"fast"',
        "null": b"null",
        "UTF-16": '{"model": "fast"}'.encode("utf-16"),
        "invalid UTF-8": b'{"model": "fast", "input": "\xff", "messages": "\xff"}',
        "a surrogate as UTF-8": b'{"model": "fast", "input": "\xed\xa0\x80"}',
        "deep lists": b"[" * 20_000,
        "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        "a deep member": b'{"model": "fast", "a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    }
)


@pytest.mark.parametrize("wire", PATHS)
async def test_what_is_no_request(road: Stage, wire: str) -> None:
    for name, body in MALFORMED.items():
        error = checked(wire, await posted(road, wire, body))
        assert error.get("param") is None, (name, error)
    assert not any(each.requests for each in road.simulators)


REFUSED: Final[Mapping[str, list[tuple[dict[str, object], str]]]] = MappingProxyType(
    {
        MESSAGES: [
            ({"model": None}, "model"),
            ({"model": ""}, "model"),
            ({"model": 1}, "model"),
            ({"model": ["fast"]}, "model"),
            ({"messages": None}, "messages"),
            ({"messages": []}, "messages"),
            ({"messages": "Hello"}, "messages"),
            ({"messages": {}}, "messages"),
            ({"max_tokens": None}, "max_tokens"),
            ({"max_tokens": "100"}, "max_tokens"),
            ({"max_tokens": 1.5}, "max_tokens"),
            ({"max_tokens": -1}, "max_tokens"),
            ({"max_tokens": True}, "max_tokens"),
            ({"stream": "yes"}, "stream"),
            ({"stream": 1}, "stream"),
        ],
        RESPONSES: [
            ({"model": None}, "model"),
            ({"model": ""}, "model"),
            ({"model": {}}, "model"),
            ({"input": None}, "input"),
            ({"input": 1}, "input"),
            ({"input": {}}, "input"),
            ({"stream": "yes"}, "stream"),
            ({"stream": 0}, "stream"),
            ({"previous_response_id": "resp_1"}, "previous_response_id"),
            ({"conversation": "conv_1"}, "conversation"),
            ({"conversation": {"id": "conv_1"}}, "conversation"),
            ({"background": True}, "background"),
            ({"background": "yes"}, "background"),
            ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ],
    }
)
"""What is refused before anybody is asked, whatever the provider speaks; None leaves it out."""


@pytest.mark.parametrize("wire", PATHS)
async def test_what_is_refused_at_the_door(road: Stage, wire: str) -> None:
    for members, param in REFUSED[wire]:
        for model in (EQUAL[wire], TRANSLATED):
            body = {"model": model, **BODY[wire], **members}
            bodies = [body]
            if None in body.values():
                bodies.append({name: value for name, value in body.items() if value is not None})
            for each in bodies:
                error = checked(wire, await posted(road, wire, json.dumps(each).encode()))
                assert error["param"] == param, (members, error)
    assert not any(each.requests for each in road.simulators)


async def test_what_needs_a_store_is_told_how_to_do_without(road: Stage) -> None:
    for members, param in REFUSED[RESPONSES][-6:]:
        if members.get("background") == "yes":
            continue
        response = await posted(road, RESPONSES, body_of(RESPONSES, **members))
        error = checked(RESPONSES, response)
        assert error["code"] == "unsupported_parameter"
        assert repr(param) in error["message"]
        assert "'store' set to false" in error["message"]
        assert "storage is configured" in error["message"]


# ------------------------------------------------------------------ wrong in itself

MEMBERS: Final = {
    MESSAGES: (
        *("messages", "system", "tools", "tool_choice", "thinking", "output_config", "metadata"),
        *("temperature", "top_p", "top_k", "stop_sequences", "service_tier", "container"),
        *("mcp_servers", "context_management", "output_format", "cache_control", "inference_geo"),
    ),
    RESPONSES: (
        *("input", "instructions", "tools", "tool_choice", "reasoning", "text", "metadata"),
        *("temperature", "top_p", "top_logprobs", "max_output_tokens", "parallel_tool_calls"),
        *("store", "include", "truncation", "user", "prompt", "service_tier", "stream_options"),
        *("prompt_cache_key", "safety_identifier", "max_tool_calls", "moderation"),
    ),
}
WRONG: Final = (1, -1.5, 1e300, "x", "", True, [], [1], ["x"], [[]], [{}], {}, {"type": 1})
WRONG_WORDS: Final = ({"type": "x"}, [{"type": "x"}], [{"role": "user"}], [{"type": "function"}])


@pytest.mark.parametrize("wire", PATHS)
async def test_every_member_with_every_type(road: Stage, wire: str) -> None:
    """An answer, where a member is not looked at or may be so; else an error that names it."""
    named: set[str] = set()
    for member in MEMBERS[wire]:
        for value in (*WRONG, *WRONG_WORDS):
            for model in (EQUAL[wire], TRANSLATED):
                body = json.dumps({"model": model, **BODY[wire], member: value}).encode()
                response = await posted(road, wire, body)
                if response.status != 200:
                    error = checked(wire, response)
                    if model == TRANSLATED and str(error.get("param")).startswith(member):
                        named.add(member)
    passed = {"container", "inference_geo", "cache_control", "mcp_servers", "context_management"}
    assert set(MEMBERS[wire]) - named <= passed | {"max_tool_calls", "output_format"}


def user(*parts: object) -> dict[str, object]:
    return {"role": "user", "content": [*parts]}


def assistant(*parts: object) -> dict[str, object]:
    return {"role": "assistant", "content": [*parts]}


TEXT: Final = {"type": "text", "text": "Hello"}
IN_TEXT: Final = {"type": "input_text", "text": "Hello"}
TURNS: Final[Mapping[str, Mapping[str, tuple[list[object], str]]]] = MappingProxyType(
    {
        MESSAGES: {
            "a number": ([1], "messages[0]"),
            "a text": (["Hello"], "messages[0]"),
            "no role": ([{"content": "x"}], "messages[0].role"),
            "a number as role": ([{"role": 1, "content": "x"}], "messages[0].role"),
            "a wrong role": ([{"role": "wizard", "content": "x"}], "messages[0].role"),
            "a role of others": ([{"role": "tool", "content": "x"}], "messages[0].role"),
            "no content": ([{"role": "user"}], "messages[0].content"),
            "null content": ([{"role": "user", "content": None}], "messages[0].content"),
            "a number as content": ([{"role": "user", "content": 1}], "messages[0].content"),
            "a block that is none": ([user(1)], "messages[0].content[0]"),
            "a block without a type": ([user({})], "messages"),
            "no text": ([user({"type": "text"})], "messages[0].content[0].text"),
            "a number as text": (
                [user({"type": "text", "text": 1})],
                "messages[0].content[0].text",
            ),
            "no source": ([user(TEXT, {"type": "image"})], "messages"),
            "a source of no type": (
                [user(TEXT, {"type": "image", "source": {}})],
                "messages",
            ),
        },
        RESPONSES: {
            "a number": ([1], "input[0]"),
            "a text": (["Hello"], "input[0]"),
            "no type": ([{}], "input[0].type"),
            "a number as role": ([{"role": 1, "content": "x"}], "input[0].role"),
            "a wrong role": ([{"role": "wizard", "content": "x"}], "input[0].role"),
            "a role of others": ([{"role": "tool", "content": "x"}], "input[0].role"),
            "no content": ([{"role": "user"}], "input[0].content"),
            "a number as content": ([{"role": "user", "content": 1}], "input[0].content"),
            "a part that is none": ([user(1)], "input[0].content[0]"),
            "a part without a type": ([user({})], "input"),
            "no text": ([user({"type": "input_text"})], "input[0].content[0].text"),
            "arguments that are no text": (
                [{"type": "function_call", "call_id": "c", "name": "f", "arguments": 1}],
                "input[0].arguments",
            ),
            "an output of nothing": (
                [{"type": "function_call_output", "output": "x"}],
                "input[0].call_id",
            ),
        },
    }
)
MEMBER: Final = {MESSAGES: "messages", RESPONSES: "input"}


@pytest.mark.parametrize("wire", PATHS)
async def test_turns_that_are_none(road: Stage, wire: str) -> None:
    wrong: dict[str, object] = {}
    for name, (turns, param) in TURNS[wire].items():
        for model in (EQUAL[wire], TRANSLATED):
            response = await posted(road, wire, body_of(wire, model, **{MEMBER[wire]: turns}))
            if model != TRANSLATED and response.status == 200:
                # The provider's to say; ours takes it.
                continue
            if response.status != 400:
                wrong[f"{name} at {model}"] = response.body
                continue
            error = checked(wire, response)
            if model == TRANSLATED and error.get("param") != param:
                wrong[name] = error
    assert wrong == {}


# ------------------------------------------------------------------ what the official clients raise

RAISED: Final = {
    MESSAGES: [
        ({"messages": []}, anthropic.BadRequestError),
        ({"max_tokens": -1}, anthropic.BadRequestError),
        ({"extra_body": {"stream": "yes"}}, anthropic.BadRequestError),
        ({"messages": [{"role": "wizard", "content": "x"}]}, anthropic.BadRequestError),
        ({"model": "nowhere/x"}, anthropic.NotFoundError),
        ({"model": "absent"}, anthropic.NotFoundError),
    ],
    RESPONSES: [
        ({"input": 1}, openai.BadRequestError),
        ({"extra_body": {"stream": "yes"}}, openai.BadRequestError),
        ({"input": [{"role": "wizard", "content": "x"}]}, openai.BadRequestError),
        ({"previous_response_id": "resp_1"}, openai.BadRequestError),
        ({"background": True}, openai.BadRequestError),
        ({"model": "nowhere/x"}, openai.NotFoundError),
        ({"model": "absent"}, openai.NotFoundError),
    ],
}


@pytest.mark.parametrize("wire", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_official_clients_raise(road: Stage, wire: str, stream: bool) -> None:
    async with calling(road) as callers:
        create: dict[str, Callable[..., Any]] = {
            MESSAGES: callers.anthropic.messages.create,
            RESPONSES: callers.openai.responses.create,
        }
        for members, raised in RAISED[wire]:
            body = {"model": TRANSLATED, **BODY[wire], "stream": stream, **members}
            with pytest.raises(raised) as caught:
                await create[wire](**body)
            assert caught.value.request_id.startswith("req_")
