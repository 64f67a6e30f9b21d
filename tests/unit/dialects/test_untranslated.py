"""What is read of answers that pass as they are: errors, usage, and no more."""

from __future__ import annotations

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Target
from antiphon.dialects.passed import PassedForm, PassedJson
from antiphon.dialects.registry import ANTHROPIC, OPENAI
from antiphon.errors import Disposition, Kind, MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model.events import Ended, StreamFailed, TextDelta, UsageReported
from antiphon.model.usage import Usage

PASSED = OPENAI.passed
ENDLESS = 10**30


def usage_of(**members: object) -> Usage | None:
    return PASSED.inspect_reply(json.dumps(members).encode()).usage


@pytest.mark.parametrize(
    ("stated", "usage"),
    [
        (
            {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            Usage(3, output_tokens=4),
        ),
        ({"prompt_tokens": 3, "total_tokens": 3}, Usage(3)),
        ({"total_tokens": 9}, Usage(9)),
        ({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}, Usage(3, output_tokens=4)),
        (
            {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5},
            Usage(3, cache_read_tokens=5, output_tokens=4),
        ),
        (
            {"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"image_tokens": 6}},
            Usage(4, output_tokens=4, image_tokens=6),
        ),
        (
            {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 9},
            Usage(2, output_tokens=4, reasoning_tokens=3),
        ),
        ({"type": "duration", "seconds": 3}, None),
        ({"prompt_tokens": -1, "total_tokens": 3}, None),
        ({"total_tokens": ENDLESS}, None),
        ({"total_tokens": "9"}, None),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)
def test_usage_in_everybodys_words(stated, usage):
    assert usage_of(data=[], usage=stated) == usage


def test_usage_of_rerankers():
    assert usage_of(results=[], meta={"billed_units": {"input_tokens": 5}}) == Usage(5)
    assert usage_of(results=[], meta={"tokens": {"input_tokens": 6}}) == Usage(6)
    assert usage_of(results=[], meta={"billed_units": {"search_units": 1}}) is None
    assert usage_of(results=[], meta="none") is None


COUNTS = st.one_of(st.none(), st.integers(-5, 10**6))


WORDS = (
    *("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens"),
    "cache_read_input_tokens",
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(WORDS, COUNTS)))
def test_what_is_stated_is_never_made_less(stated):
    usage = usage_of(usage=stated)
    if usage is not None:
        assert usage.total >= (stated.get("total_tokens") or 0)
        assert min(msgspec.structs.astuple(usage)) >= 0


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"<!DOCTYPE html><p>", b"\n<HTML>"])
def test_what_is_no_answer(body):
    with pytest.raises(NotAnAnswer):
        PASSED.inspect_reply(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "no", "type": "server_error"}}',
        b'{"error": "no"}',
        b'{"type": "error", "error": {"type": "overloaded_error", "message": "no"}}',
        b'{"object": "error", "message": "no"}',
    ],
)
def test_an_error_with_a_good_status(body):
    with pytest.raises(UpstreamError):
        PASSED.inspect_reply(body)
    assert OPENAI.stored.inspect_reply(body).usage is None, "somebody's file"


@pytest.mark.parametrize(
    "body",
    [
        b"<\0\1\2pcm",
        b"{\0\1\2pcm",
        b"\xff\xfb\x90",
        b'{"error": null, "message": "fine"}',
        b'{"errors": {"data": []}}',
        b'{"text": "{\\"error\\": {}}"}',
        b"plain text",
    ],
)
def test_sound_and_text_are_answers(body):
    assert PASSED.inspect_reply(body).usage is None
    assert PASSED.said(body) == 0


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(body):
    with suppress(UpstreamError):
        PASSED.inspect_reply(body)
    PASSED.said(body)
    PASSED.stream_decoder().feed(b"data: " + body + b"\n\n")
    PASSED.decode_error(404, {}, body)


def test_frames():
    decoder = PASSED.stream_decoder()
    assert decoder.feed(b": a comment\n\n") == ()
    assert decoder.feed(b'data: {"choices": [{"text": "Hi"}]}\n\n') == (TextDelta("Hi"),)
    assert decoder.feed(b"data: no JSON\n\n") == (TextDelta(""),)
    told = decoder.feed(b'data: {"type": "x.done", "usage": {"total_tokens": 3}}\n\n')
    assert told == (TextDelta(""), UsageReported(Usage(3), alone=False))
    assert decoder.feed(b"data: [DONE]\n\n") == (Ended(),)
    for frame in (b'data: {"error": {"message": "no"}}\n\n', b"event: error\ndata: {}\n\n"):
        (failed,) = decoder.feed(frame)
        assert isinstance(failed, StreamFailed)


MISSING = b'{"error": {"message": "No such File object: x", "type": "invalid_request_error"}}'


@pytest.mark.parametrize(
    ("status", "body", "kind", "disposition"),
    [
        (404, MISSING, Kind.NOT_FOUND, Disposition.CALLERS_FAULT),
        (409, MISSING, Kind.BAD_REQUEST, Disposition.CALLERS_FAULT),
        (404, b'{"detail": "Not Found"}', Kind.NOT_FOUND, Disposition.HARD_DOWN),
        (404, b"404 page not found", Kind.NOT_FOUND, Disposition.HARD_DOWN),
        (404, MISSING.replace(b"No such File object", b"Invalid URL"), Kind.NOT_FOUND, Disposition.HARD_DOWN),
        (
            404,
            b'{"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}',
            Kind.MODEL_NOT_FOUND,
            Disposition.HARD_DOWN,
        ),
        (429, MISSING, Kind.RATE_LIMITED, Disposition.TRANSIENT),
        (500, b"", Kind.UPSTREAM, Disposition.TRANSIENT),
    ],
)  # fmt: skip
def test_errors(status, body, kind, disposition):
    for family in (OPENAI, ANTHROPIC):
        error = family.passed.decode_error(status, {}, body)
        assert (error.error_kind, error.disposition) == (kind, disposition)


def test_a_request_keeps_every_byte_but_its_model():
    body = b'{ "input" : ["a"],\n "model":"fast", "n":1e2 }'
    payload = PassedJson(PASSED, body, text=True, writes=False)
    assert payload.encode(Target("m-1")) == body.replace(b"fast", b"m-1")
    assert payload.output_bound == (0, 1)
    assert payload.countable(50) == 50


@pytest.mark.parametrize(
    ("members", "bound"),
    [
        ({}, (None, 1)),
        ({"max_tokens": 5}, (5, 1)),
        ({"max_tokens": 0}, (None, 1)),
        ({"n": 2, "best_of": 3}, (None, 3)),
        ({"n": 2, "prompt": ["a", "b"]}, (None, 4)),
        ({"prompt": [[1, 2], [3]]}, (None, 2)),
        ({"prompt": [1, 2, 3]}, (None, 1)),
        ({"prompt": []}, (None, 1)),
        ({"n": "many", "max_tokens": {}}, (None, 1)),
        ({"n": 10**12}, (None, 10**6)),
    ],
)
def test_bounds_of_completions(members, bound):
    body = json.dumps({"model": "fast", **members}).encode()
    assert PassedJson(PASSED, body, text=True, writes=True).output_bound == bound


def test_streams_are_asked_for_in_three_ways():
    asked = PassedJson(PASSED, b'{"model":"f","stream_format":"sse"}', text=False, writes=False)
    assert asked.stream
    form = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = form % (b"model", b"f") + form % (b"stream", b"true") + b"--x--"
    assert PassedForm(PASSED, body, b"multipart/form-data; boundary=x").stream
    with pytest.raises(MalformedBody):
        PassedForm(
            PASSED, form % (b"stream", b"true") + b"--x--", b"multipart/form-data; boundary=x"
        )
