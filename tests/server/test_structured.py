"""Answers in a given form, over HTTP: asked for in words where there is no member, and checked."""

from __future__ import annotations

import json
from typing import Final

import anthropic
import openai
import pydantic
import pytest

from antiphon.dialects.fitting.forms import ONE_OBJECT, ONE_VALUE
from tests.server.forms import (
    ALL,
    BAD,
    FENCED,
    GOOD,
    PROVIDERS,
    STREAM,
    TOLD,
    ask,
    fleet,
    in_json,
    in_schema,
    received,
    streamed,
    text_of,
)
from tests.server.stage import KEY, Stage

__all__ = ("fleet",)

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
