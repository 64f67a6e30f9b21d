"""Whole replies: looked at in passing, read, written.

Reading and writing again changes these things only: a null is dropped; what the prompts of the
provider's own tools took is told with the prompt; a seal stands on the part behind its thought.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final

import msgspec

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.envelopes import no_reply
from antiphon.dialects.fields import UNREADABLE, Json, Written, first_byte
from antiphon.dialects.gemini.calls import Calls
from antiphon.dialects.gemini.complaints import read_failure
from antiphon.dialects.gemini.fields import DIALECT, Fields, own, written
from antiphon.dialects.gemini.frames import CHUNK, Candidate, Chunk
from antiphon.dialects.gemini.parts import Reader, Writer
from antiphon.dialects.gemini.stops import blocked, failure_of, read_stop, write_stop
from antiphon.dialects.gemini.usage import STATED, counts_of, read_usage, write_usage
from antiphon.errors import MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model.parts import ABSENT, Author, Opaque, Refusal, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.usage import Usage

_NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9]")
_FEEDBACK: Final = "promptFeedback"


def inspect_reply(body: bytes) -> ReplyFacts:
    """What the road must know of a reply with a success status.

    Raises:
        NotAnAnswer: It is HTML, an error body, nothing, or no reply at all.
        UpstreamRefused: It is an error, or a reason to stop that is one.
    """
    try:
        reply = CHUNK.decode(body.removeprefix(BOM_UTF8))
        if not body.isascii():
            body.decode()
    except UNREADABLE as error:
        raise _no_answer(body) from error
    if reply.error or not (reply.candidates or _is_blocked(reply)):
        raise _no_answer(body)
    usage = read_usage(counts_of(reply.usage_metadata))
    stop = _stop_of(reply)
    return ReplyFacts(usage, stop.reason if stop else None, reply.model_version or "")


def read_reply(body: bytes) -> ChatReply:
    """Read a provider's whole reply.

    Raises:
        NotAnAnswer: It is none.
        UpstreamRefused: It is an error, or a reason to stop that is one.
    """
    inspect_reply(body)
    try:
        return _read_reply(Fields.parse(body.removeprefix(BOM_UTF8), ""))
    except MalformedBody as error:
        raise NotAnAnswer("The provider's reply cannot be read.", code="bad_body") from error


def write_reply(reply: ChatReply) -> bytes:
    """Write a whole reply for a caller."""
    blocked_prompt = _FEEDBACK in own(reply.extra)
    out = written(
        {
            "candidates": [
                _write_candidate(choice)
                for choice in reply.choices
                if choice.turn.parts or not blocked_prompt
            ]
            or None,
            "usageMetadata": write_usage(reply.usage) if reply.usage is not None else None,
            "modelVersion": reply.model or None,
            "responseId": reply.id or None,
        },
        reply.extra,
    )
    return msgspec.json.encode(out)


def prefix_of(reply_id: str) -> str:
    """What the ids of a reply's calls begin with that have none."""
    return f"call_{_NOT_A_WORD.sub('', reply_id)[-24:]}_"


# ------------------------------------------------------------------ no answers


def _no_answer(body: bytes) -> UpstreamError:
    failure = read_failure(body)
    if failure is not None:
        return failure
    return no_reply(body)


def _is_blocked(reply: Chunk) -> bool:
    return reply.prompt_feedback is not None and bool(reply.prompt_feedback.block_reason)


def _stop_of(reply: Chunk) -> Stop | None:
    """Why the first candidate stopped.

    Raises:
        UpstreamRefused: It is a failure.
    """
    if not reply.candidates:
        assert reply.prompt_feedback is not None
        return blocked(reply.prompt_feedback.block_reason or "OTHER")
    first = reply.candidates[0]
    if not first.finish_reason:
        return None
    stop = read_stop(first.finish_reason, called=_called(first))
    if stop.reason is StopReason.ERROR:
        raise failure_of(stop.raw, first.finish_message)
    return stop


def _called(candidate: Candidate) -> bool:
    parts = candidate.content.parts if candidate.content is not None else None
    return any(part.function_call is not None for part in parts or ())


# ------------------------------------------------------------------ reading


def _read_reply(fields: Fields) -> ChatReply:
    reply_id, model = fields.text("responseId") or "", fields.text("modelVersion") or ""
    usage = _take_usage(fields)
    reader = Reader(Calls(prefix_of(reply_id)), model)
    choices = [
        _read_candidate(raw, at, reader) for at, raw in enumerate(fields.items("candidates"))
    ]
    if not choices and fields.begins(_FEEDBACK, b"{"):
        raw = fields.raw(_FEEDBACK)
        reason = Fields.parse(raw, _FEEDBACK).text("blockReason") or "OTHER"
        fields.keep(_FEEDBACK, raw)
        choices = [Choice(0, Turn(Author.ASSISTANT, ()), stop=blocked(reason))]
    return ChatReply(reply_id, model, tuple(choices), usage=usage, extra=fields.extra())


def _read_candidate(raw: Json, at: int, reader: Reader) -> Choice:
    path = f"candidates[{at}]"
    fields = Fields.parse(raw, path)
    index = fields.integer("index")
    content = fields.object("content") or Fields({}, f"{path}.content")
    content.raw("role")
    parts = reader.read(content.items("parts"), f"{path}.content.parts")
    fields.keep_rest_of("content", content)
    turn = Turn(Author.ASSISTANT, parts)
    told = fields.raw("finishReason")
    stop: Stop | None = None
    if told:
        word = msgspec.json.decode(told, type=str | int)
        stop = read_stop(word, called=bool(turn.tool_calls))
    logprobs = fields.raw("logprobsResult")
    return Choice(
        at if index is None else index,
        turn,
        stop=stop,
        logprobs=(Opaque(DIALECT, logprobs),) if logprobs else (),
        extra=fields.extra(),
    )


def _take_usage(fields: Fields) -> Usage | None:
    """Take `usageMetadata`; what our words do not hold is left."""
    raw = fields.raw("usageMetadata")
    usage = read_usage(counts_of(raw))
    if raw and first_byte(raw) == ord("{"):
        inner = Fields.parse(raw, "usageMetadata")
        if usage is not None:
            for name in STATED:
                inner.raw(name)
        fields.keep_rest_of("usageMetadata", inner)
    return usage


# ------------------------------------------------------------------ writing


def _write_candidate(choice: Choice) -> Written:
    parts = Writer({}, to_caller=True).write(choice.turn.parts)
    logprobs = next((each.payload for each in choice.logprobs if each.dialect == DIALECT), ABSENT)
    # An answer without a word is one all the same: clients look for its parts.
    content = {"parts": parts or [{"text": ""}], "role": "model"}
    if not parts and _ended_mute(choice):
        content = {"role": "model"}
    return written(
        {
            "content": content,
            "finishReason": _write_stop(choice),
            "index": choice.index,
            "logprobsResult": logprobs,
        },
        choice.extra,
    )


def _write_stop(choice: Choice) -> str | None:
    refused = any(isinstance(part, Refusal) for part in choice.turn.parts)
    return write_stop(choice.stop, refused=refused) if choice.stop is not None else None


def _ended_mute(choice: Choice) -> bool:
    return choice.stop is not None and choice.stop.reason is not StopReason.STOP
