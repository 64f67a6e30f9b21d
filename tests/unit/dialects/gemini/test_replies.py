"""Whole replies."""

import json

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.errors import Kind, NotAnAnswer, UpstreamRefused
from antiphon.model.parts import Author, Origin, Reasoning, Text, ToolCall, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason


def body(*parts: object, **candidate: object) -> bytes:
    said = {"content": {"parts": list(parts)}, "index": 0, **candidate}
    return json.dumps({"candidates": [said], "responseId": "r-1", "modelVersion": "m"}).encode()


def test_calls_get_ids_that_are_unique_in_a_conversation() -> None:
    call = {"functionCall": {"name": "f", "args": {"a": 1}}}
    reply = GEMINI.decode_reply(body(call, call, finishReason="STOP"))
    ids = [each.call_id for each in reply.choices[0].turn.tool_calls]
    assert ids == ["call_r1_0", "call_r1_1"]
    assert reply.choices[0].stop == Stop(StopReason.TOOL, raw="STOP")


def test_enums_as_numbers() -> None:
    assert GEMINI.inspect_reply(body({"text": "a"}, finishReason=1)).stop is StopReason.STOP
    reply = GEMINI.decode_reply(body(finishReason=2))
    assert reply.choices[0].stop == Stop(StopReason.LENGTH, raw="MAX_TOKENS")


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    raw = b'{"promptFeedback": {"blockReason": "JAILBREAK"}, "responseId": "r"}'
    reply = GEMINI.decode_reply(raw)
    assert GEMINI.inspect_reply(raw).stop is StopReason.FILTER
    assert reply.choices[0].stop == Stop(StopReason.FILTER, raw="JAILBREAK")
    assert json.loads(GEMINI.encode_reply(reply)) == json.loads(raw)


def test_an_empty_candidate_is_an_answer() -> None:
    reply = GEMINI.decode_reply(b'{"candidates": [{"finishReason": "STOP"}]}')
    assert reply.choices[0] == Choice(0, Turn(Author.ASSISTANT, ()), Stop(StopReason.STOP, "STOP"))


@pytest.mark.parametrize("word", ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "OTHER"])
def test_a_failure_is_an_error(word: str) -> None:
    for look in (GEMINI.inspect_reply, GEMINI.decode_reply):
        with pytest.raises(UpstreamRefused) as raised:
            look(body(finishReason=word))
        assert raised.value.code == word


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_body"),
        (b"<html>", "html_body"),
        (b"{}", "bad_body"),
        (b"[]", "bad_body"),
        (b'{"candidates": []}', "bad_body"),
        (b'{"candidates": [{"content": 1}]}', "bad_body"),
        (b'{"candidates": [{"content": {"parts": [{"functionCall": {"args": 1}}]}}]}', "bad_body"),
    ],
)
def test_no_answers(raw: bytes, code: str) -> None:
    with pytest.raises(NotAnAnswer) as raised:
        GEMINI.decode_reply(raw)
    assert raised.value.code == code


def test_an_error_with_a_success_status() -> None:
    with pytest.raises(UpstreamRefused) as raised:
        GEMINI.inspect_reply(b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}')
    assert raised.value.error_kind is Kind.RATE_LIMITED


def test_a_reply_of_another_dialect() -> None:
    thought = Reasoning("Hm", signature="sig", origin=Origin("anthropic_messages", "claude"))
    parts = (thought, Text("Hello"), ToolCall("toolu_1", "f", '{"a":1}'))
    choice = Choice(0, Turn(Author.ASSISTANT, parts), Stop(StopReason.TOOL, "tool_use"))
    written = json.loads(GEMINI.encode_reply(ChatReply("msg_1", "claude", (choice,))))
    said = written["candidates"][0]
    first, *rest = said["content"]["parts"]
    assert (first["text"], first["thought"]) == ("Hm", True)
    assert first["thoughtSignature"].encode().startswith(GEMINI.seal_mark)
    assert rest == [
        {"text": "Hello"},
        {"functionCall": {"id": "toolu_1", "name": "f", "args": {"a": 1}}},
    ]
    assert said["finishReason"] == "STOP"
