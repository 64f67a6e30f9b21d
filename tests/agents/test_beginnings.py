"""What agents ask before the first question: whether anybody is there, and which models there are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from antiphon.dialects.registry import DIALECTS
from tests.agents import claude_code, codex, codex_catalogue
from tests.server.stage import KEY, stage

CLAUDE = [name for name in ("anthropic_messages",) if name in DIALECTS]
CODEX = [name for name in ("openai_responses",) if name in DIALECTS]
NAMES = {"claude-smart": {"deployments": ["one/sim-small"]}}


@pytest.mark.parametrize("provider", CLAUDE)
async def test_claude_code_finds_the_gateway_and_its_models(tmp_path: Path, provider: str) -> None:
    async with stage(tmp_path, provider={"dialect": provider}, models=NAMES) as running:
        headers = claude_code.headers(KEY)
        assert (await running.http.head("/", headers=headers)).status_code == 200
        answer = await running.http.get(claude_code.MODELS_PATH, headers=headers)
    listed = answer.json()
    assert answer.status_code == 200
    assert listed["has_more"] is False
    models = {model["id"]: model for model in listed["data"]}
    assert (listed["first_id"], listed["last_id"]) == (next(iter(models)), list(models)[-1])
    assert models["claude-smart"]["type"] == "model"
    assert models["claude-smart"]["display_name"]
    assert models["claude-smart"]["created_at"].endswith("Z")


@pytest.mark.parametrize("provider", CODEX)
@pytest.mark.parametrize("path", ["/v1/models", "/models"])
async def test_codex_gets_a_catalogue_that_it_can_read(
    tmp_path: Path, provider: str, path: str
) -> None:
    async with stage(tmp_path, provider={"dialect": provider}, models=NAMES) as running:
        answer = await running.http.get(
            path, params={"client_version": "0.153.1"}, headers=codex.headers(KEY)
        )
    assert answer.status_code == 200
    slugs = [model.slug for model in codex_catalogue.read(answer.content).models]
    assert slugs == [] or "claude-smart" in slugs


def test_the_example_of_a_catalogue_is_one() -> None:
    [model] = codex_catalogue.read(codex_catalogue.FIXTURE.read_bytes()).models
    assert model.slug == "smart"


@pytest.mark.parametrize(
    ("member", "value"),
    [("effective_context_window_percent", 95.5), ("shell_type", "bash"), ("base_instructions", "")],
)
def test_one_bad_member_loses_a_catalogue(member: str, value: object) -> None:
    catalogue = msgspec.json.decode(codex_catalogue.FIXTURE.read_bytes())
    catalogue["models"][0][member] = value
    with pytest.raises(msgspec.ValidationError):
        codex_catalogue.read(msgspec.json.encode(catalogue))
