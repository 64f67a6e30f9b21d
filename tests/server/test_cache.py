"""Answers that are given again, over sockets."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.stage import HELLO, Stage, stage

CACHED = {"fast": {"deployments": ["one/sim-small"], "retry": {"attempts": 1}, "cache": {}}}
ASKED = {"model": "fast", "messages": HELLO}


def calls(road: Stage) -> int:
    return len(road.first.received) if hasattr(road.first, "received") else -1


async def test_an_answer_is_given_again(tmp_path):
    async with stage(tmp_path, models=CACHED) as road:
        first = await road.http.post("/v1/chat/completions", json=ASKED)
        second = await road.http.post("/v1/chat/completions", json=ASKED)
        print(first.headers, second.headers, calls(road))
        assert first.content == second.content
        assert first.headers["x-antiphon-cache"] == "miss"
        assert second.headers["x-antiphon-cache"] == "hit"


async def test_a_stream_is_given_again(tmp_path):
    async with stage(tmp_path, models=CACHED) as road:
        asked = {**ASKED, "stream": True}
        first = await road.http.post("/v1/chat/completions", json=asked)
        second = await road.http.post("/v1/chat/completions", json=asked)
        print(first.headers, second.headers, calls(road), first.text)
        assert first.content == second.content
        assert first.headers["x-antiphon-cache"] == "miss"
        assert second.headers["x-antiphon-cache"] == "hit"
