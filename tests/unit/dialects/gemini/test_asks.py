"""What a caller asks for that other dialects have no word for, or that is said wrong."""

import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.registry import DIALECTS
from antiphon.model.needs import Need, Severity
from antiphon.wire.shallow import Members

HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]
OTHERS = [each for name, each in DIALECTS.items() if name != GEMINI.name]
ENUM = {"type": "STRING", "enum": ["a", "b"]}


def payload(**members: object) -> Payload:
    body = {"model": "m", "contents": HELLO, **members}
    return Payload(GEMINI, Members.parse(json.dumps(body).encode()))


def again(asked: Payload) -> dict[str, object]:
    target = Target("gemini-3-pro")
    return json.loads(GEMINI.strip(GEMINI.encode_request(asked.request, target)).encode())


@pytest.mark.parametrize(
    ("members", "need"),
    [
        (
            {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": ENUM}},
            Need.CHOICE,
        ),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, Need.IMAGE_OUT),
        ({"cachedContent": "cachedContents/c1"}, Need.CACHED_PROMPT),
    ],
)
def test_what_only_gemini_gives_is_refused_elsewhere(
    members: dict[str, dict[str, object]], need: Need
) -> None:
    asked = payload(**members)
    assert asked.needs == {need}
    for dialect in OTHERS:
        assert dialect.losses[need].severity is Severity.REFUSE, dialect.name
    assert again(asked) == {"contents": HELLO, **members}


@pytest.mark.parametrize(
    "config",
    [
        {"responseMimeType": "application/xml"},
        {"responseMimeType": "application/yaml", "responseSchema": ENUM},
        {"responseModalities": ["TEXT", "VIDEO"]},
    ],
)
def test_a_word_that_nobody_knows_is_an_unknown_member(config: dict[str, object]) -> None:
    asked = payload(generationConfig=config)
    assert asked.needs == {Need.UNKNOWN_MEMBERS}
    assert again(asked)["generationConfig"] == config
