"""Anthropic Messages when nothing goes wrong, seen by the official SDK."""

import anthropic as sdk
import httpx2
import pytest
from anthropic import AsyncAnthropic

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.callers import Raw, events_of

HELLO = [{"role": "user", "content": "hello"}]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"name": "get_weather", "input_schema": CITY},
    {"name": "get_stock", "input_schema": {"type": "object"}},
]


_GIVEN = {"type": "tool_result", "tool_use_id": "a"}


def asking(text: str = "hello", model: str = "sim-small", **members: object) -> dict:
    said = [{"role": "user", "content": text}]
    return {"model": model, "max_tokens": 1000, "messages": said, **members}


async def streamed(client: AsyncAnthropic, **asked: object) -> sdk.types.Message:
    async with client.messages.stream(**asked) as stream:
        return await stream.get_final_message()


async def test_a_plain_answer_says_that_it_is_simulated(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.with_raw_response.create(**asking())
    message = await answer.parse()
    assert answer.headers["x-antiphon-simulator"] == "lab"
    assert answer.headers["request-id"] == "req_1"
    assert message.stop_reason == "end_turn"
    assert message.content[0].text.startswith("This is a simulated answer.")
    assert message.usage.input_tokens == 4 + 2
    assert message.usage.output_tokens == -(-len(message.content[0].text.encode()) // 4)


@pytest.mark.parametrize(
    "asked",
    [
        asking(),
        asking(model="sim-reason"),
        asking("get_weather and get_stock [say: Let me see.]", "sim-reason", tools=TOOLS),
        asking("[refuse]"),
        asking("[filter]"),
        asking("[tokens: 90]", max_tokens=20),
        asking("[say: one two three]", stop_sequences=["three", "two"]),
        asking("[cached: 100] [written: 50]"),
    ],
)
async def test_a_stream_put_together_is_the_plain_answer(
    anthropic: AsyncAnthropic, asked: dict
) -> None:
    plain = await anthropic.messages.create(**asked)
    told = await streamed(anthropic, **asked)
    without = {"id", "content", "usage"}
    assert told.model_dump(exclude=without) == plain.model_dump(exclude=without)
    assert [block.to_dict(exclude_none=True) for block in told.content] == [
        block.to_dict(exclude_none=True) for block in plain.content
    ]
    assert told.usage == plain.usage


@pytest.mark.parametrize(
    ("asked", "reason", "sequence"),
    [
        (asking("[refuse]"), "refusal", None),
        (asking("[filter]"), "refusal", None),
        (asking("[tokens: 90]", max_tokens=20), "max_tokens", None),
        (asking("[say: one two three]", stop_sequences=["three", "two"]), "stop_sequence", "two"),
        (asking("weather", tools=TOOLS), "tool_use", None),
    ],
)
async def test_it_says_why_it_stopped(
    anthropic: AsyncAnthropic, asked: dict, reason: str, sequence: str | None
) -> None:
    message = await anthropic.messages.create(**asked)
    assert (message.stop_reason, message.stop_sequence) == (reason, sequence)


async def test_events_come_in_their_order(raw_in: Raw) -> None:
    answer = await raw_in("anthropic-messages", "sim-reason", text="[say: a b]", stream=True)
    kinds = [event["type"] for event in events_of(answer)]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("message_start") == kinds.count("message_stop") == 1
    blocks = [event for event in events_of(answer) if event["type"] == "content_block_delta"]
    deltas = [event["delta"]["type"] for event in blocks]
    assert deltas[-3:] == ["signature_delta", "text_delta", "text_delta"]


async def test_cached_tokens_count_apart(anthropic: AsyncAnthropic) -> None:
    usage = (await anthropic.messages.create(**asking("[cached: 100] [written: 50]"))).usage
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (100, 50)
    assert usage.cache_creation.ephemeral_5m_input_tokens == 50
    assert usage.input_tokens == 4 + 7


@pytest.mark.parametrize(
    ("members", "called"),
    [
        ({"tool_choice": {"type": "any"}}, ["get_weather"]),
        ({"tool_choice": {"type": "tool", "name": "get_stock"}}, ["get_stock"]),
        ({"tool_choice": {"type": "none"}}, []),
        ({}, []),
    ],
)
async def test_a_choice_is_honoured(
    anthropic: AsyncAnthropic, members: dict, called: list[str]
) -> None:
    message = await anthropic.messages.create(**asking(tools=TOOLS, **members))
    assert [block.name for block in message.content if block.type == "tool_use"] == called


async def test_one_call_at_a_time_if_asked(anthropic: AsyncAnthropic) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    asked = asking("get_weather and get_stock", tools=TOOLS, tool_choice=choice)
    message = await anthropic.messages.create(**asked)
    assert [block.name for block in message.content] == ["get_weather"]
    assert set(message.content[0].input) == {"city"}


async def test_a_format_is_kept(anthropic: AsyncAnthropic) -> None:
    form = {"format": {"type": "json_schema", "schema": CITY}}
    message = await anthropic.messages.create(**asking(output_config=form))
    assert message.content[0].text.startswith('{"city":')


async def test_thoughts_can_be_asked_for_and_hidden(anthropic: AsyncAnthropic) -> None:
    on = {"type": "adaptive", "display": "summarized"}
    shown = await anthropic.messages.create(**asking(thinking=on))
    hidden = await anthropic.messages.create(**asking(thinking={**on, "display": "omitted"}))
    assert shown.content[0].thinking
    assert hidden.content[0].thinking == ""
    assert hidden.content[0].signature == shown.content[0].signature
    assert hidden.usage.output_tokens_details.thinking_tokens > 0


async def test_tokens_are_counted(anthropic: AsyncAnthropic) -> None:
    counted = await anthropic.messages.count_tokens(model="sim-small", messages=HELLO, tools=TOOLS)
    message = await anthropic.messages.create(**asking(tools=TOOLS))
    assert counted.input_tokens == message.usage.input_tokens


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"max_tokens": "many"}, "max_tokens: "),
        ({"messages": []}, "messages: "),
        ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
        ({"temperature": 1.5}, "temperature: "),
        *(
            (
                {"messages": [{"role": "user", "content": [{**_GIVEN, "content": content}]}]},
                "",
            )
            for content in (7, {"a": 1}, ["x"], [{"text": "no type"}], [{**_GIVEN, "content": 1}])
        ),
        ({"system": [{**_GIVEN, "content": 7}]}, ""),
    ],
)
async def test_what_is_no_request_is_refused(
    anthropic: AsyncAnthropic, members: dict, told: str
) -> None:
    with pytest.raises(sdk.BadRequestError) as refused:
        await anthropic.messages.create(**{**asking(), "extra_body": members})
    assert refused.value.body["error"]["type"] == "invalid_request_error"
    assert refused.value.body["error"]["message"].startswith(told)


@pytest.mark.parametrize(
    ("headers", "members", "told"),
    [
        ({}, {}, "anthropic-version: header is required"),
        ({"anthropic-version": "2024"}, {}, 'anthropic-version: "2024" is not a valid version'),
        ({"anthropic-version": "2026-10-21"}, {"temperature": 1}, "temperature: Extra inputs"),
        ({"anthropic-version": "2026-10-21"}, {"top_k": 1}, "top_k: Extra inputs"),
    ],
)
async def test_versions_are_checked(
    simulator: Simulator, headers: dict, members: dict, told: str
) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url, headers=headers) as http:
        answer = await http.post("/v1/messages", json={**asking(), **members})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(told)


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_keys_are_checked(header: str) -> None:
    async with Simulator(SimulatorSpec(keys=frozenset({"sk-good"}))) as lab:
        for key, status in (("sk-good", 200), ("sk-bad", 401)):
            sent = {header: f"Bearer {key}" if header == "authorization" else key}
            sent["anthropic-version"] = "2023-06-01"
            async with httpx2.AsyncClient(base_url=lab.url, headers=sent) as http:
                for path in ("/v1/messages", "/anthropic/v1/messages", "/v1/messages/count_tokens"):
                    answer = await http.post(path, json=asking())
                    assert answer.status_code == status
                    assert status == 200 or answer.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate-limited", "RateLimitError"),
        ("overloaded-529", "OverloadedError"),
        ("quota", "APIStatusError"),
        ("bad-key", "AuthenticationError"),
        ("forbidden", "PermissionDeniedError"),
        ("no-model", "NotFoundError"),
        ("context-length", "BadRequestError"),
        ("server-error", "InternalServerError"),
    ],
)
async def test_the_sdk_knows_the_errors(anthropic: AsyncAnthropic, fault: str, error: str) -> None:
    with pytest.raises(sdk.APIStatusError) as raised:
        await anthropic.messages.create(**asking(model=f"fault:{fault}"))
    assert raised.value.body["type"] == "error"
    assert error in {each.__name__ for each in type(raised.value).__mro__}
