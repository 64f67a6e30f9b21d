"""Whole replies: looked at in passing, read, written.

Reading and writing again changes these things only: a null is dropped; content is always written;
calls are numbered; `done_reason` is said in Ollama's words; durations that nobody knows are 0.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.envelopes import no_reply, read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, Written, is_null
from antiphon.dialects.ollama.fields import DIALECT, Fields, own, written
from antiphon.dialects.ollama.lines import HEAD, LINE, Line
from antiphon.dialects.ollama.messages import read_said, write_said
from antiphon.dialects.ollama.moments import id_of, read_moment, write_moment
from antiphon.dialects.ollama.stops import LOADS, read_stop, write_stop
from antiphon.dialects.ollama.usage import COUNTS, read_usage, write_usage
from antiphon.errors import MalformedBody, NotAnAnswer, UpstreamError
from antiphon.model.parts import ABSENT, Author, Extra, Opaque, Part, Refusal, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.usage import Usage

DURATIONS: Final = (
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)
"""Nanoseconds; 0 where the answer is another provider's, since a dialect has no clock."""

_BESIDE: Final = ("thinking", "tool_calls")
"""Where `/api/generate` says what `/api/chat` says in `message`."""


def inspect_reply(body: bytes) -> ReplyFacts:
    """What the road must know of a reply with a success status.

    Raises:
        NotAnAnswer: It is HTML, an error body, nothing, or no reply at all.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        line, head = LINE.decode(body), HEAD.decode(body)
        if not body.isascii():
            body.decode()
    except UNREADABLE as error:
        raise _no_answer(body) from error
    if (line.message is None and line.response is None) or fails(line):
        raise _no_answer(body)
    stop = stop_of(line, called=_called(line))
    return ReplyFacts(usage_of(line), stop.reason if stop else None, head.model or "")


def read_reply(body: bytes) -> ChatReply:
    """Read a provider's whole reply.

    Raises:
        NotAnAnswer: It is none.
        UpstreamRefused: It is an error body that says what is wrong.
    """
    inspect_reply(body)
    body = body.removeprefix(BOM_UTF8)
    try:
        return _read_reply(Fields.parse(body, ""), LINE.decode(body))
    except MalformedBody as error:
        raise NotAnAnswer("The provider's reply cannot be read.", code="bad_body") from error


def write_reply(reply: ChatReply) -> bytes:
    """Write a whole reply to `/api/chat` for a caller: the first answer, since one is asked for."""
    return msgspec.json.encode(_write_reply(reply, _write_message))


def write_generated(reply: ChatReply) -> bytes:
    """Write a whole reply to `/api/generate` for a caller."""
    return msgspec.json.encode(_write_reply(reply, _write_response))


def write_loaded(model: str, *, created: int, unloaded: bool, generated: bool = False) -> bytes:
    """The answer to a request that asks nothing."""
    stop = Stop(StopReason.STOP, raw="unload" if unloaded else "load")
    out: Written = {"model": model, "created_at": write_moment(created)}
    said = _write_response(()) if generated else _write_message(())
    out = written({**out, **said, "done": True, "done_reason": write_stop(stop)})
    return msgspec.json.encode(out)


def calls_named(reply_id: str) -> str:
    """What the calls of a reply are named after where the server gives them no id."""
    return f"call_{reply_id}" if reply_id else "call"


def fails(line: Line) -> bool:
    """Whether a line reports an error."""
    return bool(line.error) and not is_null(line.error) and bytes(line.error) != b'""'


def logprobs_of(line: Line) -> msgspec.Raw:
    """The log probabilities of a line; absent where there are none."""
    raw = line.logprobs
    return ABSENT if not raw or is_null(raw) else msgspec.Raw(bytes(raw))


def usage_of(line: Line) -> Usage | None:
    """The usage that a line states; to load a model uses nothing."""
    if line.done_reason in LOADS:
        return Usage()
    return read_usage(line.prompt_eval_count, line.eval_count)


def stop_of(line: Line, *, called: bool) -> Stop | None:
    """Why the answer ended; None where it has not."""
    return read_stop(line.done_reason or "", called=called) if line.done else None


# ------------------------------------------------------------------ reading


def _called(line: Line) -> bool:
    inner = line.message.tool_calls if line.message is not None else None
    return bool(inner or line.tool_calls)


def _no_answer(body: bytes) -> UpstreamError:
    # A reply has a `message`, which elsewhere is an error's.
    envelope = read_envelope(body) if b'"error"' in body or b'"detail"' in body else None
    if envelope is not None:
        return refusal_of(envelope, status=0)
    return no_reply(body)


def _read_reply(fields: Fields, line: Line) -> ChatReply:
    model, created_at = fields.text("model") or "", fields.text("created_at")
    created = read_moment(created_at)
    if created_at is not None and created_at != write_moment(created):
        fields.keep("created_at", msgspec.json.encode(created_at))
    reply_id = id_of(created_at)
    logprobs = fields.raw("logprobs")
    message = fields.object("message")
    turn = _read_turn(fields if message is None else message, reply_id, whole=message is not None)
    for name in ("done", "done_reason", *COUNTS):
        fields.raw(name)
    choice = Choice(
        0,
        turn,
        stop_of(line, called=bool(turn.tool_calls)),
        (Opaque(DIALECT, logprobs),) if logprobs else (),
    )
    return ChatReply(reply_id, model, (choice,), created, usage_of(line), extra=fields.extra())


def _read_turn(fields: Fields, reply_id: str, *, whole: bool) -> Turn:
    if not whole:
        said = {"content": fields.raw("response")}
        said |= {name: fields.raw(name) for name in _BESIDE}
        fields = Fields({name: raw for name, raw in said.items() if raw})
    fields.raw("role")
    parts = read_said(fields, named=calls_named(reply_id), in_reply=True)
    return Turn(Author.ASSISTANT, parts, extra=fields.extra())


# ------------------------------------------------------------------ writing


def _write_reply(reply: ChatReply, write: _WriteSaid) -> Written:
    choice = reply.choices[0] if reply.choices else None
    turn = choice.turn if choice is not None else Turn(Author.ASSISTANT, ())
    kept = own(reply.extra)
    stop = choice.stop if choice is not None else None
    refused = any(isinstance(part, Refusal) for part in turn.parts)
    logprobs = choice.logprobs if choice is not None else ()
    usage = write_usage(reply.usage)
    out = written(
        {
            "model": reply.model,
            "created_at": kept.get("created_at") or write_moment(reply.created),
            **write(turn.parts, turn.extra),
            "done": True,
            "done_reason": "stop" if stop is None else write_stop(stop, refused=refused),
            **usage,
            "logprobs": next((each.payload for each in logprobs if each.dialect == DIALECT), None),
        },
        reply.extra,
    )
    if usage:
        out = {**out, **{name: out.get(name, 0) for name in DURATIONS}}
    return out


class _WriteSaid(Protocol):
    """Writes what an answer says, as members of the reply."""

    def __call__(self, parts: Sequence[Part], extra: Extra | None = None) -> Written: ...


def _write_message(parts: Sequence[Part], extra: Extra | None = None) -> Written:
    said = {"role": "assistant", **write_said(parts, numbered=True)}
    return {"message": written(said, extra)}


def _write_response(parts: Sequence[Part], extra: Extra | None = None) -> Written:
    del extra
    said = write_said(parts, numbered=True)
    return {
        "response": said["content"],
        "thinking": said["thinking"],
        "tool_calls": said["tool_calls"],
    }
