from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from antiphon.providers.config import ProviderSettings
from antiphon.providers.keys import KeyFile
from antiphon.secret import Secret
from antiphon.yamlfile.expand import FileBacked

SECRET = "sk-do-not-show"


def read(**entry: object) -> ProviderSettings:
    return ProviderSettings.model_validate(entry)


def fault(**entry: object) -> tuple[str, str]:
    """The path and message of the only mistake."""
    with pytest.raises(ValidationError) as raised:
        read(**entry)
    assert SECRET not in str(raised.value)
    (error,) = raised.value.errors(include_input=False)
    return ".".join(str(step) for step in error["loc"]), error["msg"]


def test_nothing_is_an_entry() -> None:
    settings = read()
    assert settings.keys == ()
    assert settings.timeouts.model_dump() == {
        "connect": 5,
        "first_byte": 120,
        "idle": 60,
        "total": 600,
    }


def test_the_entry_of_the_design() -> None:
    settings = read(
        dialect="openai_chat",
        base_url="http://127.0.0.1:9100/v1",
        api_key="any",
        timeouts={"connect": 5, "first_byte": 120, "idle": 60, "total": 600},
    )
    assert settings.keys == (Secret("any"),)


def test_secrets_are_in_no_dump(tmp_path: Path) -> None:
    file = tmp_path / "key"
    settings = read(api_key=[SECRET, SECRET + "2"], api_key_file=file, headers={"x-key": SECRET})
    for text in (repr(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert SECRET not in text
    assert settings.keys == (Secret(SECRET), Secret(SECRET + "2"), KeyFile(file))


def test_a_key_that_was_read_from_a_file_is_read_again_later(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET)
    assert read(api_key=FileBacked.read(file)).keys == (KeyFile(file),)
    assert read(api_key=["a", FileBacked.read(file)]).keys == (Secret("a"), KeyFile(file))


def test_models_are_a_list_or_a_mapping() -> None:
    assert list(read(models=["a", "b"]).models) == ["a", "b"]
    mapped = read(
        models={"a": None, "b": {"context": 8192, "prices": {"input": 0.5, "output": 1.5}}}
    )
    assert mapped.models["a"].context is None
    prices = mapped.models["b"].prices
    assert prices is not None
    assert prices.in_billionths() == {"input": 500_000_000, "output": 1_500_000_000}


def test_prices_are_exact() -> None:
    settings = read(models={"m": {"prices": {"input": "0.000000001", "output": 0.1}}})
    prices = settings.models["m"].prices
    assert prices is not None
    assert prices.in_billionths() == {"input": 1, "output": 100_000_000}


@pytest.mark.parametrize(
    ("entry", "path", "message"),
    [
        ({"base_ulr": "x"}, "base_ulr", "Extra inputs"),
        ({"base_url": "api.test/v1"}, "base_url", "http:// or https://"),
        ({"base_url": "https://u:p@api.test"}, "base_url", "user name or password"),
        ({"base_url": "https://api.test?x=1"}, "base_url", "no query"),
        ({"base_url": "http://api.example.com/v1"}, "base_url", "https"),
        ({"base_url": "http://8.8.8.8/v1"}, "base_url", "https"),
        ({"api_key": SECRET + "\r\nx: y"}, "api_key.0", "line break"),
        ({"api_key": ["ok", SECRET + "\n"]}, "api_key.1", "line break"),
        ({"api_key": 5}, "api_key.0", "must be a text"),
        ({"headers": {"x\r\ny": "z"}}, "headers", "no header name"),
        ({"headers": {"x": SECRET + "\r\ny: z"}}, "headers", "line break"),
        ({"headers": {"Content-Length": "0"}}, "headers", "set by the gateway"),
        ({"timeouts": {"total": 0}}, "timeouts.total", "greater than 0"),
        ({"timeouts": {"read": 1}}, "timeouts.read", "Extra inputs"),
        ({"quirks": ["max_token_only"]}, "quirks", "no such quirk: 'max_token_only'"),
        ({"api_version": "1&x=2"}, "api_version", "pattern"),
        ({"ca_file": "/no/such/file.pem"}, "ca_file", "does not point to a file"),
        (
            {"models": {"m": {"prices": {"input": -1, "output": 1}}}},
            "models.m.prices.input",
            "negative",
        ),
        ({"models": {"m": {"window": 5}}}, "models.m.window", "Extra inputs"),
        ({"models": "gpt-4o"}, "models", "dictionary"),
    ],
)
def test_a_mistake_says_where_and_what(entry: dict[str, object], path: str, message: str) -> None:
    where, what = fault(**entry)
    assert where == path
    assert message in what


def test_plain_http_goes_to_private_hosts_or_where_it_is_allowed() -> None:
    for host in ("localhost", "gpu", "10.0.0.1", "gpu.local"):
        read(base_url=f"http://{host}:8000/v1")
    read(base_url="http://api.test.example/v1", allow_http=True)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        read().base_url = "https://other.test"
