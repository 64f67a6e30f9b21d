"""What is kept of content: by level, within bounds, for a time, apart; and nothing without."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from antiphon import Antiphon, ConfigurationError
from antiphon.simulator import Fault, FaultRule, Outcome, Scene
from antiphon.simulator.reply import Piece, Reply
from antiphon.usage.captures import taking, writer
from tests.server.raw import chat_body, connected, request
from tests.server.stage import HELLO, KEY, Stage, stage
from tests.server.test_requests import ADMIN, AUTH, WEB, ask, bearer
from tests.server.test_streams import DONE, ROLE, STOP, chunk, teach

FULL = {"deployments": ["one/sim-small"], "retry": {"attempts": 1}, "capture": "full"}
META = {**FULL, "capture": "metadata"}
BOTH = {"deployments": ["one/sim-small", "two/sim-small"], "capture": "full"}
MODELS = {"full": FULL, "meta": META, "fallback": BOTH}
SECRET = "zq-planted-text-0123456789"


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, auth=AUTH, models=MODELS) as running:
        yield running


async def kept(road: Stage, request_id: str) -> dict | None:
    answer = await road.http.get(
        f"/api/v1/requests/{request_id}?content=true", headers=bearer(ADMIN)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["capture"]


def stored(folder: Path, what: str = "count(*)") -> int:
    with closing(sqlite3.connect(folder / "captures.db")) as looking:
        return looking.execute(f"SELECT {what} FROM captures").fetchone()[0]


def everything(folder: Path) -> bytes:
    """All bytes of all files: databases, their logs, journals."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def saying(text: str) -> Fault:
    """A whole answer with this text."""

    def play(reply: Reply, scene: Scene) -> Reply:
        body = json.dumps(
            {
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            }
        ).encode()
        headers = tuple(each for each in reply.headers if each[0].lower() != b"content-length")
        return replace(reply, headers=headers, pieces=(Piece(body, 0.0),))

    return Fault("an answer of a test", play)


RICH = {
    "temperature": 0.25,
    "max_tokens": 50,
    "stop": [f"{SECRET}-stop"],
    "user": f"{SECRET}-user",
    "metadata": {"note": f"{SECRET}-note"},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "shape", "schema": {"type": "object", "title": f"{SECRET}-schema"}},
    },
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": f"{SECRET}-tool",
                "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
            },
        }
    ],
    "messages": [
        {"role": "system", "content": f"{SECRET}-system"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": f"{SECRET}-text"},
                {"type": "image_url", "image_url": {"url": f"https://x.test/{SECRET}.png"}},
            ],
        },
    ],
}

# ------------------------------------------------------------------ levels


async def test_full_keeps_the_bytes_of_both_sides(road):
    body = chat_body(model="full", stream=False)
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    found = await kept(road, answer.headers["x-request-id"])
    assert found["level"] == "full"
    assert found["request"] == {"size": len(body), "cut": False, "text": body.decode()}
    assert found["answer"] == {
        "size": len(answer.content),
        "cut": False,
        "text": answer.content.decode(),
    }
    assert found["summary"]["request"]["messages"] == len(HELLO)
    assert found["summary"]["answer"] == {"bytes": len(answer.content), "stop": "stop"}


async def test_full_keeps_a_stream_as_it_was_sent(road):
    teach(road, "words", ROLE, b": hm\n\n" + chunk({"content": "a"}), 0.02, STOP, DONE)
    body = chat_body(model="full", stream=True)
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    found = await kept(road, answer.headers["x-request-id"])
    assert found["answer"]["text"] == answer.text
    assert answer.text.endswith("[DONE]\n\n")


async def test_metadata_keeps_counts_and_parameters(road):
    request_id = await ask(road, "meta", **RICH)
    found = await kept(road, request_id)
    assert (found["level"], found["request"], found["answer"]) == ("metadata", None, None)
    told = found["summary"]["request"]
    assert {name: told[name] for name in ("model", "temperature", "max_output_tokens")} == {
        "model": "meta",
        "temperature": 0.25,
        "max_output_tokens": 50,
    }
    assert (told["stream"], told["output"], told["stop_sequences"]) == (False, "schema", 1)
    assert (told["tools"], told["tool_names"]) == (1, ["look_up"])
    assert (told["messages"], told["images"], told["files"]) == (2, 1, 0)
    system, user = told["roles"]
    assert system == {"role": "system", "bytes": len(f"{SECRET}-system")}
    assert user["role"] == "user"
    assert user["bytes"] > len(f"{SECRET}-text")
    assert found["summary"]["answer"]["bytes"] > 0


@pytest.mark.parametrize("level", ["none", "metadata"])
async def test_no_text_is_ever_stored_without_full(tmp_path, level):
    models = {"full": {**FULL, "capture": level}, "*": {"passthrough": True, "capture": level}}
    async with stage(tmp_path, auth=AUTH, models=models) as road:
        road.first.faults = {**road.first.faults, "says": saying(f"{SECRET}-answer")}
        road.first.arm("says")
        for stream in (False, True):
            assert await ask(road, "full", stream=stream, **RICH)
            assert await ask(road, "one/sim-small", stream=stream, **RICH)
            assert await ask(road, "no-such-model", stream=stream, **RICH)
        road.first.arm("server-error")
        request_id = await ask(road, "full", **RICH)
        assert (await kept(road, request_id) is None) == (level == "none")
        assert SECRET.encode() not in everything(tmp_path)
    assert SECRET.encode() not in everything(tmp_path)
    assert (tmp_path / "captures.db").exists() == (level == "metadata")


async def test_full_does_store_it_and_only_apart(road, tmp_path):
    await kept(road, await ask(road, "full", **RICH))
    assert SECRET.encode() in everything(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.name.startswith("captures.db"):
            assert SECRET.encode() not in path.read_bytes(), path


async def test_a_level_is_of_its_route(road):
    assert await kept(road, await ask(road, "fast")) is None
    assert (await kept(road, await ask(road, "fallback")))["level"] == "full"


async def test_no_header_and_no_key_is_kept(road, tmp_path):
    await kept(road, await ask(road, "full"))
    told = everything(tmp_path)
    for each in (WEB, KEY, ADMIN, "sk-upstream", "Bearer", "python-httpx"):
        assert each.encode() not in told


async def test_others_cannot_read_the_file(road, tmp_path):
    await kept(road, await ask(road, "full"))
    assert {path.stat().st_mode & 0o77 for path in tmp_path.glob("captures.db*")} == {0}


async def test_in_process(road):
    await road.gateway.chat(model="full", messages=HELLO)
    page = await road.http.get("/api/v1/requests", headers=bearer(ADMIN))
    [told] = page.json()["requests"]
    assert (await kept(road, told["id"]))["level"] == "full"


# ------------------------------------------------------------------ as far as it went


async def test_a_failed_request(road):
    road.first.arm("server-error")
    body = chat_body(model="full")
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    assert answer.status_code == 502
    found = await kept(road, answer.headers["x-request-id"])
    assert found["request"]["text"] == body.decode()
    assert found["answer"]["text"] == answer.text
    assert found["summary"]["answer"]["failed"] == "upstream"


async def test_a_request_that_cannot_be_read(road):
    body = chat_body(model="full", messages=[{"role": 7}])
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    found = await kept(road, answer.headers["x-request-id"])
    assert found["request"]["text"] == body.decode()
    assert found["summary"]["request"] == {"bytes": len(body), "unreadable": True}


async def test_a_stream_that_breaks(road):
    teach(road, "broken", ROLE, chunk({"content": "hi"}), 0.05, b"data: {broken\n\n")
    body = chat_body(model="full", stream=True)
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    found = await kept(road, answer.headers["x-request-id"])
    assert found["answer"]["text"] == answer.text
    assert answer.text.count('"error"') == 1


@pytest.mark.parametrize("fault", ["stall", "stall-inside"])
async def test_a_caller_who_leaves(road, fault):
    road.first.arm(fault)
    body = chat_body(model="full", stream=True)
    async with connected(road) as raw:
        await raw.send(request(body, f"Authorization: Bearer {WEB}"))
        await road.first.until(lambda lab: lab.requests)
        if fault == "stall-inside":
            await raw.head()
        [exchange] = road.gateway.pipeline.live
        raw.abort()
        await road.first.until(lambda lab: lab.outcomes[Outcome.CALLER_LEFT])
        await road.gateway.pipeline.idle()
    found = await kept(road, exchange.id)
    assert found["request"]["text"] == body.decode()
    assert found["summary"]["answer"]["failed"] == "client_closed"
    assert found["answer"]["text"].startswith("data:" if fault == "stall-inside" else "")
    assert bool(found["answer"]["text"]) == (fault == "stall-inside")


async def test_a_stream_that_the_drain_ends(road):
    road.first.arm("stall-inside")
    async with connected(road) as raw:
        body = chat_body(model="full", stream=True)
        await raw.send(request(body, f"Authorization: Bearer {WEB}"))
        request_id = (await raw.head()).headers["x-request-id"]
        await road.gateway.drain(0)
        found = await kept(road, request_id)
    assert found["answer"]["text"].count('"error"') == 1


async def test_what_is_taken_at_the_end_is_still_written(tmp_path):
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        for _ in range(100):
            await road.gateway.chat(model="full", messages=HELLO)
    assert stored(tmp_path) == 100


# ------------------------------------------------------------------ bounds


async def test_a_long_prompt_is_cut(tmp_path):
    async with stage(tmp_path, auth=AUTH, models=MODELS, capture={"max_bytes": 4096}) as road:
        body = chat_body(model="full", messages=[{"role": "user", "content": "é" * (1 << 19)}])
        assert len(body) > 1 << 20
        answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
        found = await kept(road, answer.headers["x-request-id"])
    assert found["request"]["size"] == len(body)
    assert found["request"]["cut"] is True
    assert found["request"]["text"] == body[:4096].decode(errors="replace")
    assert stored(tmp_path, "max(length(request))") == 4096
    assert (tmp_path / "captures.db").stat().st_size < 1 << 17


async def test_a_long_stream_is_cut_and_not_held(tmp_path):
    size = 10 << 20
    words = chunk({"content": "x" * 8000})
    pieces = [words] * (size // len(words) + 1)
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        teach(road, "long", ROLE, *pieces, STOP, DONE)
        captures = road.gateway.captures
        most = 0

        async def read() -> bytes:
            nonlocal most
            told = b""
            body = chat_body(model="full", stream=True)
            async with road.http.stream(
                "POST", "/v1/chat/completions", content=body, headers=bearer(WEB)
            ) as answer:
                async for piece in answer.aiter_bytes():
                    told += piece
                    for each in road.gateway.pipeline.live:
                        most = max(most, each.capture.held)
                road_id.append(answer.headers["x-request-id"])
            return told

        road_id: list[str] = []
        told = await read()
        found = await kept(road, road_id[0])
        assert len(told) > size
        assert captures.dropped == 0
    assert found["answer"]["size"] == len(told)
    assert found["answer"]["cut"] is True
    assert found["answer"]["text"] == told[: 256 << 10].decode()
    assert 0 < most < (256 << 10) + (1 << 20)


@pytest.mark.parametrize("bound", ["_MOST_WAITING", "_MOST_BYTES"])
async def test_what_finds_no_room_is_dropped_and_counted(road, monkeypatch, bound):
    await kept(road, await ask(road, "full"))
    with closing(sqlite3.connect(database(road), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(taking, bound, 1)
        ids = [await ask(road, "full") for _ in range(4)]
        assert all(ids), "the road does not notice"
        assert road.gateway.captures.dropped == 3
        other.execute("ROLLBACK")
    exposed = (await road.http.get("/metrics", headers=bearer(ADMIN))).text
    assert "antiphon_captures_dropped_total 3\n" in exposed


def database(road: Stage) -> Path:
    return road.gateway.settings.storage.captures_file


async def test_a_file_that_is_locked_for_a_while(road, caplog, monkeypatch):
    monkeypatch.setattr(writer, "_RETRY_SECONDS", 0.0)
    await kept(road, await ask(road, "full"))
    with closing(sqlite3.connect(database(road), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        request_id = await ask(road, "full")
        assert await kept(road, request_id) is None
        found = await road.http.get(f"/api/v1/requests/{request_id}", headers=bearer(WEB))
        assert found.json()["outcome"] == "ok", "the ledger goes on"
        other.execute("ROLLBACK")
    assert (await kept(road, request_id))["level"] == "full"
    assert len([each for each in caplog.records if each.name == "antiphon.captures"]) == 1


# ------------------------------------------------------------------ retention


async def test_what_is_old_is_deleted_from_the_disk(tmp_path):
    plant = [{"role": "user", "content": f"{SECRET} {'x' * 100_000}"}]
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        for _ in range(5):
            await road.gateway.chat(model="full", messages=plant)
    size = (tmp_path / "captures.db").stat().st_size
    with closing(sqlite3.connect(tmp_path / "captures.db")) as other, other:
        other.execute("UPDATE captures SET ended_at = ended_at - 8 * 86400 * 1000000")
    # None of the routes captures any more: what was captured before grows old all the same.
    async with stage(tmp_path, auth=AUTH) as road:
        await turned(road)
        assert stored(tmp_path) == 0
        assert SECRET.encode() not in everything(tmp_path)
        assert (tmp_path / "captures.db").stat().st_size < size / 4


async def test_what_is_young_stays(tmp_path):
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        await road.gateway.chat(model="full", messages=HELLO)
    with closing(sqlite3.connect(tmp_path / "captures.db")) as other, other:
        other.execute("UPDATE captures SET ended_at = ended_at - 8 * 86400 * 1000000")
    async with stage(tmp_path, auth=AUTH, capture={"keep_days": 9}) as road:
        await turned(road)
        assert stored(tmp_path) == 1


async def test_the_oldest_leave_when_there_is_no_room(tmp_path):
    bounds = {"max_total_bytes": 1 << 20}
    async with stage(tmp_path, auth=AUTH, models=MODELS, capture=bounds) as road:
        ids = []
        for _ in range(15):
            long = [{"role": "user", "content": "x" * 150_000}]
            ids.append(await ask(road, "full", messages=long))
            await turned(road)
            assert stored(tmp_path, "sum(size)") <= 1 << 20
        there = [bool(await kept(road, each)) for each in ids]
    assert there == sorted(there), "the oldest first"
    assert 5 <= sum(there) <= 6
    assert (tmp_path / "captures.db").stat().st_size < 2 << 20


async def turned(road: Stage) -> None:
    """Let the chores have their turns."""
    for _ in range(3):
        await asyncio.to_thread(road.gateway.books.shipper.flush, 5)


# ------------------------------------------------------------------ a file apart


async def test_it_may_be_deleted_at_any_time(road, tmp_path):
    first = await ask(road, "full", **RICH)
    assert await kept(road, first)
    (tmp_path / "captures.db").unlink()
    second = await ask(road, "full")
    assert await kept(road, second)
    assert await kept(road, first) is None
    assert stored(tmp_path) == 1
    assert SECRET.encode() not in everything(tmp_path)
    found = await road.http.get(f"/api/v1/requests/{first}", headers=bearer(ADMIN))
    assert found.json()["outcome"] == "ok", "the ledger is another file"


async def test_a_log_that_was_left_behind_is_not_played_back(tmp_path):
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        await kept(road, await ask(road, "full", **RICH))
        left = (tmp_path / "captures.db-wal").read_bytes()
    (tmp_path / "captures.db").unlink()
    (tmp_path / "captures.db-wal").write_bytes(left)
    async with stage(tmp_path, auth=AUTH, models=MODELS) as road:
        await kept(road, await ask(road, "full"))
        assert SECRET.encode() not in everything(tmp_path)


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_file_that_is_none_of_ours(tmp_path, wanted, caplog):
    (tmp_path / "captures.db").write_bytes(b"not a database at all" * 100)
    models = MODELS if wanted else {}
    if wanted:
        with pytest.raises(ConfigurationError) as caught:
            async with stage(tmp_path, models=models):
                pass
        assert "captures.db" in str(caught.value)
    else:
        with caplog.at_level(logging.ERROR):
            async with stage(tmp_path, auth=AUTH) as road:
                assert await ask(road)
        assert "Captures" in caplog.text
    assert (tmp_path / "captures.db").read_bytes().startswith(b"not a database")


def test_the_database_cannot_have_its_name(tmp_path):
    settings = {"storage": {"database": f"sqlite:///{tmp_path}/captures.db"}}
    with pytest.raises(ConfigurationError) as caught:
        Antiphon.from_config(settings, environ={})
    assert "captures.db is the name of the file" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ({"keep_days": 0}, "keep_days"),
        ({"max_bytes": 10}, "max_bytes"),
        ({"max_total_bytes": 10}, "max_total_bytes"),
        ({"keep_dayz": 1}, "keep_days"),
    ],
)
def test_settings_that_cannot_be(section, word):
    with pytest.raises(ConfigurationError) as caught:
        Antiphon.from_config({"capture": section}, environ={})
    assert word in str(caught.value)


def test_a_level_that_is_none():
    models = {"fast": {"deployments": ["one/x"], "capture": "all"}}
    with pytest.raises(ConfigurationError) as caught:
        Antiphon.from_config({"models": models, "providers": {}}, environ={})
    assert "full" in str(caught.value)


async def test_two_captures_of_one_fallback(road):
    road.first.arm(FaultRule("server-error", count=1))
    found = await kept(road, await ask(road, "fallback", stream=True))
    assert found["answer"]["text"].endswith("[DONE]\n\n")


@pytest.mark.parametrize("depth", [100, 900, 1100, 5000])
async def test_deep_nesting_stops_nothing(road, depth):
    deep = b"[" * depth + b"]" * depth
    schema = b'{"name":"s","schema":{"x":%b}}' % deep
    body = (
        b'{"model":"full","messages":[{"role":"user","content":"x"}],'
        b'"response_format":{"type":"json_schema","json_schema":%b}}' % schema
    )
    answer = await road.http.post("/v1/chat/completions", content=body, headers=bearer(WEB))
    assert answer.status_code == (200 if depth < 1000 else 400)
    if answer.status_code == 200:
        found = await kept(road, answer.headers["x-request-id"])
        assert found["request"]["size"] == len(body)
    assert (await kept(road, await ask(road, "full")))["level"] == "full"
    assert road.gateway.books.background.states["shipper"].restarts == 0


async def test_a_defect_gives_up_the_captures_and_not_the_ledger(road, monkeypatch, caplog):
    def broken(_capture: object) -> dict[str, object]:
        raise TypeError

    with monkeypatch.context() as patched:
        patched.setattr("antiphon.usage.captures.store.summary_of", broken)
        patched.setattr(writer, "_RETRY_SECONDS", 0.0)
        request_id = await ask(road, "full")
        assert await kept(road, request_id) is None
    assert road.gateway.captures.dropped == 1
    assert "defect" in caplog.text
    assert road.gateway.books.background.states["shipper"].restarts == 0
    assert (await kept(road, await ask(road, "full")))["level"] == "full"
