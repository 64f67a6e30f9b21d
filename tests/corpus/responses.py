"""Recorded exchanges of OpenAI Responses, and everything that must hold of one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import UnsupportedParameter, UpstreamRefused
from antiphon.model.events import Ended, StreamEvent
from antiphon.model.fold import fold
from antiphon.model.parts import Reasoning, Refusal, Text, ToolCall, Turn
from antiphon.model.reply import ChatReply
from antiphon.model.request import State
from antiphon.wire.shallow import Members

Exchange = dict[str, Any]
STORED = ("previous_response_id", "conversation", "background")
SEALED = "reasoning.encrypted_content"


def exchanges_of(*files: Path) -> Iterator[Exchange]:
    """The exchanges of some files, each once."""
    seen: set[str] = set()
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for exchange in map(json.loads, lines):
                if exchange["wire"] == "openai-responses" and exchange["id"] not in seen:
                    seen.add(exchange["id"])
                    yield exchange


def check(exchange: Exchange, truth: Exchange | None = None) -> str:
    """Read everything that was said; returns what the answer was."""
    request, response = exchange["request"], exchange["response"]
    if request is not None and isinstance(request["body"], dict):
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
    if any(body.get(name) for name in STORED):
        with pytest.raises(UnsupportedParameter, match="none are stored here"):
            payload_of(body)
    body = {name: value for name, value in body.items() if name not in STORED}
    payload = payload_of(body)
    sent = json.loads(payload.encode(Target("other")))
    assert sent == {"store": False} | body | {"model": "other"}
    request = payload.request
    again = OPENAI_RESPONSES.encode_request(request, Target(request.model))
    assert plain_request(json.loads(again.encode())) == plain_request(body)
    reread = OPENAI_RESPONSES.decode_request(again)
    assert reread.turns == request.turns
    assert reread.tools == request.tools
    assert reread.state == (request.state or State(store=False))
    json.loads(OPENAI_CHAT.encode_request(request, Target("other")).encode())


def payload_of(body: dict[str, Any]) -> Payload:
    return Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))


def plain_request(body: dict[str, Any]) -> dict[str, Any]:
    """A request, with what two ways of writing one thing have in common (see `requests.py`)."""
    out = without_nulls(body)
    out.setdefault("store", False)
    for name, default in (("stream", False), ("tools", []), ("truncation", "disabled")):
        if out.get(name) == default:
            del out[name]
    for name in ("reasoning", "text"):
        if out.get(name) == {}:
            del out[name]
    if isinstance(out.get("input"), list):
        out["input"] = [plain_item(item) for item in out["input"]]
        if len(out["input"]) == 1 and set(out["input"][0]) == {"type", "role", "content"}:
            only = out["input"][0]
            if only["role"] == "user" and isinstance(only["content"], str):
                out["input"] = only["content"]
    include = set(out.pop("include", []))
    asked = out.get("reasoning", {})
    sealed = SEALED in include or '"encrypted_content":' in json.dumps(out.get("input"))
    if sealed or asked.get("effort", "none") != "none" or asked.get("summary"):
        include.add(SEALED)
    return out | {"include": sorted(include)}


def plain_item(item: dict[str, Any]) -> dict[str, Any]:
    out = dict(item)
    if "role" in out and "type" not in out:
        out["type"] = "message"
    for name in ("content", "output"):
        if isinstance(out.get(name), list) and out["type"] != "reasoning":
            out[name] = plain_content(out, [plain_part(part) for part in out[name]])
    if out.get("type") == "reasoning" and out.get("content") == []:
        del out["content"]
    return out


def plain_part(part: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in part.items() if value != []}
    return {"detail": "auto"} | out if out["type"] == "input_image" else out


def plain_content(item: dict[str, Any], content: list[dict[str, Any]]) -> Any:
    match content:
        case [{"type": "input_text" | "output_text", "text": text, **rest}] if not rest:
            return content if item.get("role") == "assistant" and "id" in item else text
        case _:
            return content


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [without_nulls(item) for item in value]
        case _:
            return value


# ------------------------------------------------------------------ answers


def check_error(status: int, raw: bytes, truth: Exchange | None) -> str:
    error = OPENAI_RESPONSES.decode_error(status, {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    if truth is not None:
        assert truth["code"] == status
    return "error"


def check_reply(raw: bytes, body: dict[str, Any], truth: Exchange | None) -> str:
    facts = OPENAI_RESPONSES.inspect_reply(raw)
    reply = OPENAI_RESPONSES.decode_reply(raw)
    stop = reply.choices[0].stop
    assert facts.usage == reply.usage
    assert facts.stop == (stop.reason if stop else None)
    check_usage(reply, body.get("usage"))
    written = OPENAI_RESPONSES.encode_reply(reply)
    again = OPENAI_RESPONSES.decode_reply(written)
    assert again.choices[0].turn == reply.choices[0].turn
    assert again.usage == reply.usage
    said = [item for item in body["output"] if item["type"] != "reasoning" or says_something(item)]
    kept = json.loads(written)["output"]
    assert [item["type"] for item in kept] == [item["type"] for item in said]
    assert [item.get("id") for item in kept] == [item.get("id") for item in said]
    if truth is not None:
        check_truth(reply, truth)
    return "reply"


def says_something(item: dict[str, Any]) -> bool:
    return any(item.get(name) for name in ("summary", "content", "encrypted_content"))


def check_stream(raw: bytes, cuts: list[int] | None, truth: Exchange | None) -> str:
    events = read(raw, cuts or [len(raw)])
    assert read(raw, [7] * (len(raw) // 7 + 1)) == events
    assert isinstance(events[-1], Ended)
    reply = fold(events)
    final = final_response(raw)
    check_usage(reply, final["usage"])
    whole = OPENAI_RESPONSES.decode_reply(json.dumps(final).encode())
    if final["output"]:
        assert plain_turn(reply.choices[0].turn) == plain_turn(whole.choices[0].turn)
        assert reply.choices[0].stop == whole.choices[0].stop
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    told = b"".join(encoder.feed(event) for event in events)
    again = fold(read(told, [len(told)]))
    assert plain_turn(again.choices[0].turn) == plain_turn(reply.choices[0].turn)
    assert again.usage == reply.usage
    assert again.choices[0].stop == reply.choices[0].stop
    if truth is not None:
        check_truth(reply, truth)
    return "stream"


def read(raw: bytes, cuts: list[int]) -> list[StreamEvent]:
    splitter, decoder = OPENAI_RESPONSES.splitter(), OPENAI_RESPONSES.stream_decoder()
    frames: list[bytes] = []
    at = 0
    for size in cuts:
        frames += splitter.feed(raw[at : at + size])
        at += size
    frames.append(splitter.flush())
    assert b"".join(frames) == raw, "an untouched frame is passed on as it came"
    return [event for frame in frames for event in decoder.feed(frame)]


def final_response(raw: bytes) -> dict[str, Any]:
    """What the terminal event of a stream holds."""
    for line in reversed(raw.splitlines()):
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data.startswith(b"{") and b'"response"' in data:
            return json.loads(data)["response"]
    raise AssertionError("no response in the stream")


def plain_turn(turn: Turn) -> list[tuple[object, ...]]:
    """What was said, without what only a whole reply can say of it."""
    out: list[tuple[object, ...]] = []
    for part in turn.parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                out.append((type(part), text))
            case ToolCall():
                out.append((part.call_id, part.name, part.arguments, part.kind))
            case Reasoning():
                # A seal is made anew each time that it is told.
                sealed = part.signature is not None
                out.append((part.text, "\n\n".join(part.summary), sealed, part.origin))
            case _:
                pass
    return out


# ------------------------------------------------------------------ figures


def check_usage(reply: ChatReply, stated: dict[str, Any] | None) -> None:
    """Our words add up to the provider's totals, wherever it states them."""
    if not stated:
        assert reply.usage is None
        return
    usage = reply.usage
    assert usage is not None
    assert usage.total == stated["total_tokens"]
    assert usage.input_total == stated["input_tokens"]
    assert usage.output_total == stated["output_tokens"]
    assert usage.cache_read_tokens == stated["input_tokens_details"]["cached_tokens"]
    assert usage.reasoning_tokens == stated["output_tokens_details"]["reasoning_tokens"]


def check_truth(reply: ChatReply, truth: Exchange) -> None:
    """What the official client read of the same bytes."""
    choice = reply.choices[0]
    assert reply.text == truth["text"]
    calls = [[call.name, json.loads(call.arguments)] for call in choice.turn.tool_calls]
    assert calls == truth["tools"]
    assert choice.stop is not None
    assert choice.stop.raw == truth["finish"]
    assert reply.usage is not None
    assert [reply.usage.input_total, reply.usage.output_total] == truth["usage"]
