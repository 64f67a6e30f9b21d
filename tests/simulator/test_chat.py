"""What a client gets when nothing goes wrong, seen by the official SDK."""

import math

import openai
import pytest
from openai import AsyncOpenAI

from antiphon.simulator import Simulator, SimulatorSpec

HELLO = [{"role": "user", "content": "hello"}]


async def test_a_plain_answer_says_that_it_is_simulated(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.with_raw_response.create(
        model="sim-small", messages=HELLO
    )
    completion = answer.parse()
    assert answer.headers["x-antiphon-simulator"] == "lab"
    assert answer.headers["x-request-id"] == "req_1"
    assert completion.system_fingerprint == "simulator"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.content.startswith("This is a simulated answer.")


async def test_tokens_are_four_bytes_each(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model="sim-small", messages=HELLO)
    said = completion.choices[0].message.content
    assert completion.usage.prompt_tokens == 4 + math.ceil(len("hello") / 4)
    assert completion.usage.completion_tokens == math.ceil(len(said.encode()) / 4)
    assert completion.usage.total_tokens == 6 + completion.usage.completion_tokens


async def test_half_of_a_long_prompt_is_cached(client: AsyncOpenAI) -> None:
    long = [{"role": "user", "content": "x" * 8000}]
    completion = await client.chat.completions.create(model="sim-small", messages=long)
    assert completion.usage.prompt_tokens == 2004
    assert completion.usage.prompt_tokens_details.cached_tokens == 896


async def test_the_same_question_has_the_same_answer_everywhere(client: AsyncOpenAI) -> None:
    first = await client.chat.completions.create(model="sim-small", messages=HELLO)
    again = await client.chat.completions.create(model="sim-small", messages=HELLO)
    assert first.choices == again.choices
    assert first.id != again.id
    async with (
        Simulator(SimulatorSpec(name="twin", seed=7)) as twin,
        AsyncOpenAI(base_url=twin.base_url, api_key="any") as other,
    ):
        elsewhere = await other.chat.completions.create(model="sim-small", messages=HELLO)
    assert elsewhere == first


@pytest.mark.parametrize(
    "other",
    [{"model": "sim-large"}, {"seed": 2}, {"messages": [{"role": "user", "content": "hi"}]}],
)
async def test_another_question_has_another_answer(client: AsyncOpenAI, other: dict) -> None:
    asked = {"model": "sim-small", "messages": HELLO}
    first = await client.chat.completions.create(**asked)
    second = await client.chat.completions.create(**{**asked, **other})
    assert first.choices[0].message.content != second.choices[0].message.content


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_maximum_ends_the_answer(client: AsyncOpenAI, name: str) -> None:
    completion = await client.chat.completions.create(
        model="sim-small", messages=HELLO, **{name: 5}
    )
    assert completion.choices[0].finish_reason == "length"
    assert completion.choices[0].message.content == "This is a simulated "
    assert completion.usage.completion_tokens == 5


async def test_a_stop_word_ends_the_answer(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="sim-small", messages=HELLO, stop=["nowhere", " simulated"]
    )
    assert completion.choices[0].message.content == "This is a"
    assert completion.choices[0].finish_reason == "stop"


async def test_several_choices_differ(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model="sim-small", messages=HELLO, n=3)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in completion.choices}) == 3


async def test_a_stream_says_what_the_plain_answer_says(client: AsyncOpenAI) -> None:
    plain = await client.chat.completions.create(model="sim-reason", messages=HELLO, n=2)
    said, thought, ends = ["", ""], ["", ""], {}
    usage = None
    async for chunk in await client.chat.completions.create(
        model="sim-reason",
        messages=HELLO,
        n=2,
        stream=True,
        stream_options={"include_usage": True},
    ):
        assert chunk.system_fingerprint == "simulator"
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
            thought[choice.index] += getattr(choice.delta, "reasoning_content", None) or ""
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
        if chunk.usage:
            assert chunk.choices == []
            usage = chunk.usage
    assert said == [choice.message.content for choice in plain.choices]
    assert thought == [choice.message.reasoning_content for choice in plain.choices]
    assert ends == {0: "stop", 1: "stop"}
    assert usage == plain.usage


async def test_usage_stays_away_unless_asked_for(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="sim-small", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_thoughts_are_counted_and_can_use_up_the_maximum(client: AsyncOpenAI) -> None:
    full = await client.chat.completions.create(model="sim-reason", messages=HELLO)
    thought = full.choices[0].message.reasoning_content
    details = full.usage.completion_tokens_details
    assert details.reasoning_tokens == math.ceil(len(thought.encode()) / 4) > 0
    short = await client.chat.completions.create(
        model="sim-reason", messages=HELLO, max_completion_tokens=3
    )
    assert short.choices[0].message.content == ""
    assert short.choices[0].finish_reason == "length"
    assert short.usage.completion_tokens == 3
    without = await client.chat.completions.create(
        model="sim-reason", messages=HELLO, reasoning_effort="none"
    )
    assert without.usage.completion_tokens_details.reasoning_tokens == 0


async def test_logprobs_come_if_asked_for(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="sim-small", messages=HELLO, logprobs=True, top_logprobs=3
    )
    tokens = completion.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == completion.choices[0].message.content
    assert all(len(token.top_logprobs) == 3 for token in tokens)
    assert tokens[0].top_logprobs[0].token == tokens[0].token


async def test_marks_steer_the_answer(client: AsyncOpenAI) -> None:
    async def ask(text: str) -> openai.types.chat.ChatCompletion:
        messages = [{"role": "user", "content": text}]
        return await client.chat.completions.create(model="sim-small", messages=messages)

    assert (await ask("x [say: exactly this] y")).choices[0].message.content == "exactly this"
    assert (await ask("[tokens: 321]")).usage.completion_tokens == 321
    refused = (await ask("[refuse]")).choices[0].message
    assert refused.content is None
    assert "refuse" in refused.refusal
    assert (await ask("[filter]")).choices[0].finish_reason == "content_filter"


async def test_content_may_come_in_parts(client: AsyncOpenAI) -> None:
    parts = [
        {"type": "text", "text": "[say: parts]"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    completion = await client.chat.completions.create(
        model="sim-small", messages=[{"role": "user", "content": parts}]
    )
    assert completion.choices[0].message.content == "parts"
    assert completion.usage.prompt_tokens == 4 + 3 + 85


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert [model.id for model in models] == ["sim-small", "sim-large", "sim-reason"]
    assert {model.owned_by for model in models} == {"antiphon-simulator"}


async def test_any_prefix_leads_to_the_same_place(simulator: Simulator) -> None:
    for base in (simulator.url, f"{simulator.url}/openai/v1", f"{simulator.url}/a/b/c"):
        async with AsyncOpenAI(base_url=base, api_key="any", max_retries=0) as client:
            completion = await client.chat.completions.create(model="m", messages=HELLO)
            assert completion.model == "m"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "no role"}]}, "messages[0]"),
        ({"model": 7}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 9}, "temperature"),
        ({"n": 0}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"tool_choice": {"type": "function", "function": {"name": "nobody"}}}, "tool_choice"),
    ],
)
async def test_a_bad_request_is_refused(client: AsyncOpenAI, asked: dict, param: str) -> None:
    body = {"model": "sim-small", "messages": HELLO, **asked}
    with pytest.raises(openai.BadRequestError) as caught:
        await client.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"a":' * 50_000])
async def test_what_is_no_json_is_refused(simulator: Simulator, body: bytes) -> None:
    async with openai.DefaultAsyncHttpxClient() as http:
        answer = await http.post(f"{simulator.base_url}/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_an_unknown_path_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.post("/fine_tuning/jobs", body={}, cast_to=object)


async def test_keys_are_checked_if_there_are_any(simulator: Simulator, client: AsyncOpenAI) -> None:
    simulator.set_keys(frozenset({"sk-good"}))
    with pytest.raises(openai.AuthenticationError) as caught:
        await client.chat.completions.create(model="sim-small", messages=HELLO)
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        await client.models.list()
    await client.with_options(api_key="sk-good").models.list()
    azure = {"api-key": "sk-good", "Authorization": openai.Omit()}
    await client.chat.completions.create(model="sim-small", messages=HELLO, extra_headers=azure)
    simulator.set_keys(None)
    await client.models.list()


async def test_vectors_of_tokens_and_of_no_size_that_anybody_has(client: AsyncOpenAI) -> None:
    for asked, wanted in (([1, 2], 1), ([[1, 2], [3]], 2), (["a", "b"], 2), ("a", 1)):
        told = await client.embeddings.create(model="m", input=asked)
        assert len(told.data) == wanted
    largest = await client.embeddings.create(model="m", input="a", dimensions=16_384)
    assert len(largest.data[0].embedding) == 16_384
    for size in (10**9, 0, -1):
        with pytest.raises(openai.BadRequestError, match="dimensions"):
            await client.embeddings.create(model="m", input="a", dimensions=size)
    with pytest.raises(openai.BadRequestError, match="input"):
        await client.embeddings.create(model="m", input=["a"] * 2049)
