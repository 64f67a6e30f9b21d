"""Whole replies: what is one, what is none, and what a caller is given."""

import json

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Kind, NotAnAnswer, UpstreamError, UpstreamRefused
from antiphon.model import seals
from antiphon.model.parts import Author, Origin, Part, Reasoning, Refusal, Text, ToolCall, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.usage import Usage

REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def read(**members: object) -> ChatReply:
    return ANTHROPIC_MESSAGES.decode_reply(json.dumps(REPLY | members).encode())


def written(*parts: Part, stop: StopReason = StopReason.STOP, reply_id: str = "x") -> dict:
    choice = Choice(0, Turn(Author.ASSISTANT, parts), Stop(stop))
    return json.loads(ANTHROPIC_MESSAGES.encode_reply(ChatReply(reply_id, "m", (choice,))))


def test_a_reply() -> None:
    facts = ANTHROPIC_MESSAGES.inspect_reply(json.dumps(REPLY).encode())
    assert (facts.usage, facts.stop, facts.model) == (
        Usage(3, output_tokens=4),
        StopReason.STOP,
        "m",
    )
    assert read().text == "Hi"
    assert read(content=[]).text == ""


def test_a_seal_is_the_models_own() -> None:
    block = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    (thought,) = read(content=[block]).choices[0].turn.parts
    assert thought == Reasoning(signature="c2ln", origin=Origin(DIALECT, "m"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b"<html>", "html_body"),
        (b"[]", "bad_body"),
        (b"{}", "bad_body"),
        (b'{"content":"x"}', "bad_body"),
        (b'{"content":[],"error":{"message":"x"}}', "error_body"),
        (b'{"content":[{"type":"text","text":"\xff"}]}', "bad_body"),
        (b'{"content":[1]}', "bad_body"),
    ],
)
def test_what_is_no_answer(body: bytes, code: str) -> None:
    with pytest.raises(NotAnAnswer) as raised:
        ANTHROPIC_MESSAGES.decode_reply(body)
    assert raised.value.code == code


def test_an_error_with_a_success_status() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    with pytest.raises(UpstreamError) as raised:
        ANTHROPIC_MESSAGES.inspect_reply(body)
    assert isinstance(raised.value, UpstreamRefused)
    assert raised.value.error_kind is Kind.OVERLOADED


def test_usage_that_cannot_be_believed_is_none() -> None:
    for usage in ("x", {"input_tokens": -1}, None):
        assert read(usage=usage).usage is None


def test_what_a_caller_is_given() -> None:
    out = written(Text("Hi"), ToolCall("c", "f", '{"a": 1}'), stop=StopReason.TOOL)
    assert out["id"] == "msg_x"
    assert out["content"] == [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
    ]
    assert (out["stop_reason"], out["stop_sequence"]) == ("tool_use", None)
    assert out["usage"]["input_tokens"] == 0
    assert written(reply_id="a b/c")["id"] == "msg_a_b_c"
    assert written(reply_id="")["id"] == "msg_unnamed"


@pytest.mark.parametrize("stop", [None, Stop(StopReason.STOP, raw="stop")])
def test_what_called_a_tool_stopped_for_it(stop: Stop | None) -> None:
    said = Turn(Author.ASSISTANT, (ToolCall("c", "f", "{}"),))
    reply = ChatReply("x", "m", (Choice(0, said, stop),))
    assert json.loads(ANTHROPIC_MESSAGES.encode_reply(reply))["stop_reason"] == "tool_use"
    chat = json.loads(OPENAI_CHAT.encode_reply(reply))
    assert chat["choices"][0]["finish_reason"] == "tool_calls"


def test_a_refusal_is_text_and_a_stop() -> None:
    out = written(Refusal("No."))
    assert out["content"] == [{"type": "text", "text": "No."}]
    assert out["stop_reason"] == "refusal"


def test_thought_of_another_dialect() -> None:
    origin = Origin("openai_responses", "gpt", "org")
    sealed = Reasoning(summary=("One.", "Two."), signature="gAAA", origin=origin, sealed=True)
    plain = Reasoning("Hm", spelling="reasoning_content")
    first, second = written(sealed, plain)["content"]
    assert first["thinking"] == "One.\n\nTwo."
    back = seals.unwrapped(first["signature"], DIALECT)
    assert (back.signature, back.origin, back.sealed) == ("gAAA", origin, True)
    assert second["thinking"] == "Hm"
    assert seals.unwrapped(second["signature"], DIALECT) == Reasoning(origin=Origin("", "m"))
