"""A thousand reloads leave nothing behind; fifty of a real process are noticed by nobody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from antiphon.simulator import Fleet, Latency, SimulatorSpec
from tests.campaign.process import MIB, Process
from tests.cli.processes import Antiphon
from tests.server.stage import configuration
from tests.server.test_reload_leaks import grown

pytestmark = pytest.mark.campaign
TIMES, RELOADS, CALLERS = 1_000, 50, 2
GROWTH = 32 * MIB
"""The pretend providers beside it remember each request, pytest each line of the log; and counts of
limits on names that are gone stay until there is no room for others."""

CALLER = """
import http.client, json, signal, sys

host, port, stopped, got = sys.argv[1], int(sys.argv[2]), [], []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
turn = 0
connection = http.client.HTTPConnection(host, port, timeout=20)
while not stopped:
    turn += 1
    model, stream = ("fast", "other")[turn % 2], turn % 3 == 0
    asked = {"model": model, "stream": stream}
    asked["messages"] = [{"role": "user", "content": "[tokens: 20]"}]
    connection.request("POST", "/v1/chat/completions", json.dumps(asked))
    answer = connection.getresponse()
    body = answer.read()
    told = answer.headers
    whole = body.endswith(b"data: [DONE]\\n\\n" if stream else b"}")
    got.append([model, answer.status, int(told["x-antiphon-generation"]),
                told["x-antiphon-deployment"], whole])
print(json.dumps(got))
"""


async def test_a_thousand_reloads_leave_nothing_behind(tmp_path):
    process = Process(os.getpid())
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    await grown(tmp_path / "first", 50)
    began = process.memory
    before, after = await grown(tmp_path / "second", TIMES)
    assert after == before
    assert process.memory - began < GROWTH


async def test_two_processes_ask_while_a_third_reloads(tmp_path: Path):
    quick = Latency(tokens_per_second=4000)
    specs = [SimulatorSpec(name=name, seed=1, latency=quick) for name in ("one", "two")]
    async with Fleet(specs) as fleet:
        said = configuration(fleet)
        pools = (["one/sim-small"], ["two/sim-small"], ["two/sim-large", "one/sim-small"])
        maps = {}
        antiphon = Antiphon(tmp_path)

        def write(number: int) -> None:
            models = {"fast": pools[number % 3], "other": pools[number // 3 % 3]}
            if number > 1 and number % 7 == 0:
                antiphon.write("models: [")
                return
            antiphon.write(json.dumps({**said, "models": models}))
            maps[len(maps) + 1] = models

        write(1)
        with antiphon.serving("--port", "0") as served:
            host, port = served.address.removeprefix("http://").rsplit(":", 1)
            callers = [
                await asyncio.create_subprocess_exec(
                    sys.executable, "-c", CALLER, host, port, stdout=asyncio.subprocess.PIPE
                )
                for _ in range(CALLERS)
            ]
            for number in range(2, RELOADS + 2):
                write(number)
                served.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.3)
            for caller in callers:
                caller.send_signal(signal.SIGTERM)
            got = []
            for caller in callers:
                out, _ = await caller.communicate()
                got += json.loads(out)
            served.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(served.process.wait, 20) == 0
    assert len({each[2] for each in got}) > RELOADS / 2
    for model, status, generation, deployment, whole in got:
        assert (status, whole) == (200, True)
        assert deployment in maps[generation][model]
