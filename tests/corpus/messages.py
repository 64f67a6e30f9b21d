"""Recorded exchanges of Anthropic Messages, and everything that must hold of one."""

import json
from typing import Any

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.errors import UpstreamRefused
from antiphon.model.events import (
    Ended,
    Finished,
    OpaqueEvent,
    Started,
    StreamEvent,
    StreamFailed,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange

STATED = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def check(exchange: Exchange, truth: Exchange | None = None) -> str:
    """Read everything that was said; returns what the answer was."""
    request, response = exchange["request"], exchange["response"]
    if request is not None and "messages" in request["body"]:
        # The clouds have the model in the path.
        check_request({"model": "m"} | request["body"])
    body = response["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if response["status"] >= 400:
        return check_error(response["status"], raw, truth)
    if isinstance(body, str):
        return check_stream(raw, response.get("chunk_bytes"), truth)
    return check_reply(raw, body, truth)


# ------------------------------------------------------------------ requests


def check_request(body: dict[str, Any]) -> None:
    payload = Payload(ANTHROPIC_MESSAGES, Members.parse(json.dumps(body).encode()))
    sent = json.loads(payload.encode(Target("other")))
    assert sent == body | {"model": "other"}
    request = payload.request
    again = ANTHROPIC_MESSAGES.encode_request(request, Target(request.model))
    assert plain(json.loads(again.encode())) == plain(body)
    twice = ANTHROPIC_MESSAGES.decode_request(again)
    written = ANTHROPIC_MESSAGES.encode_request(twice, Target(request.model))
    assert written.encode() == again.encode()


def plain(value: object) -> object:
    """A request, with what two ways of writing one thing have in common (see `requests.py`)."""
    match value:
        case dict():
            out = {name: plain(item) for name, item in value.items() if item is not None}
            if out.get("stream") is False:
                del out["stream"]
            if out.get("is_error") is False:
                del out["is_error"]
            for name in ("content", "system"):
                match out.get(name):
                    case [{"type": "text", "text": text, **rest}] if not rest:
                        out[name] = text
                    case _:
                        pass
            for name in ("tools", "stop_sequences", "citations"):
                if out.get(name) == []:
                    del out[name]
            return out
        case list():
            return [plain(item) for item in value if not is_blank(item)]
        case _:
            return value


def is_blank(block: object) -> bool:
    """A text of white space, which is left out."""
    match block:
        case {"type": "text", "text": str(text)}:
            return not text.strip()
        case _:
            return False


# ------------------------------------------------------------------ answers


def check_error(status: int, raw: bytes, truth: Exchange | None) -> str:
    error = ANTHROPIC_MESSAGES.decode_error(status, {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    assert truth is None or truth["code"] == status
    return "error"


def check_reply(raw: bytes, body: dict[str, Any], truth: Exchange | None) -> str:
    facts = ANTHROPIC_MESSAGES.inspect_reply(raw)
    reply = ANTHROPIC_MESSAGES.decode_reply(raw)
    assert facts.usage == reply.usage
    assert facts.stop == (reply.choices[0].stop.reason if reply.choices[0].stop else None)
    assert facts.model == reply.model == body["model"]
    check_usage(reply, body.get("usage"))
    written = ANTHROPIC_MESSAGES.encode_reply(reply)
    assert ANTHROPIC_MESSAGES.decode_reply(written) == reply
    again = json.loads(written)
    assert plain(again["content"]) == plain(body["content"])
    for name in ("id", "stop_reason", "stop_sequence", "container", "stop_details"):
        assert again.get(name) == body.get(name)
    kept = [name for name, value in body["usage"].items() if value is not None]
    assert {*kept} - again["usage"].keys() <= {"output_tokens_details"}
    if truth is not None:
        check_truth(reply, truth)
    return "reply"


def check_stream(raw: bytes, cuts: list[int] | None, truth: Exchange | None) -> str:
    events = read(raw, cuts or [len(raw)])
    again = read(raw, [7] * (len(raw) // 7 + 1))
    assert not any(isinstance(event, StreamFailed) for event in events)
    assert again == events
    assert isinstance(events[0], Started)
    assert isinstance(events[-2], Finished)
    assert isinstance(events[-1], Ended)
    reply = fold(events)
    check_usage(reply, stated_in(raw))
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    written = b"".join(encoder.feed(event) for event in events)
    heard = read(written, [len(written)])
    assert fold(heard) == reply
    assert said(heard) == said(events)
    if truth is not None:
        check_truth(reply, truth)
        check_truth(fold(heard), truth)
    return "stream"


def read(raw: bytes, cuts: list[int]) -> list[StreamEvent]:
    splitter, decoder = ANTHROPIC_MESSAGES.splitter(), ANTHROPIC_MESSAGES.stream_decoder()
    frames: list[bytes] = []
    at = 0
    for size in cuts:
        frames += splitter.feed(raw[at : at + size])
        at += size
    frames.append(splitter.flush())
    assert b"".join(frames) == raw, "an untouched frame is passed on as it came"
    return [event for frame in frames for event in decoder.feed(frame)]


def said(events: list[StreamEvent]) -> list[object]:
    """The events without usage; what was passed on whole as the JSON that it is."""
    return [
        json.loads(event.payload.partition(b"data:")[2])
        if isinstance(event, OpaqueEvent)
        else event
        for event in events
        if not isinstance(event, UsageReported)
    ]


# ------------------------------------------------------------------ figures


def stated_in(raw: bytes) -> dict[str, Any]:
    """What a stream states last of every number."""
    stated: dict[str, Any] = {}
    for line in raw.splitlines():
        if line.startswith(b"data:"):
            event = json.loads(line[5:])
            usage = event.get("usage") or event.get("message", {}).get("usage") or {}
            stated |= {name: value for name, value in usage.items() if value is not None}
    return stated


def check_usage(reply: ChatReply, stated: dict[str, Any] | None) -> None:
    """Our words add up to the provider's total."""
    assert stated
    assert reply.usage is not None
    assert reply.usage.total == sum(stated.get(name) or 0 for name in STATED)
    assert reply.usage.output_total == stated["output_tokens"]
    assert reply.usage.input_tokens == stated["input_tokens"]
    thought = (stated.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    assert reply.usage.reasoning_tokens == thought
    split = stated.get("cache_creation") or {}
    assert reply.usage.cache_write_1h_tokens == (split.get("ephemeral_1h_input_tokens") or 0)


def check_truth(reply: ChatReply, truth: Exchange) -> None:
    """What the official client read of the same bytes."""
    choice = reply.choices[0]
    assert reply.text == (truth["text"] or "")
    calls = [[call.name, json.loads(call.arguments or "{}")] for call in choice.turn.tool_calls]
    assert calls == truth["tools"]
    assert (choice.stop.raw if choice.stop else None) == truth["finish"]
    assert reply.usage is not None
    assert [reply.usage.input_tokens, reply.usage.output_total] == truth["usage"]
