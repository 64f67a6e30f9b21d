"""A Messages answer as a stream of named events: a word at a time, at the provider's pace."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.anthropic_messages.wire import (
    Block,
    Message,
    StopDetails,
    Text,
    Thinking,
    ToolUse,
    UsageSoFar,
    blocks_of,
    id_of,
    last_usage_of,
    message_of,
)
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.reply import EVENT_STREAM, Framing, Piece, Reply
from antiphon.simulator.tokens import count_tokens, words_of

_ARGUMENT_BYTES = 12


class _MessageStart(Struct, frozen=True, tag="message_start", tag_field="type"):
    message: Message


class _Ping(Struct, frozen=True, tag="ping", tag_field="type"):
    pass


class _BlockStart(Struct, frozen=True, tag="content_block_start", tag_field="type"):
    index: int
    content_block: Block


class _TextDelta(Struct, frozen=True, tag="text_delta", tag_field="type"):
    text: str


class _ThinkingDelta(Struct, frozen=True, tag="thinking_delta", tag_field="type"):
    thinking: str


class _SignatureDelta(Struct, frozen=True, tag="signature_delta", tag_field="type"):
    signature: str


class _InputDelta(Struct, frozen=True, tag="input_json_delta", tag_field="type"):
    partial_json: str


class _BlockDelta(Struct, frozen=True, tag="content_block_delta", tag_field="type"):
    index: int
    delta: _TextDelta | _ThinkingDelta | _SignatureDelta | _InputDelta


class _BlockStop(Struct, frozen=True, tag="content_block_stop", tag_field="type"):
    index: int


class _Stopped(Struct, frozen=True):
    stop_reason: str | None
    stop_sequence: str | None
    stop_details: StopDetails | UnsetType | None = UNSET


class _MessageDelta(Struct, frozen=True, tag="message_delta", tag_field="type"):
    delta: _Stopped
    usage: UsageSoFar


class _MessageStop(Struct, frozen=True, tag="message_stop", tag_field="type"):
    pass


_Event: TypeAlias = (
    _MessageStart | _Ping | _BlockStart | _BlockDelta | _BlockStop | _MessageDelta | _MessageStop
)
_Paced: TypeAlias = tuple[_Event, int]
"""An event and the tokens that it took."""


def streamed(question: Question, answer: Answer, delivery: Delivery) -> Reply:
    """The answer as it is made."""
    latency, dice = delivery.latency, delivery.dice
    pieces = [
        Piece(_frame(event), latency.for_tokens(made, dice))
        for event, made in _told(question, answer, delivery)
    ]
    return Reply(
        headers=(EVENT_STREAM, (b"cache-control", b"no-cache")),
        pieces=tuple(pieces),
        framing=Framing.CHUNKED,
        delay=latency.to_first_token(dice),
    )


def _frame(event: _Event) -> bytes:
    name = event.__struct_config__.tag
    return b"event: %b\ndata: %b\n\n" % (str(name).encode(), msgspec.json.encode(event))


def _told(question: Question, answer: Answer, delivery: Delivery) -> Iterator[_Paced]:
    yield _MessageStart(message_of(question, None, [], delivery)), 0
    yield _Ping(), 0
    for index, block in enumerate(blocks_of(question, answer, delivery)):
        yield from _block(index, block, answer)
        yield _BlockStop(index), 0
    ended = message_of(question, answer, [], delivery)
    stopped = _Stopped(ended.stop_reason, ended.stop_sequence, ended.stop_details or UNSET)
    yield _MessageDelta(stopped, last_usage_of(question, answer)), 0
    yield _MessageStop(), 0


def _block(index: int, block: Block, answer: Answer) -> Iterator[_Paced]:
    match block:
        case Thinking(thinking=thought, signature=signature):
            yield _BlockStart(index, Thinking("", "")), 0
            for word in words_of(thought):
                yield _BlockDelta(index, _ThinkingDelta(word)), count_tokens(word)
            yield _BlockDelta(index, _SignatureDelta(signature)), 0
        case Text(text=text):
            yield _BlockStart(index, Text("")), 0
            for word in words_of(text):
                yield _BlockDelta(index, _TextDelta(word)), count_tokens(word)
        case ToolUse(id=id_, name=name):
            call = next(call for call in answer.calls if id_of(call) == id_)
            yield _BlockStart(index, ToolUse(id_, name, _NOTHING)), count_tokens(name)
            yield _BlockDelta(index, _InputDelta("")), 0
            for at in range(0, len(call.arguments), _ARGUMENT_BYTES):
                part = call.arguments[at : at + _ARGUMENT_BYTES]
                yield _BlockDelta(index, _InputDelta(part)), count_tokens(part)


_NOTHING: Final = Raw(b"{}")
