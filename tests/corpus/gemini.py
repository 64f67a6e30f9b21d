"""Recorded exchanges of Gemini, and everything that must hold of one."""

import json
import re
from typing import Any

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.fields import camel
from antiphon.dialects.gemini.media import standard
from antiphon.dialects.gemini.paths import model_and_method
from antiphon.errors import InvalidRequest, UpstreamRefused
from antiphon.model.events import Ended, Finished, Started, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange

VERBATIM = {"args", "response", "labels", "parameters", "parametersJsonSchema"} | {
    "responseSchema",
    "responseJsonSchema",
}
"""Members whose names are the caller's own."""

MISREAD = {
    "fd72ba19992483e1": "an array, of which the client reads nothing",
    "891fed60c0f5fa93": "events that end with one line end, of which the client dies",
    "18343f7ba86c3867": "a call in pieces, each of which the client reads as a call",
}
"""What the official client reads otherwise, and why."""


def check(exchange: Exchange, truth: Exchange | None = None) -> str:
    """Read everything that was said; returns what the answer was."""
    request, response = exchange["request"], exchange["response"]
    if request is not None and "contents" in (request["body"] or {}):
        check_request(request["path"], request["body"], response["status"])
    body = response["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if response["status"] >= 400:
        return check_error(response["status"], raw, truth)
    if isinstance(body, dict):
        return check_reply(raw, body, truth)
    return check_stream(raw, response.get("chunk_bytes"), body, truth)


# ------------------------------------------------------------------ requests


def check_request(path: str, body: dict[str, Any], status: int) -> None:
    model, method = model_and_method(path.partition("?")[0].rpartition("/models/")[2])
    stream = method == "streamGenerateContent"
    given = {"model": model, "stream": stream, **body}
    payload = Payload(GEMINI, Members.parse(json.dumps(given).encode()))
    assert (payload.model, payload.stream) == (model, stream)
    sent = GEMINI.strip(Members.parse(payload.encode(Target("other"))))
    assert json.loads(sent.encode()) == body
    try:
        request = payload.request
    except InvalidRequest:
        assert status == 400
        return
    again = GEMINI.encode_request(request, Target(request.model))
    assert plain(json.loads(GEMINI.strip(again).encode())) == plain(body)
    twice = GEMINI.encode_request(GEMINI.decode_request(again), Target(request.model))
    assert twice.encode() == again.encode()


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """A request, with what two ways of writing one thing have in common (see `requests.py`)."""
    out = spelled(body)
    assert isinstance(out, dict)
    out.get("systemInstruction", {}).pop("role", None)
    tools = out.pop("tools", [])
    tools = tools if isinstance(tools, list) else [tools]
    out["functions"] = [each for tool in tools for each in tool.pop("functionDeclarations", [])]
    out["tools"] = [tool for tool in tools if tool]
    contents: list[dict[str, Any]] = []
    for content in out["contents"]:
        content.setdefault("role", "user")
        if contents and content["role"] == contents[-1]["role"] == "model":
            contents[-1]["parts"] += content["parts"]
        else:
            contents.append(content)
    out["contents"] = contents
    if out.get("generationConfig") == {}:
        del out["generationConfig"]
    return out


def spelled(value: object) -> Any:
    match value:
        case {"data": str(data), **rest} if rest.keys() & {"mimeType", "mime_type"}:
            return spelled(rest) | {"data": standard(data)}
        case dict():
            return {
                camel(name): inner if camel(name) in VERBATIM else spelled(inner)
                for name, inner in value.items()
                if inner is not None
            }
        case list():
            return [spelled(inner) for inner in value]
        case _:
            return value


# ------------------------------------------------------------------ answers


def check_error(status: int, raw: bytes, truth: Exchange | None) -> str:
    error = GEMINI.decode_error(status, {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    assert truth is None or truth["code"] == status
    return "error"


def check_reply(raw: bytes, body: dict[str, Any], truth: Exchange | None) -> str:
    facts, reply = GEMINI.inspect_reply(raw), GEMINI.decode_reply(raw)
    first = reply.choices[0]
    assert (facts.usage, facts.model) == (reply.usage, body["modelVersion"])
    assert facts.stop == (first.stop.reason if first.stop else None)
    check_usage(reply, body.get("usageMetadata"))
    written = GEMINI.encode_reply(reply)
    assert GEMINI.decode_reply(written) == reply
    again = json.loads(written)
    given = body.get("candidates", [])
    assert [parts_of(each) for each in again.get("candidates", [])] == [
        parts_of(each) for each in given
    ]
    if truth is not None:
        check_truth(reply, truth)
    return "reply"


def parts_of(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    """What a candidate says, without the ids that its calls got here."""
    parts = candidate.get("content", {}).get("parts", [])
    for part in parts:
        if part.get("functionCall", {}).get("id", "").startswith("call_"):
            del part["functionCall"]["id"]
    return parts


def check_stream(raw: bytes, cuts: list[int] | None, body: object, truth: Exchange | None) -> str:
    events = read(raw, cuts or [len(raw)])
    assert read(raw, [7] * (len(raw) // 7 + 1)) == events
    assert not any(isinstance(event, StreamFailed) for event in events)
    assert isinstance(events[0], Started)
    assert sum(isinstance(event, Finished) for event in events) == 1
    reply = fold(events)
    check_usage(reply, stated_in(raw, body))
    encoder = GEMINI.stream_encoder(include_usage=True)
    written = b"".join(encoder.feed(event) for event in [*events, Ended()])
    assert fold(read(written, [len(written)])) == reply
    if truth is not None:
        check_truth(reply, truth)
    return "array" if isinstance(body, list) else "stream"


def read(raw: bytes, cuts: list[int]) -> list[StreamEvent]:
    splitter, decoder = GEMINI.splitter(), GEMINI.stream_decoder()
    frames: list[bytes] = []
    at = 0
    for size in cuts:
        frames += splitter.feed(raw[at : at + size])
        at += size
    frames.append(splitter.flush())
    if not raw.startswith(b"["):
        assert b"".join(frames) == raw, "an untouched frame is passed on as it came"
    return [event for frame in frames for event in decoder.feed(frame)]


# ------------------------------------------------------------------ figures


def stated_in(raw: bytes, body: object) -> dict[str, Any] | None:
    """What a stream states last."""
    chunks = (
        body if isinstance(body, list) else re.findall(rb"^data: ?(\{.*\})\r?$", raw, re.MULTILINE)
    )
    every = [json.loads(each) if isinstance(each, bytes) else each for each in chunks]
    stated = [each.get("usageMetadata", {}) for each in every]
    return next((each for each in reversed(stated) if "totalTokenCount" in each), None)


def check_usage(reply: ChatReply, stated: dict[str, Any] | None) -> None:
    """Our words add up to the provider's total."""
    if not stated or "totalTokenCount" not in stated:
        assert reply.usage is None
        return
    usage = reply.usage
    assert usage is not None
    assert usage.total == stated["totalTokenCount"]
    prompt = stated.get("promptTokenCount", 0) + stated.get("toolUsePromptTokenCount", 0)
    assert usage.input_total == prompt
    assert usage.cache_read_tokens == stated.get("cachedContentTokenCount", 0)
    assert usage.reasoning_tokens == stated.get("thoughtsTokenCount", 0)
    assert usage.output_total == stated.get("candidatesTokenCount", 0) + usage.reasoning_tokens


def check_truth(reply: ChatReply, truth: Exchange) -> None:
    """What the official client read of the same bytes."""
    if truth["id"] in MISREAD:
        return
    choice = reply.choices[0]
    assert reply.text == (truth["text"] or "")
    calls = [[call.name, json.loads(call.arguments)] for call in choice.turn.tool_calls]
    assert calls == truth["tools"]
    assert f"FinishReason.{choice.stop.raw if choice.stop else None}" == truth["finish"]
    usage = reply.usage
    assert usage is not None
    prompt, said = truth["usage"]
    assert usage.output_total - usage.reasoning_tokens == (said or 0)
    assert usage.input_total >= prompt
