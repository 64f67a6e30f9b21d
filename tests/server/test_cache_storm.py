"""Many callers at once, who ask the same and leave when they like, at providers that fail.

Whatever happens, every request is accounted for once, every call is paid for once, nobody is given
half an answer as a whole one, and nothing is left taken.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from random import Random

import httpx2
import pytest

from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from antiphon.usage.ledger.prove import prove
from tests.server.cached import ADMIN, AS_ADMIN, CHAT, route, until
from tests.server.stage import Stage, stage

SPECS = [
    SimulatorSpec(
        name="one",
        seed=1,
        latency=Latency(first_token=1, tokens_per_second=1),
        faults=(
            FaultRule("server-error", probability=0.1),
            FaultRule("reset-inside", probability=0.1),
        ),
    )
]
WISHES = [None] * 6 + ["no-cache", "no-store", "max-age=1", "only-if-cached"]
WORDS = {"hit", "miss", "shared", "stale"}


class Caller:
    """Asks one of three questions, and may leave."""

    def __init__(self, road: Stage, random: Random) -> None:
        self.road = road
        self.random = random
        self.id = ""
        self.whole = ""
        self.word = ""

    async def ask(self) -> None:
        random = self.random
        stream = random.random() < 0.6
        self.question = f"Question {random.randrange(3)} [tokens: 12]"
        body = {
            "model": "fast",
            "messages": [{"role": "user", "content": self.question}],
            "stream": stream,
        }
        wish = random.choice(WISHES)
        headers = {} if wish is None else {"cache-control": wish}
        leaves_after = random.randrange(40) if random.random() < 0.3 else None
        for _ in range(random.randrange(30)):
            await asyncio.sleep(0)
        async with self.road.http.stream("POST", CHAT, json=body, headers=headers) as answer:
            self.id = answer.headers["x-antiphon-request-id"]
            self.word = answer.headers.get("x-antiphon-cache", "")
            self.status = answer.status_code
            told = b""
            async for piece in answer.aiter_raw():
                told += piece
                if leaves_after is not None:
                    leaves_after -= 1
                    if leaves_after <= 0:
                        return
        if answer.status_code == 200:
            self.whole = _text_of(told.decode(), stream=stream)


def _text_of(body: str, *, stream: bool) -> str:
    if not stream:
        return json.loads(body)["choices"][0]["message"]["content"]
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line[:6] == "data: "]
    if lines[-1] != "[DONE]":
        assert "error" in json.loads(lines[-1]), "a stream that ends without a word"
        return ""
    chunks = [json.loads(line) for line in lines[:-1]]
    return "".join(
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    )


async def breath(seconds: float) -> None:
    """The providers' pauses are turns of the loop."""
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(4))
async def test_a_storm(tmp_path, seed):
    random = Random(seed)
    async with stage(tmp_path, SPECS, models=route(stale_for=60), auth=ADMIN, pause=breath) as road:
        callers = [Caller(road, Random(random.random())) for _ in range(80)]
        async with asyncio.TaskGroup() as group:
            for each in callers:
                group.create_task(_asked(each))
        caching = road.gateway.pipeline.caching
        await until(lambda: not caching.flights.statistics.open)
        await road.at_rest()
        assert road.gateway.concurrency.in_use == 0
        assert road.gateway.books.journal.open_attempts == 0
        _no_half_answers(callers)
        await _everything_is_in_the_books(road, callers)


async def _asked(caller: Caller) -> None:
    with suppress(httpx2.RemoteProtocolError, httpx2.ReadError):
        await caller.ask()


def _no_half_answers(callers: list[Caller]) -> None:
    answers: dict[str, set[str]] = {}
    for each in callers:
        if each.whole:
            answers.setdefault(each.question, set()).add(each.whole)
    # The pretend provider always says the same to the same question.
    assert answers
    assert {len(each) for each in answers.values()} == {1}
    words = {each.word for each in callers if each.word}
    assert words <= WORDS
    assert {"hit", "miss", "shared"} <= words


async def _everything_is_in_the_books(road: Stage, callers: list[Caller]) -> None:
    found: dict[str, dict] = {}
    for each in callers:
        if each.id:
            answer = await road.http.get(f"/api/v1/requests/{each.id}", headers=AS_ADMIN)
            assert answer.status_code == 200, (each.word, answer.text)
            found[each.id] = answer.json()
    assert len(found) == sum(bool(each.id) for each in callers)
    for each in callers:
        if not each.id:
            continue
        facts = found[each.id]
        assert facts["state"] == "finished", facts
        if each.whole:
            assert (facts["outcome"], facts["status"]) == ("ok", 200), facts
            assert facts["cache"] == (each.word if each.word != "miss" else "none"), facts
        if facts["cache"] in {"hit", "shared"}:
            assert float(facts["cost_usd"]) == 0
    tried = sum(len(facts["attempts"]) for facts in found.values())
    assert tried == road.first.requests
    books = road.gateway.books
    proof = await asyncio.to_thread(prove, books.database, books.journal.folder)
    assert (proof.difference, proof.open) == ("", 0)
