"""`antiphon models`."""

from __future__ import annotations

import json


def test_the_names_and_what_stands_behind_them(configured):
    lines = configured("models").stdout.splitlines()
    assert lines[0].split(maxsplit=1) == ["fast", "one/sim-small, two/sim-small"]
    assert not configured.admin_key_file.exists()


def test_as_json(configured):
    rows = json.loads(configured("models", "--json").stdout)
    assert rows[0] == {"name": "fast", "deployments": ["one/sim-small", "two/sim-small"]}


def test_providers_are_asked_where_names_pass(antiphon, providers, closed_port):
    antiphon.write(
        f"""providers:
  lab: {{dialect: openai_chat, base_url: {providers[0]}, api_key: any}}
  gone: {{dialect: openai_chat, base_url: 'http://127.0.0.1:{closed_port}/v1', api_key: any}}
"""
    )
    done = antiphon("models", "--json")
    assert json.loads(done.stdout)[0]["name"] == "lab/sim-small"
    assert "gone: cannot be asked for its models" in done.stderr
    assert antiphon("models").stdout.splitlines()[0] == "lab/sim-small"


def test_nothing_configured(antiphon):
    assert "antiphon demo" in antiphon("models", "--json", status=1).stderr


def test_nothing_reached(antiphon, closed_port):
    done = antiphon("models", "--json", status=1, LLM_BASE_URL=f"http://127.0.0.1:{closed_port}/v1")
    assert json.loads(done.stdout) == []
    assert "no model can be reached" in done.stderr
