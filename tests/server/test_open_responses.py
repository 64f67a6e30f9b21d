"""The compliance cases of Open Responses that need no storage, over HTTP, at every provider."""

import json
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.model.seals import MARK
from antiphon.simulator import SimulatorSpec
from tests.agents.sse import events_in
from tests.server.stage import KEY, stage
from tests.unit.dialects.openai_responses.open_responses import (
    CASES,
    Case,
    wrong_with,
    wrong_with_events,
)

PATH: Final = "/v1/responses"
OWN: Final = "openai_responses"
ANEW: Final = f"{OWN}, written anew"


@pytest.mark.parametrize("model", ["sim-small", "sim-reason"])
@pytest.mark.parametrize(
    "provider", [*(name for name in DIALECTS if name != "ollama_generate"), ANEW]
)
async def test_every_case(tmp_path: Path, provider: str, model: str) -> None:
    seeing = f"{model}-vision"
    specs = [SimulatorSpec(name="one", seed=1, strict=True, models=(model, seeing))]
    # What may hold another provider's seal is not passed on as it came.
    more = {"metadata": {"note": MARK}} if provider == ANEW else {}
    dialect = OWN if provider == ANEW else provider
    if provider == "ollama":
        model = seeing  # one case shows a picture
    async with stage(tmp_path, specs, provider={"dialect": dialect}) as running:
        for case in CASES:
            for streamed in (False, True):
                body = {"model": f"one/{model}", **case.asked, **more, "stream": streamed}
                assert await _wrong(running.http, case, body) == [], (case.name, streamed)
                received = running.first.received[-1]
                sent = json.loads(received.body)
                if provider == "gemini":
                    method = "streamGenerateContent" if streamed else "generateContent"
                    assert received.path.endswith(f"/models/{model}:{method}")
                else:
                    assert sent["model"] == model
                    assert bool(sent.get("stream")) == streamed


async def _wrong(http: httpx2.AsyncClient, case: Case, body: dict[str, Any]) -> list[str]:
    """What the specification would say of the answer, and what the case would."""
    answer = await http.post(PATH, headers={"authorization": f"Bearer {KEY}"}, json=body)
    assert answer.status_code == 200, answer.text
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind == ("text/event-stream" if body["stream"] else "application/json")
    found: list[str] = []
    if body["stream"]:
        events = [event.data for event in events_in(answer.content)]
        found += wrong_with_events(events)
        assert [event["sequence_number"] for event in events] == [*range(len(events))]
        response = events[-1]["response"]
    else:
        response = answer.json()
    found += wrong_with(response)
    return found if case.holds(response) else [*found, f"{case.name} does not hold"]
