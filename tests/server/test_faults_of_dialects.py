"""Every fault of a provider of Messages or Responses, and of one that speaks another dialect.

`fault_roads.py` is the specification, as `fault_table.py` is for Chat Completions. One gateway
meets all faults of a road: each has a model of its own.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from antiphon.simulator import Latency, SimulatorSpec
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.server.fault_callers import BODIES, Callers, Told, calling
from tests.server.fault_roads import EQUAL, READ_OTHERWISE, SAID_OTHERWISE, TRANSLATED, Road
from tests.server.fault_words import ANSWER, CALLERS_FAULT, Seen
from tests.server.stage import KEY, Stage, stage

ADMIN: Final = "admin-key-0123456789abcdef"
AUTH: Final = {"required": True, "admin_key": ADMIN, "keys": [{"key": KEY}]}
DIALECTS: Final = {
    CHAT: "openai_chat",
    MESSAGES: "anthropic_messages",
    RESPONSES: "openai_responses",
}
PATHS: Final = {MESSAGES: "/v1/messages", RESPONSES: "/v1/responses"}
DEADLINE: Final = 10
PATIENT: Final = {"connect": 2, "first_byte": 8, "idle": 8, "total": 9}
HASTY: Final = {"connect": 2, "first_byte": 0.25, "idle": 0.25, "total": 0.5}
SILENT: Final = {"stall", "stall-inside", "drip", "heartbeats"}
"""Faults that only a deadline ends, and the end of a stream of `endless`."""
OVER_TLS: Final = {"tls-slow", "tls-closed"}
DEAD_KEYS: Final = {"quota", "bad-key", "key-echo"}
PACED: Final = Latency(tokens_per_second=2000)
ENDED: Final = {"done-twice", "after-done", "second-answer", "length-long"}
"""Faults behind the end, of which nothing is passed on."""
COMPLETED: Final = {"no-done", "length-short"}
"""Streams whose end is missing, which is written here."""
CHANCE: Final = re.compile(rb'(?:toolu_|call_|msg_|resp_|rs_|fc_)\w+|"obfuscation":"\w+"')


def provider_of(fault: str, *, stream: bool) -> str:
    if fault == "refused":
        return "ill"
    return "hasty" if fault in SILENT or (fault == "endless" and stream) else "one"


@asynccontextmanager
async def standing(tmp_path: Path, road: Road) -> AsyncIterator[tuple[Stage, Callers]]:
    """A gateway with two models for each fault: `NAME.plain`, and `NAME.plain.both` with a spare.

    `one`, `hasty` and `ill` meet the faults; `two` is well.
    """
    specs = [SimulatorSpec(name=name, seed=1, refuse_for=5) for name in ("one", "hasty", "ill")]
    specs.append(SimulatorSpec(name="two", seed=2))
    models: dict[str, object] = {}
    for fault in road.faults:
        for form in ("plain", "stream"):
            struck = f"{provider_of(fault, stream=form == 'stream')}/sim-reason+fault:{fault}"
            spared = [struck, "two/sim-reason"]
            models[f"{fault}.{form}"] = {"deployments": [struck], "retry": {"attempts": 1}}
            models[f"{fault}.{form}.both"] = {"deployments": spared, "retry": {"attempts": 1}}
    dialect = DIALECTS[road.provider]
    async with (
        stage(
            tmp_path,
            specs,
            auth=AUTH,
            provider={"dialect": dialect, "timeouts": PATIENT},
            providers_of={"hasty": {"timeouts": HASTY}},
            models=models,
        ) as running,
        calling(running) as callers,
    ):
        yield running, callers


@pytest.mark.parametrize("road", [*EQUAL, *TRANSLATED], ids=str)
async def test_what_a_caller_sees(tmp_path, road, caplog):
    async with standing(tmp_path, road) as (running, callers):
        witness = Witness(running, callers, road)
        await witness.learn()
        waiting = [name for name in road.faults if name in SILENT]
        await asyncio.gather(*(witness.meet(fault) for fault in waiting))
        for fault in road.faults:
            if fault not in SILENT | OVER_TLS:
                await witness.meet(fault)
        assert witness.wrong == {}
        assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert running.gateway.metrics.exposition().count(b'status="500"') == 0
        await running.at_rest()
        await asyncio.to_thread(running.gateway.books.shipper.flush, 10)
        bearer = {"authorization": f"Bearer {ADMIN}"}
        totals = (await running.http.get("/api/v1/usage", headers=bearer)).json()["totals"]
        assert totals["attempts"] == witness.attempts


class Witness:
    """Meets faults, and keeps what differs from what was expected.

    Attributes:
        wrong: What was seen instead, by fault and form.
        attempts: How many there must have been.
    """

    def __init__(self, running: Stage, callers: Callers, road: Road) -> None:
        self.running = running
        self.callers = callers
        self.road = road
        self.wrong: dict[str, object] = {}
        self.attempts = 0
        self._honest: dict[str, Told] = {}

    async def learn(self) -> None:
        """What the honest providers say."""
        for name in ("one", "two"):
            for form in ("plain", "stream"):
                told = await self._ask(f"{name}/sim-reason", stream=form == "stream")
                assert told.seen == ANSWER
                assert told.text
                assert len(told.calls) == 2
                self._honest[f"{name}.{form}"] = told

    async def meet(self, fault: str) -> None:
        """One deployment, one attempt; then the same with a second deployment behind the name."""
        for form, expected in zip(("plain", "stream"), self.road.expected(fault), strict=True):
            stream = form == "stream"
            latency = PACED if expected.begun else Latency()
            for each in self.running.simulators[:2]:
                each.set_latency(latency)
            if fault == "refused":
                # On a connection that has served before, it is tried again: nobody is there then.
                await self._ask("ill/sim-reason", stream=False)
            told = await self._ask(f"{fault}.{form}", stream=stream)
            self._compare(f"{fault} {form}", told, expected, self._honest[f"one.{form}"], fault)
            await self._recover(fault)
            if expected.is_answer:
                continue
            told = await self._ask(f"{fault}.{form}.both", stream=stream)
            if self._falls_back(expected):
                if told.seen == ANSWER and told.attempts != 2:
                    self.wrong[f"{fault} {form} both"] = dict(told.headers)
                    continue
                other = self._honest[f"two.{form}"]
                self._compare(f"{fault} {form} both", told, ANSWER, other, fault="")
            else:
                self._compare(f"{fault} {form} both", told, expected, told, fault)
            await self._recover(fault)

    def _falls_back(self, expected: Seen) -> bool:
        return not expected.begun and expected.code not in CALLERS_FAULT | {"bad_request"}

    async def _ask(self, model: str, *, stream: bool) -> Told:
        async with asyncio.timeout(DEADLINE):
            told = await self.callers.ask(self.road.caller, model, stream=stream)
        self.attempts += told.attempts
        return told

    def _compare(self, what: str, told: Told, expected: Seen, honest: Told, fault: str) -> None:
        if told.seen != expected:
            self.wrong[what] = (told.seen, expected)
            return
        odd = SAID_OTHERWISE if self.road.is_translated else SAID_OTHERWISE | READ_OTHERWISE
        if expected.is_answer and fault not in odd and told.said != honest.said:
            self.wrong[what] = (told.said, honest.said)
        if expected.begun and not (
            honest.text.startswith(told.text) and honest.thought.startswith(told.thought)
        ):
            self.wrong[what] = (told.said, honest.said)

    async def _recover(self, fault: str) -> None:
        running = self.running
        if fault == "refused":
            await running.simulators[2].start()
        for deployment in running.gateway.deployments():
            if fault in DEAD_KEYS:
                deployment.reset()
            if fault in deployment.name or deployment.name == "two/sim-reason":
                deployment.reset()


@pytest.mark.parametrize("road", EQUAL, ids=str)
async def test_what_passes_keeps_its_bytes(tmp_path, road):
    path = PATHS[road.caller]
    headers = {"authorization": f"Bearer {KEY}", "anthropic-version": "2023-06-01"}
    async with standing(tmp_path, road) as (running, _):
        for fault in road.faults:
            expected = road.expected(fault)
            for stream in (False, True):
                if not expected[stream].is_answer or fault in ENDED | OVER_TLS:
                    continue
                if stream and fault in COMPLETED:
                    continue
                asked = {**BODIES[road.caller], "model": f"sim-reason+fault:{fault}"}
                asked |= {"stream": True} if stream else {}
                direct = await running.http.post(
                    f"{running.first.url}{path}", json=asked, headers=headers
                )
                asked["model"] = f"one/{asked['model']}"
                through = await running.http.post(path, json=asked, headers=headers)
                assert through.status_code == 200, (fault, through.content)
                assert lasting(through.content) == lasting(direct.content), fault


def lasting(body: bytes) -> bytes:
    """A body without what differs from answer to answer, and without its byte order mark."""
    return CHANCE.sub(b"", body.removeprefix(b"\xef\xbb\xbf"))


@pytest.mark.parametrize("road", EQUAL, ids=str)
@pytest.mark.parametrize("fault", sorted(OVER_TLS))
async def test_what_a_caller_sees_of_tls(tmp_path, road, fault):
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    provider: dict[str, Any] = {
        "dialect": DIALECTS[road.provider],
        "timeouts": {**PATIENT, "connect": 0.3},
        "ca_file": str(ca_file),
    }
    specs = [SimulatorSpec(name="one", seed=1, refuse_for=60), SimulatorSpec(name="two", seed=2)]
    async with (
        stage(tmp_path, specs, provider=provider, ssl_context=context) as running,
        calling(running) as callers,
    ):
        for form, expected in zip((False, True), road.expected(fault), strict=True):
            running.first.arm(fault)
            # The connection breaks as the fault begins; it is the next one that meets it.
            assert (await callers.ask(road.caller, "both", stream=form)).seen == ANSWER
            told = await callers.ask(road.caller, "fast", stream=form)
            assert told.seen == expected
            running.first.disarm()
            await running.first.start()
            for deployment in running.gateway.deployments():
                deployment.reset()
