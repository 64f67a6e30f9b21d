"""Recorded exchanges of Ollama, and everything that must hold of one."""

import json
from typing import Any

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE, Ollama
from antiphon.errors import UpstreamRefused
from antiphon.model.events import Ended, Finished, Started, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange

COUNTS = ("prompt_eval_count", "eval_count")
EMPTY = (None, "", [], {})


def check(exchange: Exchange, truth: Exchange | None = None) -> str:
    """Read everything that was said; returns what the answer was."""
    request, response = exchange["request"], exchange["response"]
    if request is not None:
        check_request(request["body"])
    body = response["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if response["status"] >= 400:
        return check_error(response["status"], raw, truth)
    if isinstance(body, str):
        return check_stream(raw, response.get("chunk_bytes"), truth)
    return check_reply(raw, body, truth)


# ------------------------------------------------------------------ requests


def check_request(body: dict[str, Any]) -> None:
    dialect = OLLAMA_GENERATE if "prompt" in body else OLLAMA
    payload = Payload(dialect, Members.parse(json.dumps(body).encode()))
    sent = json.loads(payload.encode(Target("other")))
    assert sent == body | {"model": "other"}
    request = payload.request
    assert request.stream is body.get("stream", True)
    again = dialect.encode_request(request, Target(request.model))
    assert plain(json.loads(again.encode())) == plain(body)
    assert dialect.decode_request(again) == request


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """A request, with what two ways of writing one thing have in common (see `requests.py`)."""
    out = {name: value for name, value in body.items() if value not in EMPTY}
    if not out.get("raw"):
        out.pop("raw", None)
    for message in out.get("messages", ()):
        message.pop("tool_name", None)
    return out


# ------------------------------------------------------------------ answers


def check_error(status: int, raw: bytes, truth: Exchange | None) -> str:
    error = OLLAMA.decode_error(status, {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    assert truth is None or truth["code"] == status
    return "error"


def check_reply(raw: bytes, body: dict[str, Any], truth: Exchange | None) -> str:
    facts = OLLAMA.inspect_reply(raw)
    reply = OLLAMA.decode_reply(raw)
    assert facts.usage == reply.usage
    assert facts.stop == (reply.choices[0].stop.reason if reply.choices[0].stop else None)
    assert facts.model == reply.model == body["model"]
    check_usage(reply, body)
    dialect = OLLAMA if "message" in body else OLLAMA_GENERATE
    written = dialect.encode_reply(reply)
    assert dialect.decode_reply(written) == reply
    again = json.loads(written)
    assert {name: again.get(name) for name in body} == body
    if truth is not None:
        check_truth(reply, truth)
    return "reply"


def check_stream(raw: bytes, cuts: list[int] | None, truth: Exchange | None) -> str:
    events = read(raw, cuts or [len(raw)])
    assert read(raw, [7] * (len(raw) // 7 + 1)) == events
    assert not any(isinstance(event, StreamFailed) for event in events)
    assert isinstance(events[0], Started)
    assert isinstance(events[-2], Finished)
    assert isinstance(events[-1], Ended)
    reply = fold(events)
    check_usage(reply, json.loads(raw.splitlines()[-1]))
    for dialect in (OLLAMA, OLLAMA_GENERATE):
        heard = heard_of(events, dialect)
        # The moment of a line is told in seconds: the id is made of it.
        assert heard[1:] == events[1:]
        if truth is not None:
            check_truth(fold(heard), truth)
    return "stream"


def heard_of(events: list[StreamEvent], dialect: Ollama) -> list[StreamEvent]:
    encoder = dialect.stream_encoder(include_usage=True)
    written = b"".join(encoder.feed(event) for event in events)
    return read(written, [len(written)])


def read(raw: bytes, cuts: list[int]) -> list[StreamEvent]:
    splitter, decoder = OLLAMA.splitter(), OLLAMA.stream_decoder()
    frames: list[bytes] = []
    at = 0
    for size in cuts:
        frames += splitter.feed(raw[at : at + size])
        at += size
    frames.append(splitter.flush())
    assert b"".join(frames) == raw, "an untouched line is passed on as it came"
    return [event for frame in frames for event in decoder.feed(frame)]


# ------------------------------------------------------------------ figures


def check_usage(reply: ChatReply, stated: dict[str, Any]) -> None:
    """Our words add up to what the server counted; a count that is missing is 0."""
    assert reply.usage is not None
    counted = [reply.usage.input_tokens, reply.usage.output_tokens]
    assert counted == [stated.get(name) or 0 for name in COUNTS]
    assert reply.usage.total == sum(counted)


def check_truth(reply: ChatReply, truth: Exchange) -> None:
    """What the official client read of the same bytes."""
    choice = reply.choices[0]
    assert reply.text == (truth["text"] or "")
    calls = [[call.name, json.loads(call.arguments)] for call in choice.turn.tool_calls]
    assert calls == truth["tools"]
    assert (choice.stop.raw if choice.stop else None) == truth["finish"]
    assert reply.usage is not None
    assert [reply.usage.input_tokens, reply.usage.output_total] == truth["usage"]
