"""What rules cost a request: setups as in `hot_cases`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.gateway.gateway import Antiphon
from antiphon.model.ask import Ask, Sensitivity
from antiphon.model.principal import Principal
from antiphon.pipeline.choosing import Question
from antiphon.routing.config import LanguageSettings, RuleSettings
from antiphon.routing.language import Scripts
from antiphon.routing.rules import Rule, Rules
from antiphon.wire.shallow import Members

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_ENGLISH = "The parcel left our warehouse this morning and should arrive by Friday. "
_CHINESE = "请帮我写一封邮件。通知客户下周一的发货会推迟两天。"
_MIXED = (
    "这个 API 的 rate limit 是多少\uff1fDocker container 一直 restart\uff0c"
    "log 里只有 OOMKilled\uff0c怎么办\uff1f"
)
_KILOBYTE = 1024
_HEADERS = (
    (b"host", b"127.0.0.1:4100"),
    (b"content-type", b"application/json"),
    (b"x-app", b"web"),
    (b"content-length", b"1100"),
)
FIVE_RULES = [
    {"name": "hr", "when": {"department": "hr"}, "use": "bench/m0"},
    {"name": "draft", "when": {"tags": ["draft", "mandarin"]}, "use": "bench/m1"},
    {"name": "kai", "when": {"headers": {"x-app": "kai"}}, "use": "bench/m2"},
    {"name": "long", "when": {"tokens": {"over": 100_000}}, "use": "bench/m3"},
    {"name": "mandarin", "when": {"language": "zh"}, "use": ["bench/m4", "bench/m5"]},
]


def kilobyte(text: str) -> str:
    """A text over and over, as long as 1 KB of UTF-8 has room for it."""
    whole = text * (_KILOBYTE // len(text.encode()) + 1)
    return whole.encode()[:_KILOBYTE].decode("utf-8", "ignore")


def routing_cases() -> dict[str, Setup]:
    """The cases, by name."""

    def language(text: str) -> Setup:
        """`routing.language`: the script of 1 KB."""

        def setup() -> Timed:
            scripts, said = Scripts(), kilobyte(text)
            return lambda: scripts.language(said)

        return setup

    def five_rules() -> Timed:
        """`routing.rules`: five rules, of which the last matches, over 1 KB of Chinese."""
        rules = Rules(
            [Rule(RuleSettings.model_validate(each), ()) for each in FIVE_RULES],
            LanguageSettings(),
        )
        ask = Ask(Principal("key", department="sales"), Sensitivity.PUBLIC, 0)
        ask.text, ask.tags, ask.headers = kilobyte(_CHINESE), frozenset({"mail"}), {"x-app": "web"}
        ask.tokens = 400
        return lambda: rules.first(ask)

    def choose(text: str) -> Setup:
        """`pipeline.choosing`: among ten by the five rules, the text read out of 1 KB."""

        def setup() -> Timed:
            served = _of_ten()
            plan = served.snapshot.plan("smart")
            assert plan is not None
            turn = {"role": "user", "content": kilobyte(text)}
            body = msgspec.json.encode({"model": "smart", "messages": [turn]})
            payload = Payload(OPENAI_CHAT, Members.parse(body))
            asked = Question(payload, Principal("key", department="sales"), _HEADERS)
            now = served.clock.monotonic()
            return lambda: plan.chooser.choose(asked, now)

        return setup

    return {
        "pipeline.choose_of_ten_1kb_ascii": choose(_ENGLISH),
        "pipeline.choose_of_ten_1kb_chinese": choose(_CHINESE),
        "routing.language_1kb_ascii": language(_ENGLISH),
        "routing.language_1kb_chinese": language(_CHINESE),
        "routing.language_1kb_mixed": language(_MIXED),
        "routing.five_rules_1kb_chinese": five_rules,
    }


def _of_ten() -> Antiphon:
    """A gateway whose route has ten candidates and five rules."""
    provider = {"dialect": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "api_key": "any"}
    names = [f"bench/m{number}" for number in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        return Antiphon.from_config(
            {
                "storage": {"data_dir": folder},
                "providers": {"bench": provider},
                "models": {"smart": {"deployments": names, "rules": FIVE_RULES}},
            },
            environ={},
        )
