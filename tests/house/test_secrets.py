"""A secret cannot be printed, whatever is printed."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

from antiphon import Antiphon, ConfigurationError
from antiphon.config.load import load
from antiphon.config.show import shown, shown_yaml
from antiphon.secret import Secret

TEXT = "sk-verysecret-0123456789abcdef"
SETTINGS = {
    "auth": {"admin_key": f"{TEXT}-admin", "keys": [{"key": f"{TEXT}-caller"}]},
    "telemetry": {"otlp": {"headers": {"x-api-key": f"{TEXT}-collector"}}},
    "providers": {
        "lab": {
            "base_url": "http://127.0.0.1:9/v1",
            "api_key": [TEXT, f"{TEXT}-second"],
            "headers": {"x-token": f"{TEXT}-header"},
        }
    },
    "models": {"fast": "lab/any"},
}


def test_a_secret_by_itself():
    secret = Secret(TEXT)
    assert TEXT not in f"{secret} {secret!r} {[secret]}"
    for write in (pickle.dumps, msgspec.json.encode):
        with pytest.raises(TypeError) as caught:
            write(secret)
        assert TEXT not in "".join(traceback.format_exception(caught.value))


def test_a_configuration():
    settings = load(SETTINGS, environ={}).settings
    printed = [repr(settings), str(settings), shown_yaml(settings), repr(shown(settings))]
    printed += [repr(settings.model_dump()), settings.model_dump_json()]
    assert [text for text in printed if TEXT in text] == []


async def test_a_gateway(tmp_path: Path):
    settings = {**SETTINGS, "storage": {"data_dir": str(tmp_path)}}
    async with Antiphon.from_config(settings, environ={}) as gateway:
        for each in (gateway, gateway.snapshot, gateway.snapshot.keys, *gateway.deployments()):
            assert TEXT not in repr(each)
            assert TEXT not in repr(getattr(each, "__dict__", ""))
        [deployment] = gateway.deployments()
        assert TEXT not in repr(deployment.keys.status())
        assert TEXT not in gateway.metrics.exposition().decode()


def test_a_mistake_beside_a_secret(tmp_path: Path):
    path = tmp_path / "antiphon.yaml"
    path.write_text(f"auth: {{admin_key: [{TEXT}]}}\nproviders: {{lab: {{api_kay: {TEXT}}}}}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ={})
    assert TEXT not in str(caught.value)
