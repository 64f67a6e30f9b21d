"""Signs of life for callers of each dialect: every client passes over them and reads the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from antiphon.simulator import Latency, SimulatorSpec
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.sdks import javascript
from tests.sdks.clients import CLIENTS, JAVASCRIPT
from tests.sdks.jobs import Ask, Job
from tests.server.fault_callers import BODIES, calling
from tests.server.fault_words import ANSWER
from tests.server.stage import KEY, Stage, stage

SLOW: Final = Latency(first_token=0.1, tokens_per_second=40)
BEATS: Final = {
    CHAT: b":\n\n",
    MESSAGES: b'event: ping\ndata: {"type": "ping"}\n\n',
    RESPONSES: b":\n\n",
}
PATHS: Final = {
    CHAT: "/v1/chat/completions",
    MESSAGES: "/v1/messages",
    RESPONSES: "/v1/responses",
}
SPOKEN: Final = {
    "one": "openai_chat",
    "two": "anthropic_messages",
    "three": "openai_responses",
}
SHORT: Final = "get_weather [say: one two]"


@pytest.fixture
async def beating(tmp_path) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=1, latency=SLOW) for name in SPOKEN]
    async with stage(
        tmp_path,
        specs,
        server={"heartbeat_seconds": 0.01},
        providers_of={name: {"dialect": dialect} for name, dialect in SPOKEN.items()},
    ) as running:
        yield running


def short(wire: str) -> dict[str, object]:
    thinking = {"thinking", "reasoning", "include"}
    body = {name: value for name, value in BODIES[wire].items() if name not in thinking}
    if wire == RESPONSES:
        return {**body, "input": SHORT}
    return {**body, "messages": [{"role": "user", "content": SHORT}]}


@pytest.mark.parametrize("wire", PATHS)
@pytest.mark.parametrize("provider", SPOKEN)
async def test_beats_come_before_the_answer_and_inside_it(
    beating: Stage, wire: str, provider: str
) -> None:
    asked = {**short(wire), "model": f"{provider}/sim-small", "stream": True}
    response = await beating.http.post(PATHS[wire], json=asked)
    beat, body = BEATS[wire], response.content
    assert body.startswith(beat * 2)
    said = body.index(b"one")
    assert beat in body[said : body.rindex(b"get_weather")]
    # Without them, the stream is what it is for those who need none.
    assert body.replace(beat, b"").endswith(b"\n\n")


@pytest.mark.parametrize("wire", PATHS)
@pytest.mark.parametrize("provider", SPOKEN)
async def test_the_official_clients_in_python_pass_over_them(
    beating: Stage, wire: str, provider: str
) -> None:
    model = f"{provider}/sim-small"
    async with calling(beating) as callers:
        told = await callers.ask(wire, model, body=short(wire), stream=True)
        assert told.seen == ANSWER
        assert told.text == "one two"
        [(name, arguments)] = told.calls.values()
        assert (name, arguments[:2]) == ("get_weather", '{"')
        if wire == MESSAGES:
            async with callers.anthropic.messages.stream(model=model, **short(wire)) as stream:
                message = await stream.get_final_message()
            assert [block.type for block in message.content][-2:] == ["text", "tool_use"]
        if wire == RESPONSES:
            async with callers.openai.responses.stream(model=model, **short(wire)) as stream:
                response = await stream.get_final_response()
            assert response.output_text == "one two"


async def test_the_clients_in_javascript_pass_over_them(beating: Stage) -> None:
    clients = [each for each in CLIENTS if each.language == JAVASCRIPT]
    jobs = [
        Job(
            client.sdk,
            f"{beating.address}{client.version}",
            KEY,
            "two/sim-small",
            Ask(text="[say: one two three]", stream=True),
        )
        for client in clients
    ]
    for client, heard in zip(clients, await javascript.asked(jobs), strict=True):
        assert heard.error is None, (client, heard.error)
        assert [answer.text for answer in heard.answers] == ["one two three"], client
