"""`antiphon simulate`."""

from __future__ import annotations

import json
import re
import signal
import socket
from pathlib import Path

import httpx2
import pytest

from antiphon.simulator import FAULTS
from tests.cli.processes import ended, started

RECORDINGS = Path(__file__).parents[1] / "simulator" / "recordings.jsonl"


def test_what_it_prints_can_be_pasted(antiphon):
    arguments = ("simulate", "--port", "0", "--latency", "instant")
    with started(antiphon.home, *arguments) as process:
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        for spoken in ("Chat Completions", "Responses", "Messages", "Gemini's API", "Ollama's"):
            assert spoken in text
        snippet = re.search(r"^providers:.*?(?=\n\n)", text, re.DOTALL | re.MULTILINE)[0]
        antiphon.write(snippet)
        done = antiphon("chat", "-m", "fast", "Hello")
        assert "simulated answer" in done.stdout
        assert ended(process, signal.SIGTERM) == 0
        assert not process.stderr.read()


def test_two_from_port_9100_by_default(antiphon):
    page = antiphon("simulate", "--help").stdout
    assert "9100" in page
    assert re.search(r"--count.*2", page)


def test_it_replays(antiphon):
    arguments = ("--port", "0", "--count", "1", "--json", "--replay", str(RECORDINGS))
    with started(antiphon.home, "simulate", *arguments) as process:
        text = ""
        while not text.endswith("]\n"):
            text += process.stdout.readline()
        [running] = json.loads(text)
        name = json.loads(RECORDINGS.read_text().splitlines()[0])["id"]
        asked = {"model": f"replay:{name}", "messages": [{"role": "user", "content": "x"}]}
        answer = httpx2.post(f"{running['base_url']}/chat/completions", json=asked, timeout=20)
        assert answer.headers["x-antiphon-simulator"]
        assert ended(process) == 0


@pytest.mark.parametrize("options", [[], ["--strict"]])
def test_it_is_strict_if_asked(antiphon, options):
    arguments = ("--port", "0", "--count", "1", "--latency", "instant", "--json", *options)
    with started(antiphon.home, "simulate", *arguments) as process:
        text = ""
        while not text.endswith("]\n"):
            text += (line := process.stdout.readline())
            assert line, process.stderr.read()
        [running] = json.loads(text)
        orphan = {"role": "tool", "tool_call_id": "call_1", "content": "21"}
        asked = {"model": "sim-small", "messages": [orphan]}
        answer = httpx2.post(f"{running['base_url']}/chat/completions", json=asked, timeout=20)
        assert answer.status_code == (400 if options else 200)
        assert ended(process) == 0


def test_faults_are_listed(antiphon):
    text = antiphon("simulate", "--faults").stdout
    listed = json.loads(antiphon("simulate", "--faults", "--json").stdout)
    assert [each["name"] for each in listed] == list(FAULTS)
    for each in listed:
        fault = FAULTS[each["name"]]
        assert (each["description"], each["expected"]) == (fault.description, fault.expected)
        assert each["wires"] == sorted(fault.wires)
        assert f"{each['name']}\n    {fault.description}\n    > {fault.expected}\n" in text


def test_a_port_in_use(antiphon):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = antiphon("simulate", "--port", str(port), "--count", "1", status=1)
    assert str(port) in done.stderr or "in use" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--latency", "quick"], ["--replay", "absent"], ["--count", "0"], ["--port", "65535"]],
)
def test_asked_wrongly(antiphon, arguments):
    assert antiphon("simulate", *arguments, status=2).stderr


def test_recordings_that_are_none(antiphon):
    antiphon.write("{not json\n", "bad.jsonl")
    assert "bad.jsonl" in antiphon("simulate", "--replay", "bad.jsonl", status=1).stderr
