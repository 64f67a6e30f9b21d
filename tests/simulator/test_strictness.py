"""What a strict simulator refuses, as real providers do, and what it does not."""

from collections.abc import AsyncIterator

import anthropic as sdk
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from antiphon.simulator import Simulator, SimulatorSpec

ASKED = {"role": "user", "content": "get_weather get_stock"}
OBJECT = {"type": "object"}
MESSAGES_TOOLS = [{"name": name, "input_schema": OBJECT} for name in ("get_weather", "get_stock")]
RESPONSES_TOOLS = [
    {"type": "function", "name": name, "parameters": OBJECT, "strict": False}
    for name in ("get_weather", "get_stock")
]
CHAT_TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": OBJECT}}
    for name in ("get_weather", "get_stock")
]
OLDER = {"anthropic-version": "2023-06-01"}
MANUAL = {"type": "enabled", "budget_tokens": 1024}


@pytest.fixture
async def strict() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(name="strict", seed=7, strict=True)) as running:
        yield running


@pytest.fixture
async def anthropic(strict: Simulator) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=strict.url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
async def client(strict: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=strict.base_url, api_key="any", max_retries=0) as openai_client:
        yield openai_client


# Anthropic Messages


def message(*said: dict, **members: object) -> dict:
    turns = said or ({"role": "user", "content": "hello"},)
    return {"model": "sim-small", "max_tokens": 4096, "messages": list(turns), **members}


def user(*content: dict) -> dict:
    return {"role": "user", "content": list(content)}


def assistant(*content: dict) -> dict:
    return {"role": "assistant", "content": list(content)}


def use(id_: str = "toolu_1", name: str = "get_weather") -> dict:
    return {"type": "tool_use", "id": id_, "name": name, "input": {}}


def result(id_: str = "toolu_1") -> dict:
    return {"type": "tool_result", "tool_use_id": id_, "content": "21"}


def text(said: str) -> dict:
    return {"type": "text", "text": said}


def thought(signature: str) -> dict:
    return {"type": "thinking", "thinking": "Hm.", "signature": signature}


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (message(odd=1), "odd: Extra inputs are not permitted"),
        (message(assistant(text("x"))), 'first message must use the "user" role'),
        (message(user(text(""))), "text content blocks must be non-empty"),
        (message(user(text(" \n"))), "must contain non-whitespace text"),
        (message(ASKED, {"role": "tool", "content": "x"}), "messages.1.role: Input should be"),
        (message({"role": "user", "content": ""}), "all messages must have non-empty content"),
        (message(ASKED, assistant(text("x "))), "cannot end with trailing whitespace"),
        (message(ASKED, assistant(use())), "messages.1: `tool_use` ids were found without"),
        (message(ASKED, assistant(use()), user(text("x"))), "without `tool_result` blocks"),
        (message(ASKED, assistant(use()), user(text("x"), result())), "without `tool_result`"),
        (
            message(
                ASKED, assistant(use(), use("toolu_2")), user(result()), user(result("toolu_2"))
            ),
            "immediately after: toolu_2.",
        ),
        (
            message(user(result())),
            "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1",
        ),
        (
            message(ASKED, assistant(use()), user(result(), result())),
            "each tool_use must have a single result",
        ),
        (message(ASKED, assistant(use(), use()), user(result())), "ids must be unique"),
        (message(ASKED, assistant(use("a.b")), user(result("a.b"))), "tool_use.id: String should"),
        (message(tools=[{"name": "a b", "input_schema": OBJECT}]), "tools.0.custom.name: String"),
        (message(tools=[{"name": "a", "input_schema": {}}]), "input_schema.type: Field required"),
        (message(tools=[MESSAGES_TOOLS[0]] * 2), "Tool names must be unique"),
        (message(tool_choice={"type": "any"}), "may only be specified while providing tools"),
        (message(stop_sequences=[" "]), "each stop sequence must contain non-whitespace"),
        (message(thinking={**MANUAL, "budget_tokens": 5}), "greater than or equal to 1024"),
        (message(thinking=MANUAL, max_tokens=1024), "`max_tokens` must be greater than"),
        (
            message(thinking=MANUAL, tools=MESSAGES_TOOLS, tool_choice={"type": "any"}),
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            message(ASKED, assistant(thought("made-up"), text("x")), ASKED),
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        (
            message(ASKED, assistant({"type": "redacted_thinking", "data": "x"}), ASKED),
            "Invalid `data` in `redacted_thinking` block",
        ),
        (
            message(ASKED, assistant(use()), user(result()), thinking=MANUAL),
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`",
        ),
        (
            message(
                *(user({**text("x"), "cache_control": {"type": "ephemeral"}}) for _ in range(5))
            ),
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            message(model="sim-5-5", extra_body={"temperature": 1}, extra_headers=OLDER),
            "`temperature` is not supported",
        ),
        (
            message(ASKED, assistant(text("x")), model="sim-5-5"),
            "does not support assistant message",
        ),
        (
            message(model="sim-5-5", tools=MESSAGES_TOOLS, tool_choice={"type": "any"}),
            "forced tool use is not supported",
        ),
    ],
)
async def test_a_message_is_refused(anthropic: AsyncAnthropic, asked: dict, refusal: str) -> None:
    extra = {name: asked.pop(name) for name in ("odd",) if name in asked}
    asked["extra_body"] = {**asked.get("extra_body", {}), **extra}
    with pytest.raises(sdk.BadRequestError) as refused:
        await anthropic.messages.create(**asked)
    assert refused.value.body["error"]["type"] == "invalid_request_error"
    assert refusal in refused.value.body["error"]["message"]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
async def test_a_tool_loop_of_messages_is_taken(anthropic: AsyncAnthropic, display: str) -> None:
    asked = message(ASKED, thinking={**MANUAL, "display": display}, tools=MESSAGES_TOOLS)
    called = await anthropic.messages.create(**asked)
    assert [block.type for block in called.content] == ["thinking", "tool_use", "tool_use"]
    results = [result(block.id) for block in called.content if block.type == "tool_use"]
    asked["messages"] += [{"role": "assistant", "content": called.content}, user(*results)]
    assert "21" in (await anthropic.messages.create(**asked)).content[1].text


@pytest.mark.parametrize("other", [{"model": "sim-large"}, {"seed": 8}, {"thinking": "Other."}])
async def test_another_s_thought_is_refused(anthropic: AsyncAnthropic, other: dict) -> None:
    asked = message(ASKED, thinking=MANUAL)
    first = (await anthropic.messages.create(**asked)).content
    blocks = [block.to_dict(exclude_none=True) for block in first]
    blocks[0]["thinking"] = other.get("thinking", blocks[0]["thinking"])
    asked["messages"] += [{"role": "assistant", "content": blocks}, ASKED]
    asked["model"] = other.get("model", "sim-small")
    spec = SimulatorSpec(seed=other.get("seed", 7), strict=True)
    async with (
        Simulator(spec) as elsewhere,
        AsyncAnthropic(base_url=elsewhere.url, api_key="any", max_retries=0) as client,
    ):
        with pytest.raises(sdk.BadRequestError, match="Invalid `signature` in `thinking` block"):
            await client.messages.create(**asked)


# OpenAI Responses


def call(call_id: str = "call_1", **members: object) -> dict:
    made = {"type": "function_call", "call_id": call_id, "name": "get_weather", "arguments": "{}"}
    return {**made, **members}


def output(call_id: str = "call_1", **members: object) -> dict:
    return {"type": "function_call_output", "call_id": call_id, "output": "21", **members}


def reasoning(**members: object) -> dict:
    return {"type": "reasoning", "id": "rs_1", "summary": [], **members}


@pytest.mark.parametrize(
    ("items", "members", "refusal", "code"),
    [
        ([], {"odd": 1}, "Unknown parameter: 'odd'.", "unknown_parameter"),
        ([call()], {}, "No tool output found for function call call_1.", None),
        ([output()], {}, "No tool call found for function call output with call_id call_1.", None),
        ([output(), call()], {}, "No tool call found for function call output", None),
        ([call(), call(), output()], {}, "Duplicate item found", None),
        (
            [{"type": "custom_tool_call", "call_id": "c", "name": "x", "input": "y"}],
            {},
            "No tool output found for custom tool call c.",
            None,
        ),
        ([call(id="x"), output()], {}, "Expected an ID that begins with 'fc'.", "invalid_value"),
        (
            [call("c" * 65), output("c" * 65)],
            {},
            "maximum length 64",
            "string_above_max_length",
        ),
        (
            [reasoning(encrypted_content="foreign"), call(), output()],
            {},
            "The encrypted content foreign... could not be verified.",
            "invalid_encrypted_content",
        ),
        ([reasoning(), ASKED], {}, "without its required following item.", None),
        (
            [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}],
            {},
            "Supported values are: 'output_text', 'refusal'.",
            "invalid_value",
        ),
        ([], {"max_output_tokens": 15}, "Expected a value >= 16", "integer_below_min_value"),
        ([], {"model": "sim-reason", "temperature": 1}, "'temperature' is not supported", None),
        (
            [],
            {"tools": [{**RESPONSES_TOOLS[0], "name": "a b"}]},
            "Expected a string that matches the pattern",
            "invalid_value",
        ),
        ([], {"tool_choice": "required"}, "must be specified with 'tools'", None),
        (
            [],
            {"tool_choice": {"type": "function", "name": "f"}},
            "must be specified with 'tools'",
            None,
        ),
    ],
)
async def test_a_response_is_refused(
    client: AsyncOpenAI, items: list, members: dict, refusal: str, code: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(model="sim-small", input=[ASKED, *items], extra_body=members)
    assert refusal in refused.value.body["message"]
    assert refused.value.code == code


async def test_a_tool_loop_of_items_is_taken(client: AsyncOpenAI) -> None:
    asked = {
        "model": "sim-reason",
        "input": [ASKED],
        "tools": RESPONSES_TOOLS,
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    called = await client.responses.create(**asked)
    assert [item.type for item in called.output] == ["reasoning", "function_call", "function_call"]
    asked["input"] += [item.to_dict() for item in called.output]
    asked["input"] += [output(item.call_id) for item in called.output[1:]]
    assert "21" in (await client.responses.create(**asked)).output_text
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(**{**asked, "model": "sim-reason-other"})
    assert refused.value.code == "invalid_encrypted_content"


# OpenAI Chat Completions


def chat_call(id_: str = "call_1") -> dict:
    return {"id": id_, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}


def calling(*ids: str) -> dict:
    return {"role": "assistant", "content": None, "tool_calls": [chat_call(id_) for id_ in ids]}


def tool(id_: str = "call_1") -> dict:
    return {"role": "tool", "tool_call_id": id_, "content": "21"}


ORPHAN = "must be a response to a preceeding message with 'tool_calls'"
UNANSWERED = "did not have response messages: call_"


@pytest.mark.parametrize(
    ("turns", "refusal"),
    [
        ([tool()], ORPHAN),
        ([calling("call_1")], UNANSWERED),
        ([calling("call_1"), ASKED, tool()], UNANSWERED),
        ([calling("call_1", "call_2"), tool("call_2")], UNANSWERED + "1"),
        ([calling("call_1"), tool("call_2")], "'tool_call_id' of 'call_2' not found"),
        ([calling("call_1"), tool(), tool()], "'tool_call_id' of 'call_1' not found"),
        ([calling("call_1"), tool(), ASKED, tool()], ORPHAN),
    ],
)
async def test_a_conversation_is_refused(
    client: AsyncOpenAI, turns: list[dict], refusal: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="sim-small", messages=[ASKED, *turns])
    assert refusal in refused.value.body["message"]


async def test_usage_of_a_stream_is_asked_for_where_there_is_one(client: AsyncOpenAI) -> None:
    said = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.BadRequestError, match="only allowed when 'stream' is enabled"):
        await client.chat.completions.create(
            model="sim-small", messages=said, stream_options={"include_usage": True}
        )


async def test_a_tool_loop_of_chat_is_taken(client: AsyncOpenAI) -> None:
    turns = [ASKED, calling("call_1", "call_2"), tool("call_2"), tool("call_1")]
    answer = await client.chat.completions.create(
        model="sim-small", messages=turns, tools=CHAT_TOOLS
    )
    assert "21" in answer.choices[0].message.content


async def test_none_of_it_is_refused_without_being_asked_for(simulator_of_any: Simulator) -> None:
    base = simulator_of_any.base_url
    async with AsyncOpenAI(base_url=base, api_key="any", max_retries=0) as openai_client:
        chat = openai_client.chat.completions
        assert await chat.create(model="sim-small", messages=[ASKED, tool()])
        assert await openai_client.responses.create(model="sim-small", input=[ASKED, output()])
    async with AsyncAnthropic(base_url=simulator_of_any.url, api_key="any") as anthropic_client:
        assert await anthropic_client.messages.create(**message(user(result())))


@pytest.fixture
async def simulator_of_any() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running
