"""`antiphon doctor`: what it says of providers that are well, and of those that are not."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import trustme

from antiphon.simulator import FaultRule, Simulator, SimulatorSpec
from antiphon.simulator.faults import Fault, Scene
from antiphon.simulator.received import Outcome
from antiphon.simulator.reply import Reply
from antiphon.simulator.reply import json as as_json
from antiphon.simulator.rules import Match
from tests.cli.processes import Antiphon, ended, started
from tests.transport.hostile import Server, says, sized
from tests.transport.test_tls import serving

GOOD, BAD = "sk-good-0123456789", "sk-wrong-0123456789"
SHORT = "hunter-2"
"""A key of one's own, which looks like no key."""

TABLE = """\
one/sim-small  http://127.0.0.1:PORT/v1
  ok    resolve                  an address, nothing to look up
  ok    connect            # ms  127.0.0.1, port PORT
  -     tls                      plain http
  -     key                      the list of models is open to everybody; chat tells
  ok    models                   listed, one of 3
  -     retirement               no date is known
  ok    chat               # ms  "This is a simulated answer. Usually the ...", 13 + 93 tokens
  ok    stream             # ms  to the first token; 22 + 63 tokens
  ok    tools              # ms  called, and the arguments fit, 67 + 11 tokens
  ok    json               # ms  an object, 23 + 10 tokens
  ok    errors             # ms  refused with 400: invalid_request_error
  ok    latency            # ms  p50 # ms, p95 # ms, p99 # ms of 2; the gateway added # ms

ok: 0 failed, 0 warnings, 3 skipped of 12 checks at 1 deployment; 330 tokens spent
"""
AFTER_KEY = ("models", "chat", "stream", "tools", "json", "errors", "latency")


def masked(page: str) -> str:
    """A page without what differs from run to run: times, at their width, and ports."""
    lines = [
        re.sub(r" +[\d.]+ ms", lambda found: "# ms".rjust(len(found[0])), line[:31])
        + re.sub(r" [\d.]+ ms", " # ms", line[31:])
        for line in page.splitlines(keepends=True)
    ]
    page = re.sub(r", \d+ tokens/s", "", "".join(lines))
    return re.sub(r"(?<=127\.0\.0\.1:)\d+|(?<=port )\d+", "PORT", page)


class Report:
    """What `--json` printed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = json.loads(text)
        self.deployments = {each["deployment"]: each for each in self.all["deployments"]}

    def of(self, deployment: str) -> dict[str, tuple[str, str]]:
        """Status and detail by check."""
        return {
            each["check"]: (each["status"], each["detail"])
            for each in self.deployments[deployment]["checks"]
        }

    def statuses(self, check: str) -> dict[str, str]:
        """By deployment."""
        return {name: self.of(name)[check][0] for name in self.deployments}


class Ward(NamedTuple):
    """The command, and pretend providers in this process that can be made ill."""

    antiphon: Antiphon
    running: list[Simulator]

    async def has(self, *specs: SimulatorSpec, **options: object) -> None:
        for spec in specs:
            simulator = Simulator(spec, **options)
            await simulator.start()
            self.running.append(simulator)

    def providers(self, more: str = "api_key: any") -> str:
        entries = [
            f"  {each.name}: {{dialect: openai_chat, base_url: {each.base_url}, {more}}}\n"
            for each in self.running
        ]
        return "providers:\n" + "".join(entries)

    async def examined(self, *arguments: str, status: int = 0) -> Report:
        done = await asyncio.to_thread(
            self.antiphon, "doctor", *arguments, "--json", "--samples", "1", status=status
        )
        return Report(done.stdout)


@pytest.fixture
async def ward(antiphon: Antiphon) -> AsyncIterator[Ward]:
    made = Ward(antiphon, [])
    yield made
    for each in made.running:
        await each.close()


# what is well


def test_a_table_for_people(configured):
    done = configured("doctor", "one/sim-small", "--samples", "2")
    assert masked(done.stdout) == TABLE
    assert not done.stderr
    assert not configured.admin_key_file.exists()


def test_json_for_programs(configured):
    report = Report(configured("doctor", "fast", "--json", "--samples", "3").stdout)
    assert report.all["ok"] is True
    assert report.all["interrupted"] is False
    assert list(report.deployments) == ["one/sim-small", "two/sim-small"]
    entry = report.deployments["two/sim-small"]
    assert entry["complete"] is True
    assert entry["address"].endswith("/v1")
    assert [each["check"] for each in entry["checks"]] == [
        *("resolve", "connect", "tls", "key", "models", "retirement"),
        *("chat", "stream", "tools", "json", "errors", "latency"),
    ]
    last = entry["checks"][-1]
    assert {"p50_ms", "p95_ms", "p99_ms", "gateway_ms"} <= last["figures"].keys()
    assert (last["figures"]["samples"], last["figures"]["failed"]) == (3, 0)
    assert last["milliseconds"] == last["figures"]["p50_ms"]
    spent = [each["tokens"]["output"] for each in report.deployments.values()]
    assert report.all["tokens"]["output"] == sum(spent) > 0


def test_without_a_configuration(antiphon, providers, closed_port):
    found = {"LLM_BASE_URL": providers[0], "OPENAI_API_KEY": GOOD}
    gone = {"OPENAI_BASE_URL": f"http://127.0.0.1:{closed_port}/v1"}
    done = antiphon("doctor", "--json", "--samples", "1", status=1, **found, **gone)
    report = Report(done.stdout)
    assert report.of("openai_compatible/sim-small")["key"][0] == "ok", "none is needed"
    [other] = {name for name in report.deployments if name.startswith("openai/")}
    assert report.of(other)["connect"][0] == "fail"


def test_a_provider_whose_models_are_not_known(antiphon, closed_port):
    done = antiphon("doctor", "--json", status=1, LLM_BASE_URL=f"http://127.0.0.1:{closed_port}/v1")
    found = Report(done.stdout).of("openai_compatible")
    assert "refuses connections" in found["connect"][1]
    assert found["chat"] == ("skip", "connect failed")
    assert "name one as PROVIDER/MODEL" in found["retirement"][1]


# who asks wrongly, or loses patience


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fasst"], "Did you mean 'fast'"),
        (["three/sim-small"], "does not exist here"),
        (["--only", "chats"], "latency"),
        (["--samples", "0"], "--samples"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_asked_wrongly(configured, arguments, said):
    assert said in configured("doctor", *arguments, status=2).stderr


def test_nothing_to_examine(antiphon):
    assert "antiphon demo" in antiphon("doctor", status=1).stderr


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_interrupted(ward, form):
    """Ctrl-C prints what is known so far, of those too whose turn had not come."""
    await ward.has(
        SimulatorSpec(name="mute", faults=(FaultRule("stall"),)), SimulatorSpec(name="well")
    )
    mute, well = ward.running
    ward.antiphon.write(ward.providers() + "models: {fast: [mute/m, well/sim-small]}\n")
    only = ("--only", "models", "--only", "chat")
    with started(ward.antiphon.home, "doctor", *only, "--timeout", "60", *form) as process:
        await mute.until(lambda lab: lab.requests == 2)
        await well.until(lambda lab: lab.outcomes[Outcome.ANSWERED] == 2)
        assert await asyncio.to_thread(ended, process) == 130
        out = process.stdout.read()
        assert "Traceback" not in process.stderr.read()
    if form:
        report = Report(out)
        assert report.all["interrupted"] is True
        assert report.of("mute/m").keys() == {"models"}
        assert not report.deployments["mute/m"]["complete"]
    else:
        assert "interrupted; so far" in out
        assert "mute/m" in out
        assert "well/sim-small" in out


# who is not there


async def test_what_hangs_on_a_failure_is_not_tried(ward, closed_port):
    ward.antiphon.write(
        f"""providers:
  nowhere: {{dialect: openai_chat, base_url: 'https://nowhere.invalid/v1', api_key: any}}
  gone: {{dialect: openai_chat, base_url: 'http://127.0.0.1:{closed_port}/v1', api_key: any}}
models:
  fast: [nowhere/x, gone/x]
"""
    )
    report = await ward.examined(status=1)
    lost = report.of("nowhere/x")
    assert lost["resolve"][0] == "fail"
    assert "dns_error" in lost["resolve"][1]
    assert {lost[each] for each in ("connect", "tls", "key", *AFTER_KEY)} == {
        ("skip", "resolve failed")
    }
    refused = report.of("gone/x")
    assert refused["resolve"][0] == "ok"
    assert refused["connect"][0] == "fail"
    assert {refused[each] for each in ("tls", "key", *AFTER_KEY)} == {("skip", "connect failed")}


async def test_tls(ward, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    soon = datetime.now(UTC) + timedelta(days=3)
    certificates = {
        "good": authority.issue_cert("127.0.0.1"),
        "ending": authority.issue_cert("127.0.0.1", not_after=soon),
        "other": authority.issue_cert("models.example"),
    }
    for name, certificate in certificates.items():
        context = serving(authority, "127.0.0.1")
        certificate.configure_cert(context)
        await ward.has(SimulatorSpec(name=name), ssl_context=context)
    good = ward.running[0].base_url
    ward.antiphon.write(
        ward.providers("api_key: any, ca_file: ca.pem")
        + f"  strange: {{dialect: openai_chat, base_url: {good}, api_key: any}}\n"
        + "models: {fast: [good/sim-small, ending/sim-small, other/m, strange/m]}\n"
    )
    report = await ward.examined(status=1)
    assert report.statuses("tls") == {
        "good/sim-small": "ok",
        "ending/sim-small": "warn",
        "other/m": "fail",
        "strange/m": "fail",
    }
    assert "TLSv1.3" in report.of("good/sim-small")["tls"][1]
    assert "mismatch" in report.of("other/m")["tls"][1]
    assert "not to be trusted" in report.of("strange/m")["tls"][1]
    assert report.of("strange/m")["key"] == ("skip", "tls failed")
    assert report.of("ending/sim-small")["latency"][0] == "ok"


# keys and models


async def test_keys(ward):
    await ward.has(SimulatorSpec(name="lab", keys=frozenset({GOOD})))
    url = ward.running[0].base_url
    keys = {"good": GOOD, "bad": BAD, "both": f"[{BAD}, {GOOD}]", "none": "null"}
    entries = [
        f"  {name}: {{dialect: openai_chat, base_url: {url}, api_key: {key}}}\n"
        for name, key in keys.items()
    ]
    names = ", ".join(f"{name}/sim-small" for name in keys)
    ward.antiphon.write("providers:\n" + "".join(entries) + f"models: {{fast: [{names}]}}\n")
    report = await ward.examined("--only", "key", "--only", "chat", status=1)
    assert report.statuses("key") == {
        "good/sim-small": "ok",
        "bad/sim-small": "fail",
        "both/sim-small": "warn",
        "none/sim-small": "fail",
    }
    assert report.of("bad/sim-small")["chat"] == ("skip", "key failed")
    assert "invalid_api_key, 401" in report.of("bad/sim-small")["key"][1]
    assert "none is configured" in report.of("none/sim-small")["key"][1]
    assert "1 of 2 refused" in report.of("both/sim-small")["key"][1]
    assert report.of("both/sim-small")["chat"][0] == "ok", "with the other key"
    assert not [key for key in (GOOD, BAD) if key in report.text]


async def test_a_key_that_a_provider_repeats(ward):
    await ward.has(SimulatorSpec(name="lab", faults=(FaultRule("key-echo"),)))
    ward.antiphon.write(ward.providers(f"api_key: {SHORT}") + "models: {fast: lab/sim-small}\n")
    report = await ward.examined("lab", "--only", "chat", "--only", "errors", status=1)
    assert list(report.deployments) == ["lab/sim-small"], "the first that it lists"
    assert "[key]" in report.of("lab/sim-small")["chat"][1]
    assert report.of("lab/sim-small")["errors"][0] == "skip", "no key is left"
    assert SHORT not in report.text


async def test_no_list_of_models(ward):
    server = Server(says(sized(b"<html>", status="404 Not Found")))
    await server.start()
    origin = server.origin
    ward.antiphon.write(
        f"""providers:
  bare: {{dialect: openai_chat, base_url: 'http://127.0.0.1:{origin.port}/v1', api_key: any}}
models:
  fast: bare/x
"""
    )
    found = (await ward.examined(status=1)).of("bare/x")
    await server.aclose()
    assert found["key"] == ("skip", "there is no list of models to show it to; chat tells")
    assert found["models"] == ("skip", "there is no list of models (404)")
    assert found["chat"][0] == "fail"
    assert found["errors"] == ("fail", "refused with 404, and not in words of openai_chat")


async def test_what_is_known_of_models(ward):
    await ward.has(SimulatorSpec(name="lab"))
    ward.antiphon.write(
        ward.providers("models: {toolless: {tools: false}}") + "models: {fast: lab/toolless}\n"
    )
    names = ("lab/toolless", "lab/sim-smal", "lab/kimi-k2-0711-preview")
    only = [word for each in ("models", "retirement", "tools") for word in ("--only", each)]
    report = await ward.examined(*names, *only)
    assert report.of("lab/toolless")["tools"] == ("skip", "this model is known to call none")
    assert report.of("lab/sim-smal")["models"][0] == "warn"
    assert "nearest: sim-small" in report.of("lab/sim-smal")["models"][1]
    old = report.of("lab/kimi-k2-0711-preview")["retirement"]
    assert old[0] == "warn"
    assert old[1] == (
        "was to be switched off by its maker on 2026-05-25; its maker offers kimi-k2.6"
    )


async def test_what_runs_on_ones_own_machines_has_no_last_day(ward):
    await ward.has(SimulatorSpec(name="gpu"))
    ward.antiphon.write(
        f"providers: {{vllm: {{base_url: '{ward.running[0].base_url}', api_key: any}}}}\n"
        "models: {fast: vllm/kimi-k2-0711-preview}\n"
    )
    report = await ward.examined("--only", "retirement")
    assert report.of("vllm/kimi-k2-0711-preview")["retirement"] == (
        "skip",
        "nobody switches off what runs on your own machines",
    )


# what comes back


def words(_reply: Reply, _scene: Scene) -> Reply:
    """An answer that holds neither a tool call nor JSON."""
    message = {"role": "assistant", "content": "Sunny."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return as_json({"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]})


ILLS = {
    # where, which fault, and what the checks behind it say
    "silent-chat": ("ready", "stall", {"chat": "fail", "stream": "skip", "latency": "skip"}),
    "html-chat": ("ready", "html", {"chat": "fail", "errors": "ok"}),
    "uncounted": ("numbers", "no-usage", {"chat": "ok", "stream": "warn"}),
    "cut": ("numbers", "cut", {"chat": "ok", "stream": "fail", "tools": "ok"}),
    "unfinished": ("numbers", "stall-inside", {"stream": "fail", "latency": "ok"}),
    "toolless": ("get_weather", "bad-request", {"tools": "warn", "json": "ok"}),
    "talker": ("get_weather", "words", {"tools": "warn"}),
    "broken-tools": ("get_weather", "server-error", {"tools": "fail"}),
    "prose": ("json_object", "words", {"tools": "ok", "json": "warn"}),
    "no-json": ("json_object", "bad-request", {"json": "warn"}),
    "lenient": ('"none"', "words", {"chat": "ok", "errors": "fail", "latency": "ok"}),
    "crash": ('"none"', "server-error", {"errors": "fail"}),
    "page": ('"none"', "bad-gateway", {"errors": "fail"}),
    "hang": ('"none"', "stall", {"errors": "fail", "latency": "ok"}),
    "busy": ('"none"', "rate-limited", {"errors": "warn"}),
    "flaky": ("say yes", "overloaded", {"chat": "ok", "latency": "fail"}),
}


async def test_ills(ward):
    """Each provider does one thing wrong, and one visit to all of them finds each."""
    for name, (contains, fault, _) in ILLS.items():
        rule = FaultRule(fault, match=Match(contains=contains))
        await ward.has(
            SimulatorSpec(name=name, faults=(rule,)), faults={"words": Fault("words", words)}
        )
    names = ", ".join(f"{name}/sim-small" for name in ILLS)
    ward.antiphon.write(ward.providers() + f"models: {{all: [{names}]}}\n")
    report = await ward.examined("all", "--timeout", "2", status=1)
    found = {name: report.of(f"{name}/sim-small") for name in ILLS}
    for name, (_, _, expected) in ILLS.items():
        seen = {check: found[name][check][0] for check in expected}
        assert seen == expected, (name, found[name])
    assert found["silent-chat"]["stream"] == ("skip", "chat failed")
    assert "total_timeout" in found["silent-chat"]["chat"][1]
    assert "costs cannot be counted" in found["uncounted"]["stream"][1]
    assert "answered with 502" in found["page"]["errors"][1]
    assert "1 of 1 failed" in found["flaky"]["latency"][1]
    assert report.all["ok"] is False
