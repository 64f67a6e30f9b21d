"""`/api/generate`: a prompt that is asked as a conversation, and answered in its own shape."""

import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.errors import InvalidRequest, MalformedBody, UnsupportedParameter
from antiphon.model.events import StreamEvent
from antiphon.model.fold import fold
from antiphon.model.parts import Author, Blob, Image, Text, ToolResult, Turn
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.ollama import strategies


def members(**body: object) -> Members:
    return Members.parse(json.dumps({"model": "m", "prompt": "Hello"} | body).encode())


def test_what_clients_send_and_do_not_mean() -> None:
    """Old clients write every member, be it empty."""
    payload = Payload(
        OLLAMA_GENERATE,
        members(
            system="",
            template="",
            context=[],
            raw=False,
            images=[],
            format="",
            options={},
            suffix="",
            keep_alive=None,
        ),
    )
    assert payload.stream
    assert payload.request == ChatRequest(
        "m", (Turn(Author.USER, (Text("Hello"),)),), stream=True, include_usage=True
    )
    assert not payload.passes(OLLAMA)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("raw", True),
        ("suffix", "}"),
        ("template", "{{ .Prompt }}"),
        ("context", [1, 2]),
        ("width", 512),
    ],
)
def test_what_only_a_completion_can_do(name: str, value: object) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        OLLAMA_GENERATE.decode_request(members(**{name: value}))
    assert caught.value.param == name


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": ""}, "model"),
        ({"prompt": 1}, "prompt"),
        ({"stream": 1}, "stream"),
        ({"images": "a"}, "images"),
        ({"prompt": []}, "prompt"),
        ({"prompt": False}, "prompt"),
        ({"prompt": 0}, "prompt"),
        ({"raw": "yes"}, "raw"),
    ],
)
def test_what_is_refused(body: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        OLLAMA_GENERATE.decode_request(members(**body))
    assert caught.value.param == param


def test_an_address_is_no_picture() -> None:
    with pytest.raises(InvalidRequest) as caught:
        OLLAMA_GENERATE.decode_request(members(images=["AAAA", "https://a.test/b.png"]))
    assert caught.value.param == "images[1]"
    assert "illegal base64 data" in caught.value.message


@pytest.mark.parametrize("prompt", [None, ""])
def test_without_a_prompt_a_model_is_loaded(prompt: object) -> None:
    asked = members(prompt=prompt, keep_alive=0)
    assert OLLAMA_GENERATE.asks_nothing(asked)
    assert OLLAMA_GENERATE.check_request(asked) == ("m", False)
    assert not OLLAMA_GENERATE.decode_request(asked).turns
    assert json.loads(OLLAMA_GENERATE.encode_loaded(asked, created=1735689600)) == {
        "model": "m",
        "created_at": "2025-01-01T00:00:00Z",
        "response": "",
        "done": True,
        "done_reason": "unload",
    }


def test_a_conversation_is_one_prompt() -> None:
    picture = Image(Blob(data="AAAA"))
    request = ChatRequest(
        "asked",
        (
            Turn(Author.SYSTEM, (Text("Be brief"),)),
            Turn(Author.USER, (Text("One"),)),
            Turn(Author.ASSISTANT, (Text("Two"),)),
            Turn(Author.TOOL, (ToolResult("1", (Text("Three"), picture)),)),
        ),
    )
    written = json.loads(OLLAMA_GENERATE.encode_request(request, Target("m")).encode())
    assert written == {
        "model": "m",
        "system": "Be brief",
        "prompt": "One\n\nTwo\n\nThree",
        "images": ["AAAA"],
        "stream": False,
    }


def test_a_stream() -> None:
    encoder = OLLAMA_GENERATE.stream_encoder(include_usage=False)
    lines = b"".join(map(encoder.feed, strategies.EXAMPLE)).splitlines()
    said = [json.loads(line) for line in lines]
    assert said[0] == {
        "model": "qwen3:14b",
        "created_at": "2025-01-01T00:00:00Z",
        "response": "",
        "thinking": "thought",
        "done": False,
    }
    assert "".join(each["response"] for each in said) == "é中\u2028b"
    assert said[-1]["done"]
    assert "message" not in said[-1]
    assert events_of(lines) == strategies.EXAMPLE


def test_a_whole_reply() -> None:
    told = json.loads(OLLAMA_GENERATE.encode_reply(fold(strategies.EXAMPLE)))
    assert (told["response"], told["thinking"]) == ("é中\u2028b", "thought")
    assert [each["function"]["name"] for each in told["tool_calls"]] == ["f", "g"]
    assert (told["done_reason"], told["eval_count"]) == ("stop", 9)


def test_the_context_of_a_reply_is_kept_for_its_own_caller() -> None:
    body = b'{"model":"m","response":"a","done":true,"done_reason":"stop","context":[1,2]}'
    reply = OLLAMA.decode_reply(body)
    assert json.loads(OLLAMA_GENERATE.encode_reply(reply))["context"] == [1, 2]


def events_of(lines: list[bytes]) -> list[StreamEvent]:
    decoder = OLLAMA.stream_decoder()
    return [event for line in lines for event in decoder.feed(line)]
