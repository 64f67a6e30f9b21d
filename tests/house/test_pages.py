"""What exists is written down."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys

import pytest

from antiphon.config.settings import Settings
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import Kind
from antiphon.gateway.rules import RULES
from antiphon.model.embedding import EmbedNeed
from antiphon.model.needs import Need
from tests.house.source import ROOT

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.mark.parametrize(
    "tool", ["configuration_docs", "reference_docs", "provider_table", "loss_table"]
)
def test_what_is_made_from_the_code_is_current(tool):
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting():
    tool = runpy.run_path(str(ROOT / "tools" / "configuration_docs.py"))
    schema = Settings.model_json_schema()
    for section, node in schema["properties"].items():
        for row in tool["settings"](schema, node, section):
            assert f"`{row.path}`" in page("configuration.md")


def test_every_command_and_option():
    tool = runpy.run_path(str(ROOT / "tools" / "reference_docs.py"))
    root = tool["typer"].main.get_command(tool["app"])
    for name, command in tool["_commands"](root):
        section = page("cli.md").partition(f"## `antiphon {name}`\n")[2].partition("\n## ")[0]
        assert section, name
        for parameter in command.params:
            for option in parameter.opts:
                assert option in section, f"{name} {option}"


def test_every_metric():
    written = "".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    names = set(re.findall(r'"(antiphon_[a-z_]+)"', written)) - {"antiphon_key"}
    assert len(names) >= 10
    assert {name for name in names if f"`{name}" not in page("metrics.md")} == set()


def test_every_kind_of_error():
    assert [kind for kind in Kind if f"| `{kind}` |" not in page("errors.md")] == []


def test_every_rule_of_health():
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| (\w+) \|", page("operating/health.md"), re.MULTILINE
    )
    assert rows == [(rule.code, rule.status) for rule in RULES]


def test_what_requests_for_vectors_lose():
    tool = runpy.run_path(str(ROOT / "tools" / "loss_table.py"))
    assert tool["ASKED"].keys() == set(EmbedNeed)
    assert tool["embeddings"]() in page("dialects.md")


def test_every_loss_in_every_dialect():
    tool = runpy.run_path(str(ROOT / "tools" / "loss_table.py"))
    assert tool["MEANINGS"].keys() == set(Need)
    # The shape for completions shares what its dialect loses.
    assert tool["TITLES"].keys() == DIALECTS.keys() - {"ollama_generate"}
    for need in Need:
        row = re.search(rf"^\| `{need}` \| [^|]+ \|(.*)\|$", page("dialects.md"), re.MULTILINE)
        assert row, need
        for cell, name in zip(row[1].split("|"), tool["TITLES"], strict=True):
            loss = DIALECTS[name].losses.get(need)
            told = f"**{loss.severity}**: {loss.how}" if loss else "carried"
            unlike = DIALECTS[name].unlike.get(need)
            if unlike is not None:
                told += f"; elsewhere **{unlike.severity}**: {unlike.how}"
            assert cell.strip() == told, (need, name)
