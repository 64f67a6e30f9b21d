"""What a reader with fresh eyes broke through the public surface, so that it stays mended."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx2
import pytest

from antiphon.gateway.gateway import Antiphon
from antiphon.server.serve import serving
from antiphon.simulator import FaultRule
from tests.server.stage import HELLO, stage

ADMIN = "admin-key-0123456789abcdef"


async def talk(road, data: bytes) -> bytes:
    """Send raw bytes; everything that comes back until the connection closes."""
    reader, writer = await asyncio.open_connection(road.host, road.port)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def chunked(body: bytes, trailer: bytes = b"", head: bytes = b"") -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        + head
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailer)
    )


BODY = json.dumps({"model": "fast", "messages": HELLO}).encode()


async def test_trailers_carry_no_key(tmp_path):
    async with stage(tmp_path, auth={"admin_key": ADMIN}) as road:
        answer = await talk(
            road,
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer "
            + ADMIN.encode()
            + b"\r\n\r\n",
        )
    assert answer.startswith(b"HTTP/1.1 401")


async def test_trailers_carry_no_host_and_spoil_none(road):
    assert (await talk(road, chunked(BODY, b"Host: evil\r\n"))).startswith(b"HTTP/1.1 200")


async def test_a_flood_of_trailers_is_ended(road):
    flood = b"".join(b"x-%06d: %s\r\n" % (number, b"a" * 30) for number in range(60_000))
    answer = await talk(road, chunked(BODY, flood))
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 200"))
    whole = await road.client.chat.completions.create(model="fast", messages=HELLO)
    assert whole.choices


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:80@evil", "[::1]evil", "[::1", "localhost.", "", "127.0.0.1,evil", "localhost:x"],
)
async def test_a_host_that_only_begins_like_ours(road, host):
    answer = await talk(
        road, f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 403")


async def test_another_transfer_coding_is_refused(road):
    answer = await talk(
        road,
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_provider_that_points_back_to_us(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings: dict[str, object] = {
        "server": {"port": port, "drain_seconds": 0.2},
        "storage": {"data_dir": str(tmp_path)},
        "providers": {
            "me": {
                "dialect": "openai_chat",
                "base_url": f"http://127.0.0.1:{port}/v1",
                "api_key": "any",
            }
        },
        "models": {"loop": "me/loop"},
    }
    gateway = Antiphon.from_config(settings, environ={})
    async with gateway, serving(gateway) as address, httpx2.AsyncClient() as http:
        told = await http.post(
            f"{address}/v1/chat/completions", json={"model": "loop", "messages": HELLO}
        )
    assert told.status_code == 400
    assert "circle" in told.json()["error"]["message"]
    refused = gateway.metrics.requests.of("", "", "", "400", "bad_request").value
    assert refused == 1, "each gateway asks the next one once"


async def test_hops_are_counted(road):
    await road.client.chat.completions.create(
        model="fast", messages=HELLO, extra_headers={"x-antiphon-hops": "2"}
    )
    assert road.first.received[-1].header(b"x-antiphon-hops") == b"3"


async def test_a_provider_that_asks_not_to_be_asked_again(tmp_path):
    once = {"deployments": ["one/sim-small"], "retry": {"attempts": 4, "backoff": 0}}
    async with stage(tmp_path, models={"stubborn": once}) as road:
        road.first.arm(FaultRule("no-retry"))
        response = await road.http.post(
            "/v1/chat/completions", json={"model": "stubborn", "messages": HELLO}
        )
        assert response.status_code == 429
        assert response.headers["x-should-retry"] == "false"
        assert road.first.requests == 1


async def test_a_root_path_ends_at_a_slash(tmp_path):
    async with stage(tmp_path, server={"root_path": "/llm"}) as road:
        assert (await road.http.get("/llm")).status_code == 200
        assert (await road.http.get("/llm/v1/models")).status_code == 200
        assert (await road.http.get("/llmv1/models")).status_code == 404
