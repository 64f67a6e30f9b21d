"""Every SDK, every dialect of a provider, every case, over real sockets.

What the SDK read through the gateway is what the simulator said: text, thought, tool names and
arguments, all tokens, and the stop class. What the caller gave has arrived: instructions, pictures,
files and the results of tools.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from antiphon.dialects.registry import DIALECTS
from antiphon.simulator import Received, SimulatorSpec
from tests.sdks.clients import CLIENTS, Client, each
from tests.sdks.comparing import comparable, differences
from tests.sdks.jobs import CASES, Answer, Ask, Heard, Job, Trouble, model_for
from tests.sdks.limits import REFUSED, UNASKED, UNNAMED, refused, unasked
from tests.sdks.said import is_gemini, model_of, said
from tests.server.stage import KEY, Stage, stage

PROVIDERS: Final = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "ollama")
SPECS: Final = [SimulatorSpec(name=name, seed=n) for n, name in enumerate(PROVIDERS, start=1)]
ASKED = each()
REFUSALS: Final = {"rate-limited": 429, "context-length": 400, "server-error": 502}
"""Faults of the provider, and the status that callers get."""


@ASKED
async def test_what_is_said_is_what_is_read(tmp_path: Path, client: Client) -> None:
    async with _stage(tmp_path) as running:
        asks = {
            (provider, case): (f"{provider}/{model_for(case)}", ask)
            for provider in PROVIDERS
            for case, ask in CASES.items()
            if not unasked(client.sdk, case)
        }
        heard = dict(zip(asks, await _asked(client, running, asks.values()), strict=True))
        wrong: dict[str, object] = {}
        for (provider, case), read in heard.items():
            told = await _wrong(client, running, provider, case, read)
            if told:
                wrong[f"{case} at {provider}"] = told
    assert wrong == {}


@ASKED
async def test_a_refusal_raises_what_the_sdk_has_for_it(tmp_path: Path, client: Client) -> None:
    ill = {
        f"{provider}-{fault}": {
            "deployments": [f"{provider}/m+fault:{fault}"],
            "retry": {"attempts": 1},
        }
        for provider in PROVIDERS
        for fault in REFUSALS
    }
    async with _stage(tmp_path, models=ill) as running:
        asks = [(model, CASES[case]) for model in ill for case in ("plain", "stream")]
        asks.append(("absent", CASES["plain"]))
        *refusals, absent = [one.error for one in await _asked(client, running, asks)]
        [unknown] = await _asked(client, running, [("absent", CASES["plain"])], key="wrong")
    wrong = {
        model: error
        for (model, _), error in zip(asks, refusals, strict=False)
        if not _is(client, error, REFUSALS[model.partition("-")[2]])
    }
    assert wrong == {}
    assert _is(client, absent, 404)
    assert _is(client, unknown.error, 401)
    waits = {e.retry_after for e in refusals if e and e.status == 429} - {None}
    assert waits <= {"1"}


@ASKED
async def test_the_mount_of_its_dialect_does_as_well(tmp_path: Path, client: Client) -> None:
    async with _stage(tmp_path) as running:
        asks = [(f"{client.dialect}/sim-small", CASES["plain"])]
        [heard] = await _asked(client, running, asks, mount=client.mount)
        assert heard.error is None
        assert "Grüezi" in heard.answers[0].text


def test_all_dialects_are_asked() -> None:
    assert {client.dialect for client in CLIENTS} == set(PROVIDERS)
    assert set(PROVIDERS) == DIALECTS.keys() - {"ollama_generate"}


def test_every_exception_is_one() -> None:
    names = {case.removesuffix("_stream") for case in CASES}
    assert {case for _, case in (*UNASKED, *REFUSED)} <= names
    assert {sdk for sdk, _ in UNASKED} <= {client.sdk for client in CLIENTS}
    assert {provider for provider, _ in REFUSED} <= set(PROVIDERS)


def _stage(tmp_path: Path, **sections: Any) -> Any:
    auth = {"required": True, "keys": [{"key": KEY}]}
    spoken = {name: name for name in PROVIDERS}
    # Of a server that is only like a maker's it is not known whether it keeps to a schema.
    known = {"models": {model_for("schema"): {"json_schema": True}}}
    return stage(tmp_path, SPECS, dialects=spoken, auth=auth, provider=known, **sections)


async def _asked(
    client: Client, running: Stage, asks: Any, *, mount: str = "", key: str = KEY
) -> list[Heard]:
    """What the client heard of each model that it asked."""
    base_url = f"{running.address}{mount}{client.version}"
    return await client.asked([Job(client.sdk, base_url, key, model, ask) for model, ask in asks])


async def _wrong(
    client: Client, running: Stage, provider: str, case: str, read: Heard
) -> list[str]:
    simulator = next(each for each in running.simulators if each.name == provider)
    requests = [one for one in simulator.received if model_of(one) == model_for(case)]
    if refused(provider, case):
        is_refused = _is(client, read.error, 400) and not requests
        return [] if is_refused else [f"no refusal, but {read}"]
    if read.error is not None:
        return [f"raised {read.error}"]
    ask, thought = CASES[case], client.reads_thoughts
    answers = [_cut(await said(simulator, one), ask, provider) for one in requests]
    spoken = [comparable(one, thought=thought) for one in answers]
    heard = [comparable(one, thought=thought) for one in read.answers]
    if ask.stops and provider in UNNAMED:
        # Nobody is asked for what comes behind the cut.
        heard = [replace(one, usage=other.usage) for one, other in zip(heard, spoken, strict=True)]
    return differences(heard, spoken) + _not_arrived(ask, requests)


def _cut(answer: Answer, ask: Ask, provider: str) -> Answer:
    """Where the provider takes no stop sequences, the gateway ends the answer there."""
    if not ask.stops or provider not in UNNAMED:
        return answer
    return replace(answer, text=answer.text.partition(ask.stops[0])[0])


def _not_arrived(ask: Ask, requests: list[Received]) -> list[str]:
    """What the caller gave and the provider did not get."""
    if not requests:
        return ["no request arrived"]
    given = [ask.system, ask.image, ask.pdf, *(tool.result for tool in ask.tools or ())]
    last = requests[-1].body.decode()
    # Google's client writes the other alphabet of base64, and its own API takes both.
    own = last.replace("-", "+").replace("_", "/") if is_gemini(requests[-1]) else ""
    return [f"{one!r} did not arrive" for one in given if one and one not in last + own]


def _is(client: Client, error: Trouble | None, status: int) -> bool:
    if error is None or error.status != status:
        return False
    return re.fullmatch(client.raises(status), error.name) is not None
