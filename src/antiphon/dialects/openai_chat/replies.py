"""Whole replies: looked at in passing, read, written.

Reading and writing again changes these things only: a null is dropped or written as OpenAI
writes it; thought is written in `reasoning_content` unless it came in `reasoning`; `finish_reason`
is said in OpenAI's words, `tool_calls` where a tool was called; usage is written whole.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence

import msgspec

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.envelopes import no_reply, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.openai_chat.calls import LEGACY_ID, made_up_id
from antiphon.dialects.openai_chat.chunks import FunctionDelta, Loose
from antiphon.dialects.openai_chat.fields import DIALECT, Fields, written
from antiphon.dialects.openai_chat.messages import read_said, write_said
from antiphon.dialects.openai_chat.parts import write_content
from antiphon.dialects.openai_chat.stops import failure_of, read_stop, write_stop
from antiphon.dialects.openai_chat.thought import DETAILS, write_details
from antiphon.dialects.openai_chat.usage import read_usage, write_usage
from antiphon.errors import MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model.parts import ABSENT, Audio, Opaque, Reasoning, Text, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason


class _SeenMessage(msgspec.Struct, gc=False):
    tool_calls: Loose = None
    function_call: FunctionDelta | None = None


class _SeenChoice(msgspec.Struct, gc=False):
    finish_reason: str | None = None
    message: _SeenMessage | None = None


class _SeenReply(msgspec.Struct, gc=False):
    choices: list[_SeenChoice] | None = None
    model: str | None = None
    usage: msgspec.Raw = ABSENT
    error: Loose = None


_SEEN = msgspec.json.Decoder(_SeenReply)

_EMPTY_CHOICE: Written = {"index": 0, "message": None, "logprobs": None, "finish_reason": None}
_EMPTY_MESSAGE: Written = {"role": "assistant", "content": None, "refusal": None}
"""What OpenAI always writes, be it null."""

_INSTEAD = ("refusal", "tool_calls", "function_call")
"""What stands in place of content."""


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
    if not reply.choices or reply.error:
        raise _no_answer(body)
    first = reply.choices[0]
    usage = read_usage(reply.usage) if reply.usage else None
    if not first.finish_reason:
        return ReplyFacts(usage, None, reply.model or "")
    stop = read_stop(first.finish_reason, called=_called(first.message))
    if stop.reason is StopReason.ERROR:
        raise failure_of(first.finish_reason)
    return ReplyFacts(usage, stop.reason, reply.model or "")


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
    """Write a whole reply for a caller."""
    return msgspec.json.encode(
        written(
            {
                "id": reply.id,
                "object": "chat.completion",
                "created": reply.created,
                "model": reply.model,
                "choices": [_write_choice(choice) for choice in reply.choices],
                "usage": write_usage(reply.usage) if reply.usage else None,
                "service_tier": reply.service_tier,
            },
            reply.extra,
        )
    )


def _called(message: _SeenMessage | None) -> bool:
    if message is None:
        return False
    legacy = message.function_call
    return bool(message.tool_calls) or (legacy is not None and bool(legacy.name))


# ------------------------------------------------------------------ no answers


def _no_answer(body: bytes) -> UpstreamError:
    envelope = read_envelope(body)
    if envelope is not None and (envelope.reading is not None or envelope.status):
        return refusal_of(envelope, status=0)
    if envelope is not None:
        return NotAnAnswer("The provider answered with an error.", code="error_body")
    if _has_choices(body):
        return NotAnAnswer("The provider's reply holds no choice.", code="no_choices")
    return no_reply(body)


def _has_choices(body: bytes) -> bool:
    try:
        return _SEEN.decode(body).choices is not None
    except UNREADABLE:
        return False


# ------------------------------------------------------------------ reading


def _read_reply(fields: Fields) -> ChatReply:
    reply_id, model = fields.text("id") or "", fields.text("model") or ""
    created, tier = fields.moment("created"), fields.text("service_tier")
    usage = fields.raw("usage")
    fields.raw("object")
    choices = tuple(
        _read_choice(choice, at, reply_id) for at, choice in enumerate(fields.objects("choices"))
    )
    return ChatReply(
        reply_id,
        model,
        choices,
        created=created,
        usage=read_usage(usage) if usage else None,
        service_tier=tier,
        extra=fields.extra(),
    )


def _read_choice(fields: Fields, at: int, reply_id: str) -> Choice:
    index, finish = fields.integer("index"), fields.text("finish_reason")
    logprobs = fields.raw("logprobs")
    message = fields.object("message") or Fields({}, fields.path)
    message.raw("role")
    turn = read_said(message, legacy_id=LEGACY_ID, unnamed=made_up_id(reply_id), in_reply=True)
    return Choice(
        at if index is None else index,
        turn,
        stop=read_stop(finish, called=bool(turn.tool_calls)) if finish else None,
        logprobs=(Opaque(DIALECT, logprobs),) if logprobs else (),
        extra=fields.extra(),
    )


# ------------------------------------------------------------------ writing


def _write_choice(choice: Choice) -> Written:
    out = written(
        {
            "index": choice.index,
            "message": _write_message(choice.turn),
            "logprobs": _write_logprobs(choice.logprobs),
            "finish_reason": _write_stop(choice),
        },
        choice.extra,
    )
    return {**_EMPTY_CHOICE, **out}


def _write_stop(choice: Choice) -> str | None:
    called = next((call.kind for call in choice.turn.tool_calls), None)
    stop = Stop(StopReason.STOP) if called and choice.stop is None else choice.stop
    return write_stop(stop, called=called) if stop is not None else None


def _write_message(turn: Turn) -> Written:
    content = [part for part in turn.parts if isinstance(part, Text | Opaque)]
    audio = next((part for part in turn.parts if isinstance(part, Audio)), None)
    said = write_said(turn)
    said[DETAILS] = write_details([p for p in turn.parts if isinstance(p, Reasoning)]) or None
    if any(isinstance(part, Opaque) and part.dialect == DIALECT for part in content):
        said["content"] = write_content(content)
    elif content or not (audio or any(name in said for name in _INSTEAD)):
        said["content"] = "".join(part.text for part in content if isinstance(part, Text))
    if audio is not None:
        data = {"id": audio.id, "data": audio.blob.data, "transcript": audio.transcript}
        said["audio"] = written(data)
    out = written({"role": "assistant", "name": turn.name, **said}, turn.extra)
    return {**_EMPTY_MESSAGE, **out}


def _write_logprobs(pieces: Sequence[Opaque]) -> msgspec.Raw | Written | None:
    """Log probabilities: as they came, or what came in pieces put together."""
    ours = [piece.payload for piece in pieces if piece.dialect == DIALECT]
    if len(ours) <= 1:
        return ours[0] if ours else None
    joined: dict[str, list[msgspec.Raw]] = {}
    for payload in ours:
        piece = Fields.parse(payload, "logprobs")
        for name in ("content", "refusal"):
            if piece.begins(name, b"["):
                joined.setdefault(name, []).extend(piece.items(name))
    return {"content": None, "refusal": None, **joined}
