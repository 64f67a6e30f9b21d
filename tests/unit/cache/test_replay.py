"""Stored answers, in the form that is asked for: the golden answers of every dialect."""

from __future__ import annotations

import json

import pytest

from antiphon.cache.entry import Entry, Piece, pack
from antiphon.cache.replay import replay
from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS, EmbedPayload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.registry import DIALECTS
from antiphon.model.events import StreamEvent
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, Reasoning, ToolCall
from antiphon.model.reply import ChatReply
from antiphon.testing.compliance.cases import GOLDEN, Case, cases_in
from antiphon.wire.shallow import Members

MESSAGES = {"messages": [{"role": "user", "content": "x"}]}
ASKED: dict[str, dict[str, object]] = {
    "openai_chat": MESSAGES,
    "anthropic_messages": {**MESSAGES, "max_tokens": 5},
    "openai_responses": {"input": "x"},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "x"}]}]},
    "ollama": MESSAGES,
    "ollama_generate": {"prompt": "x"},
}
CASES = [(dialect, case) for name, dialect in DIALECTS.items() for case in cases_in(GOLDEN / name)]
WHOLE = [pytest.param(d, c, id=f"{d.name}-{c.name}") for d, c in CASES if c.reply is not None]
STREAMED = [pytest.param(d, c, id=f"{d.name}-{c.name}") for d, c in CASES if c.stream is not None]
UNSAYABLE = {
    "openai_chat-pictures_sounds_files",
    "openai_chat-reasoning_and_crlf",
    "openai_responses-coding_agent",
    "openai_responses-search_and_citations",
    "anthropic_messages-documents_and_citations",
    "anthropic_messages-tools_of_the_provider",
    "gemini-pictures_and_code",
    "ollama-a_loop_of_tools",
    "ollama-one_answer",
    "ollama-log_probabilities",
}
"""Whole answers that their dialect's events cannot say all of: a stream of them is asked anew."""
UNTOLD = {
    "openai_chat-error_inside_a_stream",
    "openai_chat-two_choices_and_news",
    "openai_responses-error_inside_a_stream",
    "openai_responses-failed_inside_a_stream",
    "openai_responses-search_and_citations",
    "anthropic_messages-documents_and_citations",
    "anthropic_messages-error_inside_a_stream",
    "anthropic_messages-tools_of_the_provider",
    "gemini-a_failure_of_the_model",
    "gemini-pictures_and_code",
    "ollama-error_inside_a_stream",
}
"""Streams with something that only their dialect knows, or that failed."""


def asked(dialect: Dialect, *, stream: bool, **more: object) -> Payload:
    body = {"model": "m", "stream": stream, **ASKED[dialect.name], **more}
    return Payload(dialect, Members.parse(json.dumps(body).encode()))


def stored(*pieces: bytes | Piece, stream: bool) -> Entry:
    told = [Piece.of(each) if isinstance(each, bytes) else each for each in pieces]
    return Entry(stream, *pack(told), 0.0, 1.0)


def events_of(dialect: Dialect, stream: bytes) -> list[StreamEvent]:
    splitter, decoder = dialect.splitter(), dialect.stream_decoder()
    frames = [*splitter.feed(stream), splitter.flush()]
    return [event for frame in frames if frame for event in decoder.feed(frame)]


def arguments(call: ToolCall) -> object:
    return json.loads(call.arguments) if call.kind is CallKind.FUNCTION else call.arguments


def meaning(reply: ChatReply) -> object:
    """What is said, without ids that each form makes up for itself."""
    return [
        (
            choice.turn.text,
            [(call.name, arguments(call)) for call in choice.turn.tool_calls],
            [
                (part.text, part.summary, part.signature)
                for part in choice.turn.parts
                if isinstance(part, Reasoning)
            ],
            choice.stop and (choice.stop.reason, choice.stop.sequence),
        )
        for choice in reply.choices
    ]


@pytest.mark.parametrize(("dialect", "case"), WHOLE)
def test_a_whole_answer_is_streamed(dialect: Dialect, case: Case):
    assert case.reply is not None
    told = replay(
        stored(case.reply, stream=False),
        asked(dialect, stream=True, stream_options={"include_usage": True}),
    )
    assert (told is None) == (f"{dialect.name}-{case.name}" in UNSAYABLE)
    if told is not None:
        was, now = dialect.decode_reply(case.reply), fold(events_of(dialect, told))
        assert meaning(now) == meaning(was)
        assert now.usage == was.usage
        assert (now.model, now.created) == (was.model, was.created)


@pytest.mark.parametrize(("dialect", "case"), STREAMED)
def test_a_stream_is_given_whole(dialect: Dialect, case: Case):
    assert case.stream is not None
    told = replay(stored(case.stream, stream=True), asked(dialect, stream=False))
    assert (told is None) == (f"{dialect.name}-{case.name}" in UNTOLD)
    if told is not None:
        was, now = fold(events_of(dialect, case.stream)), dialect.decode_reply(told)
        assert meaning(now) == meaning(was)
        assert now.usage == was.usage
        assert (now.model, now.created) == (was.model, was.created)


@pytest.mark.parametrize(("dialect", "case"), [*WHOLE, *STREAMED])
def test_the_same_form_is_the_same_bytes(dialect: Dialect, case: Case):
    if case.reply is not None:
        assert replay(stored(case.reply, stream=False), asked(dialect, stream=False)) == case.reply
    if case.stream is not None:
        entry = stored(case.stream, stream=True)
        assert replay(entry, asked(dialect, stream=True)) == case.stream


def test_usage_is_for_who_asked_for_it():
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    delta = {"index": 0, "delta": {"content": "hi"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

    def frame(**members: object) -> bytes:
        return b"data: %b\n\n" % json.dumps({**chunk, **members}).encode()

    said, counted = frame(choices=[delta]) + frame(choices=[last]), frame(choices=[], usage=usage)
    done = b"data: [DONE]\n\n"
    entry = stored(said, Piece(counted, b""), done, stream=True)
    assert replay(entry, asked(OPENAI_CHAT, stream=True)) == said + done
    options = {"stream_options": {"include_usage": True}}
    assert replay(entry, asked(OPENAI_CHAT, stream=True, **options)) == said + counted + done
    whole = replay(entry, asked(OPENAI_CHAT, stream=False))
    assert whole is not None
    assert json.loads(whole)["usage"]["total_tokens"] == 5
    back = replay(stored(whole, stream=False), asked(OPENAI_CHAT, stream=True))
    assert back is not None
    assert b"usage" not in back


def test_what_cannot_be_read_is_given_in_its_own_form_only():
    entry = stored(b"<html>", stream=False)
    assert replay(entry, asked(OPENAI_CHAT, stream=False)) == b"<html>"
    assert replay(entry, asked(OPENAI_CHAT, stream=True)) is None
    broken = stored(b"data: {\n\n", stream=True)
    assert replay(broken, asked(OPENAI_CHAT, stream=False)) is None


def test_vectors_are_given_as_they_were():
    body = b'{"object":"list","data":[]}'
    asks = EmbedPayload(OPENAI_EMBEDDINGS, Members.parse(b'{"model":"m","input":"x"}'))
    assert replay(stored(body, stream=False), asks) == body
