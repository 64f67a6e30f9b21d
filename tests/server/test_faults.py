"""Every fault of a provider, and what the caller sees: `fault_table.py` is the specification."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import openai
import pytest
import trustme

from antiphon.simulator import FAULTS, FaultRule, Latency, SimulatorSpec
from antiphon.simulator.wires import CHAT
from tests.server.fault_pages import GUIDE, PAGE, guide, page
from tests.server.fault_table import TABLE
from tests.server.fault_words import ANSWER, CALLERS_FAULT, Seen
from tests.server.stage import HELLO, Stage, stage

DEADLINE = 10
"""Seconds: far over all configured deadlines together, far under the client's own."""
SILENT = {"stall", "stall-inside", "endless", "drip", "heartbeats"}
"""Faults that only a deadline ends."""
ILL_DOORS = {"refused", "tls-slow", "tls-closed"}
"""Faults that last until the simulator starts again."""
OVER_TLS = {"tls-slow", "tls-closed"}
DEAD_KEYS = {"quota", "bad-key", "key-echo"}
PACED = Latency(tokens_per_second=2000)
"""A word is a write of its own, so a fault in the middle strikes after the first words."""
OTHER_TEXT = {"line-separators", "huge-event", "byte-chunks"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[trustme.CA, str]:
    """Whom the gateway trusts, and the file that says so."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(path)
    return authority, str(path)


def test_no_fault_is_missing():
    assert set(TABLE) == {name for name, fault in FAULTS.items() if CHAT in fault.wires}


def test_the_pages_are_current():
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.server.fault_pages"
    assert GUIDE.read_text("utf-8") == guide(), "run python -m tests.server.fault_pages"


class Witness:
    """One request and what came of it."""

    def __init__(self) -> None:
        self.text = ""
        self.deployment = ""
        self.attempts = ""

    async def ask(self, road: Stage, model: str, *, stream: bool) -> Seen:
        create = road.client.chat.completions.with_raw_response.create
        try:
            raw = await create(model=model, messages=HELLO, stream=stream)
            self.deployment = raw.headers["x-antiphon-deployment"]
            self.attempts = raw.headers["x-antiphon-attempts"]
            answer = raw.parse()
            if not stream:
                self.text = answer.choices[0].message.content
                return ANSWER
            async for chunk in answer:
                self.text += "".join(each.delta.content or "" for each in chunk.choices)
        except openai.APIStatusError as error:
            return of_status(error)
        except openai.APIError as error:
            return Seen(type(error).__name__, 200, error.code or "", begun=bool(self.text))
        return ANSWER


def of_status(error: openai.APIStatusError) -> Seen:
    headers, body = error.response.headers, error.body
    assert isinstance(body, dict)
    assert {"message", "type", "param", "code"} <= set(body)
    assert headers["x-antiphon-request-id"].startswith("req_")
    assert error.request_id == headers["x-antiphon-request-id"]
    attempts = body.get("attempts") or [{"code": ""}]
    return Seen(
        type(error).__name__,
        error.status_code,
        error.code or "",
        attempts[-1]["code"],
        headers.get("retry-after", ""),
        headers.get("x-should-retry") == "false" and "attempts" in body,
    )


async def honest_text(road: Stage, model: str) -> str:
    witness = Witness()
    await witness.ask(road, model, stream=False)
    return witness.text


@pytest.mark.parametrize("fault", TABLE)
async def test_what_a_caller_sees(tmp_path, fault, caplog, request):
    hasty = {"connect": 2, "first_byte": 0.25, "idle": 0.25, "total": 0.5}
    patient = {"connect": 2, "first_byte": 8, "idle": 8, "total": 9}
    timeouts = hasty if fault in SILENT - {"endless"} else patient
    provider: dict[str, object] = {"timeouts": timeouts}
    sections: dict[str, Any] = {"provider": provider}
    if fault in OVER_TLS:
        authority, ca_file = request.getfixturevalue("authority")
        provider |= {"timeouts": {**patient, "connect": 0.3}, "ca_file": ca_file}
        sections["ssl_context"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(sections["ssl_context"])
    specs = [
        SimulatorSpec(name="one", seed=1, refuse_for=60 if fault in OVER_TLS else 0.2),
        SimulatorSpec(name="two", seed=2),
    ]
    async with stage(tmp_path, specs, **sections) as road:
        honest = await honest_text(road, "one/sim-small")
        other = await honest_text(road, "two/sim-small")
        for stream, expected in zip((False, True), TABLE[fault], strict=True):
            if fault == "endless" and stream:
                continue  # has a test of its own
            road.first.set_latency(PACED if expected.begun else Latency())
            await met(road, fault, expected, honest=honest, stream=stream)
            await met_with_another(road, fault, expected, honest=honest, other=other, stream=stream)
        assert not [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert road.gateway.metrics.exposition().count(b'status="500"') == 0


async def met(road: Stage, fault: str, expected: Seen, *, honest: str, stream: bool) -> None:
    """One deployment, one attempt."""
    witness = Witness()
    road.first.arm(fault)
    async with asyncio.timeout(DEADLINE):
        assert await witness.ask(road, "fast", stream=stream) == expected
        if expected.is_answer and fault not in OTHER_TEXT:
            assert witness.text == honest
        elif expected.begun:
            assert honest.startswith(witness.text)
        await recovered(road, fault, honest)


async def met_with_another(
    road: Stage, fault: str, expected: Seen, *, honest: str, other: str, stream: bool
) -> None:
    """The same, with a second deployment behind the name."""
    witness = Witness()
    road.first.arm(fault)
    async with asyncio.timeout(DEADLINE):
        seen = await witness.ask(road, "both", stream=stream)
        if expected.is_answer:
            assert (seen, witness.deployment, witness.attempts) == (ANSWER, "one/sim-small", "1")
        elif expected.falls_back:
            assert (seen, witness.deployment, witness.attempts) == (ANSWER, "two/sim-small", "2")
            assert witness.text == other
        else:
            assert seen == expected
            assert expected.begun or expected.code in CALLERS_FAULT
        await recovered(road, fault, honest)


async def recovered(road: Stage, fault: str, honest: str) -> None:
    """The next request on the same gateway is served, by the same provider."""
    road.first.disarm()
    if fault in ILL_DOORS:
        await road.first.start()
    for deployment in road.gateway.deployments():
        # Its keys may be dead, or rest for as long as it asked for.
        deployment.reset()
    assert await honest_text(road, "fast") == honest
    assert not road.gateway.pipeline.live


async def test_a_stream_without_an_end_ends_at_its_deadline(tmp_path):
    timeouts = {"connect": 2, "first_byte": 2, "idle": 2, "total": 0.8}
    async with stage(tmp_path, provider={"timeouts": timeouts}) as road:
        road.first.set_latency(PACED)
        road.first.arm(FaultRule("endless", count=1))
        witness = Witness()
        async with asyncio.timeout(DEADLINE):
            assert await witness.ask(road, "fast", stream=True) == TABLE["endless"].stream
        assert witness.text
        assert await honest_text(road, "fast")


@pytest.mark.parametrize("fault", sorted(DEAD_KEYS))
async def test_a_dead_key_is_not_shown_and_not_asked_again(tmp_path, fault):
    async with stage(tmp_path) as road:
        road.first.arm(fault)
        first, second = Witness(), Witness()
        await first.ask(road, "fast", stream=False)
        requests = road.first.requests
        seen = await second.ask(road, "fast", stream=False)
        assert (seen.status, seen.why, seen.hopeless) == (502, "no_live_key", True)
        assert road.first.requests == requests


@pytest.mark.parametrize("stream", [False, True])
async def test_the_key_that_a_provider_repeats_stays_here(tmp_path, stream):
    async with stage(tmp_path) as road:
        road.first.arm("key-echo")
        response = await road.http.post(
            "/v1/chat/completions",
            json={"model": "fast", "messages": HELLO, "stream": stream},
        )
        assert response.status_code == 502
        assert b"sk-upstream" not in response.content


async def test_the_next_key_is_tried(tmp_path):
    provider = {"api_key": ["sk-old", "sk-new"]}
    specs = [SimulatorSpec(name="one", keys=frozenset({"sk-new"}))]
    models = {"fast": {"deployments": ["one/sim-small"], "retry": {"attempts": 2}}}
    async with stage(tmp_path, specs, provider=provider, models=models) as road:
        for _ in range(4):
            assert await Witness().ask(road, "fast", stream=False) == ANSWER
        sent = [dict(each.headers) for each in road.first.received]
        shown = [next(v for k, v in each.items() if k.lower() == b"authorization") for each in sent]
        assert shown.count(b"Bearer sk-old") <= 1


async def test_openai_s_client_retries_what_may_pass(tmp_path):
    async with stage(tmp_path) as road:
        road.first.arm(FaultRule("rate-limited-ms", count=2))
        client = road.client.with_options(max_retries=2)
        assert (await client.chat.completions.create(model="fast", messages=HELLO)).choices
        assert road.first.requests == 3


@pytest.mark.parametrize("fault", ["bad-key", "bad-request", "no-model", "context-length"])
async def test_openai_s_client_does_not_retry_what_is_hopeless(tmp_path, fault):
    async with stage(tmp_path) as road:
        road.first.arm(fault)
        client = road.client.with_options(max_retries=2)
        with pytest.raises(openai.APIStatusError):
            await client.chat.completions.create(model="fast", messages=HELLO)
        assert road.first.requests == 1
