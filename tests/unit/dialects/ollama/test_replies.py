"""Whole replies: what is read, what is written, what is none."""

import json

import pytest

from antiphon.dialects.ollama import OLLAMA
from antiphon.errors import NotAnAnswer, UpstreamError, UpstreamRefused
from antiphon.model.parts import (
    Author,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.usage import Usage


def body(**members: object) -> bytes:
    given = {
        "model": "qwen3:14b",
        "created_at": "2025-06-09T17:58:55.337823Z",
        "message": {"role": "assistant", "content": "Hi"},
        "done": True,
        "done_reason": "stop",
    }
    return json.dumps(given | members).encode()


def test_a_reply() -> None:
    said = {
        "role": "assistant",
        "content": "Hi",
        "thinking": "Hm",
        "tool_calls": [
            {"function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
            {"id": "x", "function": {"index": 0, "name": "g", "arguments": {}}},
            {"id": "x", "function": {"name": "h", "arguments": {}}},
        ],
    }
    reply = OLLAMA.decode_reply(body(message=said, prompt_eval_count=3, eval_count=4))
    name = "ollama-20250609175855337823"
    assert (reply.id, reply.model, reply.created) == (name, "qwen3:14b", 1749491935)
    assert reply.usage == Usage(3, output_tokens=4)
    thought, text, *calls = reply.choices[0].turn.parts
    assert (thought, text) == (Reasoning("Hm"), Text("Hi"))
    assert [(call.call_id, call.name) for call in calls if isinstance(call, ToolCall)] == [
        (f"call_{name}_0", "f"),
        ("x", "g"),
        ("x_2", "h"),
    ]
    assert reply.choices[0].stop == Stop(StopReason.TOOL, raw="stop")
    facts = OLLAMA.inspect_reply(body(message=said))
    assert (facts.stop, facts.usage, facts.model) == (StopReason.TOOL, None, "qwen3:14b")


@pytest.mark.parametrize(
    ("moment", "created"),
    [
        ("2025-06-09T17:58:55Z", 1749491935),
        ("2025-06-09T19:58:55.123456789+02:00", 1749491935),
        ("0001-01-01T00:00:00Z", 0),
        ("yesterday", 0),
        (None, 0),
    ],
)
def test_when(moment: str | None, created: int) -> None:
    reply = OLLAMA.decode_reply(body(created_at=moment))
    assert reply.created == created
    again = json.loads(OLLAMA.encode_reply(reply))["created_at"]
    assert again == (moment or "1970-01-01T00:00:00Z")


def test_log_probabilities_and_durations_are_kept() -> None:
    told = [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}]
    given = body(logprobs=told, total_duration=5, eval_count=1, remote_host="https://x")
    again = json.loads(OLLAMA.encode_reply(OLLAMA.decode_reply(given)))
    assert (again["logprobs"], again["total_duration"], again["load_duration"]) == (told, 5, 0)
    assert again["remote_host"] == "https://x"


def test_a_reply_of_another_dialect() -> None:
    seal = Origin("anthropic_messages")
    reply = ChatReply(
        "msg_1",
        "claude",
        (
            Choice(
                0,
                Turn(
                    Author.ASSISTANT,
                    (
                        Reasoning("Hm", signature="s", origin=seal),
                        Text("a"),
                        Refusal("b"),
                        ToolCall("toolu_1", "f", "{"),
                        Opaque("anthropic_messages", b"{}"),
                    ),
                ),
                Stop(StopReason.TOOL, raw="tool_use"),
                (Opaque("openai_chat", b"{}"),),
            ),
            Choice(1, Turn(Author.ASSISTANT, (Text("other"),))),
        ),
        created=1735689600,
        usage=Usage(1, 2, output_tokens=3, reasoning_tokens=4),
    )
    assert json.loads(OLLAMA.encode_reply(reply)) == {
        "model": "claude",
        "created_at": "2025-01-01T00:00:00Z",
        "message": {
            "role": "assistant",
            "content": "ab",
            "thinking": "Hm",
            "tool_calls": [
                {
                    "id": "toolu_1",
                    "function": {"index": 0, "name": "f", "arguments": {"_raw": "{"}},
                }
            ],
        },
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 3,
        "eval_count": 7,
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_duration": 0,
        "eval_duration": 0,
    }


def test_a_reply_of_nothing() -> None:
    empty = json.loads(OLLAMA.encode_reply(ChatReply("", "m", ())))
    assert empty["message"] == {"role": "assistant", "content": ""}
    assert OLLAMA.decode_reply(body(message={})).choices[0].turn.parts == ()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (b"", "empty_body"),
        (b" \n", "empty_body"),
        (b"<html>", "html_body"),
        (b"[]", "bad_body"),
        (b'{"model":"m","done":true}', "bad_body"),
        (b'{"message":"a"}', "bad_body"),
        (body() + b"\n" + body(), "bad_body"),
        (body(message={"content": "a", "tool_calls": [{"function": 1}]}), "bad_body"),
        (body(message={"content": "a", "images": [1]}), "bad_body"),
        (body()[:-1], "bad_body"),
        (body().replace(b"Hi", b"\xff"), "bad_body"),
    ],
)
def test_what_is_no_reply(given: bytes, code: str) -> None:
    with pytest.raises(NotAnAnswer) as caught:
        OLLAMA.decode_reply(given)
    assert caught.value.code == code


def test_an_error_with_a_status_of_success() -> None:
    for given in (b'{"error":"model \'x\' not found"}', body(error="model 'x' not found")):
        with pytest.raises(UpstreamRefused) as caught:
            OLLAMA.inspect_reply(given)
        assert "not found" in caught.value.message
    with pytest.raises(UpstreamError):
        OLLAMA.decode_reply(b'{"error":""}')


def test_bytes_of_text() -> None:
    assert OLLAMA.said(body()) == 2
