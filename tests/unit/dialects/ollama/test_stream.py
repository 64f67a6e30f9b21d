"""Streams of servers, line by line."""

import json

import pytest

from antiphon.dialects.ollama import OLLAMA
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.errors import Kind, UpstreamBroken, UpstreamRefused
from antiphon.model.events import (
    Ended,
    Finished,
    LogprobsDelta,
    OpaqueEvent,
    ReasoningDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

HEAD = {"model": "qwen3:14b", "created_at": "2025-06-09T17:58:55.337823Z"}
ID = "ollama-20250609175855337823"
STARTED = Started(ID, "qwen3:14b", 1749491935)


def line(*, done: bool = False, **members: object) -> bytes:
    said = {"role": "assistant", "content": ""}
    message = said | members.pop("message", {})
    return json.dumps(HEAD | {"message": message, "done": done} | members).encode() + b"\n"


def said(text: str) -> bytes:
    return line(message={"content": text})


def called(name: str, **call: object) -> bytes:
    function = {"name": name, "arguments": call.pop("arguments", {}), **call.pop("function", {})}
    return line(message={"tool_calls": [{"function": function, **call}]})


def ended(reason: str = "stop", **members: object) -> bytes:
    counts = {"prompt_eval_count": 3, "eval_count": 4}
    return line(done=True, done_reason=reason, **(counts | members))


def read(*lines: bytes) -> list[StreamEvent]:
    decoder = OLLAMA.stream_decoder()
    return [event for each in lines for event in decoder.feed(each)]


def last(stop: Stop) -> list[StreamEvent]:
    return [UsageReported(Usage(3, output_tokens=4), alone=False), Finished(stop), Ended()]


def test_text_and_thought() -> None:
    decoder = OLLAMA.stream_decoder()
    assert decoder.position.id == ""
    assert decoder.feed(line(message={"thinking": "Hm"})) == (STARTED, ReasoningDelta("Hm"))
    assert decoder.position.id == ID
    assert decoder.feed(line(message={"thinking": "m"})) == (ReasoningDelta("m"),)
    assert decoder.feed(said("é")) == (TextDelta("é"),)
    assert decoder.feed(line(message={"content": "b", "thinking": "a"})) == (
        ReasoningDelta("a"),
        TextDelta("b"),
    )
    assert decoder.feed(ended()) == tuple(last(Stop(StopReason.STOP, raw="stop")))


def test_calls_come_whole_and_are_numbered_by_their_place() -> None:
    """Servers call every one number 0, or count; older ones give no ids."""
    lines = [
        called("f", arguments={"a": 1}),
        called("g", function={"index": 0}),
        called("h", id="call_x"),
        called("i", id="call_x"),
    ]
    events = read(*lines, ended())
    assert events[:-3] == [
        STARTED,
        ToolCallStarted(0, f"call_{ID}_0", "f"),
        ToolCallDelta(0, '{"a": 1}'),
        ToolCallStarted(1, f"call_{ID}_1", "g"),
        ToolCallDelta(1, "{}"),
        ToolCallStarted(2, "call_x", "h"),
        ToolCallDelta(2, "{}"),
        ToolCallStarted(3, "call_x_3", "i"),
        ToolCallDelta(3, "{}"),
    ]
    assert events[-3:] == last(Stop(StopReason.TOOL, raw="stop"))


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("length", StopReason.LENGTH),
        ("load", StopReason.STOP),
        ("", StopReason.STOP),
        ("reason_of_tomorrow", StopReason.STOP),
        ("content_filter", StopReason.FILTER),
    ],
)
def test_why_it_ended(reason: str, stop: StopReason) -> None:
    assert read(said("a"), ended(reason))[-2] == Finished(Stop(stop, raw=reason))


def test_what_the_last_line_says_is_said() -> None:
    events = read(ended(message={"content": "all of it"}, eval_count=None))
    assert events[:2] == [STARTED, TextDelta("all of it")]
    assert events[2] == UsageReported(Usage(3), alone=False)


def test_nothing_is_read_behind_the_end() -> None:
    assert read(ended(), said("more"), ended()) == [
        STARTED,
        *last(Stop(StopReason.STOP, raw="stop")),
    ]


@pytest.mark.parametrize("empty", [b"\n", b"\r\n", b"", b"  \n"])
def test_a_blank_line_says_nothing(empty: bytes) -> None:
    assert read(empty) == []


def test_a_heartbeat_says_nothing() -> None:
    """Not even that the answer has begun: it may be another's that does."""
    assert read(OLLAMA.heartbeat, OLLAMA.heartbeat) == []
    assert read(said("a"), OLLAMA.heartbeat, said("b")) == [STARTED, TextDelta("a"), TextDelta("b")]


def test_log_probabilities() -> None:
    told = [{"token": "a", "logprob": -0.5}]
    events = read(line(message={"content": "a"}, logprobs=told))
    assert events[:2] == [STARTED, TextDelta("a")]
    assert isinstance(events[2], LogprobsDelta)
    assert (events[2].dialect, json.loads(bytes(events[2].payload))) == (DIALECT, told)


@pytest.mark.parametrize(
    "news",
    [
        b'{"status":"pulling manifest"}\n',
        b'{"model":"m","message":{"role":"assistant","content":"","images":["AAAA"]}}\n',
        b'{"model":"m","response":"","image":"AAAA","done":false}\n',
        b'{"message":"another shape"}\n',
    ],
)
def test_news_are_passed_on(news: bytes) -> None:
    assert read(news) == [OpaqueEvent(DIALECT, news)]


@pytest.mark.parametrize(
    "broken",
    [
        *(b"<html>\n", b'{"message":\n', b"[]\n", b'{"model":"\xff"\n'),
        b'{"\x80":1}\n',
        b'{"message":{"\x80":1},"done":false}\n',
    ],
)
def test_what_cannot_be_read(broken: bytes) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        read(broken)
    assert caught.value.code == "bad_event"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"error": "model runner has unexpectedly stopped"}, Kind.UPSTREAM, "unexpectedly"),
        ({"error": "rate limit", "status": 429}, Kind.RATE_LIMITED, "rate limit"),
        ({"error": {"message": "as others say it"}}, Kind.UPSTREAM, "as others say it"),
        ({"error": 7}, Kind.UPSTREAM, "reports an error"),
    ],
)
def test_an_error_in_the_stream(body: object, kind: Kind, message: str) -> None:
    events = read(said("a"), json.dumps(body).encode() + b"\n")
    failed = events[-1]
    assert isinstance(failed, StreamFailed)
    assert isinstance(failed.error, UpstreamRefused)
    assert failed.error.error_kind is kind
    assert message in failed.error.message


def test_usage_can_be_left_out() -> None:
    decoder = OLLAMA.stream_decoder()
    cut = decoder.without_usage(ended())
    assert cut.endswith(b"}\n")
    assert json.loads(cut).keys() == json.loads(ended()).keys() - {
        "prompt_eval_count",
        "eval_count",
    }
    assert decoder.without_usage(said("a")) == said("a")
    assert decoder.without_usage(b'"eval_count"\n') == b'"eval_count"\n'


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_eval_count": 3, "eval_count": 4}, Usage(3, output_tokens=4)),
        ({"eval_count": 4}, Usage(output_tokens=4)),
        ({"prompt_eval_count": 3}, Usage(3)),
        ({}, None),
        ({"prompt_eval_count": -1, "eval_count": 4}, None),
        ({"prompt_eval_count": 1e12, "eval_count": 4}, None),
    ],
)
def test_usage(counts: dict[str, object], usage: Usage | None) -> None:
    body = json.dumps(HEAD | {"message": {}, "done": True} | counts).encode()
    assert OLLAMA.inspect_reply(body).usage == usage
    assert OLLAMA.decode_reply(body).usage == usage
    reported = [event.usage for event in read(body) if isinstance(event, UsageReported)]
    assert reported == ([usage] if usage is not None else [])


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_to_load_a_model_uses_nothing(reason: str) -> None:
    body = json.dumps(HEAD | {"message": {}, "done": True, "done_reason": reason}).encode()
    facts = OLLAMA.inspect_reply(body)
    assert (facts.usage, facts.stop) == (Usage(), StopReason.STOP)
    assert json.loads(OLLAMA.encode_reply(OLLAMA.decode_reply(body)))["done_reason"] == reason
