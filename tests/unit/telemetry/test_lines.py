"""The request's line: its fields, and that nobody can forge one."""

from __future__ import annotations

import json
import logging
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.usage import Usage
from antiphon.telemetry.lines import json_line, level_of, text_line
from antiphon.telemetry.remarks import JsonForm, TextForm
from antiphon.telemetry.report import AttemptReport, Reports, RequestReport

ATTEMPT = AttemptReport(
    provider="one",
    model="m",
    vendor="openai",
    host="127.0.0.1",
    port=9,
    outcome="ok",
    word="ok",
    status=0,
    charge="reported",
    usage=Usage(input_tokens=10, output_tokens=4, cache_read_tokens=3, reasoning_tokens=2),
    cost=1_500_000,
    started_at=1_760_000_000_000_000,
    first_byte=900,
    total=2_000,
)
REPORT = RequestReport(
    request="req_1",
    ended_at=1_760_000_000_123_456,
    status=200,
    kind="ok",
    total=2_500,
    route="fast",
    heard="openai_chat",
    spoken="openai_chat",
    stream=True,
    first_token=1_000,
    overhead=500,
    key_id="static-1",
    team="web",
    department="sales",
    subject="sub_1",
    attempts=(ATTEMPT,),
)
HOSTILE = 'a\nb\r\x00\x1b[31m\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff"}{\\'


def test_json():
    assert json.loads(json_line(REPORT)) == {
        "time": "2025-10-09T08:53:20.123Z",
        "level": "info",
        "event": "request",
        "request_id": "req_1",
        "route": "fast",
        "provider": "one",
        "model": "m",
        "dialects": ["openai_chat", "openai_chat"],
        "stream": True,
        "status": 200,
        "class": "ok",
        "code": None,
        "attempts": 1,
        "failed": [],
        "degraded": None,
        "input_tokens": 10,
        "output_tokens": 4,
        "cache_read_tokens": 3,
        "reasoning_tokens": 2,
        "cost_usd": 0.0015,
        "ttft_ms": 1.0,
        "duration_ms": 2.5,
        "overhead_ms": 0.5,
        "key_id": "static-1",
        "team": "web",
        "department": "sales",
        "subject": "sub_1",
        "charge": "reported",
        "warnings": [],
        "cache": None,
        "structured": None,
        "trace_id": None,
    }


def test_text():
    assert text_line(REPORT).decode() == (
        "08:53:20.123 INFO req_1 fast -> one/m 200 ok 13+6 tokens $0.001500 first 1 ms 2 ms "
        "static-1 web\n"
    )


def test_a_refusal():
    refusal = RequestReport(
        request="req_2",
        ended_at=1,
        status=401,
        kind="unauthenticated",
        word="unauthenticated",
        total=0,
    )
    line = json.loads(json_line(refusal))
    assert (line["level"], line["class"], line["route"], line["attempts"]) == (
        "warning",
        "unauthenticated",
        None,
        0,
    )
    assert text_line(refusal) == b"00:00:00.000 WARNING req_2 401 unauthenticated 0 ms\n"


@pytest.mark.parametrize(
    ("status", "attempts", "level"),
    [
        (200, 1, "info"),
        (200, 2, "warning"),
        (404, 0, "warning"),
        (499, 1, "info"),
        (502, 2, "error"),
        (500, 0, "error"),
        (429, 1, "error"),
        (429, 0, "warning"),
    ],
)
def test_levels(status, attempts, level):
    report = msgspec.structs.replace(REPORT, status=status, attempts=(ATTEMPT,) * attempts)
    assert level_of(report) == level


def test_each_attempt_that_failed_is_told():
    failed = msgspec.structs.replace(ATTEMPT, word="idle_timeout", total=30_000_400)
    report = msgspec.structs.replace(REPORT, attempts=(failed, ATTEMPT))
    assert json.loads(json_line(report))["failed"] == [
        {"provider": "one", "model": "m", "code": "idle_timeout", "ms": 30_000.4}
    ]
    assert b" 2 attempts [one/m idle_timeout 30000 ms] " in text_line(report)


@given(st.text(max_size=30) | st.just(HOSTILE))
def test_names_from_outside_forge_no_line(name):
    name = name.encode(errors="replace").decode()
    attempt = msgspec.structs.replace(ATTEMPT, model=name)
    report = msgspec.structs.replace(REPORT, route=name, attempts=(attempt,), warnings=(name,))
    as_json, as_text = json_line(report), text_line(report)
    for line in (as_json, as_text):
        assert line.decode().rstrip("\n").splitlines() == [line.decode()[:-1]]
        assert not set(line[:-1]) & {*range(32), 0x7F}
    assert json.loads(as_json)["model"] == name
    assert not any(0x80 <= ord(letter) < 0xA0 for letter in as_text.decode() + as_json.decode())
    assert "\u202e" not in as_text.decode() + as_json.decode()


def record(message: str, *arguments: object, broken: bool = False) -> logging.LogRecord:
    error = None
    if broken:
        try:
            raise LookupError("in\nside")  # noqa: TRY301
        except LookupError:
            error = sys.exc_info()
    return logging.LogRecord("antiphon.x", logging.WARNING, "p", 1, message, arguments, error)


def test_remarks_forge_no_line():
    told = record("path %s", HOSTILE)
    line = JsonForm().format(told)
    assert json.loads(line)["message"] == f"path {HOSTILE}"
    assert line.splitlines() == [line]
    line = TextForm().format(told)
    assert line.splitlines() == [line]
    assert "WARNING antiphon.x path a" in line


def test_remarks_keep_their_traceback():
    told = record("a defect", broken=True)
    assert "LookupError" in json.loads(JsonForm().format(told))["traceback"]
    assert TextForm().format(told).splitlines()[1].startswith("Traceback")


def test_a_full_queue_drops_what_is_new_and_counts_it():
    reports = Reports(room=3)
    for _ in range(5):
        reports.put(REPORT)
    assert (len(reports.take()), reports.dropped) == (3, 2)
    reports.put(REPORT)
    assert (len(reports.take()), reports.take(), reports.dropped) == (1, [], 2)


def test_figures_are_of_all_attempts():
    report = msgspec.structs.replace(REPORT, attempts=(ATTEMPT, ATTEMPT, ATTEMPT))
    line = json.loads(json_line(report))
    assert (line["input_tokens"], line["reasoning_tokens"], line["cost_usd"]) == (30, 6, 0.0045)
    assert b" 39+18 tokens $0.004500 " in text_line(report)
