"""`.env.example` names everything that is read, and nothing else."""

from __future__ import annotations

import re

from antiphon.cli.connecting.facts import KEY_VARIABLE
from antiphon.config.load import CONFIG_VARIABLE, VARIABLES
from antiphon.providers.catalog import load_catalog
from antiphon.yamlfile.environment import parse_dotenv
from tests.docs.pages import ROOT

EXAMPLE = (ROOT / ".env.example").read_text("utf-8")
NAMES = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE)


def read_names() -> set[str]:
    names = {CONFIG_VARIABLE, KEY_VARIABLE, *VARIABLES}
    for row in load_catalog().values():
        names |= {*row.key_env, *row.base_url_env, *row.models_env}
    return names


def test_every_variable_is_in_the_example():
    assert read_names() == set(NAMES)


def test_none_stands_twice():
    assert len(NAMES) == len(set(NAMES))


def test_it_is_read_as_it_stands_and_without_its_marks():
    assert not parse_dotenv(EXAMPLE, ".env")
    bare = re.sub(r"^#([A-Z][A-Z0-9_]*=)", r"\1", EXAMPLE, flags=re.MULTILINE)
    assert parse_dotenv(bare, ".env").keys() == set(NAMES)
