"""OpenAI Responses when nothing goes wrong, seen by the official SDK."""

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from antiphon.simulator import Simulator
from tests.simulator.callers import Raw, events_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "name": "get_weather", "parameters": CITY, "strict": False},
    {"type": "function", "name": "get_stock", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "shell"},
]
SEALED = {
    "model": "sim-reason",
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"summary": "auto", "effort": "low"},
    "store": False,
}


def asking(said: object = "hello", **members: object) -> dict:
    return {"model": "sim-small", "input": said, **members}


async def streamed(client: AsyncOpenAI, asked: dict) -> Response:
    events = [event async for event in await client.responses.create(**asked, stream=True)]
    return events[-1].response


def told(response: Response) -> list[dict]:
    """The output without its ids, which are others in each answer."""
    items = [item.to_dict() for item in response.output]
    return [{name: item[name] for name in item if name != "id"} for item in items]


async def test_a_plain_answer_says_that_it_is_simulated(client: AsyncOpenAI) -> None:
    answer = await client.responses.with_raw_response.create(**asking())
    response = answer.parse()
    assert answer.headers["x-antiphon-simulator"] == "lab"
    assert response.status == "completed"
    assert response.output_text.startswith("This is a simulated answer.")
    assert response.usage.input_tokens == 4 + 2
    assert response.usage.total_tokens == 6 + -(-len(response.output_text.encode()) // 4)


@pytest.mark.parametrize(
    "asked",
    [
        asking(),
        asking(**SEALED),
        asking("get_weather, get_stock and shell [say: Let me see.]", tools=TOOLS, **SEALED),
        asking("[refuse]"),
        asking("[filter]"),
        asking("[tokens: 90]", max_output_tokens=20),
        asking("[cached: 100] [written: 50]"),
        asking(include=["message.output_text.logprobs"], top_logprobs=2),
    ],
)
async def test_a_stream_put_together_is_the_plain_answer(client: AsyncOpenAI, asked: dict) -> None:
    plain = await client.responses.create(**asked)
    whole = await streamed(client, asked)
    assert told(whole) == told(plain)
    without = {"id", "output"}
    assert whole.to_dict().keys() == plain.to_dict().keys()
    assert {k: v for k, v in whole.to_dict().items() if k not in without} == {
        k: v for k, v in plain.to_dict().items() if k not in without
    }


async def test_the_sdk_puts_a_stream_together(client: AsyncOpenAI) -> None:
    asked = asking("get_weather and shell [say: Let me see.]", tools=TOOLS, **SEALED)
    async with client.responses.stream(**asked) as stream:
        whole = await stream.get_final_response()
    assert whole.output_text == "Let me see."
    assert [item.type for item in whole.output[2:]] == ["function_call", "custom_tool_call"]


async def test_fragments_are_the_whole(raw_in: Raw) -> None:
    members = {"tools": TOOLS, "reasoning": {"summary": "auto"}, "stream": True}
    asked = "get_weather and shell [say: One, two, three.]"
    answer = await raw_in("openai-responses", "sim-reason", text=asked, **members)
    events = events_of(answer)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    joined: dict[tuple[str, int], str] = {}
    for event in events:
        kind, _, last = event["type"].rpartition(".")
        place = kind, event.get("output_index", -1)
        if last == "delta":
            joined[place] = joined.get(place, "") + event["delta"]
            assert event["obfuscation"]
        elif last == "done" and place in joined:
            assert joined.pop(place) in event.values()
    assert not joined


@pytest.mark.parametrize(
    ("asked", "status", "why"),
    [
        (asking("[refuse]"), "completed", None),
        (asking("[filter]"), "incomplete", "content_filter"),
        (asking("[tokens: 90]", max_output_tokens=20), "incomplete", "max_output_tokens"),
        (asking("get_weather", tools=TOOLS), "completed", None),
    ],
)
async def test_it_says_how_it_ended(
    client: AsyncOpenAI, asked: dict, status: str, why: str | None
) -> None:
    response = await client.responses.create(**asked)
    assert response.status == status
    assert (response.incomplete_details and response.incomplete_details.reason) == why


async def test_a_refusal_is_a_part(client: AsyncOpenAI) -> None:
    response = await client.responses.create(**asking("[refuse]"))
    assert response.output[0].content[0].type == "refusal"


@pytest.mark.parametrize("store", [True, False, None])
async def test_the_request_is_repeated(client: AsyncOpenAI, store: bool | None) -> None:
    asked = asking(instructions="Be kind.", metadata={"a": "b"}, tools=TOOLS, temperature=0.5)
    response = await client.responses.create(**asked, store=store)
    assert response.store is (store is not False)
    assert (response.instructions, response.metadata) == ("Be kind.", {"a": "b"})
    assert (response.temperature, len(response.tools)) == (0.5, 3)


async def test_cached_tokens_are_part_of_all(client: AsyncOpenAI) -> None:
    usage = (await client.responses.create(**asking("[cached: 100] [written: 50]"))).usage
    details = usage.input_tokens_details
    assert (details.cached_tokens, details.cache_write_tokens) == (100, 50)
    assert usage.input_tokens == 150 + 4 + 7


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_stock"}, ["get_stock"]),
        ({"type": "custom", "name": "shell"}, ["shell"]),
        ({"type": "allowed_tools", "mode": "required", "tools": [TOOLS[2]]}, ["shell"]),
        ("none", []),
        ("auto", []),
    ],
)
async def test_a_choice_is_honoured(client: AsyncOpenAI, choice: object, called: list[str]) -> None:
    response = await client.responses.create(**asking(tools=TOOLS, tool_choice=choice))
    assert [item.name for item in response.output if "call" in item.type] == called


async def test_a_custom_tool_takes_text(client: AsyncOpenAI) -> None:
    response = await client.responses.create(**asking("shell", tools=TOOLS))
    assert response.output[0].type == "custom_tool_call"
    assert response.output[0].input


async def test_a_format_is_kept(client: AsyncOpenAI) -> None:
    form = {"format": {"type": "json_schema", "name": "city", "schema": CITY}}
    response = await client.responses.create(**asking(text=form))
    assert response.output_text.startswith('{"city":')


async def test_thoughts_are_told_and_sealed_only_if_asked(client: AsyncOpenAI) -> None:
    bare = (await client.responses.create(**asking(model="sim-reason"))).output[0]
    full = (await client.responses.create(**{**asking(), **SEALED})).output[0]
    assert (bare.summary, bare.encrypted_content) == ([], None)
    assert full.summary[0].text
    assert full.encrypted_content.startswith("sim-")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_not_found"),
        ({"input": [{"role": 1}]}, None),
        ({"top_p": 7}, None),
    ],
)
async def test_what_is_no_request_is_refused(
    client: AsyncOpenAI, members: dict, code: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(**asking(extra_body=members))
    assert refused.value.code == code
    assert refused.value.param.startswith(next(iter(members)))


async def test_nothing_is_stored(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(**asking([{"type": "item_reference", "id": "msg_1"}]))


async def test_any_prefix_will_do(simulator: Simulator) -> None:
    base = f"{simulator.url}/openai/v1"
    async with AsyncOpenAI(base_url=base, api_key="any") as client:
        assert (await client.responses.create(**asking())).output_text
        counted = await client.responses.input_tokens.count(**asking())
    assert counted.input_tokens == 6
