"""What was imported is served: OpenAI's own client asks each name of a file of LiteLLM's."""

from __future__ import annotations

import pytest
from openai import OpenAI

from tests.cli.imported import KEY, imported
from tests.cli.processes import PATIENCE

ASKED = {
    "quickstart.yaml": ["chat", "long-chat"],
    "load_balancing.yaml": ["zephyr", "keyed", "gpt-4", "hidden-one"],
    "fallbacks.yaml": ["broken", "refused", "spare", "wide"],
    "self_hosted.yaml": [
        *("vllm", "ollama", "ollama-chat", "studio", "other-proxy", "no-path", "typed"),
        "from-the-environment",
    ],
    "wildcard.yaml": ["named", "lab/anything", "together_ai/qwen/Qwen3"],
    "credentials.yaml": ["one", "two"],
    "anthropic.yaml": ["claude", "bare-claude", "answers"],
    "enterprise.yaml": ["chat"],
    "prices.yaml": ["priced", "half-priced"],
    "split/parent.yaml": ["here", "there"],
    "odd.yaml": ["GPT-4-of-ours", "4", "same", "good"],
}


@pytest.mark.parametrize("name", ASKED)
def test_each_name_is_answered(antiphon, providers, name):
    found = imported(antiphon, name, providers)
    variables = {**found.variables, "LAB_BASE": providers[0]}
    with antiphon.serving("--port", "0", **variables) as served, client(served) as openai:
        listed = {each.id for each in openai.models.list()}
        for model in ASKED[name]:
            answer = openai.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "[say: imported]"}]
            )
            assert answer.choices[0].message.content == "imported"
            assert model in listed or "/" in model


def test_a_fallback_is_what_answers(antiphon, providers):
    found = imported(antiphon, "fallbacks.yaml", providers)
    with antiphon.serving("--port", "0", **found.variables) as served, client(served) as openai:
        for model in ("broken", "refused"):
            raw = openai.chat.completions.with_raw_response.create(
                model=model, messages=[{"role": "user", "content": "hello"}]
            )
            assert raw.headers["x-antiphon-attempts"] == "2"
            assert raw.headers["x-antiphon-deployment"].endswith("/sim-small")


def test_embeddings_are_answered_and_the_key_is_asked_for(antiphon, providers):
    found = imported(antiphon, "embeddings.yaml", providers)
    with antiphon.serving("--port", "0", **found.variables) as served, client(served) as openai:
        for model in ("embedding-model", "text-embedding-ada-002"):
            assert openai.embeddings.create(model=model, input="a text").data[0].embedding
        assert served.get("/v1/models", key="another-key").status_code == 401
        assert served.get("/health/detailed", key=KEY).status_code == 200


def test_prices_are_charged(antiphon, providers):
    found = imported(antiphon, "prices.yaml", providers)
    with antiphon.serving("--port", "0", **found.variables) as served, client(served) as openai:
        raw = openai.chat.completions.with_raw_response.create(
            model="priced", messages=[{"role": "user", "content": "[tokens: 500]"}]
        )
        usage = raw.parse().usage
        cost = float(raw.headers["x-antiphon-cost"].lstrip("$").split()[0])
        dollars = (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6
        assert cost == pytest.approx(dollars, rel=1e-3)


def client(served) -> OpenAI:
    return OpenAI(base_url=f"{served.address}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE)
