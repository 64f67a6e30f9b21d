"""The replays themselves: with nothing between them and a simulator they go through."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.roads import road_to
from tests.agents import claude_reader, codex_reader
from tests.agents.sessions import Line, claude_session, codex_session
from tests.agents.sse import BrokenStream

SESSIONS = [
    session
    for path, session in (("/v1/messages", claude_session), ("/v1/responses", codex_session))
    if road_to("POST", path)
]
"""Those whose dialect the simulator speaks."""


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with (
        Simulator(SimulatorSpec(seed=7)) as simulator,
        httpx2.AsyncClient(base_url=simulator.url, verify=False) as http,
    ):
        yield Line(http, "sim-reason", simulator)


@pytest.mark.parametrize("session", SESSIONS)
async def test_a_session_goes_through(line: Line, session) -> None:
    await session(line)


@pytest.mark.parametrize("read", [claude_reader.read, codex_reader.read])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data: no json\n\n",
        b"nonsense\n\n",
        b'event: message_start\ndata: {"type":"ping"}\n\n',
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r"}}\n\n',
    ],
)
def test_a_reader_refuses_what_no_agent_could_read(read, body: bytes) -> None:
    with pytest.raises(BrokenStream):
        read(body)
