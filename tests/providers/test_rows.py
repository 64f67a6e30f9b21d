"""Every row of the catalog, as its provider is: what it must be sent, and what it answers.

One gateway has four entries for each row, which differ in what the pretend provider replays: a
whole answer, a stream, an error, a list of models. So each is asked over real sockets, by the
row's own path, key and quirks.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from typing_extensions import override

from antiphon.clock import SystemClock
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.listing import list_models
from antiphon.providers.address import parse_address
from antiphon.providers.catalog import ProviderRow, load_catalog
from antiphon.server.serve import serving
from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.received import Received
from tests.providers.fixtures import (
    KEY,
    MEANINGS,
    QUESTION,
    Fixture,
    load_fixtures,
    write_recordings,
)

CATALOG = load_catalog()
FIXTURES = load_fixtures()
ROWS = list(FIXTURES)
QUIET = [name for name in ROWS if FIXTURES[name].sent.quiet]
LISTED = [name for name in ROWS if FIXTURES[name].models is not None]
ADDRESSES = {
    "vertex": "/v1/projects/p/locations/europe-west4/publishers/google",
    "cloudflare": "/client/v4/accounts/acc/ai/v1",
}
"""The paths of addresses that only their owners know."""
ADMIN = "admin-key-0123456789abcdef"
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Evening(SystemClock):
    """Some providers cost less at some hours: the recorded costs are of this one."""

    @override
    def now(self) -> float:
        return datetime(2026, 11, 26, 20, tzinfo=UTC).timestamp()


class Stage:
    """A gateway with all rows, and the provider that pretends to be all of them."""

    def __init__(self, gateway: Antiphon, provider: Simulator, http: httpx2.AsyncClient) -> None:
        self.gateway = gateway
        self.provider = provider
        self.http = http

    async def ask(self, row: str, way: str, **more: object) -> tuple[httpx2.Response, Received]:
        """The canonical question; the answer, and the request as it arrived."""
        body = {"model": f"{row}.{way}/{FIXTURES[row].model}", **QUESTION, **more}
        self.provider.forget()
        answer = await self.http.post("/v1/chat/completions", json=body)
        [received] = self.provider.received
        return answer, received

    async def counted(self, answer: httpx2.Response) -> tuple[int, int]:
        """What the ledger holds of a request: tokens that went in, and that came out."""
        path = f"/api/v1/requests/{answer.headers['x-antiphon-request-id']}"
        found = await self.http.get(path, headers={"authorization": f"Bearer {ADMIN}"})
        usage = found.json()["usage"]
        read = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")
        return sum(usage[name] for name in read), usage["output_tokens"] + usage["reasoning_tokens"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def road(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    recordings = tmp_path_factory.mktemp("recordings")
    write_recordings(FIXTURES, {name: dialect_of(name) for name in ROWS}, recordings)
    spec = SimulatorSpec(name="all", replay=recordings, replay_pause=0.0)
    async with Simulator(spec) as provider:
        told = settings(provider, tmp_path_factory.mktemp("data"))
        gateway = Antiphon(load(told, environ={}), clock=Evening())
        async with (
            gateway,
            serving(gateway) as address,
            httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http,
        ):
            yield Stage(gateway, provider, http)


def settings(provider: Simulator, data: Path) -> dict[str, object]:
    entries: dict[str, object] = {}
    for name, fixture in FIXTURES.items():
        row = CATALOG[fixture.row]
        for way, replay in fixture.replays(name).items():
            entries[f"{name}.{way}"] = {
                "catalog": row.name,
                # Else a row that speaks several answers each caller in the caller's own.
                "dialect": dialect_of(name),
                "base_url": provider.url + path_of(row),
                "api_key": KEY,
                "headers": {"x-simulator-replay": replay},
            }
    return {
        "server": {"port": 0, "drain_seconds": 0.5},
        "auth": {"admin_key": ADMIN},
        "storage": {"data_dir": str(data)},
        "providers": entries,
        "models": {"*": {"passthrough": True, "retry": {"attempts": 1}}},
    }


def dialect_of(name: str) -> str:
    """The dialect that a fixture is about."""
    return FIXTURES[name].dialect or CATALOG[FIXTURES[name].row].dialect


def path_of(row: ProviderRow) -> str:
    """Path of the address at which a row is asked."""
    if row.name in ADDRESSES:
        return ADDRESSES[row.name]
    return parse_address(row.base_url, row).path if row.base_url else ""


@pytest.mark.parametrize("row", ROWS)
async def test_a_whole_answer(road: Stage, row: str) -> None:
    fixture = FIXTURES[row]
    answer, received = await road.ask(row, "whole")
    assert answer.status_code == 200, answer.text
    check_arrived(fixture, received, stream=False)
    said = answer.json()
    [choice] = said["choices"]
    message = choice.get("message", {})  # there is none where a filter struck
    assert text_of(message.get("content")) == fixture.whole.text
    assert calls_of(message) == [tuple(call) for call in json.loads(fixture.whole.calls)]
    usage = said["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == fixture.whole.usage
    cost = Decimal(answer.headers["x-antiphon-cost"])
    if fixture.whole.dollars:
        assert cost == Decimal(fixture.whole.dollars)
    else:
        priced = road.gateway.providers[f"{row}.whole"].deployment(fixture.model).priced
        assert (priced, cost > 0) in {("ceiling", True), ("self-hosted", False)}


@pytest.mark.parametrize("row", ROWS)
async def test_a_stream(road: Stage, row: str) -> None:
    fixture = FIXTURES[row]
    told = {"stream": True, "stream_options": {"include_usage": True}}
    answer, received = await road.ask(row, "stream", **told)
    assert answer.status_code == 200, answer.text
    check_arrived(fixture, received, stream=True)
    frames = [line.removeprefix("data:").strip() for line in answer.text.splitlines()]
    chunks = [json.loads(frame) for frame in frames if frame.startswith("{")]
    assert frames[-1 if frames[-1] else -2] == "[DONE]"
    assert not [each for each in chunks if "error" in each]
    deltas = [each["choices"][0]["delta"] for each in chunks if each.get("choices")]
    assert "".join(text_of(each.get("content")) for each in deltas) == fixture.stream.text
    assert collected(deltas) == [tuple(call) for call in json.loads(fixture.stream.calls)]
    counted = await road.counted(answer)
    assert counted == (fixture.stream.usage or (0, 0))


@pytest.mark.parametrize("row", ROWS)
async def test_an_error(road: Stage, row: str) -> None:
    answer, _ = await road.ask(row, "error")
    means = FIXTURES[row].error.means
    alive = road.gateway.providers[f"{row}.error"].keys.alive
    assert (answer.status_code, alive) == MEANINGS[means], answer.text
    told = answer.json()["error"]
    assert (told["code"] == "context_length_exceeded") == (means == "context_too_long")
    for said in (told["message"], *(each["message"] for each in told.get("attempts", ()))):
        assert said
        assert not said.startswith(("{", "[", '"', "<"))
        assert KEY not in said


@pytest.mark.parametrize("row", QUIET)
async def test_thought_is_switched_off(road: Stage, row: str) -> None:
    _, received = await road.ask(row, "whole", reasoning_effort="none")
    arrived = json.loads(received.body)
    quiet = json.loads(FIXTURES[row].sent.quiet)
    assert {name: arrived.get(name) for name in quiet} == quiet
    assert "reasoning_effort" not in arrived


@pytest.mark.parametrize("row", LISTED)
async def test_its_models(road: Stage, row: str) -> None:
    models = FIXTURES[row].models
    assert models is not None
    entry = f"{row}.models"
    road.provider.forget()
    names, failed = await list_models([road.gateway.providers[entry]], road.gateway.transport)
    assert (failed, names) == ({}, [f"{entry}/{name}" for name in models.names])
    [received] = road.provider.received
    assert (received.method, received.target) == ("GET", models.path)
    check_key(FIXTURES[row], received)


def check_arrived(fixture: Fixture, received: Received, *, stream: bool) -> None:
    """The request is exactly what that provider takes."""
    sent = fixture.sent
    assert received.method == "POST"
    assert received.target == (sent.stream_path if stream and sent.stream_path else sent.path)
    check_key(fixture, received)
    assert received.header(b"content-type") == b"application/json"
    assert json.loads(received.body) == sent.members(fixture.model, stream=stream)


def check_key(fixture: Fixture, received: Received) -> None:
    name, _, value = fixture.sent.key.partition(": ")
    assert received.header(name.encode()) == value.format(key=KEY).encode()
    shown = [header.lower() for header, text in received.headers if KEY.encode() in text]
    assert shown == [name.encode()]


def text_of(content: object) -> str:
    """The text of a message or of a piece of one; of a list of parts, that which is no thought."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return str(content or "")


def calls_of(message: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        (call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
        for call in message.get("tool_calls") or ()
    ]


def collected(deltas: list[dict[str, Any]]) -> list[tuple[str, object]]:
    """The calls of a stream, put together."""
    calls: dict[int, tuple[str, str]] = {}
    for delta in deltas:
        for piece in delta.get("tool_calls") or ():
            name, said = calls.get(piece["index"], ("", ""))
            function = piece["function"]
            arguments = said + (function.get("arguments") or "")
            calls[piece["index"]] = (name or function.get("name") or "", arguments)
    return [(name, json.loads(said or "{}")) for name, said in calls.values()]
