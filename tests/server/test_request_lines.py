"""The request's line, from a request over HTTP to a file."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path

import pytest

from antiphon import Antiphon, ConfigurationError
from antiphon.simulator import FaultRule
from tests.server.every_path import PRICED, ROUTES, SPECS, EveryPath
from tests.server.raw import chat_body
from tests.server.stage import HELLO, KEY, Stage, stage

CHAT = "/v1/chat/completions"
AUTH = {"keys": [{"key": KEY, "team": "web", "department": "sales", "user": "Jane Doe"}]}


def logged(tmp_path: Path, **sections: object):
    logging_section = {"requests": "json", "file": str(tmp_path / "log")}
    return stage(
        tmp_path,
        list(SPECS),
        provider={"models": PRICED},
        models=ROUTES,
        auth=AUTH,
        logging=logging_section,
        **sections,
    )


async def lines(road: Stage, tmp_path: Path) -> list[dict[str, object]]:
    await road.at_rest()
    assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


async def test_a_line_of_a_request(tmp_path):
    async with logged(tmp_path) as road:
        headers = {"authorization": f"Bearer {KEY}"}
        response = await road.http.post(CHAT, content=chat_body(stream=True), headers=headers)
        [line] = await lines(road, tmp_path)
    assert line["request_id"] == response.headers["x-antiphon-request-id"]
    expected = {
        "level": "info",
        "event": "request",
        "route": "fast",
        "provider": "one",
        "model": "sim-small",
        "dialects": ["openai_chat", "openai_chat"],
        "stream": True,
        "status": 200,
        "class": "ok",
        "code": None,
        "attempts": 1,
        "team": "web",
        "department": "sales",
        "charge": "reported",
        "warnings": [],
        "structured": None,
        "trace_id": None,
    }
    assert line | expected == line
    assert line["key_id"].startswith("static-")
    assert line["subject"], "an id"
    assert "Jane" not in json.dumps(line), "and never the name"
    assert line["cost_usd"] > 0
    assert 0 < line["ttft_ms"] <= line["duration_ms"]
    assert line["input_tokens"] > 0
    assert line["output_tokens"] > 0


async def test_a_line_for_every_way_to_end(tmp_path):
    async with logged(tmp_path) as road:
        await EveryPath(road).walk()
        found = await lines(road, tmp_path)
    told = Counter((each["status"], each["class"], each["code"], each["level"]) for each in found)
    assert told == {
        (200, "ok", None, "info"): 5,
        (200, "ok", None, "warning"): 2,
        (400, "unsupported_parameter", "unsupported_parameter", "warning"): 1,
        (502, "upstream", "html_body", "error"): 1,
        (502, "upstream", "reset", "error"): 2,
        (499, "client_closed", "client_closed", "info"): 1,
        (502, "upstream", "upstream_auth", "error"): 1,
        (404, "model_not_found", "model_not_found", "warning"): 1,
        (400, "bad_request", "bad_request", "warning"): 1,
    }
    assert {each["attempts"] for each in found} == {0, 1, 2}


async def test_names_of_callers_forge_no_line(tmp_path):
    name = 'one/x\\"}{ [31m'
    hostile = 'one/m\n{"event": "request", "status": 200}\u2028\x1b[31m'
    async with logged(tmp_path) as road:
        for model in (name, hostile, "\x00", "a" * 100_000):
            await road.http.post(CHAT, json={"model": model, "messages": HELLO})
        found = await lines(road, tmp_path)
        raw = (tmp_path / "log").read_bytes()
    assert [each["status"] for each in found] == [200, 404, 404, 404]
    assert found[0]["model"] == name.removeprefix("one/")
    assert raw.count(b"\n") == 4
    assert b"\x1b" not in raw
    assert len(raw) < 10_000


async def test_a_text_line(tmp_path):
    section = {"requests": "text", "file": str(tmp_path / "log")}
    async with stage(tmp_path, logging=section) as road:
        await road.http.post(CHAT, content=chat_body())
        await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    line = (tmp_path / "log").read_text()
    assert " INFO req_" in line
    assert " fast -> one/sim-small 200 ok " in line


async def test_what_is_left_is_written_at_the_end(tmp_path):
    async with logged(tmp_path) as road:
        await road.http.post(CHAT, content=chat_body())
    assert (tmp_path / "log").read_text().count("\n") == 1


async def test_a_program_gets_no_lines_unless_it_asks(tmp_path, capfd):
    root = list(logging.getLogger().handlers)
    async with stage(tmp_path) as road:
        road.first.arm(FaultRule("server-error", count=1))
        assert (await road.http.post(CHAT, content=chat_body())).status_code == 502
        await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        assert logging.getLogger().handlers == root
    assert capfd.readouterr() == ("", "")


async def test_a_program_can_listen_by_logging(tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "antiphon")
    async with stage(tmp_path, models=ROUTES) as road:
        road.first.arm(FaultRule("rate-limited-ms", count=1))
        await road.http.post(CHAT, content=chat_body(model="again"))
        await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    text = caplog.text
    assert "attempt 1 at one/sim-small: rate_limited" in text
    assert "attempt 2 at one/sim-small: ok" in text


async def test_changes_of_health_are_told(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("antiphon.gateway.reporting._LOOK_EVERY", 0.0)
    caplog.set_level(logging.INFO, "antiphon")
    async with stage(tmp_path) as road:
        shipper = road.gateway.books.shipper
        [deployment] = [each for each in road.gateway.deployments() if each.provider == "one"]
        deployment.health.ejected_until = road.gateway.clock.monotonic() + 30
        await asyncio.to_thread(shipper.flush, 10)
        deployment.reset()
        await asyncio.to_thread(shipper.flush, 10)
    told = [each.getMessage() for each in caplog.records if each.name == "antiphon.health"]
    assert told == [
        "The deployment one/sim-small is put last",
        "The deployment one/sim-small is in its place again",
    ]


async def test_a_flood_is_counted_and_costs_no_memory(tmp_path, monkeypatch):
    async with logged(tmp_path) as road:
        reports = road.gateway.pipeline.recording.reports
        reports._room = 0
        for _ in range(3):
            assert (await road.http.post(CHAT, content=chat_body())).status_code == 200
        exposed = road.gateway.metrics.exposition()
        assert b'antiphon_reports_dropped_total{at="queue"} 3\n' in exposed


async def test_a_file_that_cannot_be_opened(tmp_path):
    settings = {
        "storage": {"data_dir": str(tmp_path)},
        "providers": {"one": {"base_url": "http://127.0.0.1:9/v1", "api_key": "any"}},
        "logging": {"requests": "json", "file": str(tmp_path / "absent" / "log")},
    }
    gateway = Antiphon.from_config(settings, environ={})
    with pytest.raises(ConfigurationError, match=r"logging: file: cannot be opened: No such file"):
        async with gateway:
            pass


async def test_every_attempt_that_failed_stands_in_the_line(tmp_path):
    async with logged(tmp_path) as road:
        road.first.arm("server-error")
        headers = {"authorization": f"Bearer {KEY}"}
        await road.http.post(CHAT, content=chat_body(model="both"), headers=headers)
        [line] = await lines(road, tmp_path)
    assert (line["level"], line["attempts"], line["class"]) == ("warning", 2, "ok")
    [failed] = line["failed"]
    assert (failed["provider"], failed["model"], failed["code"]) == ("one", "sim-small", "upstream")
    assert failed["ms"] > 0
