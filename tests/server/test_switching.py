"""Conversations that change their provider in the middle of a tool loop.

Every provider here is as strict as the real ones: it refuses results without calls, ids and names
that it does not know, and thought that another organisation or model has sealed.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from itertools import product
from typing import Final

import anthropic
import openai
import pytest
from msgspec import structs
from sqlalchemy import select

from antiphon.dialects.gemini.seals import PLACEHOLDER
from antiphon.dialects.registry import DIALECTS as SPOKEN
from antiphon.model.parts import Reasoning, Text, ToolCall, ToolResult
from antiphon.model.request import ChatRequest
from antiphon.simulator import FaultRule, Outcome, Received, SimulatorSpec
from antiphon.simulator.seals import Notary
from antiphon.simulator.simulator import Simulator
from antiphon.usage.ledger.tables import attempts
from antiphon.wire.shallow import Members
from tests.sdks.jobs import STOCK, TOOLS, WEATHER
from tests.sdks.said import model_of
from tests.server.callers import DIALECTS, Caller, Said, calling
from tests.server.stage import Stage, stage

MODEL: Final = "sim-reason"
PROVIDERS: Final = {
    f"{short}{number}": dialect
    for short, dialect in (
        ("chat", "openai_chat"),
        ("responses", "openai_responses"),
        ("messages", "anthropic_messages"),
        ("gemini", "gemini"),
        ("ollama", "ollama"),
    )
    for number in (1, 2)
}
"""Two organisations for each dialect."""
SHORT: Final = ("chat", "responses", "messages", "gemini", "ollama")
SPECS: Final = [
    SimulatorSpec(name=name, seed=seed, strict=True) for seed, name in enumerate(PROVIDERS, start=1)
]
PAIRS: Final = [(f"{one}1", f"{two}2") for one, two in product(SHORT, SHORT)]
RUNS: Final = [
    (kind, one, two, stream)
    for stream in (False, True)
    for number, (one, two) in enumerate(PAIRS)
    for place, kind in enumerate(DIALECTS)
    # All callers at the pairs of the first three, as before; one in six of the rest.
    if not {one[:6], two[:6], kind} & {"gemini", "ollama"} or (number + place + stream) % 6 == 3
]
"""Callers, ordered pairs of providers, and whether in streams."""
RESULTS: Final = (WEATHER.result, STOCK.result)
ASKED: Final = "Ask get_weather and get_stock, both."
WANTED: Final = (
    ("get_weather", {"place": 'Zürich "HB" \\ 1', "days": 3, "wind": 0.5}),
    ("get_stock", {"symbol": "ABB\n", "now": True}),
)


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    routes = {f"{one}-{two}": [f"{one}/{MODEL}", f"{two}/{MODEL}"] for one, two in PAIRS}
    async with stage(tmp_path, SPECS, dialects=PROVIDERS, models=routes) as running:
        yield running


SEALLESS: Final = frozenset({"openai_chat", "ollama"})
"""Dialects whose providers seal no thought."""


def provider(fleet: Stage, name: str) -> Simulator:
    return next(each for each in fleet.simulators if each.name == name)


def read(received: Received, dialect: str) -> ChatRequest:
    """What a provider was asked, in words that all dialects share."""
    members = Members.parse(received.body)
    if dialect == "gemini":
        # Its model stands in the path.
        members = members.replace({"model": json.dumps(model_of(received)).encode()})
    return SPOKEN[dialect].decode_request(members)


def seals(request: ChatRequest) -> list[Reasoning]:
    """The sealed thoughts; on Gemini's wire seals are base64, stand on calls, and may say that there is none."""
    parts = [part for turn in request.turns for part in turn.parts]
    sealed = [part for part in parts if isinstance(part, Reasoning) and part.signature is not None]
    return [
        structs.replace(part, signature=base64.b64decode(part.signature or "").decode(), text="")
        if (part.signature or "").startswith(IN_BASE64)
        else part
        for part in sealed
        if part.signature != PLACEHOLDER
    ]


IN_BASE64: Final = base64.b64encode(b"sim-").decode()[:5]


def loop_of(request: ChatRequest) -> tuple[list[object], list[object]]:
    """Calls and results of a conversation, each matched by its id."""
    parts = [part for turn in request.turns for part in turn.parts]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    results = [part for part in parts if isinstance(part, ToolResult)]
    assert [call.call_id for call in calls] == [result.call_id for result in results]
    told = ["".join(part.text for part in r.parts if isinstance(part, Text)) for r in results]
    return [(call.name, json.loads(call.arguments)) for call in calls], list(told)


def own(request: ChatRequest, spec: SimulatorSpec) -> int:
    """How many seals there are; all of them are this organisation's."""
    given = seals(request)
    notary = Notary(spec.seed)
    assert all(notary.vouches(part.signature or "", MODEL, part.text) for part in given)
    return len(given)


async def opened(caller: Caller, model: str, *, stream: bool) -> Said:
    caller.user(ASKED)
    said = await caller.ask(model, stream=stream)
    calls = [(call.name, call.arguments) for call in said.calls]
    if "gemini" in model.partition("-")[0]:
        # Its enumerations are of texts alone: what a tool takes besides is free there.
        assert [name for name, _ in calls] == [name for name, _ in WANTED]
    else:
        assert calls == list(WANTED)
    return said


def calls_of(said: Said) -> list[object]:
    return [(call.name, call.arguments) for call in said.calls]


def is_native(kind: str, one: str, two: str) -> bool:
    """Whether both providers get the caller's own bytes."""
    spoken = {PROVIDERS[one], PROVIDERS[two], DIALECTS[kind]}
    return len(spoken) == 1 and not spoken & SEALLESS


@pytest.mark.parametrize(("kind", "one", "two", "stream"), RUNS)
async def test_a_loop_that_goes_there_and_back(
    fleet: Stage, kind: str, one: str, two: str, stream: bool
) -> None:
    first, second = provider(fleet, one), provider(fleet, two)
    async with calling(fleet, kind, TOOLS) as caller:
        called = await opened(caller, f"{one}/{MODEL}", stream=stream)
        caller.results(called, RESULTS)
        answered = await caller.ask(f"{two}/{MODEL}", stream=stream)
        assert RESULTS[-1] in answered.text
        caller.user("[say: the end]")
        assert (await caller.ask(f"{one}/{MODEL}", stream=stream)).text == "the end"
    # A provider that gets the caller's own bytes finds the other's seal, or misses its own; it is
    # asked once more.
    unsealed = PROVIDERS[two] == DIALECTS[kind] == "gemini" and PROVIDERS[one] in SEALLESS
    assert len(second.received) == (2 if is_native(kind, one, two) or unsealed else 1)
    there = read(second.received[-1], PROVIDERS[two])
    assert own(there, second.spec) == 0
    assert loop_of(there) == (calls_of(called), list(RESULTS))
    assert len(first.received) == 2
    back = read(first.received[-1], PROVIDERS[one])
    carried = kind not in {"forgetful-chat", "ollama"} and PROVIDERS[one] not in SEALLESS
    assert own(back, first.spec) == (1 if carried else 0)
    assert loop_of(back) == (calls_of(called), list(RESULTS))
    assert answered.text in [turn.text for turn in back.turns]


@pytest.mark.parametrize(("kind", "one", "two", "stream"), RUNS)
async def test_a_loop_whose_provider_fails_goes_on_at_another(
    fleet: Stage, kind: str, one: str, two: str, stream: bool
) -> None:
    first, second = provider(fleet, one), provider(fleet, two)
    async with calling(fleet, kind, TOOLS) as caller:
        called = await opened(caller, f"{one}-{two}", stream=stream)
        caller.results(called, RESULTS)
        first.arm(FaultRule("server-error", count=1))
        answered = await caller.ask(f"{one}-{two}", stream=stream)
        assert RESULTS[-1] in answered.text
        caller.user("[say: the end]")
        assert (await caller.ask(f"{one}-{two}", stream=stream)).text == "the end"
    there = read(second.received[-1], PROVIDERS[two])
    assert own(there, second.spec) == 0
    assert loop_of(there) == (calls_of(called), list(RESULTS))
    back = read(first.received[-1], PROVIDERS[one])
    assert loop_of(back) == (calls_of(called), list(RESULTS))
    assert answered.text in [turn.text for turn in back.turns]


# ------------------------------------------------------------------ seals that are refused


NATIVE = pytest.mark.parametrize(
    ("kind", "one", "two"),
    [("messages", "messages1", "messages2"), ("responses", "responses1", "responses2")],
)


@NATIVE
async def test_refused_seals_are_taken_out_and_it_is_asked_once_more(
    fleet: Stage, kind: str, one: str, two: str
) -> None:
    second = provider(fleet, two)
    async with calling(fleet, kind, TOOLS) as caller:
        caller.results(await opened(caller, f"{one}/{MODEL}", stream=False), RESULTS)
        headers = {"anthropic-beta": "some-beta-2026-01-01"}
        assert (
            RESULTS[-1]
            in (await caller.ask(f"{two}/{MODEL}", stream=False, extra_headers=headers)).text
        )
    sealed, unsealed = (read(each, PROVIDERS[two]) for each in second.received)
    assert (len(seals(sealed)), len(seals(unsealed))) == (1, 0)
    if kind == "messages":
        assert [each.header(b"anthropic-beta") for each in second.received] == [
            b"some-beta-2026-01-01"
        ] * 2
    await fleet.at_rest()
    assert await asyncio.to_thread(fleet.gateway.books.shipper.flush, 10)
    with fleet.gateway.books.database.reading() as connection:
        rows = connection.execute(
            select(attempts.c.outcome, attempts.c.error_code)
            .where(attempts.c.provider == two)
            .order_by(attempts.c.started_at)
        ).all()
    assert [(row.outcome, row.error_code) for row in rows] == [
        ("refused", "foreign_reasoning"),
        ("ok", ""),
    ]


@NATIVE
async def test_seals_that_are_refused_once_are_not_given_again(
    fleet: Stage, kind: str, one: str, two: str
) -> None:
    first = provider(fleet, one)
    async with calling(fleet, kind, TOOLS) as caller:
        caller.results(await opened(caller, f"{one}/{MODEL}", stream=False), RESULTS)
        await caller.ask(f"{two}/{MODEL}", stream=False)
        for turn in range(3):
            caller.user(f"[say: {turn}]")
            await caller.ask(f"{one}/{MODEL}", stream=bool(turn % 2))
    assert [each.outcome for each in first.received] == [Outcome.ANSWERED] * 4
    last = read(first.received[-1], PROVIDERS[one])
    assert own(last, first.spec) == 3


@NATIVE
async def test_a_conversation_that_stays_is_not_refused_for_ever(
    fleet: Stage, kind: str, one: str, two: str
) -> None:
    second = provider(fleet, two)
    async with calling(fleet, kind, TOOLS) as caller:
        caller.results(await opened(caller, f"{one}/{MODEL}", stream=False), RESULTS)
        for turn in range(4):
            before = len(second.received)
            await caller.ask(f"{two}/{MODEL}", stream=bool(turn % 2))
            caller.user(f"[say: {turn}]")
    assert len(second.received) - before == 1
    assert own(read(second.received[-1], PROVIDERS[two]), second.spec) > 0


async def test_who_wants_to_be_refused_is(fleet: Stage) -> None:
    binding = {"prefix_mismatch_behavior": "error"}
    thinking = {"type": "enabled", "budget_tokens": 1024, "block_binding": binding}
    second = provider(fleet, "messages2")
    async with calling(fleet, "messages", TOOLS) as caller:
        caller.results(await opened(caller, f"messages1/{MODEL}", stream=False), RESULTS)
        with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
            await caller.ask(f"messages2/{MODEL}", stream=False, thinking=thinking)
    assert len(second.received) == 1


async def test_where_one_call_is_allowed_the_refusal_is_told(tmp_path) -> None:
    once = {"deployments": [f"two/{MODEL}"], "retry": {"calls": 1}}
    specs = [SimulatorSpec(name=name, seed=n, strict=True) for n, name in enumerate(("one", "two"))]
    async with stage(
        tmp_path, specs, provider={"dialect": "openai_responses"}, models={"once": once}
    ) as running:
        async with calling(running, "responses", TOOLS) as caller:
            caller.results(await opened(caller, f"one/{MODEL}", stream=False), RESULTS)
            with pytest.raises(openai.BadRequestError, match="could not be verified"):
                await caller.ask("once", stream=False)
        assert len(running.second.received) == 1


@pytest.mark.parametrize("one", ["chat1", "responses1", "messages1"])
async def test_an_open_loop_without_its_thought_goes_on_without_thinking(
    fleet: Stage, one: str
) -> None:
    second = provider(fleet, "messages2")
    async with calling(fleet, "messages", TOOLS) as caller:
        caller.results(await opened(caller, f"{one}/{MODEL}", stream=True), RESULTS)
        await caller.ask(f"messages2/{MODEL}", stream=True)
        caller.user("Thank you.")
        assert (await caller.ask(f"messages2/{MODEL}", stream=True)).thought
    open_, closed = (json.loads(each.body) for each in second.received[-2:])
    assert open_["thinking"] == {"type": "disabled"}
    assert closed["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    await fleet.at_rest()
    assert await asyncio.to_thread(fleet.gateway.books.shipper.flush, 10)
    with fleet.gateway.books.database.reading() as connection:
        warned = connection.execute(
            select(attempts.c.warnings)
            .where(attempts.c.provider == "messages2", attempts.c.outcome == "ok")
            .order_by(attempts.c.started_at)
        ).all()
    assert ["no thought in this answer" in row.warnings for row in warned] == [True, False]
