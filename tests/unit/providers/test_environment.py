from __future__ import annotations

import pytest

from antiphon.errors import ConfigurationError
from antiphon.providers.catalog import Catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.environment import find_providers, from_environment
from antiphon.secret import Secret


def test_an_empty_environment_has_no_providers(catalog: Catalog) -> None:
    assert find_providers({}, catalog) == {}
    assert find_providers({"OPENAI_API_KEY": "", "LLM_BASE_URL": " "}, catalog) == {}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"OPENAI_API_KEY": "k"}, "openai"),
        ({"MOONSHOT_API_KEY": "k"}, "moonshot"),
        ({"KIMI_API_KEY": "k"}, "moonshot"),
        ({"MOONSHOT_API_KEY": "", "KIMI_API_KEY": "k"}, "moonshot"),
        ({"ZAI_API_KEY": " k\n"}, "zai"),
        ({"Z_AI_API_KEY": "k"}, "zai"),
        ({"GEMINI_API_KEY": "k"}, "gemini"),
    ],
)
def test_a_key_finds_its_provider(catalog: Catalog, environ: dict[str, str], name: str) -> None:
    found = find_providers(environ, catalog)
    assert list(found) == [name]
    assert found[name].keys == (Secret("k"),)


def test_every_row_with_a_home_is_found_by_each_of_its_keys(catalog: Catalog) -> None:
    for row in catalog.values():
        if row.base_url and not row.key_optional:
            for name in row.key_env:
                assert row.name in find_providers({name: "k"}, catalog)


def test_a_key_alone_does_not_find_a_server_of_ones_own(catalog: Catalog) -> None:
    environ = {"TGI_API_KEY": "k", "OLLAMA_API_KEY": "k", "LLM_API_KEY": "k", "VLLM_API_KEY": "k"}
    assert find_providers(environ, catalog) == {}
    assert find_providers({"AZURE_OPENAI_API_KEY": "k"}, catalog) == {}


def test_azure(catalog: Catalog) -> None:
    environ = {
        "AZURE_OPENAI_API_KEY": "k",
        "AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/",
        "AZURE_OPENAI_DEPLOYMENT": "prod",
    }
    found = find_providers(environ, catalog)["azure"]
    assert found.base_url == "https://r.openai.azure.com/"
    assert list(found.models) == ["prod"]


@pytest.mark.parametrize("url", ["http://gpu:8000", "http://gpu:8000/v1", "http://gpu:8000/v1/"])
def test_llm_base_url_with_and_without_key_and_model(catalog: Catalog, url: str) -> None:
    bare = find_providers({"LLM_BASE_URL": url}, catalog)["openai_compatible"]
    assert bare.keys == ()
    assert not bare.models
    environ = {"LLM_BASE_URL": url, "LLM_API_KEY": "k", "LLM_MODEL": "qwen"}
    full = find_providers(environ, catalog)["openai_compatible"]
    assert full.keys == (Secret("k"),)
    assert list(full.models) == ["qwen"]


def test_the_model_default_means_what_the_backend_serves(catalog: Catalog) -> None:
    found = find_providers({"LLM_BASE_URL": "http://gpu", "LLM_MODEL": "default"}, catalog)
    assert not found["openai_compatible"].models


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("gpu:9", "http://gpu:9"),
        ("http://gpu:9/", "http://gpu:9/"),
    ],
)
def test_ollama_host(catalog: Catalog, host: str, url: str) -> None:
    assert find_providers({"OLLAMA_HOST": host}, catalog)["ollama"].base_url == url


def test_an_openai_base_url_goes_with_its_key(catalog: Catalog) -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assert find_providers(environ, catalog)["openai"].base_url == "http://127.0.0.1:9/v1"
    del environ["OPENAI_API_KEY"]
    assert find_providers(environ, catalog) == {}


def test_bad_values_are_named_all_at_once_and_not_shown(catalog: Catalog) -> None:
    environ = {
        "LLM_BASE_URL": "gpu:8000",
        "OPENAI_API_KEY": "secret key",
        "OLLAMA_HOST": "http://u:secret@gpu",
        "ZAI_API_KEY": "k",
        "ZAI_BASE_URL": "http://api.z.ai/v4",
    }
    with pytest.raises(ConfigurationError) as raised:
        find_providers(environ, catalog)
    assert "secret" not in str(raised.value)
    assert {mistake.path for mistake in raised.value.mistakes} == {
        "LLM_BASE_URL",
        "OPENAI_API_KEY",
        "OLLAMA_HOST",
        "ZAI_BASE_URL",
    }


# ------------------------------------------------------------------ entries of a file


def filled(
    catalog: Catalog, name: str, environ: dict[str, str], **entry: object
) -> ProviderSettings:
    return from_environment(name, ProviderSettings.model_validate(entry), environ, catalog)


def test_an_entry_takes_its_key_from_the_environment(catalog: Catalog) -> None:
    settings = filled(catalog, "kimi", {"KIMI_API_KEY": "k"}, timeouts={"idle": 3})
    assert settings.keys == (Secret("k"),)
    assert settings.timeouts.idle == 3


def test_what_an_entry_says_comes_first(catalog: Catalog) -> None:
    environ = {"VLLM_API_KEY": "other", "VLLM_BASE_URL": "http://other"}
    entry = {"catalog": "vllm", "api_key": "own", "base_url": "http://gpu", "models": ["m"]}
    settings = from_environment("gpu", ProviderSettings.model_validate(entry), environ, catalog)
    assert settings.keys == (Secret("own"),)
    assert settings.base_url == "http://gpu"
    assert list(settings.models) == ["m"]


def test_an_entry_of_no_row_gets_nobodys_key(catalog: Catalog) -> None:
    environ = {"LLM_API_KEY": "k", "LLM_BASE_URL": "http://gpu", "LLM_MODEL": "m"}
    settings = filled(catalog, "lab", environ, base_url="http://lab")
    assert settings.keys == ()
    assert not settings.models
