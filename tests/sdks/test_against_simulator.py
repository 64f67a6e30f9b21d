"""The clients themselves: with nothing between them and a simulator they read what it says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.roads import road_to
from tests.sdks.clients import CLIENTS, Client, each
from tests.sdks.comparing import comparable, differences
from tests.sdks.jobs import CASES, TOOLS, Answer, Ask, Job, Tokens, model_for
from tests.sdks.limits import unasked
from tests.sdks.said import model_of, said


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSpec(seed=7)) as running:
        yield running


SPOKEN = [client for client in CLIENTS if road_to("POST", client.path)]
"""Those whose dialect the simulator speaks."""
ASKED = each(SPOKEN)


def job(simulator: Simulator, client: Client, ask: Ask, model: str = "sim-small") -> Job:
    return Job(client.sdk, f"{simulator.url}{client.version}", "any", model, ask)


@ASKED
async def test_each_case_is_read_as_it_was_said(simulator: Simulator, client: Client) -> None:
    jobs = {
        case: job(simulator, client, ask, model_for(case))
        for case, ask in CASES.items()
        if not unasked(client.sdk, case)
    }
    heard = dict(zip(jobs, await client.asked(list(jobs.values())), strict=True))
    assert {case: one.error for case, one in heard.items() if one.error} == {}

    thought = client.reads_thoughts
    requests = simulator.received
    for case, asked in jobs.items():
        own = [each for each in requests if model_of(each) == asked.model]
        spoken = [comparable(await said(simulator, each), thought=thought) for each in own]
        read = [comparable(answer, thought=thought) for answer in heard[case].answers]
        assert differences(read, spoken) == [], case

    # That the cases are about something: thoughts, calls, and results that came back.
    assert bool(heard["thinking"].answers[0].thought) is thought
    called, concluded = heard["tools"].answers
    assert [call.name for call in called.tools] == [tool.name for tool in TOOLS]
    assert TOOLS[-1].result in concluded.text


@ASKED
async def test_a_refusal_is_what_was_heard(simulator: Simulator, client: Client) -> None:
    model = "m+fault:rate-limited"
    faulty = [job(simulator, client, CASES[name], model) for name in ("plain", "stream")]
    for heard in await client.asked(faulty):
        assert heard.answers == ()
        assert heard.error is not None
        assert heard.error.status == 429
        assert re.fullmatch(client.raises(429), heard.error.name)
        assert re.search("rate limit|quota|too many", heard.error.message, re.IGNORECASE)


def spoken(text: str) -> Answer:
    return Answer(text, "", (), Tokens(1, 1), "stop")


def test_a_difference_is_told() -> None:
    one = spoken("a")
    assert differences([one], [one]) == []
    assert differences([one], [spoken("b")]) == ["turn 1: text 'a', said 'b'"]
    assert differences([], [one]) == ["0 answers of 1"]
