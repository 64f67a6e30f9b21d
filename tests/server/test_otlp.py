"""Spans and histograms as a collector gets them, and `traceparent` on both sides."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from antiphon import Antiphon, ConfigurationError
from antiphon.simulator import FaultRule
from tests.server.collector import Collector, collecting, plain
from tests.server.every_path import PRICED, ROUTES, SPECS, EveryPath
from tests.server.raw import chat_body
from tests.server.stage import HELLO, KEY, Stage, stage

ID, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{ID}-{PARENT}-01"
INTERNAL, SERVER, CLIENT = 1, 2, 3
CHAT = "/v1/chat/completions"


@pytest.fixture
def collector():
    with collecting() as running:
        yield running


def traced(tmp_path, collector: Collector, **otlp: object):
    """A stage that tells the collector; when it is left, everything was sent."""
    return stage(
        tmp_path,
        list(SPECS),
        provider={"models": PRICED},
        models=ROUTES,
        auth={"keys": [{"key": KEY, "team": "web"}]},
        telemetry={"otlp": {"endpoint": collector.endpoint, **otlp}},
    )


async def ask(road: Stage, *, body: bytes | None = None, **headers: str) -> int:
    response = await road.http.post(CHAT, content=body or chat_body(), headers=headers)
    return response.status_code


def by_kind(collector: Collector) -> dict[int, list]:
    found: dict[int, list] = {INTERNAL: [], SERVER: [], CLIENT: []}
    for span in collector.spans:
        found[span.kind].append(span)
    return found


async def test_vectors_are_an_operation_of_their_own(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        for path in ("/v1/embeddings", "/api/embed"):
            body = {"model": "fast", "input": "x"}
            headers = {"authorization": f"Bearer {KEY}"}
            assert (await road.http.post(path, json=body, headers=headers)).status_code == 200
    spans = by_kind(collector)
    assert {each.name for each in spans[INTERNAL]} == {"embeddings fast"}
    assert {each.name for each in spans[CLIENT]} == {"embeddings sim-small"}
    assert {each.attributes["gen_ai.operation.name"] for each in spans[CLIENT]} == {"embeddings"}


async def test_three_spans_of_one_request(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        body = chat_body(max_tokens=5000)
        assert await ask(road, body=body, authorization=f"Bearer {KEY}") == 200
        sent = road.first.received[-1].header(b"traceparent").decode()
        address = road.first.base_url
    spans = by_kind(collector)
    [server], [chat], [client] = spans[SERVER], spans[INTERNAL], spans[CLIENT]
    assert len({server.trace, chat.trace, client.trace}) == 1
    assert (server.parent, chat.parent, client.parent) == ("", server.id, chat.id)
    assert sent == f"00-{client.trace}-{client.id}-01"
    assert (server.name, chat.name, client.name) == ("POST", "chat fast", "chat sim-small")
    assert server.begin <= chat.begin <= client.begin <= client.end <= chat.end <= server.end
    assert not any(each.failed for each in collector.spans)
    assert server.attributes["http.response.status_code"] == 200
    assert chat.attributes["antiphon.team"] == "web"
    port = int(address.rpartition(":")[2].partition("/")[0])
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "one",
        "gen_ai.request.model": "sim-small",
        "gen_ai.request.max_tokens": 5000,
        "gen_ai.request.stream": False,
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "127.0.0.1",
        "server.port": port,
        "antiphon.charge": "reported",
    }
    assert client.attributes | expected == client.attributes
    assert client.attributes["gen_ai.usage.input_tokens"] > 0
    assert client.attributes["gen_ai.usage.output_tokens"] > 0
    assert client.attributes["antiphon.cost_usd"] > 0
    assert collector.resources[0]["service.name"] == "antiphon"


async def test_a_caller_s_trace_goes_on(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        assert await ask(road, traceparent=TRACEPARENT, tracestate="a=b,c=d") == 200
        received = road.first.received[-1]
        assert received.header(b"traceparent").startswith(f"00-{ID}-".encode())
        assert received.header(b"tracestate") is None, "it is the caller's own business"
    [server] = by_kind(collector)[SERVER]
    assert {each.trace for each in collector.spans} == {ID}
    assert (server.parent, server.state) == (PARENT, "a=b,c=d")


async def test_one_that_is_not_kept_is_passed_on_as_such(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        assert await ask(road, traceparent=f"00-{ID}-{PARENT}-00") == 200
        sent = road.first.received[-1].header(b"traceparent").decode()
        assert (sent[:36], sent[-2:]) == (f"00-{ID}-", "00")
    assert collector.spans == []
    assert collector.histograms, "it is counted all the same"


@pytest.mark.parametrize("value", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"{TRACEPARENT}x"])
async def test_a_false_one_begins_a_trace(tmp_path, collector, value):
    async with traced(tmp_path, collector) as road:
        assert await ask(road, traceparent=value) == 200
    [server] = by_kind(collector)[SERVER]
    assert (server.trace != ID, server.parent) == (True, "")


async def test_a_fallback_is_two_attempts(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        road.first.arm(FaultRule("server-error", count=1))
        assert await ask(road, body=chat_body(model="both")) == 200
        sent = [each.received[-1].header(b"traceparent").decode() for each in road.simulators]
    spans = by_kind(collector)
    [chat], [first, second] = spans[INTERNAL], spans[CLIENT]
    assert [f"00-{each.trace}-{each.id}-01" for each in (first, second)] == sent
    assert first.parent == second.parent == chat.id
    assert (first.failed, second.failed, chat.failed) == (True, False, False)
    assert first.attributes["error.type"] == "upstream"
    assert first.attributes["http.response.status_code"] == 500
    assert "error.type" not in second.attributes
    assert chat.attributes["antiphon.attempts"] == 2


async def test_every_way_to_end(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        await EveryPath(road).walk()
    spans = by_kind(collector)
    kinds = {each.attributes.get("error.type") for each in spans[SERVER]}
    assert kinds == {
        None, "unsupported_parameter", "upstream", "client_closed", "model_not_found", "bad_request",
    }  # fmt: skip
    statuses = {each.attributes["http.response.status_code"]: each.failed for each in spans[SERVER]}
    assert statuses == {200: False, 400: False, 404: False, 499: False, 502: True}
    assert {each.attributes.get("error.type") for each in spans[CLIENT]} == {
        None, "unsupported_parameter", "upstream", "rate_limited", "cancelled", "html_body",
        "reset", "upstream_auth",
    }  # fmt: skip
    ids = [each.id for each in collector.spans]
    assert len(ids) == len(set(ids))
    for each in spans[CLIENT]:
        assert each.parent in {chat.id for chat in spans[INTERNAL]}
    for each in spans[INTERNAL]:
        assert each.parent in {server.id for server in spans[SERVER]}


async def test_histograms(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        assert await ask(road) == 200
        assert await ask(road, body=chat_body(stream=True)) == 200
        road.first.arm(FaultRule("server-error", count=1))
        assert await ask(road) == 502
    histograms = collector.histograms
    assert set(histograms) == {
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
    }
    tokens = {
        plain(p.attributes)["gen_ai.token.type"]: p for p in histograms["gen_ai.client.token.usage"]
    }
    assert set(tokens) == {"input", "output"}
    assert tokens["input"].count == 2
    assert list(tokens["input"].explicit_bounds) == [4.0**power for power in range(14)]
    durations = histograms["gen_ai.client.operation.duration"]
    assert {plain(p.attributes).get("error.type"): p.count for p in durations} == {
        None: 2,
        "upstream": 1,
    }
    assert list(durations[0].explicit_bounds)[:2] == [0.01, 0.02]
    assert list(durations[0].explicit_bounds)[-1] == pytest.approx(81.92)
    [first] = histograms["gen_ai.client.operation.time_to_first_chunk"]
    assert first.count == 1
    assert plain(first.attributes)["gen_ai.provider.name"] == "one"


async def test_metrics_can_be_left_out(tmp_path, collector):
    async with traced(tmp_path, collector, metrics=False) as road:
        assert await ask(road) == 200
    assert {path for path, _ in collector.bodies} == {"/v1/traces"}


async def test_a_share_of_none(tmp_path, collector):
    async with traced(tmp_path, collector, sample=0) as road:
        assert await ask(road) == 200
        assert road.first.received[-1].header(b"traceparent").endswith(b"-00")
    assert collector.spans == []


async def test_headers_of_the_collector(tmp_path, collector):
    async with traced(tmp_path, collector, headers={"x-api-key": "collector-key"}) as road:
        assert await ask(road) == 200
    sent = {name.lower(): value for name, value in collector.headers[0].items()}
    assert sent["x-api-key"] == "collector-key"
    assert sent["content-type"] == "application/x-protobuf"


async def test_in_a_program_the_exchange_is_the_first_span(tmp_path, collector):
    async with traced(tmp_path, collector) as road:
        await road.gateway.chat(model="fast", messages=HELLO)
    spans = by_kind(collector)
    [chat], [client] = spans[INTERNAL], spans[CLIENT]
    assert (spans[SERVER], chat.parent, client.parent) == ([], "", chat.id)


# ------------------------------------------------------------------ collectors that do not do


async def test_a_collector_that_hangs_costs_requests_nothing(tmp_path, collector, monkeypatch):
    monkeypatch.setattr("antiphon.telemetry.otlp._PAUSE", 0.01)
    monkeypatch.setattr("antiphon.telemetry.otlp._TIMEOUT", 0.5)
    monkeypatch.setattr("antiphon.telemetry.otlp._GRACE", 0.1)
    collector.held.clear()
    async with traced(tmp_path, collector) as road:
        assert await ask(road) == 200
        assert await asyncio.to_thread(collector.arrived.wait, 10)
        for _ in range(50):
            assert await ask(road) == 200
        assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        assert road.gateway.books.shipper.shipped == 51


@pytest.mark.parametrize("how", ["down", "refuses"])
async def test_a_collector_that_is_down_costs_spans(tmp_path, collector, how, monkeypatch, caplog):
    monkeypatch.setattr("antiphon.telemetry.otlp._PAUSE", 0.01)
    monkeypatch.setattr("antiphon.telemetry.otlp._TIMEOUT", 0.5)
    monkeypatch.setattr("antiphon.telemetry.otlp._GRACE", 0.1)
    collector.status = 401
    endpoint = collector.endpoint if how == "refuses" else "http://127.0.0.1:9"
    async with traced(
        tmp_path, collector, endpoint=endpoint, headers={"x-api-key": "collector-key"}
    ) as road:
        assert await ask(road) == 200
        reporting = road.gateway.reporting
        async with asyncio.timeout(10):
            while not reporting.dropped["otlp"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        exposed = road.gateway.metrics.exposition()
        assert b'antiphon_reports_dropped_total{at="otlp"} 1' in exposed
    assert "collector-key" not in caplog.text


# ------------------------------------------------------------------ off


async def test_off_the_road_when_off(road):
    assert await ask(road, traceparent=TRACEPARENT) == 200
    assert road.first.received[-1].header(b"traceparent") is None
    assert not road.gateway.pipeline.recording.reports.every


OFF = """
import asyncio, sys
from antiphon import Antiphon
from antiphon.simulator import Fleet, SimulatorSpec
async def main():
    async with Fleet([SimulatorSpec(name="one")]) as fleet:
        one = {"dialect": "openai_chat", "base_url": fleet["one"].base_url, "api_key": "any"}
        settings = {
            "storage": {"data_dir": sys.argv[1]}, "providers": {"one": one},
            "logging": {"requests": "json", "file": sys.argv[1] + "/log"},
        }
        async with Antiphon.from_config(settings, environ={}) as gateway:
            await gateway.chat(model="one/m", messages=[{"role": "user", "content": "x"}])
            gateway.metrics.exposition()
asyncio.run(main())
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"opentelemetry", "requests", "google"}))
"""


def test_nothing_of_it_is_loaded_when_off(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", OFF, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


async def test_the_extra_is_named_where_it_is_missing(tmp_path, fleetless, monkeypatch):
    for name in [each for each in sys.modules if each.startswith("antiphon.telemetry.otlp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    gateway = Antiphon.from_config(fleetless, environ={})
    with pytest.raises(ConfigurationError, match=r"pip install 'antiphon\[otel\]'"):
        async with gateway:
            pass


@pytest.fixture
def fleetless(tmp_path):
    return {
        "storage": {"data_dir": str(tmp_path)},
        "providers": {"one": {"base_url": "http://127.0.0.1:9/v1", "api_key": "any"}},
        "telemetry": {"otlp": {"endpoint": "http://127.0.0.1:4318"}},
    }


@pytest.mark.parametrize(
    ("otlp", "message"),
    [
        ({"endpoint": "collector:4318"}, "must be an address"),
        ({"endpoint": "http://user:pass@host"}, "must be an address"),
        ({"endpoint": "http://[::1"}, "must be an address"),
        ({"endpoint": "http://host:0"}, "must be an address"),
        ({"sample": 2}, "must be at most 1"),
        ({"protocol": "grpc"}, "http/protobuf"),
        ({"headers": {"a b": "c"}}, "cannot stand in a header"),
        ({"headers": {"a": "b\r\nc: d"}}, "cannot stand in a header"),
    ],
)
def test_mistakes(fleetless, otlp, message):
    settings = {**fleetless, "telemetry": {"otlp": otlp}}
    with pytest.raises(ConfigurationError, match=message) as caught:
        Antiphon.from_config(settings, environ={})
    assert "pass@" not in str(caught.value)


def test_the_standard_variable(tmp_path):
    (tmp_path / "antiphon.yaml").write_text(
        "providers: {one: {base_url: 'http://127.0.0.1:9/v1', api_key: any}}\n"
    )
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318/", "HOME": str(tmp_path)}
    gateway = Antiphon.from_config(tmp_path / "antiphon.yaml", environ=environ)
    assert gateway.settings.telemetry.otlp.endpoint == "http://127.0.0.1:4318"
