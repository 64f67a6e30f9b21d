"""Whole replies: looked at in passing, read, written.

Reading and writing again changes these things only: a thought of which nothing was told is left
out; usage is written whole; what a response always says is there; an assistant's message says its
type and its status.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.envelopes import Envelope, no_reply, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.openai_responses.echo import DEFAULTS, echo_of, members_of
from antiphon.dialects.openai_responses.fields import DIALECT, Fields, is_ours, own, written
from antiphon.dialects.openai_responses.ids import item_id, response_id, stem_of
from antiphon.dialects.openai_responses.items import read_output
from antiphon.dialects.openai_responses.namespaces import Spaces, spaces_of, told
from antiphon.dialects.openai_responses.parts import write_said
from antiphon.dialects.openai_responses.requests import summed
from antiphon.dialects.openai_responses.stops import (
    INCOMPLETE,
    called,
    read_stop,
    refused,
    write_stop,
)
from antiphon.dialects.openai_responses.thought import tell_reasoning
from antiphon.dialects.openai_responses.turns import message_of, phase_of, write_call
from antiphon.dialects.openai_responses.usage import read_usage, write_usage
from antiphon.errors import MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model.parts import (
    ABSENT,
    Author,
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
from antiphon.model.reply import ChatReply, Choice

Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None
"""Anything, its members unread."""


class _SeenItem(msgspec.Struct, gc=False):
    type: str | None = None
    content: Loose = None


class _SeenDetails(msgspec.Struct, gc=False):
    reason: str | None = None


class Seen(msgspec.Struct, gc=False):
    """What is looked at of a response."""

    output: list[_SeenItem] | None = None
    status: str | None = None
    model: str | None = None
    incomplete_details: _SeenDetails | None = None
    usage: msgspec.Raw = ABSENT
    error: Loose = None


class _SeenPart(msgspec.Struct, gc=False):
    type: str | None = None


SEEN: Final = msgspec.json.Decoder(Seen)
_PART: Final = msgspec.json.Decoder(_SeenPart)
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_FAILED: Final = frozenset({"failed", "cancelled"})


def inspect_reply(body: bytes) -> ReplyFacts:
    """What the road must know of a reply with a success status.

    Hot path: about four microseconds for a kilobyte.

    Raises:
        NotAnAnswer: It is HTML, an error body, nothing, or no reply at all.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        seen = SEEN.decode(body)
        if not body.isascii():
            body.decode()
    except UNREADABLE as error:
        raise _no_answer(body) from error
    if seen.output is None or seen.error or seen.status in _FAILED:
        raise _no_answer(body)
    usage = read_usage(seen.usage) if seen.usage else None
    reason = seen.incomplete_details.reason if seen.incomplete_details else None
    stop = read_stop(
        seen.status or "",
        reason,
        called=any(item.type in _CALLS for item in seen.output),
        refused=_refused(seen.output),
    )
    return ReplyFacts(usage, stop.reason if stop else None, seen.model or "")


def read_reply(body: bytes) -> ChatReply:
    """Read a provider's whole reply.

    Raises:
        NotAnAnswer: It is none.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    body = body.removeprefix(BOM_UTF8)
    inspect_reply(body)
    try:
        return _read_reply(Fields.parse(body, ""))
    except MalformedBody as error:
        raise NotAnAnswer("The provider's reply cannot be read.", code="bad_body") from error


def write_reply(reply: ChatReply, asked: Payload | None) -> bytes:
    """Write a whole reply for a caller."""
    choice = reply.choices[0] if reply.choices else Choice(0, Turn(Author.ASSISTANT, ()))
    turn = choice.turn
    ours = is_ours(reply.extra)
    reply_id = reply.id if ours and reply.id else response_id(reply.id)
    in_summary = asked is not None and summed(members_of(asked))
    if asked is not None and turn.tool_calls and (spaces := spaces_of(asked.request.tools)):
        turn = _in_spaces(turn, spaces)
    status, reason = write_stop(choice.stop, refused=_says_refusal(turn))
    out: Written = {
        **DEFAULTS,
        **echo_of(asked),
        **own(reply.extra),
        "id": reply_id,
        "created_at": reply.created,
        "status": status,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": reply.model,
        "output": _output_of(turn, stem_of(reply.id), status, summed=in_summary),
        "usage": write_usage(reply.usage) if reply.usage else None,
    }
    if reply.service_tier:
        out["service_tier"] = reply.service_tier
    if status == "failed":
        out["error"] = {"code": "server_error", "message": "The model broke off its answer."}
    return msgspec.json.encode(out)


def _in_spaces(turn: Turn, spaces: Spaces) -> Turn:
    """The turn, its calls under the names and in the namespaces that the caller knows."""
    parts = tuple(
        _told(part, spaces) if isinstance(part, ToolCall) else part for part in turn.parts
    )
    return msgspec.structs.replace(turn, parts=parts)


def _told(call: ToolCall, spaces: Spaces) -> ToolCall:
    name, extra = told(call.name, call.extra, spaces)
    item_id = call.id if is_ours(call.extra) else None
    return msgspec.structs.replace(call, name=name, id=item_id, extra=extra)


def _output_of(turn: Turn, stem: str, status: str, *, summed: bool) -> list[Written | msgspec.Raw]:
    """The items, the last of them as complete as the answer."""
    items = [*_write_output(turn, stem, summed=summed)]
    last = items[-1] if items else None
    if status == INCOMPLETE and isinstance(last, dict) and last.get("status") == "completed":
        last["status"] = INCOMPLETE
    return items


def _write_output(turn: Turn, stem: str, *, summed: bool) -> Iterator[Written | msgspec.Raw]:
    """The items of a reply.

    Args:
        turn: What was said.
        stem: What the ids of items that have none are made from.
        summed: The caller asked to be told thought in summary.
    """
    said: list[Text | Refusal] = []
    at = 0
    for part in (*turn.parts, None):
        if isinstance(part, Text | Refusal) and (not said or _is_same(said[-1], part)):
            said.append(part)
            continue
        if said:
            yield _tell_message(said, item_id("msg", stem, at), phase_of(turn))
            said, at = [], at + 1
        match part:
            case Text() | Refusal():
                said.append(part)
                continue
            case Reasoning():
                name = part.id if part.id and is_ours(part.extra) else item_id("rs", stem, at)
                yield tell_reasoning(part, name, summed=summed)
            case ToolCall():
                yield _tell_call(part, stem, at)
            case Opaque() if part.dialect == DIALECT:
                yield part.payload
            case _:
                continue
        at += 1


def _is_same(one: Text | Refusal, other: Text | Refusal) -> bool:
    """Whether two parts are of one message: the one that has no id is not split."""
    return one.id == other.id


def _tell_message(said: list[Text | Refusal], made: str, phase: str | None) -> Written:
    first = said[0]
    ours = is_ours(first.extra)
    out: Written = {
        "type": "message",
        "id": first.id if first.id and ours else made,
        "role": "assistant",
        "content": [_tell_part(part) for part in write_said(said)],
        "phase": phase,
    }
    kept = message_of(first.extra)
    if "status" not in own(kept):
        out["status"] = "completed"
    return written(out, kept)


def _tell_part(part: Written) -> Written:
    return {**part, "logprobs": part.get("logprobs", [])} if "text" in part else part


def _tell_call(call: ToolCall, stem: str, at: int) -> Written:
    prefix = "ctc" if call.kind is CallKind.CUSTOM else "fc"
    name = call.id if call.id and is_ours(call.extra) else item_id(prefix, stem, at)
    return {"status": "completed", **write_call(call, name)}


def _says_refusal(turn: Turn) -> bool:
    return any(isinstance(part, Refusal) for part in turn.parts)


# ------------------------------------------------------------------ reading


def _read_reply(fields: Fields) -> ChatReply:
    reply_id, model = fields.text("id") or "", fields.text("model") or ""
    created, tier = fields.moment("created_at"), fields.text("service_tier")
    usage, status = fields.raw("usage"), fields.text("status") or ""
    details = fields.object("incomplete_details")
    for name in ("object", "error"):
        fields.raw(name)
    turn = _sealed_by(read_output(fields.items("output")), model)
    stop = read_stop(
        status,
        details.text("reason") if details is not None else None,
        called=called(turn.parts),
        refused=refused(turn.parts),
    )
    return ChatReply(
        reply_id,
        model,
        (Choice(0, turn, stop=stop),),
        created=created,
        usage=read_usage(usage) if usage else None,
        service_tier=tier,
        extra=Extra(DIALECT, fields.left()),
    )


def _sealed_by(turn: Turn, model: str) -> Turn:
    """The turn, its seals made by this model."""
    parts = tuple(
        msgspec.structs.replace(part, origin=Origin(DIALECT, model))
        if isinstance(part, Reasoning)
        and part.origin is not None
        and part.origin.dialect == DIALECT
        else part
        for part in turn.parts
    )
    return msgspec.structs.replace(turn, parts=parts)


def _refused(items: list[_SeenItem]) -> bool:
    """Whether the last that was said is a refusal."""
    for item in reversed(items):
        if item.type == "message" and isinstance(item.content, list) and item.content:
            return _is_refusal(item.content[-1])
    return False


def _is_refusal(raw: msgspec.Raw) -> bool:
    try:
        return b"refusal" in bytes(raw) and _PART.decode(raw).type == "refusal"
    except UNREADABLE:
        return False


# ------------------------------------------------------------------ no answers


def _no_answer(body: bytes) -> UpstreamError:
    failed = _failed_response(body)
    envelope = read_envelope(body)
    if envelope is not None and (envelope.reading is not None or envelope.status or failed):
        return refusal_of(envelope, status=0)
    if failed:
        return refusal_of(Envelope("The provider broke off its answer.", failed), status=0)
    if envelope is not None:
        return NotAnAnswer("The provider answered with an error.", code="error_body")
    return no_reply(body)


def _failed_response(body: bytes) -> str:
    """The status of a response that failed; empty where it is another, or none."""
    try:
        seen = SEEN.decode(body)
    except UNREADABLE:
        return ""
    return seen.status if seen.status is not None and seen.status in _FAILED else ""
