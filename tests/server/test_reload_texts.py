"""Files of canned texts are part of the configuration: changed ones are loaded, bad ones are not."""

from __future__ import annotations

import json

from tests.server.degraded import ask
from tests.server.reloaded import AS_ADMIN, changeable


def _models(canned: object) -> dict[str, object]:
    route = {"deployments": ["one/sim-small"], "retry": {"attempts": 1}}
    return {"fast": {**route, "degrade": {"canned": canned}}}


async def _told(road) -> str:
    return (await ask(road)).json()["choices"][0]["message"]["content"]


async def test_a_text_that_changes_is_loaded_and_a_bad_one_is_not(tmp_path):
    page = tmp_path / "sorry.md"
    page.write_text("First.")
    models = _models("sorry.md")
    async with changeable(tmp_path, models=models, server={"watch": True}) as road:
        road.first.arm("server-error")
        assert await _told(road) == "First."
        page.write_text("Second {{ model }}.")
        await road.reloads.look()
        await road.reloads.look()
        assert road.gateway.generation == 2
        assert await _told(road) == "Second fast."
        page.write_text("Third {{ modle }}.")
        await road.reloads.look()
        await road.reloads.look()
        assert road.gateway.generation == 2
        assert "modle" in road.told[-1]
        assert await _told(road) == "Second fast."
        page.write_text("Fourth.")
        await road.reloads.look()
        await road.reloads.look()
        assert await _told(road) == "Fourth."


async def test_a_plan_of_a_text_from_elsewhere_reads_no_other_file(tmp_path):
    async with changeable(tmp_path, models=_models("Sorry.")) as road:
        said = {**road.said, "models": _models({"file": "/etc/passwd"})}
        body = {"name": "mine.yaml", "text": json.dumps(said)}
        answer = await road.http.post("/api/v1/config/plan", json=body, headers=AS_ADMIN)
        assert answer.json()["mistakes"]
        assert "is not read for a text that comes from elsewhere" in answer.text
