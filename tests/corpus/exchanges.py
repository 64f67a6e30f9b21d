"""Recorded exchanges, and everything that must hold of one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_chat.stops import write_stop
from antiphon.errors import NotAnAnswer, UpstreamRefused
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed, UsageReported
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members

Exchange = dict[str, Any]
DATA = Path(__file__).parent / "data"


def exchanges_of(*files: Path, wire: str = "openai-chat") -> Iterator[Exchange]:
    """The exchanges of some files on one wire, each once."""
    seen: set[str] = set()
    for file in files:
        for exchange in _lines(file):
            if exchange["wire"] == wire and exchange["id"] not in seen:
                seen.add(exchange["id"])
                yield exchange


def truth_of(file: Path) -> dict[str, Exchange]:
    return {truth["id"]: truth for truth in _lines(file)}


def _lines(file: Path) -> Iterator[Exchange]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


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


def check_request(body: dict[str, object]) -> None:
    given = body
    payload = Payload(OPENAI_CHAT, Members.parse(json.dumps(body).encode()))
    sent = json.loads(payload.encode(Target("other")))
    if payload.stream:
        assert sent.pop("stream_options")["include_usage"]
        body = {name: value for name, value in body.items() if name != "stream_options"}
    assert sent == body | {"model": "other"}
    request = payload.request
    again = OPENAI_CHAT.encode_request(request, Target(request.model))
    assert plain(json.loads(again.encode())) == plain(given)
    assert OPENAI_CHAT.decode_request(again) == request


def plain(value: object) -> object:
    """A request, with what two ways of writing one thing have in common (see `requests.py`)."""
    match value:
        case dict():
            out = {name: plain(item) for name, item in value.items() if item is not None}
            return _plain_member(out)
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def _plain_member(out: dict[str, object]) -> dict[str, object]:
    if "messages" in out:
        for name, default in (("stream", False), ("tools", [])):
            if out.get(name) == default:
                del out[name]
        if isinstance(out.get("stop"), str):
            out["stop"] = [out["stop"]]
    if set(out) == {"function"} and isinstance(out["function"], dict):
        out["type"] = "function"
    if out.get("role") == "assistant":
        _plain_assistant(out)
    match out.get("content"):
        case [{"type": "text", "text": text, **rest}] if not rest:
            out["content"] = text
        case _:
            pass
    return out


def _plain_assistant(out: dict[str, object]) -> None:
    content = out.get("content")
    if isinstance(content, list):
        thoughts = [part for part in content if part["type"] == "thinking"]
        out["content"] = [part for part in content if part not in thoughts]
        for part in thoughts:
            out["reasoning_content"] = "".join(piece["text"] for piece in part["thinking"])
    if out.get("content", "") in ("", []):
        out.pop("content", None)
        if not any(name in out for name in ("tool_calls", "function_call", "audio")):
            out["content"] = ""
    for name in ("annotations", "tool_calls"):
        if out.get(name) == []:
            del out[name]


# ------------------------------------------------------------------ answers


def check_error(status: int, raw: bytes, truth: Exchange | None) -> str:
    error = OPENAI_CHAT.decode_error(status, {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    if truth is not None:
        assert truth["code"] == status
    return "error"


def check_reply(raw: bytes, body: dict[str, Any], truth: Exchange | None) -> str:
    try:
        facts = OPENAI_CHAT.inspect_reply(raw)
    except (NotAnAnswer, UpstreamRefused):
        assert not body.get("choices")
        return "error in a 200"
    reply = OPENAI_CHAT.decode_reply(raw)
    assert facts.usage == reply.usage
    assert facts.stop == (reply.choices[0].stop.reason if reply.choices[0].stop else None)
    check_usage(reply, body.get("usage"))
    again = OPENAI_CHAT.decode_reply(OPENAI_CHAT.encode_reply(reply))
    assert [choice.turn for choice in again.choices] == [choice.turn for choice in reply.choices]
    assert (again.usage, again.extra) == (reply.usage, reply.extra)
    if truth is not None:
        check_truth(reply, truth)
    return "reply"


def check_stream(raw: bytes, cuts: list[int] | None, truth: Exchange | None) -> str:
    events = read(raw, cuts or [len(raw)])
    again = read(raw, [7] * (len(raw) // 7 + 1))
    if any(isinstance(event, StreamFailed) for event in events):
        assert [type(event) for event in again] == [type(event) for event in events]
        assert truth is None or truth["error"] == "APIError"
        return "stream that failed"
    assert again == events
    assert isinstance(events[-1], Ended) == (b"[DONE]" in raw)
    assert any(isinstance(event, Finished | Ended) for event in events)
    reply = fold(events)
    stated = [
        json.loads(found) for found in re.findall(rb'"usage": ?(\{(?:[^{}]|\{[^{}]*\})*\})', raw)
    ]
    check_usage(reply, stated[-1] if stated else None)
    check_without_usage(raw)
    encoder = OPENAI_CHAT.stream_encoder(include_usage=True)
    again = b"".join(encoder.feed(event) for event in events)
    assert fold(read(again, [len(again)])) == spelled_officially(reply)
    if truth is not None:
        check_truth(reply, truth)
    return "stream"


def read(raw: bytes, cuts: list[int]) -> list[StreamEvent]:
    splitter, decoder = OPENAI_CHAT.splitter(), OPENAI_CHAT.stream_decoder()
    frames: list[bytes] = []
    at = 0
    for size in cuts:
        frames += splitter.feed(raw[at : at + size])
        at += size
    frames.append(splitter.flush())
    assert b"".join(frames) == raw, "an untouched frame is passed on as it came"
    return [event for frame in frames for event in decoder.feed(frame)]


def check_without_usage(raw: bytes) -> None:
    """What a caller hears who did not ask for usage: the same, without it."""
    splitter, decoder = OPENAI_CHAT.splitter(), OPENAI_CHAT.stream_decoder()
    heard: list[StreamEvent] = []
    said: list[StreamEvent] = []
    for frame in [*splitter.feed(raw), splitter.flush()]:
        said += decoder.feed(frame)
        without = decoder.without_usage(frame)
        assert b'"usage": {' not in without or b"x_groq" in without
        heard += OPENAI_CHAT.stream_decoder().feed(without)
    texts = [
        [event for event in events if not isinstance(event, UsageReported)]
        for events in (heard, said)
    ]
    assert fold(texts[0]).text == fold(texts[1]).text


def spelled_officially(reply: ChatReply) -> ChatReply:
    """The reply with its reasons to stop in OpenAI's own words."""
    choices = tuple(
        structs.replace(choice, stop=structs.replace(choice.stop, raw=write_stop(choice.stop)))
        if choice.stop
        else choice
        for choice in reply.choices
    )
    return structs.replace(reply, choices=choices)


# ------------------------------------------------------------------ figures


def check_usage(reply: ChatReply, stated: dict[str, Any] | None) -> None:
    """Our words add up to the provider's total, wherever it states one."""
    if not stated:
        assert reply.usage is None
        return
    assert reply.usage is not None
    assert reply.usage.total == stated["total_tokens"]
    assert reply.usage.input_total == stated["prompt_tokens"]
    details = stated.get("completion_tokens_details") or {}
    assert reply.usage.reasoning_tokens >= min(
        details.get("reasoning_tokens") or 0, stated["completion_tokens"]
    )


def check_truth(reply: ChatReply, truth: Exchange) -> None:
    """What the official client read of the same bytes."""
    choice = reply.choices[0]
    text = truth["text"] or ""
    if isinstance(text, list):
        text = "".join(part.get("text", "") for part in text)
    assert reply.text == text
    calls = [[call.name, json.loads(call.arguments or "{}")] for call in choice.turn.tool_calls]
    assert calls == truth["tools"]
    assert (choice.stop.raw if choice.stop else None) == truth["finish"]
    if truth["usage"] is not None:
        assert reply.usage is not None
        prompt, completion = truth["usage"]
        assert reply.usage.input_total == prompt
        assert reply.usage.output_total >= completion
