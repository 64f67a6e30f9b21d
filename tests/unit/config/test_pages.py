"""What is made from the settings: schema, `config show`, the reference, and the example."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.config.load import load
from antiphon.config.schema import schema
from antiphon.config.settings import Settings
from antiphon.config.show import shown, shown_yaml
from antiphon.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "antiphon.example.yaml"


def test_the_example_can_be_used():
    loaded = load(EXAMPLE, environ={"OPENAI_API_KEY": "sk-0123456789"})
    assert loaded.warnings == ()
    assert list(loaded.settings.models) == ["smart", "small", "*"]
    lines = [line for line in EXAMPLE.read_text().splitlines() if line.split("#")[0].strip()]
    assert len(lines) <= 12


def test_the_example_says_what_it_needs():
    with pytest.raises(ConfigurationError) as caught:
        load(EXAMPLE, environ={})
    assert [each.message for each in caught.value.mistakes] == [
        "the environment variable OPENAI_API_KEY is not set: set it in the environment or in .env"
    ]


def test_what_is_shown_is_what_is_in_force(load_text, tmp_path: Path):
    (tmp_path / "key").write_text("sk-verysecret")
    text = """
auth: {admin_key: ak-verysecret, keys: [{key: ck-verysecret, team: web}]}
providers:
  openai: {api_key: '${file:key}', headers: {x-team: verysecret}}
  lab: {base_url: 'http://127.0.0.1:1/v1', api_key: [verysecret, also-verysecret]}
models: {a: [lab/x, openai/gpt-4o]}
"""
    page = shown_yaml(load_text(text).settings)
    assert "verysecret" not in page
    assert f"${{file:{tmp_path}/key}}" in page
    again = load_text(page.replace("'**********'", "0123456789abcdef", 1))
    assert shown(again.settings)["models"] == shown(load_text(text).settings)["models"]


def test_the_defaults_are_shown_and_read_again(load_text):
    page = shown_yaml(load_text("").settings)
    assert "port: 4100" in page
    assert shown(load_text(page).settings) == shown(load_text("").settings)


def test_the_schema_knows_every_member():
    found = schema()
    assert set(found["properties"]) == set(Settings.model_fields)
    assert found["additionalProperties"] is False
    port = found["$defs"]["ServerSettings"]["properties"]["port"]
    assert port["default"] == 4100
    assert port["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 65535}
    assert port["anyOf"][1] == {"$ref": "#/$defs/Expanded"}
    short, listed, whole = found["$defs"]["RouteSettings"]["anyOf"]
    assert "anyOf" in short
    assert listed["type"] == "array"
    assert "deployments" in whole["properties"]


TOOL = ROOT / "tools" / "configuration_docs.py"


def test_the_reference_is_current():
    done = subprocess.run(
        [sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_setting_has_a_description():
    tool = runpy.run_path(str(TOOL))
    document = Settings.model_json_schema()
    rows = [
        row
        for name, prop in document["properties"].items()
        for row in tool["settings"](document, prop, name)
    ]
    assert len(rows) > 40
    assert [row.path for row in rows if not row.description] == []
    assert all(
        prop.get("description") or "$ref" in prop for prop in document["properties"].values()
    )


def test_no_file_means_no_yaml_library():
    code = (
        "import sys; from antiphon.config.load import load; load({}, environ={});"
        "assert 'ruamel.yaml' not in sys.modules and 'yaml' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
