"""Data in the base64 of Google's own clients, for everybody else."""

import json

import pytest

from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.wire.shallow import Members


@pytest.mark.parametrize(
    ("given", "told"),
    [("-_-_", "+/+/"), ("A-_", "A+/="), ("AA", "AA=="), ("AAAA", "AAAA"), ("A", "A"), ("", "")],
)
def test_the_alphabet_and_the_padding_of_a_picture(given: str, told: str) -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": given}}
    body = {"model": "m", "contents": [{"role": "user", "parts": [part]}]}
    request = GEMINI.decode_request(Members.parse(json.dumps(body).encode()))
    written = json.loads(OPENAI_CHAT.encode_request(request, Target("m")).encode())
    (shown,) = written["messages"][0]["content"]
    assert shown["image_url"]["url"] == f"data:image/png;base64,{told}"
