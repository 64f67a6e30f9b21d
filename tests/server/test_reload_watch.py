"""Files that are watched: what is loaded, and when."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager

from tests.server.reloaded import changeable
from tests.server.stage import HELLO, KEY


@asynccontextmanager
async def watched(folder, **sections):
    async with changeable(folder, server={"watch": True}, **sections) as road:
        yield road, road.reloads, road.told


async def test_what_looks_the_same_twice_is_loaded(tmp_path):
    async with watched(tmp_path) as (road, reloads, told):
        await reloads.look()
        assert road.gateway.generation == 1
        road.write(models={"new": "one/sim-small"})
        await reloads.look()
        assert road.gateway.generation == 1, "it may be half written"
        await reloads.look()
        assert road.gateway.generation == 2
        await reloads.look()
        assert told == ["generation 2 is in force: 4 changes"]


async def test_a_file_that_is_being_written_is_left_alone(tmp_path):
    async with watched(tmp_path) as (road, reloads, told):
        whole = json.dumps({**road.said, "models": {"new": "one/sim-small"}})
        for size in (0, 10, 100, len(whole) - 2, len(whole)):
            road.file.write_text(whole[:size])
            await reloads.look()
            assert (road.gateway.generation, told) == (1, [])
        await reloads.look()
        assert list(road.gateway.snapshot.plans) == ["new"]


async def test_editors_that_rename_and_links_that_are_swapped(tmp_path):
    """As vim does it, and as Kubernetes does it with mounted files."""
    async with watched(tmp_path) as (road, reloads, _):
        other = json.dumps({**road.said, "models": {"renamed": "one/sim-small"}})
        (tmp_path / "draft").write_text(other)
        road.file.rename(tmp_path / "antiphon.yaml~")
        await reloads.look()
        (tmp_path / "draft").rename(road.file)
        for _ in range(2):
            await reloads.look()
        assert list(road.gateway.snapshot.plans) == ["renamed"]
        for name, model in (("..1", "linked"), ("..2", "swapped")):
            (tmp_path / name).mkdir()
            text = json.dumps({**road.said, "models": {model: "one/sim-small"}})
            (tmp_path / name / "antiphon.yaml").write_text(text)
        road.file.unlink()
        for name, model in (("..1", "linked"), ("..2", "swapped")):
            (tmp_path / "..new").symlink_to(name)
            (tmp_path / "..new").rename(tmp_path / "..data")
            if not road.file.is_symlink():
                road.file.symlink_to("..data/antiphon.yaml")
            for _ in range(2):
                await reloads.look()
            assert list(road.gateway.snapshot.plans) == [model]


async def test_a_file_that_is_gone_leaves_the_old_one(tmp_path):
    async with watched(tmp_path) as (road, reloads, told):
        road.file.unlink()
        for _ in range(3):
            await reloads.look()
        assert len(told) == 1
        assert "cannot be read: No such file" in told[0]
        assert "No such file" in (await road.health())["config"]["mistakes"][0]
        road.write(models={"back": "one/sim-small"})
        for _ in range(2):
            await reloads.look()
        assert list(road.gateway.snapshot.plans) == ["back"]


async def test_a_mistake_is_told_once_and_mended_at_once(tmp_path):
    async with watched(tmp_path) as (road, reloads, told):
        road.write(models={"fast": "nowhere/x"})
        for _ in range(5):
            await reloads.look()
        assert len(told) == 1
        assert "no provider is called 'nowhere'" in told[0]
        road.write(models={"fast": "two/sim-small"})
        for _ in range(2):
            await reloads.look()
        assert road.gateway.generation == 2


async def test_the_files_that_it_names_are_watched_too(tmp_path):
    (tmp_path / "key").write_text(KEY)
    (tmp_path / ".env").write_text("LARGE=one/sim-large\n")
    named = {"keys": [{"key": "${file:key}"}], "admin_key": "admin-key-of-reloads-0123456789"}
    models = {"fast": "${LARGE}"}
    async with watched(tmp_path, auth=named, models=models) as (road, reloads, _):
        keys = road.gateway.snapshot.keys
        assert keys.find(KEY)
        (tmp_path / "key").write_text(f"{KEY}-2")
        for _ in range(2):
            await reloads.look()
        assert road.gateway.snapshot.keys.find(f"{KEY}-2")
        assert not road.gateway.snapshot.keys.find(KEY)
        (tmp_path / ".env").write_text("LARGE=two/sim-large\n")
        for _ in range(2):
            await reloads.look()
        assert road.gateway.snapshot.plans["fast"].deployments[0].name == "two/sim-large"
        assert road.gateway.generation == 3


async def test_another_text_in_a_file_that_a_route_goes_by(tmp_path):
    (tmp_path / "sorry.md").write_text("Sorry.")
    degrade = {"canned": [{"file": "sorry.md"}]}
    models = {"fast": {"deployments": ["one/fault:server-error"], "degrade": degrade}}
    async with watched(tmp_path, models=models) as (road, reloads, _):

        async def said() -> str:
            asked = {"model": "fast", "messages": HELLO}
            answer = (await road.http.post("/v1/chat/completions", json=asked)).json()
            return answer["choices"][0]["message"]["content"]

        assert await said() == "Sorry."
        (tmp_path / "sorry.md").write_text("We are back soon.")
        for _ in range(2):
            await reloads.look()
        assert road.gateway.generation == 2
        assert await said() == "We are back soon."
        assert (await road.gateway.reload()).changes.changes == ()


async def test_a_copy_that_keeps_its_times_and_a_clock_that_went_back(tmp_path):
    async with watched(tmp_path) as (road, reloads, _):
        before = road.file.stat()
        text = road.file.read_text()
        other = text.replace("one/sim-small", "two/sim-small")
        assert len(other) == len(text)
        road.file.write_text(other)
        os.utime(road.file, ns=(before.st_atime_ns, before.st_mtime_ns))
        for _ in range(2):
            await reloads.look()
        assert road.gateway.generation == 2
        road.write(models={"old": "one/sim-small"})
        os.utime(road.file, (0, 0))
        for _ in range(2):
            await reloads.look()
        assert road.gateway.generation == 3


async def test_it_is_off_unless_it_is_asked_for(tmp_path):
    async with changeable(tmp_path) as road:
        reloads = road.reloads
        road.write(models={"new": "one/sim-small"}, server={**road.said["server"], "watch": True})
        for _ in range(3):
            await reloads.look()
        assert road.gateway.generation == 1
        await road.gateway.reload()
        road.write(models={"newer": "one/sim-small"})
        for _ in range(2):
            await reloads.look()
        assert road.gateway.generation == 3
