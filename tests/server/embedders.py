"""The official clients, each asking for vectors in its own shape, and providers to ask."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx2
import ollama
import openai
from google import genai

from antiphon.simulator import FaultRule, SimulatorSpec
from antiphon.simulator.faults import Fault
from tests.server.stage import KEY, Stage, stage


class Heard(NamedTuple):
    """What a client read."""

    vectors: list[list[float]]
    tokens: int | None = None


async def by_openai(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    """As base64, which the client asks for by itself, or as floats."""
    told = await road.client.embeddings.create(model=model, input=inputs, **asked)
    used = told.usage.prompt_tokens if told.usage else None
    return Heard([list(each.embedding) for each in told.data], used)


async def by_openai_as_floats(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    return await by_openai(road, model, inputs, encoding_format="float", **asked)


async def by_ollama(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    async with _ollama(road) as client:
        told = await client.embed(model, inputs, **asked)
    return Heard([list(each) for each in told.embeddings], told.prompt_eval_count)


async def by_ollama_of_old(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    async with _ollama(road) as client:
        found = [await client.embeddings(model, each, **asked) for each in listed(inputs)]
    return Heard([list(each.embedding) for each in found])


async def by_gemini(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    """The client asks for a batch, also of one."""
    config = {"output_dimensionality": asked.pop("dimensions", None), **asked}
    async with httpx2.AsyncClient(verify=False, timeout=20) as http:
        options = genai.types.HttpOptions(
            base_url=f"{road.address}/gemini", httpx_async_client=http
        )
        client = genai.Client(api_key=KEY, http_options=options)
        told = await client.aio.models.embed_content(
            model=model,
            contents=inputs,
            config={name: value for name, value in config.items() if value is not None},
        )
    return Heard([list(each.values or ()) for each in told.embeddings or ()])


async def by_gemini_one_by_one(road: Stage, model: str, inputs: Any, **asked: Any) -> Heard:
    """`embedContent`, as clients in other languages ask for one."""
    size = {"outputDimensionality": asked["dimensions"]} if "dimensions" in asked else {}
    found: list[list[float]] = []
    for each in listed(inputs):
        answer = await road.http.post(
            f"/v1beta/models/{model}:embedContent",
            json={"content": {"parts": [{"text": each}]}, **size},
            headers={"x-goog-api-key": KEY},
        )
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["embedding"]["values"])
    return Heard(found)


CALLERS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "openai": by_openai,
        "openai-floats": by_openai_as_floats,
        "ollama": by_ollama,
        "ollama-old": by_ollama_of_old,
        "gemini": by_gemini,
        "gemini-one": by_gemini_one_by_one,
    }
)
MISSING: Final = (openai.NotFoundError, ollama.ResponseError, genai.errors.ClientError)
"""What the clients raise where a model is not there."""


def listed(inputs: str | Sequence[str]) -> Sequence[str]:
    return [inputs] if isinstance(inputs, str) else inputs


@asynccontextmanager
async def _ollama(road: Stage):
    client = ollama.AsyncClient(host=road.address, verify=False, timeout=20)
    try:
        yield client
    finally:
        await client._client.aclose()


# ------------------------------------------------------------------ the stage

ADMIN = "admin-key-0123456789abcdef"
ONE = [SimulatorSpec(name="one", seed=1)]
TWO = [*ONE, SimulatorSpec(name="two", seed=2)]
PROVIDERS = {
    "openai_chat": ("/v1/embeddings",),
    "openai_responses": ("/v1/embeddings",),
    "gemini": ("/models/sim-embed:embedContent", "/models/sim-embed:batchEmbedContents"),
    "ollama": ("/api/embed", "/api/embeddings"),
}
"""What each is asked at."""
MODEL = "sim-embed"
ROUTES = {
    "vectors": {"deployments": [f"one/{MODEL}"], "retry": {"attempts": 1}},
    "either": {"deployments": [f"one/{MODEL}", f"two/{MODEL}"], "retry": {"attempts": 1}},
    "strict": {"deployments": [f"one/{MODEL}"], "on_loss": "error"},
    "picky": {"deployments": [f"one/{MODEL}", f"two/{MODEL}"], "on_loss": "skip"},
}
PRICED = {"models": {MODEL: {"prices": {"input": 1.0, "output": 0}}}}


def speaking(tmp_path, dialect: str, specs=ONE, **sections):
    routes = {
        name: route
        for name, route in ROUTES.items()
        if len(specs) > 1 or "two" not in str(route["deployments"])
    }
    return stage(
        tmp_path,
        specs,
        dialects=dict.fromkeys((spec.name for spec in specs), dialect),
        models=routes,
        provider=PRICED,
        auth={"admin_key": ADMIN},
        **sections,
    )


async def rows(road) -> list[dict[str, str]]:
    await road.at_rest()
    await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await road.http.get("/api/v1/ledger.csv", headers=headers)
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    return sorted(found, key=lambda row: row["started_at"])


def answering(road, reply) -> None:
    """The provider's next answer is this one."""
    road.first.faults = {**road.first.faults, "made": Fault("made", lambda _r, _s: reply)}
    road.first.disarm()
    road.first.arm(FaultRule("made", count=1))


async def asked(road, model="vectors", **body):
    return await road.http.post("/v1/embeddings", json={"model": model, **body})
