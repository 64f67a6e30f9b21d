"""The one fork in the road: the caller's own bytes, or the model."""

import json

import msgspec
import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT, OpenAIChat
from antiphon.errors import MalformedBody
from antiphon.model.needs import Need
from antiphon.model.parts import Origin
from antiphon.model.seals import wrap
from antiphon.wire.shallow import Members

BODY = b'{"model": "fast",  "messages":[{"role":"user","content":"\\u00e9","x":1.0}], "temperature":0.70, "new":{ }}'
STREAM = b'{"messages":[{"role":"user","content":"a"}],"model":"fast","stream":true}'
OTHER = OpenAIChat()
"""Another object, so another dialect as far as a payload knows."""


def payload_of(body: bytes) -> Payload:
    return Payload(OPENAI_CHAT, Members.parse(body))


def test_equal_dialects_exchange_the_caller_s_bytes() -> None:
    sent = payload_of(BODY).encode(Target("gpt-4.1"))
    assert sent == BODY.replace(b'"fast"', b'"gpt-4.1"')


def test_each_attempt_starts_from_what_the_caller_wrote() -> None:
    payload = payload_of(BODY)
    first = payload.encode(Target("a"), quirks=[lambda members: members.without("temperature")])
    assert b"temperature" not in first
    assert payload.encode(Target("b")) == BODY.replace(b'"fast"', b'"b"')


def test_usage_of_a_stream_is_always_asked_for() -> None:
    payload = payload_of(STREAM)
    assert (payload.model, payload.stream, payload.wants_usage) == ("fast", True, False)
    asked = b'{"messages":[{"role":"user","content":"a"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    assert payload.encode(Target("m")) == asked
    assert not payload.passes(OTHER)
    assert b"stream_options" not in payload_of(BODY).encode(Target("m"))


def test_a_caller_who_asked_for_usage_is_known() -> None:
    body = STREAM.replace(
        b'"stream":true', b'"stream":true,"stream_options":{"include_usage":true}'
    )
    payload = payload_of(body)
    assert payload.wants_usage
    payload.rewrite(payload.request)
    assert payload.wants_usage


def test_the_callers_bytes_pass_between_equal_dialects_only() -> None:
    payload = payload_of(BODY)
    assert payload.passes(OPENAI_CHAT)
    assert not payload.passes(OTHER)


def test_what_was_rewritten_no_longer_passes() -> None:
    payload = payload_of(BODY)
    request = payload.request
    assert payload.request is request
    payload.rewrite(msgspec.structs.replace(request, turns=()))
    assert not payload.passes(OPENAI_CHAT)
    assert payload.request.turns == ()


def test_a_wrapped_seal_keeps_the_bytes_from_passing() -> None:
    seal = wrap(Origin("another"), "s")
    assert not payload_of(BODY.replace(b'"new":{ }', b'"seal":"%b"' % seal.encode())).passes(
        OPENAI_CHAT
    )


def test_what_a_model_refuses_is_cut_out_of_the_callers_bytes() -> None:
    body = BODY.replace(b'"new":{ }', b'"tool_choice":"required","top_p":1')
    sent = payload_of(body).encode(Target("m"), dropped=[Need.TEMPERATURE, Need.FORCED_TOOL])
    assert json.loads(sent) == {
        **{name: each for name, each in json.loads(body).items() if name != "temperature"},
        "model": "m",
        "tool_choice": "auto",
    }


def test_what_the_dialect_needs_is_checked_at_once() -> None:
    with pytest.raises(MalformedBody):
        payload_of(b'{"messages":[1]}')
    with pytest.raises(MalformedBody):
        payload_of(b'{"model":"m","messages":[1],"stream":"x"}')


@pytest.mark.parametrize(
    ("members", "bound"),
    [
        (b'"max_tokens":5', 5),
        (b'"max_tokens":5,"max_completion_tokens":3', 5),
        (b'"max_tokens":5,"max_completion_tokens":null', 5),
        (b'"max_tokens":null', None),
    ],
)
def test_the_bound_of_an_answer(members: bytes, bound: int | None) -> None:
    body = b'{"model":"m","messages":[1],%b}' % members
    assert payload_of(body).output_bound == (bound, 1)
