"""`antiphon prices check`."""

from __future__ import annotations

import json

import pytest

from antiphon.cli.prices import OLD_AFTER_DAYS, check_command

CONFIGURATION = """providers:
  openai: {api_key: k, models: [gpt-4o, gpt-nonsense]}
  gemini: {api_key: k, models: [gemini-2.5-pro]}
  deepseek: {api_key: k, models: [deepseek-v4-pro]}
  perplexity: {api_key: k, models: [sonar]}
  lab: {base_url: 'http://127.0.0.1:9/v1', models: [x]}
  far: {base_url: 'https://llm.example.com/v1', models: {x: , y: {prices: {input: 1, output: 2.5}}}}
models:
  fast: [openai/gpt-4o, far/x]
  "*": {passthrough: true}
"""
DAY = 86_400
ON_14_NOVEMBER = 1_794_614_400.0
"""2026-11-14, 31 days after OpenAI's prices were checked."""
OF_THE_BOOK = 1_793_664_000.0
"""2026-11-03."""


class Still:
    """A clock that stands."""

    def __init__(self, moment: float) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def check(tmp_path, capsys):
    """The command in this process, for the sake of its clock: status, output, errors."""

    def check(
        text: str, *, as_json: bool = False, at: float = ON_14_NOVEMBER
    ) -> tuple[int, str, str]:
        (tmp_path / "antiphon.yaml").write_text(text)
        with pytest.raises(SystemExit) as ended:
            check_command(tmp_path / "antiphon.yaml", as_json=as_json, clock=Still(at))
        printed = capsys.readouterr()
        return int(str(ended.value.code)), printed.out, printed.err

    return check


def test_the_table(check):
    status, out, _ = check(CONFIGURATION)
    assert status == 0
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert rows == [
        "deployment priced input cache read cache write output others version",
        "openai/gpt-4o known 2.5 1.25 2.5 10 genai-prices 0.2.3 2026-10-14 (31 days)",
        "far/x ceiling 150 150 150 600 request 0.014 ceiling genai-prices 0.2.3 2026-11-03 (11 days)",
        "openai/gpt-nonsense ceiling 150 150 150 600 ceiling genai-prices 0.2.3 2026-11-03 (11 days)",
        "gemini/gemini-2.5-pro known 1.25 0.125 1.25 10 genai-prices 0.2.3 2026-10-14 (31 days)",
        "2.5 0.25 2.5 15 above 200,000 tokens",
        "deepseek/deepseek-v4-pro known 0.66 0.022 0.66 1.98 genai-prices 0.2.3 2026-11-03 (11 days)",
        "1.32 0.044 1.32 3.96 01:00-04:00 UTC",
        "1.32 0.044 1.32 3.96 06:00-10:00 UTC",
        "perplexity/sonar known 1 1 1 1 request 0.012 genai-prices 0.2.3 2026-10-19 (26 days)",
        "lab/x self-hosted 0 0 0 0 self-hosted",
        "far/y own 1 1 1 2.5 configuration f91fa7",
        "in dollars per million tokens",
        "warning: far/x has no price and is charged at the ceiling: this provider is not in the price book; set providers.far.models.x.prices",
        "warning: openai/gpt-nonsense has no price and is charged at the ceiling: the price book has no 'gpt-nonsense' at openai; set providers.openai.models.gpt-nonsense.prices",
    ]


def test_the_same_for_programs(check):
    status, out, _ = check(CONFIGURATION, as_json=True)
    told = json.loads(out)
    assert (status, told["ok"], len(told["warnings"]), told["mistakes"]) == (0, True, 2, [])
    rows = {row["name"]: row for row in told["deployments"]}
    tiers = rows["gemini/gemini-2.5-pro"]["terms"][0]["tiers"]
    assert [tier["above"] for tier in tiers] == [0, 200_000]
    assert tiers[1]["dollars"] == {
        "input": 2.5,
        "cache_read": 0.25,
        "cache_write": 2.5,
        "output": 15.0,
    }
    assert rows["openai/gpt-4o"]["age_days"] == 31
    assert rows["far/y"]["age_days"] is None
    assert rows["far/x"]["reason"] == "this provider is not in the price book"


def test_a_change_that_is_announced(check):
    row = "providers: {gemini: {api_key: k, models: [gemini-3.8-flash]}}"
    _, out, _ = check(row)
    assert "from 2027-01-01" in out


def test_a_book_that_is_old(check):
    text = "providers: {openai: {api_key: k, models: [gpt-4o]}}"
    last = OF_THE_BOOK + OLD_AFTER_DAYS * DAY
    assert "the price book is" not in check(text, at=last)[1]
    out = check(text, at=last + DAY)[1]
    assert "warning: the price book is 91 days old: upgrade antiphon" in out
    # Who has other prices than the book's need not care.
    own = "providers: {lab: {base_url: 'http://127.0.0.1:9/v1', models: [x]}}"
    assert "warning" not in check(own, at=last + DAY)[1]


def test_a_model_that_is_denied_where_names_pass(check):
    text = "prices: {unknown: deny}\nproviders: {openai: {api_key: k, models: [gpt-4o, nonsense]}}"
    status, out, _ = check(text)
    assert status == 1
    assert "openai/nonsense  denied" in out
    assert "warning: openai/nonsense has no price and is refused" in out
    assert json.loads(check(text, as_json=True)[1])["ok"] is False


def test_a_route_that_is_denied_and_a_price_that_cannot_be_used(check):
    text = (
        "prices: {unknown: deny}\n"
        "providers: {openai: {api_key: k, models: {gpt-4o: {prices: {input: -1, output: 2}}}}}\n"
        "models: {fast: openai/nonsense}\n"
    )
    status, _, err = check(text)
    assert status == 1
    assert "antiphon.yaml:2:" in err
    assert "providers.openai.models.gpt-4o.prices.input: must not be negative" in err
    mistakes = json.loads(check(text, as_json=True)[1])["mistakes"]
    assert any("must not be negative" in each["message"] for each in mistakes)


def test_models_that_nobody_can_ask_for_are_left_out(check):
    text = "providers: {openai: {api_key: k, models: [gpt-4o, o1]}}\nmodels: {fast: openai/gpt-4o}"
    out = check(text)[1]
    assert "openai/gpt-4o" in out
    assert "o1" not in out


def test_a_configuration_that_names_no_model(check):
    status, out, _ = check("providers: {far: {base_url: 'https://llm.example.com/v1'}}")
    assert (status, out) == (
        0,
        "the configuration names no model; each is priced when it is first asked for\n",
    )


# ------------------------------------------------------------------ the command itself


def test_the_command(antiphon):
    antiphon.write(CONFIGURATION)
    for arguments in ([], ["antiphon.yaml"], ["--config", "antiphon.yaml"]):
        assert "openai/gpt-4o" in antiphon("prices", "check", *arguments).stdout
    assert json.loads(antiphon("prices", "check", "--json").stdout)["ok"] is True


def test_nothing_configured(antiphon):
    assert "antiphon demo" in antiphon("prices", "check", status=1).stderr


def test_check_of_the_configuration_tells_it_too(antiphon):
    antiphon.write(CONFIGURATION)
    warned = "antiphon.yaml:9:25: models.fast.1: 'far/x' has no price and is charged at the ceiling"
    assert warned in antiphon("config", "check").stdout
