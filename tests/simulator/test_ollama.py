"""Ollama's own API when nothing goes wrong, seen by the official SDK."""

import json
from collections.abc import AsyncIterator
from math import isclose

import httpx2
import ollama as sdk
import pytest
from ollama import AsyncClient

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.callers import RECORDINGS

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "", "parameters": CITY}}
    for name in ("get_weather", "get_stock")
]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(host=simulator.url) as running:
        yield running


def asking(text: str = "hello", model: str = "sim-small", **members: object) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": text}], **members}


async def streamed(client: AsyncClient, **asked: object) -> list[sdk.ChatResponse]:
    return [line async for line in await client.chat(**asked, stream=True)]


def joined(lines: list[sdk.ChatResponse]) -> dict:
    """What a stream amounts to."""
    whole = lines[-1].model_dump()
    messages = [line.message for line in lines]
    whole["message"] |= {
        "content": "".join(one.content or "" for one in messages),
        "thinking": "".join(one.thinking or "" for one in messages) or None,
        "tool_calls": [c.model_dump() for m in messages for c in m.tool_calls or ()] or None,
    }
    probable = [each.model_dump() for line in lines for each in line.logprobs or ()]
    return whole | {"logprobs": probable or None}


async def test_a_plain_answer_says_that_it_is_simulated(client: AsyncClient) -> None:
    answer = await client.chat(**asking())
    assert answer.message.content.startswith("This is a simulated answer.")
    assert (answer.model, answer.done, answer.done_reason) == ("sim-small", True, "stop")
    assert answer.prompt_eval_count == 4 + 2
    assert answer.eval_count == -(-len(answer.message.content.encode()) // 4)
    spent = answer.load_duration + answer.prompt_eval_duration + answer.eval_duration
    assert answer.total_duration == spent > 0


@pytest.mark.parametrize(
    "asked",
    [
        asking(),
        asking(model="sim-reason"),
        asking("get_weather and get_stock [say: Let me see.]", "sim-reason", tools=TOOLS),
        asking("[refuse]"),
        asking("[filter]"),
        asking("[tokens: 90]", options={"num_predict": 20}),
        asking("[say: one two three]", options={"stop": ["three", "two"]}),
        asking("[say: a b]", logprobs=True, top_logprobs=2),
        asking(think="high", format=CITY),
    ],
)
async def test_a_stream_put_together_is_the_plain_answer(client: AsyncClient, asked: dict) -> None:
    plain = await client.chat(**asked)
    lines = await streamed(client, **asked)
    assert joined(lines) == plain.model_dump()
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]


async def test_streams_are_the_default_and_lines(simulator: Simulator) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        for path, asked in (
            ("/api/chat", asking("[say: a b]")),
            ("/ollama/api/generate", {"model": "m", "prompt": "[say: a b]"}),
        ):
            answer = await http.post(path, json=asked)
            assert answer.headers["content-type"] == "application/x-ndjson"
            assert [json.loads(line)["done"] for line in answer.text.splitlines()] == [
                *(False, False, True)
            ]
            whole = await http.post(path, json={**asked, "stream": False})
            assert whole.headers["content-type"] == "application/json; charset=utf-8"
            assert whole.json()["done"]


@pytest.mark.parametrize(
    ("asked", "text", "reason"),
    [
        (asking("[say: one two three]", options={"stop": ["two"]}), "one ", "stop"),
        (asking("[say: one two three]", options={"num_predict": 1}), "one ", "length"),
        (asking("[say: one two three]", options={"num_predict": -1}), "one two three", "stop"),
    ],
)
async def test_options_end_an_answer(
    client: AsyncClient, asked: dict, text: str, reason: str
) -> None:
    answer = await client.chat(**asked)
    assert (answer.message.content, answer.done_reason) == (text, reason)


async def test_a_seed_gives_another_answer(client: AsyncClient) -> None:
    told = [(await client.chat(**asking(options={"seed": n}))).message.content for n in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


async def test_calls_are_whole_and_their_arguments_are_objects(client: AsyncClient) -> None:
    asked = asking("get_weather and get_stock", tools=TOOLS)
    lines = await streamed(client, **asked)
    calls = [call for line in lines for call in line.message.tool_calls or ()]
    assert [call.function.name for call in calls] == ["get_weather", "get_stock"]
    assert all(set(call.function.arguments) == {"city"} for call in calls)
    assert len([line for line in lines if line.message.tool_calls]) == 2
    assert lines[-1].done_reason == "stop"


async def test_calls_have_ids_and_numbers(simulator: Simulator) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        asked = asking("get_weather and get_stock", tools=TOOLS, stream=False)
        calls = (await http.post("/api/chat", json=asked)).json()["message"]["tool_calls"]
    assert [call["function"]["index"] for call in calls] == [0, 1]
    assert all(len(call["id"]) == len("call_") + 8 for call in calls)
    assert calls[0]["id"] != calls[1]["id"]


async def test_a_tool_loop_ends_in_words(client: AsyncClient) -> None:
    asked = asking("weather", tools=TOOLS)
    first = await client.chat(**asked)
    result = {"role": "tool", "tool_name": "get_weather", "content": "21 degrees"}
    asked["messages"] = [*asked["messages"], first.message, result]
    second = await client.chat(**asked)
    assert not second.message.tool_calls
    assert "21 degrees" in second.message.content


@pytest.mark.parametrize(
    ("model", "think", "thinks"),
    [
        ("sim-small", None, False),
        ("sim-small", True, True),
        ("sim-small", False, False),
        ("sim-reason", None, True),
        ("sim-reason", False, False),
        ("sim-reason", "low", True),
    ],
)
async def test_thoughts_are_asked_for(
    client: AsyncClient, model: str, think: bool | str | None, *, thinks: bool
) -> None:
    chat = await client.chat(**asking(model=model, think=think))
    generated = await client.generate(model=model, prompt="hello", think=think)
    assert bool(chat.message.thinking) == bool(generated.thinking) == thinks
    assert chat.message.content.startswith("This is a simulated answer.")


async def test_more_effort_is_more_thought(client: AsyncClient) -> None:
    told = [await client.chat(**asking(think=level)) for level in ("low", "medium", "max")]
    lengths = [len(one.message.thinking) for one in told]
    assert lengths == sorted(set(lengths))


async def test_a_format_is_kept(client: AsyncClient) -> None:
    told = await client.chat(**asking(format=CITY))
    assert list(json.loads(told.message.content)) == ["city"]
    anything = await client.generate(model="m", prompt="hello", format="json")
    assert json.loads(anything.response)["simulated"] is True


async def test_pictures_count(client: AsyncClient) -> None:
    with_picture = {"role": "user", "content": "hello", "images": [PIXEL]}
    plain = await client.chat(**asking())
    seen = await client.chat(model="sim-small", messages=[with_picture])
    assert seen.prompt_eval_count == plain.prompt_eval_count + 85
    generated = await client.generate(model="m", prompt="hello", images=[PIXEL, PIXEL])
    assert generated.prompt_eval_count == 4 + 2 + 2 * 85


async def test_probabilities_are_told_if_asked(client: AsyncClient) -> None:
    told = await client.chat(**asking("[say: a b]", logprobs=True, top_logprobs=2))
    assert [each.token for each in told.logprobs] == ["a", " b"]
    assert [len(each.top_logprobs) for each in told.logprobs] == [2, 2]
    assert (await client.chat(**asking())).logprobs is None


async def test_what_was_generated_is_remembered(client: AsyncClient) -> None:
    first = await client.generate(model="m", prompt="[say: one two]", system="Be short.")
    assert first.response == "one two"
    told = b"".join(n.to_bytes(4, "big").lstrip(b"\0") for n in first.context).decode()
    assert "Be short." in told
    assert told.endswith("one two")
    second = await client.generate(model="m", prompt="go on", context=first.context)
    alone = await client.generate(model="m", prompt="go on")
    assert second.prompt_eval_count == alone.prompt_eval_count + len(first.context)
    assert second.response != alone.response
    assert second.context[: len(first.context) // 2] == first.context[: len(first.context) // 2]


async def test_a_raw_prompt_is_taken_as_it_is(client: AsyncClient) -> None:
    raw = await client.generate(model="m", prompt="hello", raw=True)
    assert raw.context is None
    assert raw.prompt_eval_count == 2
    told = await client.generate(model="m", prompt="hello", template="{{ .Prompt }}")
    filled = await client.generate(model="m", prompt="hello", suffix="world")
    assert len({raw.response, told.response, filled.response}) == 3


async def test_models_are_loaded_and_let_go(client: AsyncClient) -> None:
    async def in_memory() -> list[str]:
        return [model.model for model in (await client.ps()).models]

    assert await in_memory() == []
    loaded = await client.chat(model="sim-small", messages=[])
    assert (loaded.done_reason, loaded.message.content) == ("load", "")
    assert (await client.generate(model="hf.co/a/b:Q4_K_M")).done_reason == "load"
    assert await in_memory() == ["hf.co/a/b:Q4_K_M", "sim-small:latest"]
    gone = await client.generate(model="sim-small", keep_alive=0)
    assert gone.done_reason == "unload"
    left = await client.chat(model="hf.co/a/b:Q4_K_M", messages=[], keep_alive="0s")
    assert left.done_reason == "unload"
    assert await in_memory() == []
    await client.chat(**asking(keep_alive="5m"))
    await client.chat(**asking(model="other+fault:crlf"))
    assert await in_memory() == ["sim-small:latest"]


async def test_texts_become_vectors(client: AsyncClient) -> None:
    told = await client.embed(model="m", input=["one", "two", "one"])
    first, second, third = told.embeddings
    assert first == third != second
    assert isclose(sum(each * each for each in first), 1, abs_tol=1e-6)
    assert told.prompt_eval_count == 3
    short = await client.embed(model="m", input="one", dimensions=4)
    assert isclose(sum(each * each for each in short.embeddings[0]), 1, abs_tol=1e-6)
    assert len(short.embeddings[0]) == 4
    assert (await client.embed(model="m", input=[])).embeddings == []
    older = await client.embeddings(model="m", prompt="one")
    assert isclose(older.embedding[0] / older.embedding[1], first[0] / first[1], abs_tol=1e-4)
    assert (await client.embeddings(model="m", prompt="")).embedding == []


async def test_models_are_listed_and_shown(client: AsyncClient) -> None:
    listed = (await client.list()).models
    assert [model.model for model in listed] == [
        *("sim-small:latest", "sim-large:latest", "sim-reason:latest")
    ]
    assert {model.details.family for model in listed} == {"antiphon-simulator"}
    shown = await client.show("sim-reason")
    assert shown.capabilities == ["completion", "tools", "thinking"]
    assert shown.modelinfo["antiphon-simulator.context_length"] == 131_072


async def test_a_server_is_there(simulator: Simulator) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        assert (await http.get("/")).text == "Ollama is running"
        for path in ("/", "/api/tags", "/api/version"):
            answer = await http.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
        assert (await http.get("/api/version")).json() == {"version": "0.30.0-simulator"}
        nowhere = await http.post("/api/pull", json={"model": "m"})
        assert (nowhere.status_code, nowhere.text) == (404, "404 page not found")


async def test_keys_are_checked_if_there_are_any() -> None:
    async with Simulator(SimulatorSpec(keys=frozenset({"sk-good"}))) as lab:
        good = {"authorization": "Bearer sk-good"}
        async with AsyncClient(host=lab.url, headers=good) as client:
            assert (await client.chat(**asking())).done
            assert len((await client.list()).models) == 3
        async with AsyncClient(host=lab.url) as client:
            for call in (client.chat(**asking()), client.list(), client.embed("m", "x")):
                with pytest.raises(sdk.ResponseError, match="Incorrect API key") as refused:
                    await call
                assert refused.value.status_code == 401


@pytest.mark.parametrize(
    ("fault", "status"),
    [("rate-limited", 429), ("overloaded", 503), ("bad-key", 401), ("no-model", 404)],
)
async def test_the_sdk_knows_the_errors(client: AsyncClient, fault: str, status: int) -> None:
    calls = (
        client.chat(**asking(model=f"hf.co/a/b:Q4_K_M+fault:{fault}")),
        client.generate(model=f"fault:{fault}", prompt="x"),
        client.embed(model=f"m+fault:{fault}", input="x"),
        streamed(client, **asking(model=f"m+fault:{fault}")),
    )
    for call in calls:
        with pytest.raises(sdk.ResponseError) as raised:
            await call
        assert raised.value.status_code == status


async def test_the_sdk_raises_on_an_error_inside(client: AsyncClient) -> None:
    with pytest.raises(sdk.ResponseError, match="an error was encountered while running"):
        await streamed(client, **asking(model="m+fault:error-event"))


async def test_marks_are_known_from_parts_of_names(client: AsyncClient) -> None:
    for name in ("my-default:7b", "hf.co/a/b-default:Q4_K_M", "x-replay:latest"):
        assert (await client.chat(**asking(model=name))).model == name


async def test_a_recording_comes_back(simulator: Simulator) -> None:
    name = json.loads(RECORDINGS.read_text().splitlines()[0])["id"]
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        chat = await http.post("/v1/chat/completions", json=asking(model=f"replay:{name}"))
        told = await http.post("/api/chat", json=asking(model=f"replay:{name}"))
        cut = await http.post("/api/chat", json=asking(model=f"replay:{name}+fault:gzip"))
        assert told.content == chat.content == cut.content
        assert (await http.get("/api/ps")).json() == {"models": []}
