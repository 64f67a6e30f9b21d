"""What a caller asks for that other dialects have no word for, or that is said wrong."""

import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import MalformedBody
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


@pytest.mark.parametrize(
    "members",
    [
        {"contents": [{"role": "user", "parts": [{"text": "Hi", "mediaResolution": {}}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}], "foo": 1}]},
        {"systemInstruction": {"parts": [{"text": "Be brief", "foo": 1}]}},
        {"systemInstruction": {"parts": [{"text": "Be brief"}], "foo": 1}},
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "ULTRA"}}},
        {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}]},
    ],
)
def test_unknown_members_below_the_top_are_needs(members: dict[str, object]) -> None:
    asked = payload(**members)
    assert Need.UNKNOWN_MEMBERS in asked.needs
    written = again(asked)
    assert {name: written[name] for name in members} == members


def test_what_only_says_how_something_is_passed_asks_for_nothing() -> None:
    image = {"mimeType": "image/png", "data": "QUJD", "displayName": "a.png"}
    said = {"text": "Well", "thought": False, "thoughtSignature": "QUJD"}
    asked = payload(
        contents=[
            {"role": "user", "parts": [{"inlineData": image}, said]},
            {"role": "model", "parts": [{"text": "So", "news": 1}], "foo": 1},
            *HELLO,
        ],
        tools=[{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
        generationConfig={"thinkingConfig": {"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}},
    )
    assert Need.UNKNOWN_MEMBERS not in asked.needs


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"text": 5}, "text"),
        ({"text": {}}, "text"),
        ({"functionCall": "f"}, "functionCall"),
        ({"inlineData": []}, "inlineData"),
    ],
)
def test_a_part_of_a_wrong_type_is_named(part: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        assert payload(contents=[{"role": "user", "parts": [part]}]).request
    assert caught.value.param == f"contents[0].parts[0].{param}"
