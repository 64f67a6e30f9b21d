"""The same doors over ASGI, as any other server speaks it: without our protocol, all else equal."""

from __future__ import annotations

import asyncio
import json

import pytest

from antiphon.server.app import GatewayApp
from antiphon.server.deferred import Deferred, management
from tests.server.stage import HELLO, Stage, stage

PATH = "/v1/chat/completions"


class Caller:
    """One request over ASGI."""

    def __init__(self, road: Stage, *, stream: bool = False, path: str = PATH) -> None:
        gateway = road.gateway
        self.app = GatewayApp(gateway, Deferred(lambda: management(gateway)))
        self.sent: list[dict[str, object]] = []
        self.left = asyncio.Event()
        body = json.dumps({"model": "fast", "messages": HELLO, "stream": stream}).encode()
        self.pieces = [body[:20], body[20:]]
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
            "root_path": "",
            "http_version": "1.1",
        }

    async def receive(self) -> dict[str, object]:
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, object]) -> None:
        self.sent.append(message)

    async def ask(self) -> tuple[int, dict[str, str], bytes]:
        await self.app(self.scope, self.receive, self.send)
        begin, *rest = self.sent
        headers = {name.decode(): value.decode() for name, value in begin["headers"]}
        assert rest[-1].get("more_body", False) is False
        return begin["status"], headers, b"".join(each["body"] for each in rest)


async def test_a_whole_answer(road: Stage):
    status, headers, body = await Caller(road).ask()
    assert status == 200
    assert headers["content-length"] == str(len(body))
    assert headers["x-antiphon-deployment"] == "one/sim-small"
    assert headers["x-antiphon-cost"] == "0.000000000"
    assert json.loads(body)["choices"][0]["message"]["content"].startswith("This is a simulated")


async def test_a_stream(road: Stage):
    status, headers, body = await Caller(road, stream=True).ask()
    assert (status, headers["x-accel-buffering"]) == (200, "no")
    assert "content-length" not in headers
    assert body.endswith(b"data: [DONE]\n\n")


async def test_an_error(road: Stage):
    road.first.arm("overloaded")
    status, headers, body = await Caller(road).ask()
    assert (status, headers["retry-after"]) == (503, "1")
    assert json.loads(body)["error"]["code"] == "overloaded"


async def test_a_body_over_the_bound(tmp_path):
    async with stage(tmp_path, server={"max_body_bytes": 1024}) as road:
        caller = Caller(road)
        caller.pieces = [b"x" * 1000, b"x" * 1000]
        assert (await caller.ask())[0] == 413


async def test_who_leaves_before_the_request_is_whole(road: Stage):
    caller = Caller(road)
    caller.pieces, caller.left = [], asyncio.Event()
    caller.left.set()
    assert (await caller.ask())[0] == 499


async def test_a_cancelled_answer(road: Stage):
    """A server that cancels, as ours does, when the caller leaves."""
    road.first.arm("stall")
    caller = Caller(road)
    task = asyncio.create_task(caller.app(caller.scope, caller.receive, caller.send))
    await road.first.until(lambda lab: lab.requests == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caller.sent == []


async def test_another_method(road: Stage):
    caller = Caller(road)
    caller.scope["method"] = "GET"
    assert (await caller.ask())[0] == 405
