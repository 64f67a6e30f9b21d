"""How requests travel, by the dialect of their caller."""

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.gateway.gateway import Antiphon

SETTINGS = {
    "providers": {
        "kimi": {"catalog": "moonshot", "api_key": "sk-kimi"},
        "claude": {"catalog": "anthropic", "api_key": "sk-claude"},
        "gpu": {"catalog": "vllm", "base_url": "http://127.0.0.1:9"},
        "chat": {"catalog": "vllm", "base_url": "http://127.0.0.1:9", "dialect": "openai_chat"},
    },
    "models": {
        "kimi": "kimi/kimi-k2.6",
        "claude": "claude/claude-opus-5-5",
        "gpu": "gpu/any",
        "chat": "chat/any",
        "both": ["claude/claude-opus-5-5", "kimi/kimi-k2.6"],
    },
}
PASS, MIX, TRANSLATE = "passthrough", "mixed", "translated"


@pytest.mark.parametrize(
    ("alias", "roads"),
    [
        ("kimi", (PASS, TRANSLATE, PASS)),
        ("claude", (TRANSLATE, TRANSLATE, PASS)),
        ("gpu", (PASS, PASS, PASS)),
        ("chat", (PASS, TRANSLATE, TRANSLATE)),
        ("both", (MIX, TRANSLATE, PASS)),
    ],
)
def test_a_road(alias, roads):
    plan = Antiphon.from_config(SETTINGS, environ={}).snapshot.plans[alias]
    heard = ("openai_chat", "openai_responses", "anthropic_messages")
    assert tuple(plan.road(DIALECTS[each]) for each in heard) == roads
