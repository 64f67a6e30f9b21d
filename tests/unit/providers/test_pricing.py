"""What is charged for a model: known, own, self-hosted, at the ceiling, free, or refused."""

from __future__ import annotations

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ModelUnpriced
from antiphon.model.usage import Usage
from antiphon.providers.catalog import Catalog
from antiphon.providers.config import PricingSettings, ProviderSettings
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from tests.unit.providers.conftest import FakeClock

FAR = "https://llm.example.com/v1"
MILLION = Usage(input_tokens=1_000_000)
DOLLAR = 1_000_000_000


@pytest.fixture
def deployment(catalog: Catalog, clock: FakeClock):
    def make(
        name: str,
        model: str,
        *,
        unknown: str = "ceiling",
        ceiling: dict[str, float] | None = None,
        **settings: object,
    ) -> Deployment:
        return Provider(
            name,
            ProviderSettings.model_validate({"api_key": "k", **settings}),
            catalog=catalog,
            dialects=DIALECTS,
            clock=clock,
            prices=PricingSettings.model_validate({"unknown": unknown, "ceiling": ceiling}),
        ).deployment(model)

    return make


def told(deployment: Deployment) -> tuple[str, str, str]:
    return deployment.priced, deployment.rates.version, deployment.unpriced


def test_a_price_of_the_book_is_known(deployment):
    assert told(deployment("openai", "gpt-4o")) == ("known", "genai-prices 0.2.3 2026-10-14", "")


def test_a_price_of_the_configuration_is_ones_own_and_beats_all(deployment):
    models = {"gpt-4o": {"prices": {"input": 7, "output": 8}}}
    for name, more in (("openai", {}), ("vllm", {"base_url": "http://gpu:8000"})):
        found = deployment(name, "gpt-4o", models=models, unknown="deny", **more)
        assert told(found) == ("own", "configuration ed2387", "")
        assert found.rates.cost(MILLION) == 7 * DOLLAR


def test_a_changed_price_has_another_version(deployment):
    versions = {
        deployment("lab", "m", base_url=FAR, models={"m": {"prices": prices}}).rates.version
        for prices in (
            {"input": 1, "output": 2},
            {"input": "1.0", "output": 2.0},
            {"input": 1, "output": 2, "request": 0.001},
            {"input": 1, "output": 3},
        )
    }
    assert len(versions) == 3


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://10.1.2.3",
        "http://192.168.0.9",
        "http://gpu:8000",
        "https://models.internal",
        "http://[::1]:9",
    ],
)
def test_an_unknown_model_on_ones_own_machine_is_free(deployment, address):
    found = deployment("lab", "m", base_url=address, unknown="deny")
    assert told(found) == ("self-hosted", "self-hosted", "")
    assert found.rates.bound(10**6, 10**6) == 0


def test_a_gateway_of_another_kind_is_not_ones_own_machine(deployment):
    """It stands in the cellar, but what it passes on is paid for."""
    found = deployment("litellm", "gpt-4o", base_url="http://10.0.0.1:4000")
    assert found.priced == "ceiling"


def test_who_says_how_to_charge_a_private_address_is_heard(deployment):
    local = "http://127.0.0.1:4000"
    charged = deployment("lab", "m", base_url=local, ceiling_prices={"input": 3, "output": 4})
    assert charged.priced == "ceiling"
    assert charged.rates.cost(MILLION) == 3 * DOLLAR
    with pytest.raises(ModelUnpriced):
        deployment("lab", "m", base_url=local, unknown_prices="deny")


def test_the_ceiling_is_the_dearest_of_the_same_provider(deployment):
    found = deployment("zai", "glm-nonsense")
    priced, version, reason = told(found)
    assert (priced, version) == ("ceiling", "ceiling genai-prices 0.2.3 2026-11-03")
    assert reason == "the price book has no 'glm-nonsense' at zai or zhipuai"
    assert found.rates.cost(MILLION) < deployment("lab", "m", base_url=FAR).rates.cost(MILLION)


def test_a_model_that_is_not_sold_by_the_token_is_charged_at_the_ceiling(deployment):
    found = deployment("openai", "whisper-1")
    assert found.priced == "ceiling"
    assert "not sold by the token" in found.unpriced


def test_the_ceiling_of_the_configuration_beats_the_books_and_the_entrys_beats_both(deployment):
    common = {"input": 5, "output": 6}
    found = deployment("lab", "m", base_url=FAR, ceiling=common)
    assert found.rates.version == "ceiling configuration c8c78c"
    assert found.rates.cost(MILLION) == 5 * DOLLAR
    nearer = deployment(
        "lab", "m", base_url=FAR, ceiling=common, ceiling_prices={"input": 9, "output": 9}
    )
    assert nearer.rates.cost(MILLION) == 9 * DOLLAR


def test_free_is_said_and_not_assumed(deployment):
    found = deployment("lab", "m", base_url=FAR, unknown="free")
    assert told(found) == ("free", "unpriced", "this provider is not in the price book")
    assert found.rates.cost(MILLION) == 0


def test_what_is_denied_is_an_error_of_the_caller(deployment):
    with pytest.raises(ModelUnpriced) as caught:
        deployment("openai", "gpt-nonsense", unknown="deny")
    error = caught.value
    assert (error.status, error.param, error.should_retry) == (403, "model", False)
    assert error.message == (
        "The model 'openai/gpt-nonsense' has no price here, and is not served without one."
    )
    assert error.reason == "the price book has no 'gpt-nonsense' at openai"


def test_an_entry_beats_the_section_both_ways(deployment):
    assert deployment("openai", "x", unknown="deny", unknown_prices="free").priced == "free"
    assert deployment("openai", "x", unknown="free", unknown_prices="ceiling").priced == "ceiling"


def test_a_known_window_is_kept_whatever_is_charged(deployment):
    own = {"gpt-6.1-sol": {"prices": {"input": 1, "output": 1}}}
    assert deployment("openai", "gpt-6.1-sol", models=own).facts.context == 1_050_000
