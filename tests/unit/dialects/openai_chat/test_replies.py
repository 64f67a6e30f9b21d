"""Whole replies: looked at in passing, read and written."""

import json

import msgspec
import pytest

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Disposition, Kind, NotAnAnswer, UpstreamError, UpstreamRefused
from antiphon.model.parts import (
    Audio,
    Author,
    Blob,
    CallKind,
    Extra,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.seals import wrap
from antiphon.model.usage import Usage

USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "total_tokens": 5,
    "prompt_tokens_details": {
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
    },
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def reply_of(message: object, finish: str | None = "stop", **members: object) -> dict[str, object]:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-2026",
        "choices": [choice],
        "usage": USAGE,
        **members,
    }


def body_of(reply: object) -> bytes:
    return json.dumps(reply).encode()


def said(**members: object) -> dict[str, object]:
    return {"role": "assistant", "content": None, "refusal": None, **members}


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("message", "finish"),
    [
        (said(content="hi"), "stop"),
        (said(content=""), "length"),
        (said(content="hi"), None),
        (said(refusal="no"), "stop"),
        (said(content="", reasoning_content="t"), "stop"),
        (said(content="a", reasoning="t", reasoning_details=[{"type": "reasoning.text"}]), "stop"),
        (said(tool_calls=[CALL]), "tool_calls"),
        (
            said(
                content="a",
                tool_calls=[
                    CALL,
                    {"id": "d", "type": "custom", "custom": {"name": "g", "input": "i"}},
                ],
            ),
            "tool_calls",
        ),
        (said(function_call={"name": "f", "arguments": "{}"}), "function_call"),
        (
            said(content="a", annotations=[{"type": "url_citation", "url_citation": {"url": "u"}}]),
            "stop",
        ),
        (said(audio={"id": "a", "data": "AA", "transcript": "t", "expires_at": 5}), "stop"),
        (said(content=[{"type": "reference", "ids": [1]}, {"type": "text", "text": "b"}]), "stop"),
        (said(content="a", executed_tools=[{"x": 1}]), "content_filter"),
    ],
)
def test_a_reply_survives(message: dict[str, object], finish: str | None) -> None:
    given = reply_of(message, finish, system_fingerprint="fp", service_tier="default", provider="X")
    reply = OPENAI_CHAT.decode_reply(body_of(given))
    written = json.loads(OPENAI_CHAT.encode_reply(reply))
    assert written == given
    assert OPENAI_CHAT.decode_reply(OPENAI_CHAT.encode_reply(reply)) == reply


def test_members_of_a_choice_survive() -> None:
    given = reply_of(said(content="a"))
    given["choices"] = [
        {
            "index": 1,
            "message": said(content="a"),
            "logprobs": {"content": []},
            "finish_reason": "stop",
            "native_finish_reason": "STOP",
        },
        {
            "index": 0,
            "message": said(content="b"),
            "logprobs": None,
            "finish_reason": "stop",
            "content_filter_results": {},
        },
    ]
    assert json.loads(OPENAI_CHAT.encode_reply(OPENAI_CHAT.decode_reply(body_of(given)))) == given


def test_a_reply_is_read_into_the_model() -> None:
    given = reply_of(
        said(content="a", reasoning="t", tool_calls=[CALL | {"id": None}]), "stop", x=1
    )
    reply = OPENAI_CHAT.decode_reply(body_of(given))
    assert reply == ChatReply(
        "chatcmpl-1",
        "m-2026",
        (
            Choice(
                0,
                Turn(
                    Author.ASSISTANT,
                    (
                        Reasoning("t", spelling="reasoning"),
                        Text("a"),
                        ToolCall("call_chatcmpl1_0", "f", "{}"),
                    ),
                ),
                Stop(StopReason.TOOL, raw="stop"),
            ),
        ),
        created=1700000000,
        usage=Usage(input_tokens=3, output_tokens=2),
        extra=Extra("openai_chat", {"x": msgspec.Raw(b"1")}),
    )


def test_calls_of_one_id_are_told_apart() -> None:
    given = reply_of(said(tool_calls=[CALL, CALL]), "tool_calls")
    parts = OPENAI_CHAT.decode_reply(body_of(given)).choices[0].turn.parts
    assert [part.call_id for part in parts] == [CALL["id"], f"{CALL['id']}_1"]


def test_a_reply_of_another_dialect_is_written() -> None:
    origin = Origin("anthropic_messages")
    turn = Turn(
        Author.ASSISTANT,
        (
            Reasoning("t", signature="s", origin=origin),
            Text("a"),
            Text("b"),
            Opaque("anthropic_messages", msgspec.Raw(b"{}")),
            Refusal("no"),
            Audio(Blob(data="AA"), id="au"),
            ToolCall("c", "f", "{}", kind=CallKind.CUSTOM),
        ),
    )
    choice = Choice(
        0,
        turn,
        Stop(StopReason.FILTER, raw="refusal"),
        logprobs=(Opaque("gemini", msgspec.Raw(b"{}")),),
    )
    written = json.loads(OPENAI_CHAT.encode_reply(ChatReply("id", "m", (choice,))))
    assert written["choices"] == [
        {
            "index": 0,
            "message": said(
                content="ab",
                reasoning_content="t",
                reasoning_details=[
                    {
                        "type": "reasoning.encrypted",
                        "data": wrap(origin, "s", size=1),
                        "id": "thought_0",
                        "format": "unknown",
                        "index": 0,
                    }
                ],
                refusal="no",
                audio={"id": "au", "data": "AA"},
                tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "f", "input": "{}"}}],
            ),
            "logprobs": None,
            "finish_reason": "content_filter",
        }
    ]


@pytest.mark.parametrize(
    ("raw", "reason", "written"),
    [
        ("stop", StopReason.STOP, "stop"),
        ("length", StopReason.LENGTH, "length"),
        ("tool_calls", StopReason.TOOL, "tool_calls"),
        ("function_call", StopReason.TOOL, "function_call"),
        ("content_filter", StopReason.FILTER, "content_filter"),
        ("sensitive", StopReason.FILTER, "content_filter"),
        ("model_context_window_exceeded", StopReason.CONTEXT, "length"),
        ("max_tokens", StopReason.LENGTH, "length"),
        ("eos_token", StopReason.STOP, "stop"),
        ("stop_sequence", StopReason.STOP, "stop"),
        ("something new", StopReason.STOP, "stop"),
    ],
)
def test_why_it_stopped(raw: str, reason: StopReason, written: str) -> None:
    body = body_of(reply_of(said(content="a"), raw))
    reply = OPENAI_CHAT.decode_reply(body)
    assert reply.choices[0].stop == Stop(reason, raw=raw)
    assert OPENAI_CHAT.inspect_reply(body).stop is reason
    assert json.loads(OPENAI_CHAT.encode_reply(reply))["choices"][0]["finish_reason"] == written


def test_log_probabilities_in_pieces_are_put_together() -> None:
    pieces = tuple(
        Opaque("openai_chat", msgspec.Raw(raw))
        for raw in (b'{"content":[{"token":"a"}],"refusal":null}', b'{"content":[{"token":"b"}]}')
    )
    reply = ChatReply(
        "id", "m", (Choice(0, Turn(Author.ASSISTANT, (Text("ab"),)), logprobs=pieces),)
    )
    assert json.loads(OPENAI_CHAT.encode_reply(reply))["choices"][0]["logprobs"] == {
        "content": [{"token": "a"}, {"token": "b"}],
        "refusal": None,
    }


# ------------------------------------------------------------------ in passing


def test_what_the_road_needs_is_read() -> None:
    assert OPENAI_CHAT.inspect_reply(body_of(reply_of(said(content="a")))) == ReplyFacts(
        Usage(input_tokens=3, output_tokens=2), StopReason.STOP, "m-2026"
    )
    assert (
        OPENAI_CHAT.inspect_reply(body_of(reply_of(said(tool_calls=[CALL]), "stop"))).stop
        is StopReason.TOOL
    )
    bare = OPENAI_CHAT.inspect_reply(
        b'{"choices":[{"message":{"content":"a"}}],"usage":null,"error":null}'
    )
    assert bare == ReplyFacts(None, None, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_body"),
        (b" \r\n", "empty_body"),
        (b"<!DOCTYPE html><p>maintenance", "html_body"),
        (b"\xef\xbb\xbf\n <html>", "html_body"),
        (b'{"error":{"message":"oops"}}', "error_body"),
        (b'{"error":"oops"}', "error_body"),
        (b'{"object":"error","message":"oops"}', "error_body"),
        (b'{"detail":"oops"}', "error_body"),
        (b'{"choices":[]}', "no_choices"),
        (b'{"id":"x","choices":[],"usage":{}}', "no_choices"),
        (b'{"choices":null}', "bad_body"),
        (b"{}", "bad_body"),
        (b"[]", "bad_body"),
        (b"null", "bad_body"),
        (b'"ok"', "bad_body"),
        (b"ok", "bad_body"),
        (b'{"choices":[{"mess', "bad_body"),
        (b'{"choices":{}}', "bad_body"),
        (b'{"choices":[5]}', "bad_body"),
        (b"\x1f\x8b\x08\x00", "bad_body"),
        (b'{"object":"list","data":[]}', "bad_body"),
    ],
)
def test_a_success_that_is_no_answer(body: bytes, code: str) -> None:
    for read in (OPENAI_CHAT.inspect_reply, OPENAI_CHAT.decode_reply):
        with pytest.raises(NotAnAnswer) as caught:
            read(body)
        assert caught.value.code == code
        assert caught.value.disposition is Disposition.TRANSIENT


@pytest.mark.parametrize(
    ("body", "kind", "disposition"),
    [
        (
            b'{"error":{"message":"no money","code":"insufficient_quota"}}',
            Kind.QUOTA_EXHAUSTED,
            Disposition.DEAD_KEY,
        ),
        (b'{"error":{"message":"busy","code":429}}', Kind.RATE_LIMITED, Disposition.TRANSIENT),
        (
            b'{"error":{"message":"x","type":"overloaded_error"},"choices":[]}',
            Kind.OVERLOADED,
            Disposition.TRANSIENT,
        ),
        (
            b'{"error":{"code":"1261","message":"Prompt exceeds max length"}}',
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
        ),
        (
            b'{"choices":[{"finish_reason":"network_error","message":{}}]}',
            Kind.UPSTREAM,
            Disposition.TRANSIENT,
        ),
    ],
)
def test_an_error_in_a_success_says_what_it_is(
    body: bytes, kind: Kind, disposition: Disposition
) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        OPENAI_CHAT.inspect_reply(body)
    assert (caught.value.error_kind, caught.value.disposition) == (kind, disposition)


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": 5}},
        {"message": {"tool_calls": 5}},
        {"message": 5},
        {"index": "x", "message": {}},
        {"finish_reason": 5},
    ],
)
def test_a_reply_of_odd_types_is_no_answer(choice: object) -> None:
    with pytest.raises(UpstreamError):
        OPENAI_CHAT.decode_reply(body_of({"choices": [choice]}))


def test_citations_of_another_dialect_are_left_out() -> None:
    cited = Text("Hi", annotations=(msgspec.Raw(b'{"x":1}'),), extra=Extra("another", {}))
    turn = Turn(Author.ASSISTANT, (cited,))
    reply = ChatReply("r", "m", (Choice(0, turn),))
    message = json.loads(OPENAI_CHAT.encode_reply(reply))["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Hi", "refusal": None}
