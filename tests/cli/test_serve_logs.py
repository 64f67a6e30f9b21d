"""What `antiphon serve` writes of requests, and of itself."""

from __future__ import annotations

import json
import re

import httpx2
import pytest

from tests.cli.processes import Served, ended
from tests.cli.terminal import CTRL_C, terminal

FAST = {"model": "fast", "messages": [{"role": "user", "content": "a private question"}]}


def ask(served: Served, **members: object) -> httpx2.Response:
    url = f"{served.address}/v1/chat/completions"
    return httpx2.post(url, json={**FAST, **members}, timeout=20)


def written(served: Served) -> str:
    """Everything on standard error, once it has ended."""
    assert ended(served.process) == 0
    return served.process.stderr.read()


def test_a_line_of_json_for_each_request(configured):
    with configured.serving() as served:
        answer = ask(served)
        ask(served, model="absent")
        lines = [json.loads(line) for line in written(served).splitlines()]
    assert [each["event"] for each in lines] == ["request", "request"]
    assert [each["status"] for each in lines] == [200, 404]
    assert lines[0]["request_id"] == answer.headers["x-antiphon-request-id"]


def test_a_person_reads_text(configured):
    with terminal(configured, "serve") as person:
        address = re.search(r"serves on (\S+)", person.expect(r"    curl"))[1]
        httpx2.post(f"{address}/v1/chat/completions", json=FAST, timeout=20)
        line = person.expect(r"fast -> one/sim-small 200 ok .* ms")
        assert " INFO req_" in line
        assert person.status(CTRL_C) == 0


def test_off_says_only_what_went_wrong(configured):
    configured.write((configured.home / "antiphon.yaml").read_text() + "logging: {requests: off}\n")
    with configured.serving() as served:
        assert ask(served).status_code == 200
        assert ask(served, model="broken").status_code == 502
        *failed, line = [json.loads(each) for each in written(served).splitlines()]
    assert {(each["logger"], each["level"]) for each in failed} == {
        ("antiphon.requests", "warning")
    }
    assert (line["event"], line["level"], line["logger"]) == ("log", "error", "antiphon.requests")
    assert "failed: upstream" in line["message"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_debug_tells_sizes_and_times_and_no_text(configured, form):
    section = f"logging: {{requests: off, format: {form}}}\n"
    configured.write((configured.home / "antiphon.yaml").read_text() + section)
    with configured.serving(ANTIPHON_LOG_LEVEL="debug") as served:
        assert ask(served).status_code == 200
        told = written(served)
    assert "attempt 1 at one/sim-small: ok" in told
    assert "private" not in told
    if form == "json":
        assert {json.loads(line)["level"] for line in told.splitlines()} >= {"debug"}


def test_a_file_in_place_of_standard_error(configured):
    section = "logging: {file: logs.jsonl}\n"
    configured.write((configured.home / "antiphon.yaml").read_text() + section)
    with configured.serving() as served:
        ask(served)
        assert written(served) == ""
    [line] = (configured.home / "logs.jsonl").read_text().splitlines()
    assert json.loads(line)["status"] == 200


def test_nobody_reads_what_it_writes(configured):
    """A pipe takes 64 KiB; whoever fills it holds nobody up, neither callers nor the ledger."""
    with configured.serving() as served:
        for _ in range(300):
            assert ask(served).status_code == 200
        key = served.admin_key
        assert "antiphon_ledger_up 1" in served.get("/metrics", key).text
        # Its end waits shortly for a reader, and for no more than that.
        assert ended(served.process) == 0
        lines = served.process.stderr.read().splitlines()
    assert 0 < len(lines) < 300
    assert all(json.loads(line)["status"] == 200 for line in lines[:100])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{requests: yaml}", "'yaml' is not 'auto', 'off', 'text' or 'json'"),
        ("{level: chatty}", "'chatty' is not 'error', 'warning', 'info' or 'debug'"),
        ("{file: absent/log}", "logging: file: cannot be opened: No such file or directory"),
    ],
)
def test_mistakes(configured, section, message):
    configured.write((configured.home / "antiphon.yaml").read_text() + f"logging: {section}\n")
    assert message in configured("serve", status=1).stderr
