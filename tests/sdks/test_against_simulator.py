"""The clients themselves: with nothing between them and a simulator they read what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from antiphon.simulator import Simulator, SimulatorSpec
from tests.sdks import asking, javascript
from tests.sdks.comparing import comparable, differences
from tests.sdks.jobs import CASES, TOOLS, Answer, Ask, Heard, Job, Tokens, model_for
from tests.sdks.said import said


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(seed=7)) as running:
        yield running


def jobs(simulator: Simulator, *asks: Ask, model: str = "sim-small") -> list[Job]:
    return [Job("openai-chat", simulator.base_url, "any", model, ask) for ask in asks]


async def by_python(jobs: list[Job]) -> list[Heard]:
    return [await asking.asked(job) for job in jobs]


ASKED = pytest.mark.parametrize("asked", [by_python, javascript.asked], ids=["python", "js"])


@ASKED
async def test_each_case_is_read_as_it_was_said(simulator: Simulator, asked) -> None:
    all_jobs = [
        Job("openai-chat", simulator.base_url, "any", model_for(case), ask)
        for case, ask in CASES.items()
    ]
    heard = await asked(all_jobs)
    requests = simulator.received
    for job, one in zip(all_jobs, heard, strict=True):
        assert one.error is None, one
        own = [each for each in requests if f'"{job.model}"'.encode() in each.body]
        spoken = [comparable(await said(simulator, each), thought=True) for each in own]
        read = [comparable(answer, thought=True) for answer in one.answers]
        assert differences(read, spoken) == [], job.model


@ASKED
async def test_a_loop_of_tools_sends_their_results_back(simulator: Simulator, asked) -> None:
    [heard] = await asked(jobs(simulator, CASES["tools"]))
    called, spoken = heard.answers
    assert [call.name for call in called.tools] == [tool.name for tool in TOOLS]
    assert called.stop == "tool_calls"
    assert TOOLS[-1].result in spoken.text
    assert all(tool.result.encode() in simulator.received[-1].body for tool in TOOLS)


@ASKED
async def test_a_refusal_is_what_was_heard(simulator: Simulator, asked) -> None:
    faulty = jobs(simulator, CASES["plain"], CASES["stream"], model="m+fault:rate-limited")
    for heard in await asked(faulty):
        assert heard.answers == ()
        assert heard.error is not None
        assert (heard.error.name, heard.error.status) == ("RateLimitError", 429)
        assert "Rate limit reached" in heard.error.message


def spoken(text: str) -> Answer:
    return Answer(text, "", (), Tokens(1, 1), "stop")


def test_a_difference_is_told() -> None:
    one = spoken("a")
    assert differences([one], [one]) == []
    assert differences([one], [spoken("b")]) == ["turn 1: text 'a', said 'b'"]
    assert differences([], [one]) == ["0 answers of 1"]
