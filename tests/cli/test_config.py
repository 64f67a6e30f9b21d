"""`antiphon config` and what every command says of a configuration that cannot be used."""

from __future__ import annotations

import json

import pytest

from antiphon.cli.configuration import check_command

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


class Still:
    """A clock that stands."""

    def __init__(self, moment: float) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


RETIRING = """providers:
  openai: {api_key: k}
  anthropic_like: {base_url: 'https://llm.example.com/v1', models: {x: {prices: {input: 1, output: 2}}}}
models:
  fast: [openai/gpt-4o, openai/gpt-3.5-turbo]
  other: anthropic_like/x
"""
MAKER, OFFERS = "by its maker on", "its maker offers"
ON_1_DECEMBER = 1_796_083_200.0
"""2026-12-01."""


def test_models_that_are_switched_off_are_told_and_kept(tmp_path, capsys):
    file = tmp_path / "antiphon.yaml"
    file.write_text(RETIRING)
    check_command(file, as_json=False, clock=Still(ON_1_DECEMBER))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("'")[2] for line in lines[:-1]] == [
        f"openai/gpt-4o' is switched off {MAKER} 2027-01-14, in 44 days; {OFFERS} gpt-6-luna",
        f"openai/gpt-3.5-turbo' was to be switched off {MAKER} 2026-10-23; {OFFERS} gpt-5.6-terra",
    ]
    assert all(line.startswith("warning: ") and "antiphon.yaml:5:" in line for line in lines[:-1])
    assert lines[-1].endswith("ok, 2 providers, 2 models")


def test_models_that_are_switched_off_as_json(tmp_path, capsys):
    file = tmp_path / "antiphon.yaml"
    file.write_text(RETIRING)
    with pytest.raises(SystemExit) as ended:
        check_command(file, as_json=True, clock=Still(ON_1_DECEMBER))
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["ok"], len(told["warnings"])) == (0, True, 2)


def test_a_retired_model_is_told_by_the_command(antiphon):
    antiphon.write(
        "providers:\n  moonshot: {api_key: k}\nmodels:\n  fast: moonshot/kimi-k2-0711-preview\n"
    )
    done = antiphon("config", "check")
    assert "warning: antiphon.yaml:4:3: models.fast: 'moonshot/kimi-k2-0711-preview'" in done.stdout
    assert "switched off by its maker on 2026-05-25; its maker offers kimi-k2.6" in done.stdout
    assert done.stdout.endswith("antiphon.yaml: ok, 1 provider, 1 model\n")


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
