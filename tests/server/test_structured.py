"""Answers in a given form, over HTTP: asked for in words where there is no member, and checked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import anthropic
import openai
import pydantic
import pytest

from antiphon.dialects.fitting.forms import ONE_OBJECT, ONE_VALUE
from antiphon.simulator import SimulatorSpec
from tests.server.stage import KEY, Stage, stage

PROVIDERS: Final = MappingProxyType(
    {
        "chat": "openai_chat",
        "responses": "openai_responses",
        "messages": "anthropic_messages",
    }
)
PATHS: Final = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
BLUNT: Final = {"json_schema": False, "json_mode": False}
HANDY: Final = {"json_schema": False, "json_mode": True}
NATIVE: Final = {"json_schema": True}
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD: Final = '{"name": "Ada", "age": 36}'
FENCED: Final = f"Here you are:\n```json\n{GOOD}\n```\nAnything else?"
BAD: Final = '{"name": "Ada", "age": "a secret"}'
TOLD: Final = "asked for by instruction, and checked"


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    """A route of the name of each provider to a model without any form of an answer."""
    specs = [
        SimulatorSpec(name=name, seed=seed, strict=True) for seed, name in enumerate(PROVIDERS)
    ]
    routes: dict[str, object] = {name: f"{name}/blunt" for name in PROVIDERS}
    for name in PROVIDERS:
        routes[f"{name}-native"] = f"{name}/native"
        routes[f"{name}-always"] = {
            "deployments": [f"{name}/native"],
            "structured": {"check": "always"},
        }
        routes[f"{name}-error"] = {"deployments": [f"{name}/blunt"], "on_loss": "error"}
        routes[f"{name}-skip"] = {
            "deployments": [f"{name}/blunt", f"{name}/native"],
            "on_loss": "skip",
        }
        routes[f"{name}-fail"] = {
            "deployments": [f"{name}/blunt", f"{name}/native"],
            "structured": {"on_invalid": "fail"},
        }
        routes[f"{name}-only-fail"] = {
            "deployments": [f"{name}/blunt"],
            "structured": {"on_invalid": "fail"},
            "retry": {"attempts": 2, "backoff": 0},
        }
    routes["handy"] = "chat/handy"
    async with stage(
        tmp_path,
        specs,
        dialects=PROVIDERS,
        models=routes,
        provider={"models": {"blunt": BLUNT, "handy": HANDY, "native": NATIVE}},
    ) as running:
        yield running


def in_schema(heard: str, schema: object = SCHEMA) -> dict[str, object]:
    match heard:
        case "chat":
            form: object = {"name": "person", "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case "responses":
            form = {"type": "json_schema", "name": "person", "schema": schema}
            return {"text": {"format": form}}
        case _:
            return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def in_json(heard: str) -> dict[str, object]:
    form = {"type": "json_object"}
    return {"response_format": form} if heard == "chat" else {"text": {"format": form}}


async def ask(
    fleet: Stage, heard: str, model: str, said: str, form: Mapping[str, object], **more: object
) -> Any:
    turns = [{"role": "user", "content": f"In JSON, please. {said}"}]
    least = {"input": turns} if heard == "responses" else {"messages": turns}
    if heard == "messages":
        least["max_tokens"] = more.pop("max_tokens", 2000)  # type: ignore[assignment]
    headers = {"anthropic-version": "2023-06-01"}
    body = {"model": model, **least, **form, **more}
    return await fleet.http.post(PATHS[heard], json=body, headers=headers)


def text_of(heard: str, answer: Any) -> str:
    body = answer.json()
    match heard:
        case "chat":
            return body["choices"][0]["message"]["content"]
        case "responses":
            [message] = [each for each in body["output"] if each["type"] == "message"]
            return "".join(part["text"] for part in message["content"])
        case _:
            return "".join(part["text"] for part in body["content"] if part["type"] == "text")


def streamed(heard: str, answer: Any) -> str:
    text = ""
    for line in answer.text.splitlines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line[6:])
        if heard == "chat":
            text += "".join(each["delta"].get("content") or "" for each in event["choices"])
        elif event["type"] == "response.output_text.delta":
            text += event["delta"]
        elif event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta":
            text += event["delta"]["text"]
    return text


def received(fleet: Stage, provider: str) -> list[dict[str, Any]]:
    [simulator] = [each for each in fleet.simulators if each.name == provider]
    return [json.loads(each.body) for each in simulator.received]


ALL: Final = pytest.mark.parametrize(
    ("heard", "spoken"), [(heard, spoken) for heard in PROVIDERS for spoken in PROVIDERS]
)
STREAM: Final = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

# ------------------------------------------------------------------ in words


@STREAM
@ALL
async def test_a_schema_is_told_and_the_json_is_taken_out(
    fleet: Stage, heard: str, spoken: str, *, stream: bool
) -> None:
    answer = await ask(fleet, heard, spoken, f"[say: {FENCED}]", in_schema(heard), stream=stream)
    assert answer.status_code == 200
    told = streamed(heard, answer) if stream else text_of(heard, answer)
    assert told == GOOD
    assert answer.headers["x-antiphon-warnings"] == f"json_schema: {TOLD}"
    # A stream's head may go out before its end is known.
    checked = {"instructed; valid", "instructed"} if stream else {"instructed; valid"}
    assert answer.headers["x-antiphon-structured"] in checked
    [request] = received(fleet, spoken)
    assert not {"response_format", "output_config", "output_format", "text"} & request.keys()
    assert ONE_VALUE in json.dumps(request)
    assert '\\"required\\"' in json.dumps(request)


@STREAM
@pytest.mark.parametrize("heard", ["chat", "responses"])
@pytest.mark.parametrize("spoken", PROVIDERS)
async def test_json_of_any_shape_is_asked_for_in_words(
    fleet: Stage, heard: str, spoken: str, *, stream: bool
) -> None:
    answer = await ask(fleet, heard, spoken, f"[say: {FENCED}]", in_json(heard), stream=stream)
    told = streamed(heard, answer) if stream else text_of(heard, answer)
    assert told == GOOD
    assert answer.headers["x-antiphon-warnings"] == f"json_mode: {TOLD}"
    [request] = received(fleet, spoken)
    assert ONE_OBJECT in json.dumps(request)


async def test_a_model_that_knows_json_is_asked_for_it_beside_the_words(fleet: Stage) -> None:
    await ask(fleet, "chat", "handy", f"[say: {GOOD}]", in_schema("chat"))
    [request] = received(fleet, "chat")
    assert request["response_format"] == {"type": "json_object"}
    assert ONE_VALUE in request["messages"][0]["content"]


@ALL
async def test_what_does_not_keep_to_the_schema_is_told(
    fleet: Stage, heard: str, spoken: str
) -> None:
    answer = await ask(fleet, heard, spoken, f"[say: {BAD}]", in_schema(heard))
    assert answer.status_code == 200
    assert text_of(heard, answer) == BAD
    told = answer.headers["x-antiphon-structured"]
    assert told == 'instructed; invalid; "$.age: must be integer"'
    assert "secret" not in told


@STREAM
@ALL
async def test_prose_is_given_as_it_is(
    fleet: Stage, heard: str, spoken: str, *, stream: bool
) -> None:
    prose = "I will not do that."
    answer = await ask(fleet, heard, spoken, f"[say: {prose}]", in_schema(heard), stream=stream)
    told = streamed(heard, answer) if stream else text_of(heard, answer)
    assert told == prose
    if not stream:
        assert answer.headers["x-antiphon-structured"] == 'instructed; invalid; "$: is no JSON"'


@pytest.mark.parametrize("policy", ["error", "skip"])
@ALL
async def test_it_is_a_loss_like_any_other(
    fleet: Stage, heard: str, spoken: str, policy: str
) -> None:
    answer = await ask(fleet, heard, f"{spoken}-{policy}", "Who is it?", in_schema(heard))
    if policy == "error":
        assert answer.status_code == 400
        assert TOLD in answer.json()["error"]["message"]
        assert received(fleet, spoken) == []
    else:
        assert answer.headers["x-antiphon-deployment"] == f"{spoken}/native"
        assert json.loads(text_of(heard, answer)).keys() == {"name", "age"}


# ------------------------------------------------------------------ checked


@ALL
async def test_what_a_provider_keeps_to_itself_is_checked_where_it_is_read(
    fleet: Stage, heard: str, spoken: str
) -> None:
    answer = await ask(fleet, heard, f"{spoken}-native", f"[say: {BAD}]", in_schema(heard))
    told = answer.headers["x-antiphon-structured"]
    if heard == spoken:
        assert told == "native"
    else:
        assert told == 'native; invalid; "$.age: must be integer"'
    assert "x-antiphon-warnings" not in answer.headers


@pytest.mark.parametrize("heard", PROVIDERS)
async def test_always_checked_means_what_goes_through_as_well(fleet: Stage, heard: str) -> None:
    name = f"{heard}-always"
    good = await ask(fleet, heard, name, f"[say: {GOOD}]", in_schema(heard))
    assert good.headers["x-antiphon-structured"] == "native; valid"
    bad = await ask(fleet, heard, name, f"[say: {BAD}]", in_schema(heard))
    assert bad.headers["x-antiphon-structured"].startswith("native; invalid")
    plain = await ask(fleet, heard, name, "Hello", {})
    assert "x-antiphon-structured" not in plain.headers


@ALL
async def test_an_answer_that_is_none_is_asked_for_elsewhere(
    fleet: Stage, heard: str, spoken: str
) -> None:
    answer = await ask(fleet, heard, f"{spoken}-fail", "Who is it?", in_schema(heard))
    assert answer.status_code == 200
    assert answer.headers["x-antiphon-attempts"] == "2"
    assert answer.headers["x-antiphon-deployment"] == f"{spoken}/native"
    assert json.loads(text_of(heard, answer)).keys() == {"name", "age"}
    [blunt] = [each for each in fleet.gateway.deployments() if each.name == f"{spoken}/blunt"]
    assert blunt.health.consecutive_failures == 0


async def test_no_valid_answer_anywhere_is_an_error_that_is_paid_for(fleet: Stage) -> None:
    answer = await ask(fleet, "chat", "chat-only-fail", f"[say: {BAD}]", in_schema("chat"))
    assert answer.status_code == 502
    assert answer.headers["x-antiphon-attempts"] == "2"
    error = answer.json()["error"]
    assert "invalid_answer" in json.dumps(error)
    assert "secret" not in answer.text
    assert len(received(fleet, "chat")) == 2


CUT: Final = [
    pytest.param("[say: {}]", {"max_tokens": 2}, "length", id="length"),
    pytest.param("[refuse]", {}, "refusal", id="refusal"),
]


@pytest.mark.parametrize(("said", "more", "why"), CUT)
async def test_nobody_expects_json_of_an_answer_that_did_not_end_as_one(
    fleet: Stage, said: str, more: dict[str, object], why: str
) -> None:
    said = said.format(GOOD)
    answer = await ask(fleet, "chat", "chat-only-fail", said, in_schema("chat"), **more)
    assert answer.status_code == 200
    assert answer.headers["x-antiphon-structured"] == f"instructed; unchecked; {why}"


async def test_nor_of_one_that_calls_a_tool(fleet: Stage) -> None:
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    answer = await ask(
        fleet, "chat", "messages-fail", "Please look_up it.", in_schema("chat"), tools=[tool]
    )
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert answer.headers["x-antiphon-structured"] == "instructed; unchecked; tool calls"


# ------------------------------------------------------------------ bad schemas

DOUBLING: Final = {
    "$defs": {
        **{f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(40)},
        "a40": {"type": "string"},
    },
    "$ref": "#/$defs/a0",
}
DEEP: Final[dict[str, Any]] = {"type": "object"}
HOSTILE: Final = {
    "no schema": {"type": "objekt"},
    "elsewhere": {"$ref": "http://127.0.0.1:9/schema.json"},
    "a file": {"$ref": "file:///etc/passwd"},
    "no end": {"$ref": "#"},
    "nowhere": {"$ref": "#/$defs/none"},
    "doubling": DOUBLING,
    "huge": {"type": "object", "description": "x" * 300_000},
    "a heavy pattern": {"type": "string", "pattern": "((a{100}){100}){100}"},
}


@ALL
@pytest.mark.parametrize("what", HOSTILE)
async def test_a_schema_that_cannot_be_checked_is_refused_where_it_must_be(
    fleet: Stage, heard: str, spoken: str, what: str
) -> None:
    form = in_schema(heard, HOSTILE[what])
    answer = await ask(fleet, heard, spoken, "Hello", form)
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "cannot be used to check the answer" in message
    assert len(message) < 300
    assert received(fleet, spoken) == []


@ALL
async def test_it_goes_on_where_the_provider_itself_keeps_to_it(
    fleet: Stage, heard: str, spoken: str
) -> None:
    form = in_schema(heard, HOSTILE["elsewhere"])
    answer = await ask(fleet, heard, f"{spoken}-native", f"[say: {GOOD}]", form)
    assert answer.status_code == 200
    told = answer.headers["x-antiphon-structured"]
    unchecked = "native; unchecked; the schema cannot be used here"
    assert told == ("native" if heard == spoken else unchecked)


async def test_the_header_holds_whatever_stands_in_the_path(fleet: Stage) -> None:
    said = json.dumps({"name": "x", "age": 1, "ü\r\nx-evil: 1": 1}, ensure_ascii=False)
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    answer = await ask(fleet, "chat", "chat", f"[say: {said}]", in_schema("chat", schema))
    assert "x-evil" not in answer.headers
    told = answer.headers["x-antiphon-structured"]
    assert told.isascii()
    assert "$['\\xfc\\r\\nx-evil: 1']: must be string" in told


# ------------------------------------------------------------------ clients and programs


class Person(pydantic.BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("spoken", PROVIDERS)
async def test_openai_s_parse(fleet: Stage, spoken: str) -> None:
    asked = [{"role": "user", "content": f"[say: {FENCED}]"}]
    parsed = await fleet.client.chat.completions.parse(
        model=spoken, messages=asked, response_format=Person
    )
    assert parsed.choices[0].message.parsed == Person(name="Ada", age=36)
    answer = await fleet.client.responses.parse(
        model=spoken, input=f"[say: {FENCED}]", text_format=Person
    )
    assert answer.output_parsed == Person(name="Ada", age=36)


@pytest.mark.parametrize("spoken", PROVIDERS)
async def test_openai_s_stream_is_parsed(fleet: Stage, spoken: str) -> None:
    asked = [{"role": "user", "content": f"[say: {FENCED}]"}]
    async with fleet.client.chat.completions.stream(
        model=spoken, messages=asked, response_format=Person
    ) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.parsed == Person(name="Ada", age=36)


@pytest.mark.parametrize("spoken", PROVIDERS)
async def test_anthropic_s_parse(fleet: Stage, spoken: str) -> None:
    http = anthropic.DefaultAsyncHttpxClient(verify=False, timeout=20)
    async with anthropic.AsyncAnthropic(
        base_url=fleet.address, api_key=KEY, max_retries=0, http_client=http
    ) as client:
        parsed = await client.messages.parse(
            model=spoken,
            max_tokens=2000,
            messages=[{"role": "user", "content": f"[say: {FENCED}]"}],
            output_format=Person,
        )
    assert parsed.parsed_output == Person(name="Ada", age=36)


async def test_a_program_is_told_with_the_reply(fleet: Stage) -> None:
    members = in_schema("chat")
    asked = [{"role": "user", "content": f"[say: {BAD}]"}]
    reply = await fleet.gateway.chat(model="messages", messages=asked, **members)
    assert reply.structured is not None
    assert (reply.structured.how, reply.structured.valid) == ("instructed", False)
    assert reply.structured.problems == ("$.age: must be integer",)
    plain = await fleet.gateway.chat(model="messages", messages=asked)
    assert plain.structured is None


def test_openai_is_the_client_that_is_meant() -> None:
    assert hasattr(openai.AsyncOpenAI, "responses")


# ------------------------------------------------------------------ schemas of another dialect

FREE_NAMES: Final = {
    "type": "object",
    "properties": {"name": {"additionalProperties": {"type": "integer"}}},
}
BOUNDED: Final = {**SCHEMA, "properties": {**SCHEMA["properties"], "age": {"multipleOf": 36}}}


async def test_a_schema_that_messages_cannot_say_is_told_in_words(fleet: Stage) -> None:
    said = '[say: {"name": {"Ada": 36}}]'
    answer = await ask(fleet, "chat", "messages-native", said, in_schema("chat", FREE_NAMES))
    assert answer.headers["x-antiphon-warnings"] == f"json_schema: {TOLD}"
    assert answer.headers["x-antiphon-structured"] == "instructed; valid"
    own = await ask(fleet, "messages", "messages-native", said, in_schema("messages", FREE_NAMES))
    assert own.headers["x-antiphon-structured"] == "native"


async def test_rules_that_a_provider_does_not_take_are_checked_here(fleet: Stage) -> None:
    said = '[say: {"name": "Ada", "age": 37}]'
    answer = await ask(fleet, "chat", "messages-native", said, in_schema("chat", BOUNDED))
    told = "json_schema: some rules are told or left out, and checked"
    assert answer.headers["x-antiphon-warnings"] == told
    problem = '"$.age: is not a multiple of what it must be"'
    assert answer.headers["x-antiphon-structured"] == f"native; invalid; {problem}"


@pytest.mark.parametrize(("said", "told"), [(GOOD, "valid"), (BAD, "invalid")])
async def test_the_end_of_a_stream_stands_in_the_log(tmp_path, said: str, told: str) -> None:
    log = tmp_path / "log"
    provider = {"dialect": "anthropic_messages", "models": {"sim-small": BLUNT}}
    logging = {"requests": "json", "file": str(log)}
    async with stage(
        tmp_path, [SimulatorSpec(name="one")], provider=provider, logging=logging
    ) as it:
        await ask(it, "chat", "fast", f"[say: {said}]", in_schema("chat"), stream=True)
        await it.at_rest()
    [line] = [json.loads(each) for each in log.read_text().splitlines()]
    assert line["structured"].startswith(f"instructed; {told}")
    assert "secret" not in line["structured"]
