"""Whole replies: looked at in passing, read, written."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import Kind, NotAnAnswer, UpstreamRefused
from antiphon.model.parts import (
    Author,
    CallKind,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.seals import unwrapped
from antiphon.model.usage import Usage
from tests.unit.dialects.openai_chat.strategies import REPLIES as CHAT_REPLIES

COUNTS = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def body_of(*output: dict[str, Any], **members: Any) -> bytes:
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "status": "completed",
        "model": "m",
        "output": [*output],
        "usage": COUNTS,
    }
    return json.dumps(body | members).encode()


def message(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [*content]}


TEXT = {"type": "output_text", "text": "Hello", "annotations": []}
REFUSAL = {"type": "refusal", "refusal": "no"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"}
CUSTOM = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "b", "name": "g", "input": "x"}


@pytest.mark.parametrize(
    ("output", "members", "stop"),
    [
        ([message(TEXT)], {}, StopReason.STOP),
        ([message(TEXT)], {"status": "complete"}, StopReason.STOP),
        ([message(TEXT)], {"status": None}, StopReason.STOP),
        ([message(TEXT), CALL], {}, StopReason.TOOL),
        ([CUSTOM], {}, StopReason.TOOL),
        ([message(REFUSAL)], {}, StopReason.REFUSAL),
        ([message(REFUSAL), message(TEXT)], {}, StopReason.STOP),
        ([], {"status": "queued"}, None),
        (
            [message(TEXT)],
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            StopReason.LENGTH,
        ),
        (
            [CALL],
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            StopReason.FILTER,
        ),
    ],
)
def test_why_it_stopped(
    output: list[dict[str, Any]], members: dict[str, Any], stop: StopReason | None
) -> None:
    raw = body_of(*output, **members)
    facts, reply = OPENAI_RESPONSES.inspect_reply(raw), OPENAI_RESPONSES.decode_reply(raw)
    assert facts.stop is stop
    assert (reply.choices[0].stop.reason if reply.choices[0].stop else None) is stop
    assert facts.usage == reply.usage == Usage(3, output_tokens=4)
    assert facts.model == reply.model == "m"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b" \n", "empty_body"),
        (b"<html></html>", "html_body"),
        (b"[]", "bad_body"),
        (b"{}", "bad_body"),
        (b'{"id":"resp_1"}', "bad_body"),
        (b'{"output":{}}', "bad_body"),
        (b'{"output":[],"model":"\xff"}', "bad_body"),
        (b'{"output":[{"type":"message"}],"id":3}', "bad_body"),
        (b'{"output":[{"type":"message","role":"assistant"}]}', "bad_body"),
        (b'{"error":{"message":"odd"}}', "error_body"),
    ],
)
def test_what_is_no_answer(body: bytes, code: str) -> None:
    with pytest.raises(NotAnAnswer) as raised:
        OPENAI_RESPONSES.decode_reply(body)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (body_of(status="failed", error={"code": "server_error", "message": "m"}), Kind.UPSTREAM),
        (
            body_of(status="failed", error={"code": "rate_limit_exceeded", "message": "m"}),
            Kind.RATE_LIMITED,
        ),
        (
            body_of(status="failed", error={"code": "invalid_prompt", "message": "m"}),
            Kind.BAD_REQUEST,
        ),
        (body_of(status="failed", error=None), Kind.UPSTREAM),
        (body_of(status="cancelled"), Kind.UPSTREAM),
        (b'{"error":{"code":"context_length_exceeded","message":"m"}}', Kind.CONTEXT_TOO_LONG),
    ],
)
def test_an_error_with_a_success_status(body: bytes, kind: Kind) -> None:
    for read in (OPENAI_RESPONSES.inspect_reply, OPENAI_RESPONSES.decode_reply):
        with pytest.raises(UpstreamRefused) as raised:
            read(body)
        assert raised.value.error_kind is kind


def test_the_parts_of_an_answer() -> None:
    thought = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    empty = {"type": "reasoning", "id": "rs_2", "summary": []}
    reply = OPENAI_RESPONSES.decode_reply(body_of(thought, search, empty, message(TEXT), CALL))
    parts = reply.choices[0].turn.parts
    assert [type(part) for part in parts] == [Reasoning, Opaque, Text, ToolCall]
    assert getattr(parts[0], "origin", None) == Origin("openai_responses", "m")
    written = json.loads(OPENAI_RESPONSES.encode_reply(reply))
    assert [item["id"] for item in written["output"]] == ["rs_1", "ws_1", "msg_1", "fc_1"]
    assert written["output"][1] == search


def test_an_answer_of_another_dialect() -> None:
    origin = Origin("anthropic_messages", "claude", "org")
    turn = Turn(
        Author.ASSISTANT,
        (
            Reasoning("hm", signature="sig", origin=origin, id="x"),
            Text("Hello", id="msg_foreign"),
            Refusal("no"),
            ToolCall("toolu_1", "f", "{}", id="toolu_1"),
            ToolCall("b", "g", "x", kind=CallKind.CUSTOM),
            Opaque("anthropic_messages", b"{}"),
        ),
    )
    reply = ChatReply("msg_01AB", "claude", (Choice(0, turn, Stop(StopReason.TOOL)),), created=7)
    written = json.loads(OPENAI_RESPONSES.encode_reply(reply))
    assert written["id"] == "resp_msg01AB"
    thought, message, refusal, call, custom = written["output"]
    ids = [item["id"] for item in written["output"]]
    assert ids == [
        "rs_msg01AB00",
        "msg_msg01AB01",
        "msg_msg01AB02",
        "fc_msg01AB03",
        "ctc_msg01AB04",
    ]
    assert thought["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert unwrapped(thought["encrypted_content"], "openai_responses").origin == origin
    assert message["content"][0]["text"] == "Hello"
    assert refusal["content"] == [{"type": "refusal", "refusal": "no"}]
    assert (call["call_id"], custom["input"]) == ("toolu_1", "x")
    assert written == json.loads(OPENAI_RESPONSES.encode_reply(reply)), "the same ids each time"


def test_nothing_at_all() -> None:
    written = json.loads(OPENAI_RESPONSES.encode_reply(ChatReply("", "", ())))
    assert written["id"] == "resp_0"
    assert (written["status"], written["output"], written["usage"]) == ("completed", [], None)


def test_an_answer_that_was_cut_off() -> None:
    choice = Choice(0, Turn(Author.ASSISTANT, (Text("x"),)), Stop(StopReason.LENGTH, raw="length"))
    written = json.loads(OPENAI_RESPONSES.encode_reply(ChatReply("a", "m", (choice,))))
    assert written["status"] == written["output"][0]["status"] == "incomplete"
    assert written["incomplete_details"] == {"reason": "max_output_tokens"}


def test_an_answer_that_broke_off() -> None:
    choice = Choice(0, Turn(Author.ASSISTANT, (Text("x"),)), Stop(StopReason.ERROR))
    written = json.loads(OPENAI_RESPONSES.encode_reply(ChatReply("a", "m", (choice,))))
    assert written["status"] == "failed"
    assert written["error"]["code"] == "server_error"


@given(CHAT_REPLIES)
def test_every_answer_of_chat_can_be_told(body: dict[str, Any]) -> None:
    reply = OPENAI_CHAT.decode_reply(json.dumps(body).encode())
    again = OPENAI_RESPONSES.decode_reply(OPENAI_RESPONSES.encode_reply(reply))
    assert again.text == reply.text
    assert again.usage == reply.usage
    calls = [
        [(call.name, call.arguments) for call in each.choices[0].turn.tool_calls]
        for each in (reply, again)
    ]
    assert calls[0] == calls[1]


@pytest.mark.parametrize(
    "part",
    [
        {"type": 1, "text": "refusal"},
        {"type": "output_text", "text": "a", "annotations": 1},
        {"type": "output_text", "text": "a", "annotations": {}},
    ],
)
def test_a_part_of_odd_types_is_no_defect(part: dict[str, object]) -> None:
    item = {"type": "message", "id": "msg_1", "content": [part]}
    body = json.dumps({"id": "resp_1", "status": "completed", "output": [item]}).encode()
    assert OPENAI_RESPONSES.inspect_reply(body).stop is StopReason.STOP
    with contextlib.suppress(NotAnAnswer):
        assert OPENAI_RESPONSES.encode_reply(OPENAI_RESPONSES.decode_reply(body))
