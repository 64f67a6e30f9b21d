"""What becomes of each setting of LiteLLM's, with the line that it stands on."""

from __future__ import annotations

import pytest

from tests.cli.imported import imported
from tests.docs.pages import blocks


def test_groups_in_order_with_their_keys(antiphon):
    found = imported(antiphon, "load_balancing.yaml")
    keyed = found.data["models"]["keyed"]
    assert [each.partition("/")[2] for each in keyed["deployments"]] == ["sim-large", "sim-small"]
    last = found.data["providers"][keyed["deployments"][1].partition("/")[0]]
    assert last["api_key"] == ["${KEY_A}", "${KEY_B}"]
    assert last["timeouts"] == {"first_byte": 30, "idle": 30, "total": 30}
    zephyr = found.data["models"]["zephyr"]
    assert zephyr["deployments"][0].startswith("127.0.0.1-9101/")
    assert (zephyr["aliases"], zephyr["retry"]) == (["gpt-4"], {"calls": 3, "backoff": 1})
    dropped = found.told("dropped")
    assert dropped["model_list.0.litellm_params.rpm"].startswith("6: rates of one deployment")
    assert dropped["router_settings.model_group_alias.lost"].startswith("26: names no model")
    assert dropped["router_settings.redis_password"].startswith("31: one process serves")
    assert dropped["litellm_settings.num_retries"].startswith("35: router_settings says it too")
    near = found.told("approximated")
    assert near["router_settings.routing_strategy"].startswith(
        "22: models.NAME.strategy: least_busy"
    )
    assert zephyr["strategy"] == keyed["strategy"] == "least_busy"
    assert near["model_list.0.litellm_params.weight"].startswith("8: the heaviest")
    assert "not spread over the 2 deployments" in near["model_list.4"]


def test_fallbacks_of_each_kind(antiphon):
    found = imported(antiphon, "fallbacks.yaml")
    assert {
        name: [each.partition("/")[2] for each in route["deployments"]]
        for name, route in found.data["models"].items()
    } == {
        "broken": ["fault:server-error", "sim-small"],
        "refused": ["fault:unauthorized", "sim-small"],
        "spare": ["sim-small", "sim-large"],
        "wide": ["sim-large", "sim-small"],
    }
    dropped = found.told("dropped")
    assert dropped["router_settings.fallbacks.2.missing.0"].startswith("17: stands behind a name")
    assert dropped["router_settings.fallbacks.3.spare.1"].startswith("18: must be a name")
    assert dropped["router_settings.content_policy_fallbacks"].startswith("20: ")
    assert dropped["litellm_settings.fallbacks"].startswith("24: router_settings says it too")
    near = found.told("approximated")
    assert near["router_settings.context_window_fallbacks.0.spare.0"].startswith("19: is asked")


def test_azure(antiphon):
    found = imported(antiphon, "azure.yaml")
    assert found.data["providers"] == {
        "azure": {
            "base_url": "https://mine-eu.openai.azure.com",
            "api_key": "${AZURE_API_KEY_EU}",
        },
        "azure-mine-ca": {
            "catalog": "azure",
            "base_url": "https://mine-ca.openai.azure.com",
            "api_key": "${AZURE_MINE_CA_API_KEY}",
        },
        "azure-azure-base": {
            "catalog": "azure",
            "base_url": "${AZURE_BASE}",
            "api_key": "${AZURE_API_KEY}",
        },
        "azure-lab": {
            "catalog": "azure",
            "base_url": "https://lab.services.ai.azure.com",
            "api_key": "${AZURE_AI_API_KEY}",
        },
        "azure-azure-api-base": {
            "catalog": "azure",
            "base_url": "${AZURE_API_BASE}",
            "api_key": "${AZURE_API_KEY}",
        },
    }
    assert found.data["models"]["gpt-4o"] == ["azure/gpt-4o-eu", "azure-mine-ca/gpt-4o-ca"]
    assert found.data["models"]["o3"] == "azure-azure-base/my-o3"
    near = found.told("approximated")
    assert near["model_list.0.litellm_params.api_version"].startswith("7: azure is asked")
    assert near["model_list.1.litellm_params.api_base"].startswith("12: mine-ca.openai.azure.com")
    assert "Entra ID" in found.told("dropped")["model_list.2.litellm_params.azure_ad_token"]


def test_clouds(antiphon):
    found = imported(antiphon, "cloud.yaml")
    assert found.data["models"] == {
        "command": "cohere/command-a-03-2025",
        "gemini": "gemini/gemini-2.5-flash",
        "gpt": ["openai/gpt-4o", "openai-2/gpt-4o"],
        "deep": "deepinfra/meta-llama/Llama-3",
        "pplx": "perplexity/sonar-pro",
        "gemini-eu": "vertex/gemini-2.5-flash",
        "gemini-world": "vertex-aiplatform/gemini-2.5-flash",
    }
    assert found.data["providers"]["vertex"] == {
        "base_url": "https://europe-west4-aiplatform.googleapis.com/v1/projects/ours"
        "/locations/europe-west4/publishers/google"
    }
    world = found.data["providers"]["vertex-aiplatform"]["base_url"]
    assert world.startswith("https://aiplatform.googleapis.com/v1/projects/ours/locations/global/")
    assert "api_key_file" in found.told("approximated")["model_list.13.litellm_params.model"]
    assert found.data["providers"]["openai-2"] == {
        "catalog": "openai",
        "headers": {"OpenAI-Organization": "org-two"},
    }
    assert found.data["providers"]["perplexity"] == {}
    assert "PERPLEXITY_API_KEY" in found.variables
    dropped = found.told("dropped")
    for line, (entry, word) in enumerate(
        [
            *(("0.litellm_params.model", "signed"), ("1.litellm_params.model", "signed")),
            *(("2.litellm_params.model", "project"), ("3.litellm_params.model", "project")),
            *(("4.litellm_params.model", "tokens"), ("5.litellm_params.model", "whose model")),
            ("6.litellm_params.model", "whose model"),
            ("7.litellm_params.mock_response", "made up"),
        ],
        start=2,
    ):
        told = dropped[f"model_list.{entry}"]
        assert told.startswith(f"{line}: ")
        assert word in told
    assert dropped["model_list.13.litellm_params.vertex_credentials"].startswith("15: ")
    assert "Google's own models" in dropped["model_list.15.litellm_params.model"]
    assert dropped["model_list.16.litellm_params.vertex_project"].startswith("18: stands in the")


def test_patterns(antiphon):
    found = imported(antiphon, "wildcard.yaml")
    assert found.data["models"] == {"named": "lab/sim-small", "*": {"passthrough": True}}
    assert set(found.data["providers"]) == {"lab", "together_ai"}
    dropped = found.told("dropped")
    assert dropped["model_list.2"].startswith("6: a pattern has one provider")
    assert dropped["model_list.3"].startswith("8: only PROVIDER/*")
    assert dropped["model_list.4"].startswith("10: only PROVIDER/*")
    assert found.told("approximated")["model_list.6"].startswith("14: every provider")


def test_headers_and_times(antiphon):
    found = imported(antiphon, "anthropic.yaml")
    entry = found.data["providers"]["anthropic"]
    assert entry["headers"] == {
        "anthropic-beta": "context-1m-2025-08-07",
        "X-Team": "${ANTHROPIC_X_TEAM}",
        "X-Env": "${TEAM_HEADER}",
    }
    assert entry["timeouts"] == {"first_byte": 20, "idle": 20, "total": 900}
    assert found.data["models"]["claude"] == {
        "deployments": ["anthropic/claude-sonnet-4-5"],
        "deadline": 900,
        "on_loss": "error",
    }
    clear = {each["name"]: each["in_the_clear"] for each in found.report["variables"]}
    assert (clear["ANTHROPIC_X_TEAM"], clear["TEAM_HEADER"]) == (True, False)


def test_every_section(antiphon):
    found = imported(antiphon, "enterprise.yaml")
    assert found.data["auth"]["keys"] == [
        {"key": "${LITELLM_MASTER_KEY}", "user": "master", "scopes": ["admin", "inference"]}
    ]
    assert {
        name: found.data[name] for name in ("limits", "server", "ledger", "health", "logging")
    } == {
        "limits": {"concurrency": 250},
        "server": {"max_body_bytes": 10 << 20},
        "ledger": {"keep_days": 30},
        "health": {"probe_seconds": 120},
        "logging": {"requests": "json", "format": "json"},
    }
    assert {name: told.partition(":")[0] for name, told in found.told("unknown").items()} == {
        "model_list.0.litellm_params.wibble": "11",
        "model_list.0.model_info.invented": "12",
        "mystery_section": "23",
        "litellm_settings.not_a_setting": "33",
    }
    dropped = found.told("dropped")
    for member, line in {
        "model_list.0.litellm_params.tags": 7,
        "guardrails": 14,
        "mcp_servers": 17,
        "vector_store_registry": 19,
        "litellm_settings.cache": 26,
        "litellm_settings.callbacks.2": 28,
        "general_settings.database_url": 44,
        "general_settings.alerting": 51,
        "general_settings.pass_through_endpoints": 55,
    }.items():
        assert dropped[member].startswith(f"{line}: ")
    assert found.told("mapped")["litellm_settings.callbacks.1"].startswith("28: prometheus")
    [lab] = [each for each in found.report["variables"] if each["name"] == "LAB_KEY"]
    assert (lab["in_the_clear"], lab["where"]) == (True, "enterprise.yaml:58:3")


def test_names_and_values_that_are_odd(antiphon):
    found = imported(antiphon, "odd.yaml")
    models = found.data["models"]
    assert models["GPT-4-of-ours"].endswith("/sim-small")
    assert models["4"]["aliases"] == ["good"]
    assert models["4"]["deployments"][0].endswith("/sim$$large")
    assert found.data["providers"]["llm.example.com"]["allow_http"] is True
    dropped = found.told("dropped")
    for entry, line in {
        "4.litellm_params": 10,
        "5.model_name": 11,
        "6.model_name": 12,
        "7": 13,
        "8.litellm_params": 15,
        "9.litellm_params.api_base": 17,
        "11.litellm_params": 21,
        "12.litellm_params.api_key": 23,
        "13.litellm_params.model": 25,
    }.items():
        assert dropped[f"model_list.{entry}"].startswith(f"{line}: ")


def test_prices_and_facts(antiphon):
    found = imported(antiphon, "prices.yaml")
    assert found.data["providers"]["127.0.0.1-9100"]["models"] == {
        "sim-small": {
            "context": 128_000,
            "max_output": 16_384,
            "tools": True,
            "vision": False,
            "prices": {"input": 0.15, "output": 0.6, "cache_read": 0.075},
        }
    }
    dropped = found.told("dropped")
    assert "names both" in dropped["model_list.1.litellm_params.input_cost_per_token"]
    assert "not negative" in dropped["model_list.3.litellm_params.input_cost_per_token"]
    assert "is no price" in dropped["model_list.3.litellm_params.output_cost_per_token"]


def test_an_included_file_tells_its_own_lines(antiphon):
    found = imported(antiphon, "split/parent.yaml")
    where = {each["member"]: each["where"] for each in found.report["items"]}
    assert where["model_list.1.litellm_params.wibble"] == "models.yaml:3:114"
    assert where["model_list.0"] == "parent.yaml:4:5"
    assert found.data["models"]["here"]["retry"] == {"calls": 4}


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("sk-abc", "OPENAI_API_KEY_2"),
        ("os.environ/MINE", "MINE"),
        ("$MINE", "MINE"),
        ("${MINE}", "MINE"),
    ],
)
def test_a_key_is_a_variable(antiphon, key, variable):
    """One that stands in the clear never takes the name that another entry reads."""
    antiphon.write(
        "model_list:\n"
        f"  - {{model_name: a, litellm_params: {{model: openai/x, api_key: '{key}'}}}}\n"
        "  - {model_name: b, litellm_params: {model: openai/y, api_key: os.environ/OPENAI_API_KEY}}\n",
        "in.yaml",
    )
    done = antiphon("import", "litellm", "in.yaml")
    assert f"api_key: ${{{variable}}}" in done.stdout
    assert "sk-abc" not in done.stdout + done.stderr


def test_the_guide_s_example_is_what_comes_out(antiphon):
    page = "docs/guides/moving-from-litellm.md"
    theirs, ours = (block.text for block in blocks("yaml", page))
    antiphon.write(theirs, "config.yaml")
    done = antiphon("import", "litellm", "config.yaml")
    assert "".join(line for line in done.stdout.splitlines(True) if line[0] != "#") == ours
    assert "a-key-in-the-clear" not in done.stdout + done.stderr
    assert "AZURE_OPENAI_API_KEY: providers.azure.api_key (config.yaml:11:7)" in done.stderr
