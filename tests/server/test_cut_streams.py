"""Streams that are cut off inside, over real sockets: what the official clients make of them."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from msgspec.structs import replace

from antiphon.simulator import Fault, Scene, SimulatorSpec
from antiphon.simulator.reply import Ending, Piece, Reply
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.server.fault_callers import Callers, calling
from tests.server.fault_words import ANSWER
from tests.server.stage import stage

DIALECTS: Final = {
    CHAT: "openai_chat",
    MESSAGES: "anthropic_messages",
    RESPONSES: "openai_responses",
}
CUTS: Final = 10
"""In so many equal steps each stream is cut."""
ENDINGS: Final = (Ending.CLOSE, Ending.CUT, Ending.RESET)


def cut_at(step: int, ending: Ending) -> Fault:
    """The stream up to a step, and then this end: a proper one, or none."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        whole = b"".join(piece.data for piece in reply.pieces)
        kept = whole[: len(whole) * step // CUTS]
        half = len(kept) // 2
        return replace(reply, pieces=(Piece(kept[:half]), Piece(kept[half:])), ending=ending)

    return Fault("a cut of a test", damage)


FAULTS: Final = {
    f"cut-{step}-{ending.name.lower()}": cut_at(step, ending)
    for step in range(1, CUTS)
    for ending in (ENDINGS[step % len(ENDINGS)],)
}


CLOSED: Final = {"breaker": {"failures": 100}}
"""Every stream is cut: a breaker would say no more than that."""


@pytest.mark.parametrize("spoken", DIALECTS)
async def test_a_stream_that_is_cut_off_is_an_error_for_every_caller(tmp_path, spoken):
    specs = [SimulatorSpec(name="one", seed=1)]
    async with (
        stage(tmp_path, specs, provider={"dialect": DIALECTS[spoken], **CLOSED}) as road,
        calling(road) as callers,
    ):
        road.first.faults = {**road.first.faults, **FAULTS}
        for heard in DIALECTS:
            await all_cut(callers, heard)
        assert not road.gateway.pipeline.live
        assert road.gateway.metrics.exposition().count(b'status="500"') == 0


async def all_cut(callers: Callers, heard: str) -> None:
    honest = await callers.ask(heard, "one/sim-reason", stream=True)
    assert honest.seen == ANSWER
    for name in FAULTS:
        async with asyncio.timeout(5):
            told = await callers.ask(heard, f"one/sim-reason+fault:{name}", stream=True)
        if told.seen == ANSWER:
            # The last step of Chat Completions lacks but a word of its end.
            assert told.said == honest.said, name
            continue
        assert told.seen.begun or told.seen.status == 502, (name, told.seen)
        assert honest.text.startswith(told.text), name
        assert honest.thought.startswith(told.thought), name
        if told.seen.begun:
            assert told.seen.exception in {"APIError", "APIStatusError"}, (name, told.seen)
