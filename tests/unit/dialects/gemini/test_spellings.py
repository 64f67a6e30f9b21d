"""Numbers and names as Google reads them: texts, `10.0`, both spellings, and not both at once."""

import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.gemini import GEMINI
from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members

HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]


def payload(**members: object) -> Payload:
    body = {"model": "m", "contents": HELLO, **members}
    return Payload(GEMINI, Members.parse(json.dumps(body).encode()))


@pytest.mark.parametrize(
    "config",
    [
        {"temperature": "0.5", "maxOutputTokens": "10", "topK": "40", "seed": "7"},
        {"temperature": 0.5, "max_output_tokens": 10.0, "topK": 40.0, "seed": 7.0},
        {"temperature": "5e-1", "max_output_tokens": "1e1", "top_k": 40, "seed": 7},
    ],
)
def test_numbers(config: dict[str, object]) -> None:
    asked = payload(generationConfig={**config, "candidateCount": "2"})
    assert asked.output_bound == (10, 2)
    request = asked.request
    assert (request.max_output_tokens, request.n) == (10, 2)
    drawn = request.sampling
    assert (drawn.temperature, drawn.top_k, drawn.seed) == (0.5, 40, 7)


@pytest.mark.parametrize("text", ["", "ten", "nan", "inf", "1_0", "10.5", "1e99"])
def test_texts_that_are_no_whole_number(text: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        assert payload(generationConfig={"maxOutputTokens": text}).request
    assert caught.value.param == "generationConfig.maxOutputTokens"


def test_no_answers_are_the_usual_number() -> None:
    asked = payload(generationConfig={"candidateCount": 0})
    assert asked.request.n is None
    assert asked.output_bound == (None, 1)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"generationConfig": {}, "generation_config": {"topK": 1}}, "generationConfig"),
        ({"systemInstruction": {}, "system_instruction": {"parts": []}}, "systemInstruction"),
        ({"generationConfig": {"topK": 1, "top_k": 2}}, "generationConfig.topK"),
    ],
)
def test_both_spellings_of_one_member(members: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        assert payload(**members).request
    assert caught.value.param == param


def test_a_null_is_no_second_one() -> None:
    assert payload(generationConfig={"topK": None, "top_k": 2}).request.sampling.top_k == 2
    assert payload(generationConfig={"topK": 2, "top_k": None}).request.sampling.top_k == 2


def test_the_greater_of_two_bounds_is_counted() -> None:
    config = {"maxOutputTokens": 1, "max_output_tokens": "1000"}
    assert payload(generationConfig=config).output_bound == (1000, 1)
