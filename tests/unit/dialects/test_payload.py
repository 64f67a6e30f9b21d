"""The one fork in the road: the caller's own bytes, or the model."""

import json

import msgspec
import pytest

from antiphon.dialects.base import Payload, Target
from antiphon.dialects.openai_chat import OPENAI_CHAT, OpenAIChat
from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members

BODY = b'{"model": "fast",  "messages":[{"role":"user","content":"\\u00e9","x":1.0}], "temperature":0.70, "new":{ }}'
STREAM = b'{"messages":[{"role":"user","content":"a"}],"model":"fast","stream":true}'
OTHER = OpenAIChat()
"""Another object, so another dialect as far as a payload knows."""


def payload_of(body: bytes) -> Payload:
    return Payload(OPENAI_CHAT, Members.parse(body))


def test_equal_dialects_exchange_the_caller_s_bytes() -> None:
    sent = payload_of(BODY).encode(OPENAI_CHAT, Target("gpt-4.1"))
    assert sent == BODY.replace(b'"fast"', b'"gpt-4.1"')


def test_each_attempt_starts_from_what_the_caller_wrote() -> None:
    payload = payload_of(BODY)
    first = payload.encode(
        OPENAI_CHAT, Target("a"), quirks=[lambda members: members.without("temperature")]
    )
    assert b"temperature" not in first
    assert payload.encode(OPENAI_CHAT, Target("b")) == BODY.replace(b'"fast"', b'"b"')


def test_usage_of_a_stream_is_always_asked_for() -> None:
    payload = payload_of(STREAM)
    assert (payload.model, payload.stream, payload.wants_usage) == ("fast", True, False)
    asked = b'{"messages":[{"role":"user","content":"a"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    assert payload.encode(OPENAI_CHAT, Target("m")) == asked
    assert json.loads(payload.encode(OTHER, Target("m"))) == json.loads(asked)
    assert b"stream_options" not in payload_of(BODY).encode(OPENAI_CHAT, Target("m"))


def test_a_caller_who_asked_for_usage_is_known() -> None:
    body = STREAM.replace(
        b'"stream":true', b'"stream":true,"stream_options":{"include_usage":true}'
    )
    payload = payload_of(body)
    assert payload.wants_usage
    payload.rewrite(payload.request)
    assert payload.wants_usage


def test_other_dialects_meet_in_the_model() -> None:
    sent = json.loads(payload_of(BODY).encode(OTHER, Target("m")))
    assert sent == {**json.loads(BODY), "model": "m"}


def test_what_was_rewritten_is_what_is_sent() -> None:
    payload = payload_of(BODY)
    request = payload.request
    assert payload.request is request
    payload.rewrite(msgspec.structs.replace(request, turns=()))
    assert json.loads(payload.encode(OPENAI_CHAT, Target("m")))["messages"] == []


def test_what_the_dialect_needs_is_checked_at_once() -> None:
    with pytest.raises(MalformedBody):
        payload_of(b'{"messages":[1]}')
    with pytest.raises(MalformedBody):
        payload_of(b'{"model":"m","messages":[1],"stream":"x"}')
