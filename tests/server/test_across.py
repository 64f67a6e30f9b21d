"""Each thing that dialects say in their own way, across the pairs of them, at strict providers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Any, Final

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, Image, Part, Text, ToolCall, ToolResult
from antiphon.model.reply import ChatReply, StopReason
from antiphon.model.request import ChatRequest
from antiphon.simulator import SimulatorSpec
from antiphon.wire.shallow import Members
from tests.sdks.jobs import PIXEL
from tests.server.stage import Stage, stage

PROVIDERS: Final = MappingProxyType(
    {
        "chat": "openai_chat",
        "responses": "openai_responses",
        "messages": "anthropic_messages",
    }
)
PATHS: Final = MappingProxyType(
    {
        "chat": "/v1/chat/completions",
        "responses": "/v1/responses",
        "messages": "/v1/messages",
    }
)
PAIRS: Final = list(product(PROVIDERS, PROVIDERS))
CROSSED: Final = [(heard, spoken) for heard, spoken in PAIRS if heard != spoken]
HEADERS: Final = {"anthropic-version": "2023-06-01"}
SCHEMA: Final = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Bern"]}},
    "required": ["city"],
    "additionalProperties": False,
}
SHOWN: Final = f"data:image/png;base64,{PIXEL}"
SOURCE: Final = {"type": "base64", "media_type": "image/png", "data": PIXEL}

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
ALL = pytest.mark.parametrize(("heard", "spoken"), PAIRS)


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    specs = [
        SimulatorSpec(name=name, seed=seed, strict=True) for seed, name in enumerate(PROVIDERS)
    ]
    # A server that is only like Anthropic's is not known to keep to a schema: these say that they do.
    native = {"messages": {"models": {"sim-small": {"json_schema": True}}}}
    async with stage(tmp_path, specs, dialects=PROVIDERS, providers_of=native) as running:
        yield running


# ------------------------------------------------------------------ asking, and what came of it


def body_of(heard: str, turns: Sequence[Mapping[str, object]], **members: object) -> dict[str, Any]:
    least = {"max_tokens": 2000} if heard == "messages" else {}
    said = {"input" if heard == "responses" else "messages": list(turns)}
    return {**least, **said, **members}


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


async def asked(
    fleet: Stage, heard: str, spoken: str, body: Mapping[str, object], *, stream: bool = False
) -> ChatReply:
    """The answer, read by the caller's dialect."""
    sent = {"model": f"{spoken}/sim-small", "stream": stream, **body}
    answer = await fleet.http.post(PATHS[heard], json=sent, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    dialect = DIALECTS[PROVIDERS[heard]]
    if not stream:
        return dialect.decode_reply(answer.content)
    decoder, splitter = dialect.stream_decoder(), dialect.splitter()
    return fold(event for frame in splitter.feed(answer.content) for event in decoder.feed(frame))


def arrived(fleet: Stage, spoken: str) -> ChatRequest:
    """What the provider was asked; it was asked once."""
    [simulator] = [each for each in fleet.simulators if each.name == spoken]
    [received] = simulator.received
    return DIALECTS[PROVIDERS[spoken]].decode_request(Members.parse(received.body))


def parts_of(request: ChatRequest) -> list[Part]:
    return [part for turn in request.turns for part in turn.parts]


def calls_of(reply: ChatReply) -> tuple[ToolCall, ...]:
    return reply.choices[0].turn.tool_calls


def tool(heard: str, name: str) -> dict[str, object]:
    match heard:
        case "chat":
            return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}
        case "responses":
            return {"type": "function", "name": name, "parameters": SCHEMA, "strict": False}
        case _:
            return {"name": name, "input_schema": SCHEMA}


def loop(heard: str, id_: str, name: str, content: object) -> list[dict[str, object]]:
    """A call of a tool, and its result."""
    arguments = json.dumps({"city": "Bern"})
    match heard:
        case "chat":
            called = {"name": name, "arguments": arguments}
            call = {"id": id_, "type": "function", "function": called}
            return [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": id_, "content": content},
            ]
        case "responses":
            call = {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}
            return [call, {"type": "function_call_output", "call_id": id_, "output": content}]
        case _:
            use = {"type": "tool_use", "id": id_, "name": name, "input": {"city": "Bern"}}
            result = {"type": "tool_result", "tool_use_id": id_, "content": content}
            return [{"role": "assistant", "content": [use]}, user([result])]


REQUIRED: Final = MappingProxyType(
    {"chat": "required", "responses": "required", "messages": {"type": "any"}}
)


# ------------------------------------------------------------------ tools


@STREAM
@pytest.mark.parametrize(("heard", "spoken"), [pair for pair in PAIRS if pair[0] != "messages"])
async def test_a_tool_that_takes_free_text(
    fleet: Stage, heard: str, spoken: str, *, stream: bool
) -> None:
    named = {"name": "run_sql", "description": "Runs it."}
    offered = {"type": "custom", **({"custom": named} if heard == "chat" else named)}
    body = body_of(heard, [user("Ask run_sql.")], tools=[offered])
    [call] = calls_of(await asked(fleet, heard, spoken, body, stream=stream))
    assert (call.name, call.kind) == ("run_sql", CallKind.CUSTOM)
    assert call.arguments
    assert not call.arguments.startswith("{")


@STREAM
@pytest.mark.parametrize("name", ["fs.read/file", "mcp__" + "long_" * 14 + "name", "größe"])
@pytest.mark.parametrize(("heard", "spoken"), CROSSED)
async def test_a_tool_whose_name_the_provider_would_refuse(
    fleet: Stage, heard: str, spoken: str, name: str, *, stream: bool
) -> None:
    turns = [user("Go on."), *loop(heard, "call_1", name, "Rain."), user("And now?")]
    body = body_of(heard, turns, tools=[tool(heard, name)], tool_choice=REQUIRED[heard])
    [call] = calls_of(await asked(fleet, heard, spoken, body, stream=stream))
    assert (call.name, json.loads(call.arguments)) == (name, {"city": "Bern"})
    request = arrived(fleet, spoken)
    [before] = [part for part in parts_of(request) if isinstance(part, ToolCall)]
    [offered] = request.tools
    assert before.name == offered.name


@pytest.mark.parametrize("id_", ["functions.bash:0", "a b", "c" * 90, "call|fc_1", "ü"])
@pytest.mark.parametrize(("heard", "spoken"), CROSSED)
async def test_an_id_that_the_provider_would_refuse(
    fleet: Stage, heard: str, spoken: str, id_: str
) -> None:
    turns = [user("Go on."), *loop(heard, id_, "f", "Rain."), user("And now?")]
    await asked(fleet, heard, spoken, body_of(heard, turns, tools=[tool(heard, "f")]))
    parts = parts_of(arrived(fleet, spoken))
    [call] = [part for part in parts if isinstance(part, ToolCall)]
    [result] = [part for part in parts if isinstance(part, ToolResult)]
    assert call.call_id == result.call_id
    assert DIALECTS[PROVIDERS[spoken]].traits.call_id.fullmatch(call.call_id)


@STREAM
@ALL
async def test_one_call_at_a_time(fleet: Stage, heard: str, spoken: str, *, stream: bool) -> None:
    names = ("first_tool", "second_tool")
    alone: Mapping[str, object] = {"parallel_tool_calls": False}
    if heard == "messages":
        alone = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    turns = [user("Ask first_tool and second_tool.")]
    tools = [tool(heard, name) for name in names]
    both = await asked(fleet, heard, spoken, body_of(heard, turns, tools=tools), stream=stream)
    one = await asked(
        fleet, heard, spoken, body_of(heard, turns, tools=tools, **alone), stream=stream
    )
    assert [call.name for call in calls_of(both)] == list(names)
    assert [call.name for call in calls_of(one)] == ["first_tool"]


# ------------------------------------------------------------------ how the answer ends


@STREAM
@pytest.mark.parametrize("heard", ["chat", "messages"])
async def test_a_stop_sequence_where_the_provider_has_none(
    fleet: Stage, heard: str, *, stream: bool
) -> None:
    name = "stop" if heard == "chat" else "stop_sequences"
    body = body_of(heard, [user("[say: one two HALT three]")], **{name: ["HALT", "never"]})
    reply = await asked(fleet, heard, "responses", body, stream=stream)
    [choice] = reply.choices
    assert choice.turn.text == "one two "
    assert choice.stop is not None
    # Chat has no word for which one it was.
    told = "HALT" if heard == "messages" else None
    assert (choice.stop.reason, choice.stop.sequence) == (StopReason.STOP, told)


@STREAM
async def test_several_answers(fleet: Stage, *, stream: bool) -> None:
    reply = await asked(fleet, "chat", "chat", body_of("chat", [user("Hello")], n=2), stream=stream)
    assert len({choice.turn.text for choice in reply.choices}) == 2


FORMS: Final[Mapping[str, Callable[[], dict[str, object]]]] = MappingProxyType(
    {
        "chat": lambda: {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "place", "schema": SCHEMA, "strict": True},
            }
        },
        "responses": lambda: {
            "text": {
                "format": {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
            }
        },
        "messages": lambda: {
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}
        },
    }
)


@STREAM
@ALL
async def test_an_answer_in_a_given_form(
    fleet: Stage, heard: str, spoken: str, *, stream: bool
) -> None:
    body = body_of(heard, [user("Where is it?")], **FORMS[heard]())
    reply = await asked(fleet, heard, spoken, body, stream=stream)
    assert json.loads(reply.choices[0].turn.text) == {"city": "Bern"}
    output = arrived(fleet, spoken).output
    assert output is not None
    assert json.loads(bytes(output.schema)) == SCHEMA


# ------------------------------------------------------------------ what is shown and said


def picture(heard: str) -> dict[str, object]:
    match heard:
        case "chat":
            return {"type": "image_url", "image_url": {"url": SHOWN}}
        case "responses":
            return {"type": "input_image", "image_url": SHOWN, "detail": "auto"}
        case _:
            return {"type": "image", "source": SOURCE}


def text(heard: str, said: str) -> dict[str, object]:
    return {"type": "input_text" if heard == "responses" else "text", "text": said}


def pictures(parts: Sequence[Part]) -> list[str]:
    inner = [one for part in parts if isinstance(part, ToolResult) for one in part.parts]
    return [part.blob.data or "" for part in (*parts, *inner) if isinstance(part, Image)]


@ALL
async def test_a_picture(fleet: Stage, heard: str, spoken: str) -> None:
    turn = user([text(heard, "[say: a dot]"), picture(heard)])
    reply = await asked(fleet, heard, spoken, body_of(heard, [turn]))
    assert reply.choices[0].turn.text == "a dot"
    assert pictures(parts_of(arrived(fleet, spoken))) == [PIXEL]


@pytest.mark.parametrize(("heard", "spoken"), [pair for pair in PAIRS if pair[0] != "chat"])
async def test_a_picture_that_a_tool_gave_back(fleet: Stage, heard: str, spoken: str) -> None:
    content = [text(heard, "A dot."), picture(heard)]
    turns = [user("Look."), *loop(heard, "call_1", "look", content)]
    await asked(fleet, heard, spoken, body_of(heard, turns, tools=[tool(heard, "look")]))
    parts = parts_of(arrived(fleet, spoken))
    [result] = [part for part in parts if isinstance(part, ToolResult)]
    assert "A dot." in [part.text for part in result.parts if isinstance(part, Text)]
    assert pictures(parts) == [PIXEL]


@ALL
async def test_an_instruction_in_the_middle(fleet: Stage, heard: str, spoken: str) -> None:
    told = "From now on: French."
    turns = [
        user("One."),
        {"role": "assistant", "content": "Two."},
        {"role": "system", "content": told},
        user("[say: trois]"),
    ]
    reply = await asked(fleet, heard, spoken, body_of(heard, turns))
    assert reply.choices[0].turn.text == "trois"
    said = [part.text for part in parts_of(arrived(fleet, spoken)) if isinstance(part, Text)]
    [at] = [at for at, one in enumerate(said) if told in one]
    assert said[:at] == ["One.", "Two."]
    assert said[at + 1 :] == ["[say: trois]"]
