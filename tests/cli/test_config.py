"""`antiphon config` and what every command says of a configuration that cannot be used."""

from __future__ import annotations

import json

MISTAKEN = """providers:
  lab: {base_ulr: http://127.0.0.1:1/v1, dialect: openai_chat}
models:
  fast: lbb/x
"""


def test_check_says_ok_and_leaves_nothing_behind(configured):
    before = sorted(configured.home.rglob("*"))
    assert configured("config", "check").stdout == "antiphon.yaml: ok, 2 providers, 3 models\n"
    assert sorted(configured.home.rglob("*")) == before


def test_check_takes_the_file_either_way(configured):
    (configured.home / "antiphon.yaml").rename(configured.home / "other.yaml")
    for arguments in (["other.yaml"], ["--config", "other.yaml"]):
        assert "other.yaml: ok" in configured("config", "check", *arguments).stdout
    done = configured("config", "check", "other.yaml", "--json")
    assert json.loads(done.stdout)["ok"] is True


def test_every_mistake_with_its_line(antiphon):
    antiphon.write(MISTAKEN)
    for command in (["config", "check"], ["config", "show"], ["models"], ["serve"], ["chat", "x"]):
        error = antiphon(*command, status=1).stderr
        assert "antiphon.yaml:2:" in error
        assert "base_url" in error
        assert "antiphon.yaml:4:" in error
        assert "did you mean 'lab" in error
    rows = json.loads(antiphon("config", "check", "--json", status=1).stdout)["mistakes"]
    assert {"antiphon.yaml:2", "antiphon.yaml:4"} <= {
        row["where"].rpartition(":")[0] for row in rows
    }


def test_check_of_what_is_absent_or_empty(antiphon):
    assert "absent.yaml" in antiphon("config", "check", "absent.yaml", status=1).stderr
    assert "antiphon demo" in antiphon("config", "check", status=1).stderr
    assert json.loads(antiphon("config", "check", "--json", status=1).stdout)["ok"] is False


def test_a_warning_is_told(configured):
    done = configured("config", "check", ANTIPHON_PROT="1")
    assert "warning: environment: ANTIPHON_PROT" in done.stdout


def test_schema(antiphon):
    assert "providers" in json.loads(antiphon("config", "schema").stdout)["properties"]


def test_show_masks_secrets(configured):
    text = (configured.home / "antiphon.yaml").read_text()
    configured.write(text.replace("api_key: any", "api_key: sk-verysecret"))
    page = configured("config", "show", ANTIPHON_ADMIN_KEY="ak-verysecret-0123456789")
    assert "drain_seconds: 1" in page.stdout
    assert "verysecret" not in page.stdout + page.stderr
    shown = configured("config", "show", "--json")
    assert json.loads(shown.stdout)["providers"]["one"]["api_key"] == ["**********"]
