"""The official clients, each asking for vectors in its own shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import httpx2
import ollama
import openai
from google import genai

from tests.server.stage import KEY, Stage


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
    client = gemini_client(road)
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


def gemini_client(road: Stage) -> genai.Client:
    return genai.Client(
        api_key=KEY,
        http_options=genai.types.HttpOptions(
            base_url=f"{road.address}/gemini",
            httpx_async_client=httpx2.AsyncClient(verify=False, timeout=20),
        ),
    )


@asynccontextmanager
async def _ollama(road: Stage):
    client = ollama.AsyncClient(host=road.address, verify=False, timeout=20)
    try:
        yield client
    finally:
        await client._client.aclose()
