"""The tables of LiteLLM's names: right in themselves, and about things that are here."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from antiphon.cli.importing import known as module
from antiphon.cli.importing.deployment import Account
from antiphon.cli.importing.known import Split, providers, split
from antiphon.cli.importing.naming import fault_of
from antiphon.cli.importing.values import NoValue, Value, flag_of, number_of, value_of
from antiphon.config.settings import Settings
from antiphon.providers.catalog import GENERIC, load_catalog

CATALOG = load_catalog()
FOLDER = Path(module.__file__).parent
SETTINGS = tomllib.loads((FOLDER / "settings.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", providers())
def test_a_provider_has_a_row_an_address_or_a_reason(name):
    known = providers()[name]
    rows = [row for row in known.rows if row in CATALOG]
    assert rows or known.base or known.needs_base or known.refused
    assert not (known.refused and rows and not known.template)
    if known.base:
        assert fault_of(Account(known=name, row=GENERIC, base=Value(known.base)), CATALOG) is None


@pytest.mark.parametrize("table", SETTINGS)
def test_no_setting_stands_twice(table):
    names = Counter(name for each in SETTINGS[table] for name in each["names"])
    assert [name for name, count in names.items() if count > 1] == []


def test_what_is_advised_is_a_setting():
    """Settings that a reason names, such as `models.NAME.retry.attempts`, are there."""
    text = (FOLDER / "settings.toml").read_text("utf-8")
    named = set(re.findall(r"\b((?:providers|models)\.NAME\.[a-z_]+|[a-z]+\.[a-z_]{4,})\b", text))
    schema = Settings.model_json_schema()
    sections = schema["properties"].keys()
    definitions = schema["$defs"]
    for name in named:
        section, *rest = name.split(".")
        if section not in sections:
            continue
        model = {"providers": "ProviderSettings", "models": "RouteSettings"}.get(section)
        if model is None:
            reference = schema["properties"][section]["$ref"]
            model = reference.rpartition("/")[2]
        assert rest[-1] in definitions[model].get("properties", RouteNames), name


RouteNames = frozenset(
    {"deployments", "aliases", "strategy", "retry", "deadline", "capture", "on_loss"}
)
"""The schema of a route is one of several forms."""


@pytest.mark.parametrize(
    ("text", "provider", "found"),
    [
        ("openai/gpt-4o", None, Split("openai", "gpt-4o")),
        ("openrouter/anthropic/claude", None, Split("openrouter", "anthropic/claude")),
        ("gpt-4o", None, Split("openai", "gpt-4o")),
        ("claude-sonnet-5-5", None, Split("anthropic", "claude-sonnet-5-5")),
        ("gemini-2.5-pro", None, Split("vertex_ai", "gemini-2.5-pro")),
        ("meta-llama/Llama-3", None, Split("", "meta-llama/Llama-3")),
        ("gpt-oss/x", None, Split("", "gpt-oss/x")),
        ("meta-llama/Llama-3", "hosted_vllm", Split("hosted_vllm", "meta-llama/Llama-3")),
        ("groq/llama", "groq", Split("groq", "llama")),
    ],
)
def test_whose_model_it_is(text, provider, found):
    assert split(text, provider) == found


def test_values():
    assert value_of("os.environ/A_B") == value_of("${A_B}") == value_of("$A_B")
    assert value_of("os.environ/A_B") == Value("A_B", is_variable=True)
    assert value_of(5) == Value("5")
    assert value_of("") is value_of(None) is value_of("  ") is None
    assert Value("a$b${c}").written == "a$$b$${c}"
    assert Value("NAME", is_variable=True).written == "${NAME}"
    assert (number_of("1e-6"), number_of(None)) == (1e-6, None)
    assert (flag_of("yes"), flag_of("Off"), flag_of(True)) == (True, False, True)
    for wrong in ("os.environ/", "os.environ/a b", True, [], {}):
        with pytest.raises(NoValue):
            value_of(wrong)
    for wrong in ("many", -1, "inf", "nan", "os.environ/N"):
        with pytest.raises(NoValue):
            number_of(wrong)
    with pytest.raises(NoValue):
        flag_of("perhaps")
