"""The main job, through OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import re

import pydantic
import pytest

from antiphon.simulator import Outcome, Simulator
from tests.server.stage import HELLO, KEY

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def alike(answer: bytes) -> bytes:
    """Without the id, which the simulator makes anew for each answer."""
    return re.sub(rb'"id":"chatcmpl-[^"]*"', b'"id":""', answer)


def left(simulator: Simulator) -> bool:
    """Whether the last caller of a simulator hung up."""
    return simulator.received[-1].outcome is Outcome.CALLER_LEFT


async def test_a_plain_answer(road):
    raw = await road.client.chat.completions.with_raw_response.create(model="fast", messages=HELLO)
    completion = raw.parse()
    assert completion.choices[0].message.content
    assert completion.usage.total_tokens > 0
    assert raw.headers["x-antiphon-deployment"] == "one/sim-small"
    assert raw.headers["x-antiphon-attempts"] == "1"
    assert raw.headers["x-antiphon-request-id"] == raw.headers["x-request-id"]
    assert float(raw.headers["x-antiphon-overhead-ms"]) >= 0


async def test_the_callers_bytes_go_through(road):
    body = (
        b'{ "model" : "fast",\n "messages": [{"role":"user","content":"h\\u00e9 \xc3\xa9"}],\t'
        b'"temperature": 0.70, "x_unknown": {"deep": [1.0, 1e3]} }'
    )
    response = await road.http.post("/v1/chat/completions", content=body)
    assert response.status_code == 200
    assert road.first.received[-1].body == body.replace(b'"fast"', b'"sim-small"')


async def test_the_providers_bytes_come_back(road):
    body = {"model": "fast", "messages": HELLO, "seed": 3}
    response = await road.http.post("/v1/chat/completions", json=body)
    direct = await road.http.post(
        f"{road.first.base_url}/chat/completions", json={**body, "model": "sim-small"}
    )
    assert alike(response.content) == alike(direct.content)


async def test_a_stream(road):
    stream = await road.client.chat.completions.create(model="fast", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    whole = await road.client.chat.completions.create(model="fast", messages=HELLO)
    assert text == whole.choices[0].message.content
    assert all(chunk.choices for chunk in chunks), "usage that nobody asked for is hidden"
    assert not any(chunk.usage for chunk in chunks)
    sent = json.loads(road.first.received[0].body)
    assert sent["stream_options"] == {"include_usage": True}, "but it is always asked for"


async def test_a_stream_with_usage(road):
    stream = await road.client.chat.completions.create(
        model="fast", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0


async def test_a_stream_is_the_providers_bytes_but_for_the_usage(road):
    body = {"model": "fast", "messages": HELLO, "stream": True}
    asked = {**body, "model": "sim-small", "stream_options": {"include_usage": True}}
    ours = await road.http.post("/v1/chat/completions", json=body)
    direct = await road.http.post(f"{road.first.base_url}/chat/completions", json=asked)
    frames = direct.content.split(b"\n\n")
    kept = b"\n\n".join(frame for frame in frames if b'"choices":[]' not in frame)
    assert alike(ours.content) == alike(kept)


async def test_tools_in_a_stream_and_whole(road):
    question = [{"role": "user", "content": "What is the weather in Paris?"}]
    whole = await road.client.chat.completions.create(
        model="fast", messages=question, tools=[WEATHER], tool_choice="required"
    )
    call = whole.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)
    async with road.client.chat.completions.stream(
        model="fast", messages=question, tools=[WEATHER], tool_choice="required"
    ) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == call.function.arguments


async def test_structured_output(road):
    class City(pydantic.BaseModel):
        name: str
        people: int

    completion = await road.client.chat.completions.parse(
        model="fast", messages=HELLO, response_format=City
    )
    assert isinstance(completion.choices[0].message.parsed, City)


async def test_reasoning_comes_through(road):
    stream = await road.client.chat.completions.create(
        model="one/sim-reason", messages=HELLO, stream=True
    )
    thoughts = [
        getattr(chunk.choices[0].delta, "reasoning_content", None) async for chunk in stream
    ]
    assert any(thoughts)


async def test_fallback_is_silent_and_told(road):
    road.first.refuse(30)
    raw = await road.client.chat.completions.with_raw_response.create(model="both", messages=HELLO)
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-antiphon-deployment"] == "two/sim-small"
    assert raw.headers["x-antiphon-attempts"] == "2"


async def test_models_are_listed(road):
    names = [model.id async for model in road.client.models.list()]
    assert names == ["fast", "both"]
    assert (await road.client.models.retrieve("fast")).id == "fast"


async def test_the_caller_s_headers_stay_here(road):
    await road.client.chat.completions.create(
        model="fast", messages=HELLO, extra_headers={"cookie": "a=b", "x-secret": "s"}
    )
    sent = {name.lower(): value for name, value in road.first.received[-1].headers}
    assert b"cookie" not in sent
    assert b"x-secret" not in sent
    assert sent[b"authorization"] == b"Bearer sk-upstream"
    assert KEY.encode() not in b"".join(sent.values())


async def test_a_caller_who_leaves_a_stream_ends_the_provider_s_work(road):
    road.first.set_latency("slow")
    stream = await road.client.chat.completions.create(
        model="fast", messages=HELLO, stream=True, max_tokens=4000
    )
    await anext(aiter(stream))
    await stream.close()
    async with asyncio.timeout(1):
        await road.first.until(left)
        await road.gateway.pipeline.idle()


@pytest.mark.parametrize("size", [100, 70_000, 400_000])
async def test_a_caller_who_leaves_while_waiting(road, size):
    road.first.set_latency("slow")
    body = {"model": "fast", "messages": [{"role": "user", "content": "x" * size}]}
    task = asyncio.create_task(road.http.post("/v1/chat/completions", json=body))
    async with asyncio.timeout(5):
        await road.first.until(lambda simulator: simulator.received)
    task.cancel()
    async with asyncio.timeout(1):
        await road.first.until(left)


async def test_in_a_process_without_a_server(road):
    reply = await road.gateway.chat(model="fast", messages=HELLO)
    assert reply.text
    assert reply.usage.total > 0
    async with road.gateway.stream(model="fast", messages=HELLO) as events:
        texts = [getattr(event, "text", "") async for event in events]
    assert "".join(texts) == reply.text


async def test_many_at_once_over_few_connections(road):
    async def ask() -> str:
        completion = await road.client.chat.completions.create(model="fast", messages=HELLO)
        return completion.choices[0].message.content

    answers = await asyncio.gather(*(ask() for _ in range(200)))
    assert len(set(answers)) == 1
