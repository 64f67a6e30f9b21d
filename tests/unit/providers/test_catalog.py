from __future__ import annotations

import time

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError
from antiphon.providers.address import parse_address
from antiphon.providers.catalog import Catalog, load_catalog, parse_catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.provider import mistakes
from tests.unit.providers.conftest import NOVEMBER_2026

ROW = 'dialect = "openai_chat"\ndocs = "https://docs.test"\ntier = "community"\n'


def test_every_row_can_be_built_once_it_has_a_key_and_an_address(catalog: Catalog) -> None:
    for name, row in catalog.items():
        settings = ProviderSettings.model_validate(
            {"api_key": "k", "base_url": row.base_url or "http://127.0.0.1:8000"}
        )
        assert mistakes(name, settings, catalog=catalog, dialects=DIALECTS) == [], name


def test_the_providers_of_the_sheets_are_there(catalog: Catalog) -> None:
    wanted = {"openai", "azure", "moonshot", "zai", "vllm", "tgi", "llamacpp", "ollama", "litellm"}
    assert wanted <= set(catalog)


@pytest.mark.parametrize(("alias", "name"), [("kimi", "moonshot"), ("glm", "zai")])
def test_a_row_answers_to_its_aliases(catalog: Catalog, alias: str, name: str) -> None:
    assert catalog[alias] is catalog[name]
    assert alias in catalog
    assert alias not in list(catalog)


def test_anthropic_is_asked_as_its_documentation_says(catalog: Catalog) -> None:
    row = catalog["claude"]
    assert row is catalog["anthropic"]
    assert (row.dialect, row.base_url) == ("anthropic_messages", "https://api.anthropic.com/v1")
    assert (row.auth.header, row.auth.value) == ("x-api-key", "{key}")
    assert row.base_url_env == ("ANTHROPIC_BASE_URL",)
    assert row.key_env == ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    assert (row.lists_models, row.prices, row.vendor) == (True, ("anthropic",), "")
    # ANTHROPIC_BASE_URL is written without /v1, by Anthropic's own clients.
    for given in ("https://api.anthropic.com", "https://api.anthropic.com/v1/"):
        assert parse_address(given, row).path == "/v1"
    quoted = [catalog.prices.quote(row.prices, model, now=NOVEMBER_2026) for model in row.models]
    assert all(quote.card is not None and quote.context for quote in quoted)


def test_no_name_or_alias_is_given_twice(catalog: Catalog) -> None:
    assert len(set(catalog.names)) == len(catalog.names)


def test_hosted_rows_have_an_https_address_without_a_closing_slash(catalog: Catalog) -> None:
    for row in catalog.values():
        if row.base_url and not row.self_hosted:
            assert row.base_url.startswith("https://")
            assert not row.base_url.endswith("/")


def test_a_row_that_needs_four_quirks_is_refused() -> None:
    quirks = '["max_tokens_only", "no_tool_strict", "string_content", "echo_reasoning"]'
    with pytest.raises(ConfigurationError, match="write a dialect"):
        parse_catalog(f'[lab]\nbase_url = "https://lab.test"\nquirks = {quirks}\n{ROW}')


def test_all_mistakes_of_a_catalog_come_at_once() -> None:
    text = f'[a]\nbase_url = "https://a.test"\nbaseurl = "x"\n{ROW}[b]\n{ROW}'
    with pytest.raises(ConfigurationError) as raised:
        parse_catalog(text)
    assert [mistake.path for mistake in raised.value.mistakes] == ["a", "b"]


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"catalog\.toml"):
        parse_catalog("[a")


@pytest.mark.campaign
def test_the_catalog_loads_in_a_wink() -> None:
    start = time.perf_counter()
    load_catalog()
    assert time.perf_counter() - start < 0.015
