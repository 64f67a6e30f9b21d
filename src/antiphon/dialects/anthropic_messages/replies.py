"""Whole replies: looked at in passing, read, written.

Reading and writing again changes these things only: a null is dropped or written as Anthropic
writes it; usage is written whole; a text without a word is left out.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.blocks import (
    Block,
    read_block,
    write_block,
    write_text,
)
from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, written
from antiphon.dialects.anthropic_messages.stops import read_stop, write_stop
from antiphon.dialects.anthropic_messages.usage import STATED, counts_of, read_usage, write_usage
from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.envelopes import no_reply, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, Written, first_byte
from antiphon.errors import MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model import seals
from antiphon.model.parts import ABSENT, Author, Origin, Part, Reasoning, Refusal, Text, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.usage import Usage

_Loose = dict[str, msgspec.Raw] | list[msgspec.Raw] | str | float | bool | None


class _SeenReply(msgspec.Struct, gc=False):
    content: msgspec.Raw = ABSENT
    model: str | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    error: _Loose = None


_SEEN: Final = msgspec.json.Decoder(_SeenReply)
_NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9_-]")
_NOTHING: Final = Usage()
_HEAD: Written = {"stop_reason": None, "stop_sequence": None}


def inspect_reply(body: bytes) -> ReplyFacts:
    """What the road must know of a reply with a success status.

    Hot path: about two microseconds for a kilobyte.

    Raises:
        NotAnAnswer: It is HTML, an error body, nothing, or no reply at all.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    try:
        reply = _SEEN.decode(body.removeprefix(BOM_UTF8))
        if not body.isascii():
            body.decode()
    except UNREADABLE as error:
        raise _no_answer(body) from error
    if not reply.content or first_byte(reply.content) != ord("[") or reply.error:
        raise _no_answer(body)
    stop = read_stop(reply.stop_reason).reason if reply.stop_reason else None
    return ReplyFacts(read_usage(counts_of(reply.usage)), stop, reply.model or "")


def read_reply(body: bytes) -> ChatReply:
    """Read a provider's whole reply.

    Raises:
        NotAnAnswer: It is none.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    inspect_reply(body)
    try:
        return _read_reply(Fields.parse(body.removeprefix(BOM_UTF8), ""))
    except MalformedBody as error:
        raise NotAnAnswer("The provider's reply cannot be read.", code="bad_body") from error


def write_reply(reply: ChatReply) -> bytes:
    """Write a whole reply for a caller: the first of its answers."""
    choice = reply.choices[0] if reply.choices else Choice(0, Turn(Author.ASSISTANT, ()))
    parts, stop = choice.turn.parts, choice.stop
    refused = any(isinstance(part, Refusal) for part in parts)
    called = bool(choice.turn.tool_calls)
    if stop is None and called:
        stop = Stop(StopReason.STOP)
    out = written(
        {
            "id": id_of(reply.id),
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": _write_said(parts, reply.model),
            "stop_reason": write_stop(stop, refused=refused, called=called) if stop else None,
            "stop_sequence": stop.sequence if stop else None,
            "usage": write_usage(reply.usage or _NOTHING),
        },
        reply.extra,
    )
    return msgspec.json.encode({**_HEAD, **out})


def id_of(reply_id: str) -> str:
    """The id of a message, made from another dialect's where it is no message's."""
    if reply_id.startswith("msg_"):
        return reply_id
    return f"msg_{_NOT_A_WORD.sub('_', reply_id) or 'unnamed'}"


def seal_of(thought: Reasoning, model: str) -> str:
    """What a caller is given as the seal over a thought: a client drops thought that has none."""
    seal = seals.wrapped(thought, DIALECT)
    if seal is not None:
        return seal
    return seals.wrap(thought.origin or Origin("", model), "", sealed=thought.sealed)


# ------------------------------------------------------------------ no answers


def _no_answer(body: bytes) -> UpstreamError:
    envelope = read_envelope(body)
    if envelope is not None and (envelope.reading is not None or envelope.status):
        return refusal_of(envelope, status=0)
    if envelope is not None:
        return NotAnAnswer("The provider answered with an error.", code="error_body")
    return no_reply(body)


# ------------------------------------------------------------------ reading


def _read_reply(fields: Fields) -> ChatReply:
    reply_id, model = fields.text("id") or "", fields.text("model") or ""
    fields.raw("type")
    fields.raw("role")
    raw, sequence = fields.text("stop_reason"), fields.text("stop_sequence")
    usage = _take_usage(fields)
    parts = tuple(
        part
        for at, block in enumerate(fields.items("content"))
        if not _is_mute(part := read_block(block, f"content[{at}]", model))
    )
    turn = Turn(Author.ASSISTANT, parts)
    choice = Choice(0, turn, stop=read_stop(raw, sequence) if raw else None)
    return ChatReply(reply_id, model, (choice,), usage=usage, extra=fields.extra())


def _take_usage(fields: Fields) -> Usage | None:
    """Take `usage`; what our words do not hold is left."""
    raw = fields.raw("usage")
    usage = read_usage(counts_of(raw))
    if usage is not None:
        inner = Fields.parse(raw, "usage")
        for name in STATED:
            inner.raw(name)
        fields.keep_rest_of("usage", inner)
    return usage


def _is_mute(part: Part) -> bool:
    return isinstance(part, Text) and not part.text and not part.annotations


# ------------------------------------------------------------------ writing


def _write_said(parts: tuple[Part, ...], model: str) -> list[Block]:
    said: list[Block] = []
    for part in parts:
        match part:
            case Reasoning():
                out: Block | None = _write_thought(part, model)
            case Text():
                # An answer of white space is an answer.
                out = write_text(part) if part.text else None
            case _:
                out = write_block(part)
        if out is not None:
            said.append(out)
    return said


def _write_thought(thought: Reasoning, model: str) -> Written:
    if thought.sealed and thought.origin is not None and thought.origin.dialect == DIALECT:
        return written({"type": "redacted_thinking", "data": thought.signature}, thought.extra)
    text = thought.text or "\n\n".join(thought.summary)
    out = {"type": "thinking", "thinking": text, "signature": seal_of(thought, model)}
    return written(out, thought.extra)
