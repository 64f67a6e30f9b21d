"""A model without a price where such models are denied: what a program in the process sees."""

from __future__ import annotations

import json

import pytest

from antiphon import Antiphon, ConfigurationError, ModelUnpriced
from antiphon.config.load import Loaded, Origin
from antiphon.config.settings import Settings
from antiphon.dialects.openai_chat import OPENAI_CHAT

FAR = {"base_url": "https://llm.example.com/v1", "api_key": "k"}
DENIED = {"providers": {"far": FAR}, "prices": {"unknown": "deny"}}


async def test_a_name_that_passes_through_is_refused_before_anybody_is_asked(tmp_path):
    async with Antiphon.from_config(DENIED, environ={"HOME": str(tmp_path)}) as gateway:
        with pytest.raises(ModelUnpriced) as caught:
            await gateway.chat(model="far/x", messages=[{"role": "user", "content": "Hi"}])
        assert gateway.transport.open == 0
    body = json.loads(OPENAI_CHAT.encode_error(caught.value, request_id="r"))["error"]
    assert (caught.value.status, body["type"], body["code"], body["param"]) == (
        403,
        "permission_error",
        "model_unpriced",
        "model",
    )


async def test_one_with_a_price_is_not(settings, fleet):
    url = fleet["one"].base_url
    priced = {"sim-small": {"prices": {"input": 1, "output": 2}}}
    lab = {"base_url": url, "api_key": "k", "unknown_prices": "deny", "models": priced}
    given = {**settings, "providers": {"lab": lab}, "models": {"*": {"passthrough": True}}}
    async with Antiphon.from_config(given, environ={}) as gateway:
        reply = await gateway.chat(
            model="lab/sim-small", messages=[{"role": "user", "content": "Hi"}]
        )
        assert reply.text
        with pytest.raises(ModelUnpriced):
            await gateway.chat(model="lab/other", messages=[{"role": "user", "content": "Hi"}])


def test_a_route_cannot_be_built_even_where_nobody_checked():
    settings = Settings.model_validate({**DENIED, "models": {"fast": "far/x"}})
    with pytest.raises(ConfigurationError, match="fast: The model 'far/x' has no price here"):
        Antiphon(Loaded(settings, "given", None, (), frozenset(), {}, Origin({}, environ={})))


def test_the_warning_reaches_whoever_embeds():
    gateway = Antiphon.from_config(
        {"providers": {"far": FAR}, "models": {"fast": "far/x"}}, environ={}
    )
    assert len(gateway.warnings) == 1
    assert "'far/x' has no price and is charged at the ceiling" in gateway.warnings[0]
    assert gateway.deployments()[0].priced == "ceiling"
