"""Tools and schemas, seen by the official SDK."""

import json
from enum import Enum
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Le, MaxLen, MinLen
from openai import AsyncOpenAI
from pydantic import BaseModel, Field


class Unit(Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Weather(BaseModel):
    city: str
    unit: Unit
    days: Annotated[int, Ge(1), Le(14)]


class Stock(BaseModel):
    symbol: Annotated[str, Field(pattern=r"^[A-Z]{2,5}$")]


class Line(BaseModel):
    text: Annotated[str, MinLen(3), MaxLen(12)]
    weight: Annotated[float, Ge(0), Le(1)]
    kind: Literal["a", "b"]
    inner: "Line | None"


class Report(BaseModel):
    title: str
    lines: Annotated[list[Line], MinLen(2), MaxLen(3)]
    done: bool
    choice: int | Weather


def tool(name: str, model: type[BaseModel]) -> dict:
    return {"type": "function", "function": {"name": name, "parameters": model.model_json_schema()}}


TOOLS = [tool("get_weather", Weather), tool("get_stock", Stock)]
MODELS = {"get_weather": Weather, "get_stock": Stock}


def asking(text: str, **members: object) -> dict:
    return {
        "model": "sim-small",
        "messages": [{"role": "user", "content": text}],
        "tools": TOOLS,
        **members,
    }


@pytest.mark.parametrize(
    ("text", "members", "called"),
    [
        ("How is the weather?", {}, ["get_weather"]),
        ("Use get_stock, please", {}, ["get_stock"]),
        ("get stock and get weather", {}, ["get_weather", "get_stock"]),
        ("get_stock and get_weather", {"parallel_tool_calls": False}, ["get_weather"]),
        ("hello", {"tool_choice": "required"}, ["get_weather"]),
        (
            "hello",
            {"tool_choice": {"type": "function", "function": {"name": "get_stock"}}},
            ["get_stock"],
        ),
        (
            "hello",
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [TOOLS[1]]},
                }
            },
            ["get_stock"],
        ),
    ],
)
async def test_tools_are_called_with_fitting_arguments(
    client: AsyncOpenAI, text: str, members: dict, called: list[str]
) -> None:
    completion = await client.chat.completions.create(**asking(text, **members))
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [call.function.name for call in choice.message.tool_calls] == called
    assert len({call.id for call in choice.message.tool_calls}) == len(called)
    for call in choice.message.tool_calls:
        MODELS[call.function.name].model_validate_json(call.function.arguments)


@pytest.mark.parametrize(("text", "members"), [("hello", {}), ("weather", {"tool_choice": "none"})])
async def test_tools_are_left_alone(client: AsyncOpenAI, text: str, members: dict) -> None:
    completion = await client.chat.completions.create(**asking(text, **members))
    assert completion.choices[0].message.tool_calls is None
    assert completion.choices[0].finish_reason == "stop"


async def test_streamed_calls_put_together_are_the_plain_ones(client: AsyncOpenAI) -> None:
    asked = asking("get_stock and get_weather")
    plain = await client.chat.completions.create(**asked)
    ids, arguments = {}, {}
    async for chunk in await client.chat.completions.create(**asked, stream=True):
        for fragment in chunk.choices[0].delta.tool_calls or ():
            if fragment.id:
                ids[fragment.index] = fragment.id
            so_far = arguments.get(fragment.index, "")
            arguments[fragment.index] = so_far + fragment.function.arguments
    calls = plain.choices[0].message.tool_calls
    assert list(ids.values()) == [call.id for call in calls]
    assert list(arguments.values()) == [call.function.arguments for call in calls]


async def test_a_result_is_answered_in_words(client: AsyncOpenAI) -> None:
    asked = asking("weather?", tool_choice="required")
    called = (await client.chat.completions.create(**asked)).choices[0].message
    asked["messages"] += [
        called.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "21 degrees"},
    ]
    answer = (await client.chat.completions.create(**asked)).choices[0].message
    assert "21 degrees" in answer.content
    assert answer.tool_calls is None


async def test_a_custom_tool_takes_text(client: AsyncOpenAI) -> None:
    custom = {"type": "custom", "custom": {"name": "shell"}}
    completion = await client.chat.completions.create(
        model="sim-small",
        messages=[{"role": "user", "content": "shell"}],
        tools=[custom],
    )
    call = completion.choices[0].message.tool_calls[0]
    assert call.type == "custom"
    assert call.custom.input


async def test_a_maximum_breaks_off_arguments(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(**asking("weather", max_tokens=6))
    choice = completion.choices[0]
    assert choice.finish_reason == "length"
    assert completion.usage.completion_tokens == 6
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice.message.tool_calls[0].function.arguments)


@pytest.mark.parametrize("seed", range(10))
async def test_the_sdk_parses_a_structured_answer(client: AsyncOpenAI, seed: int) -> None:
    completion = await client.chat.completions.parse(
        model="sim-small",
        messages=[{"role": "user", "content": "report"}],
        response_format=Report,
        seed=seed,
    )
    assert isinstance(completion.choices[0].message.parsed, Report)


async def test_json_mode_gives_an_object(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="sim-small",
        messages=[{"role": "user", "content": "json"}],
        response_format={"type": "json_object"},
    )
    assert json.loads(completion.choices[0].message.content)["simulated"] is True
