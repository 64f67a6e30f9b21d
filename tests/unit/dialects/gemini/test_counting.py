"""`countTokens`."""

import json

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.counting import (
    read_count_reply,
    read_count_request,
    write_count_reply,
    write_count_request,
)
from antiphon.errors import NotAnAnswer
from antiphon.wire.shallow import Members

HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


@pytest.mark.parametrize(
    "body",
    [
        HELLO,
        {"generateContentRequest": {"model": "models/other", **HELLO}},
        {"generate_content_request": HELLO},
    ],
)
def test_a_question_is_the_request_that_it_is_about(body: object) -> None:
    members = read_count_request(Members.parse(json.dumps(body).encode()), "m")
    request = GEMINI.decode_request(members)
    assert (request.model, request.turns[0].text) == ("m", "Hello")
    written = write_count_request(members.replace({"safetySettings": b"[]"}), "x")
    assert json.loads(written.encode()) == {
        "generateContentRequest": {"model": "models/x", **HELLO}
    }


def test_answers() -> None:
    assert read_count_reply(write_count_reply(9)) == 9
    with pytest.raises(NotAnAnswer):
        read_count_reply(b"{}")
