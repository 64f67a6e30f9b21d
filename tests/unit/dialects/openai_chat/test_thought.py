"""Seals of other dialects, given to a caller and taken back."""

from __future__ import annotations

import json

import msgspec
import pytest

from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT
from antiphon.model.parts import Author, Origin, Part, Reasoning, Text, Turn
from antiphon.model.reply import ChatReply, Choice
from antiphon.model.seals import wrap
from antiphon.wire.shallow import Members

CLAUDE = Origin("anthropic_messages", "claude", "one/claude")
GPT = Origin("openai_responses", "gpt", "two/gpt")
SIGNED = Reasoning("Hmm.", signature="s", origin=CLAUDE)
HIDDEN = Reasoning(signature="r", origin=CLAUDE, sealed=True)
AGAIN = Reasoning("Well, then.", signature="t", origin=CLAUDE)
SUMMED = Reasoning(summary=("In short",), signature="e", origin=GPT)


def told(*parts: Part) -> dict:
    """The message that a caller is given."""
    reply = ChatReply("id", "m", (Choice(0, Turn(Author.ASSISTANT, (*parts, Text("a")))),))
    return json.loads(OPENAI_CHAT.encode_reply(reply))["choices"][0]["message"]


def returned(message: dict) -> list[Part]:
    """What is read of the message when it comes back."""
    body = {"model": "m", "messages": [message]}
    [turn] = OPENAI_CHAT.decode_request(Members.parse(json.dumps(body).encode())).turns
    return [
        msgspec.structs.replace(part, spelling=None)
        for part in turn.parts
        if isinstance(part, Reasoning)
    ]


@pytest.mark.parametrize(
    "thoughts",
    [(SIGNED,), (HIDDEN,), (SIGNED, AGAIN), (SIGNED, HIDDEN, AGAIN), (HIDDEN, SIGNED)],
)
def test_thoughts_come_back_with_their_seals(thoughts: tuple[Reasoning, ...]) -> None:
    assert returned(told(*thoughts)) == list(thoughts)


def test_a_thought_in_one_text_is_cut_where_a_stream_joined_it() -> None:
    message = told(SIGNED, HIDDEN, AGAIN)
    message["reasoning_content"] = SIGNED.text + AGAIN.text
    assert returned(message) == [SIGNED, HIDDEN, AGAIN]


def test_a_summary_is_told_as_thought() -> None:
    message = told(SUMMED)
    assert message["reasoning_content"] == "In short"
    assert returned(message) == [Reasoning("In short", signature="e", origin=GPT)]


def test_who_sends_back_only_the_seals_loses_the_text() -> None:
    message = told(SIGNED, AGAIN)
    del message["reasoning_content"]
    assert [part.signature for part in returned(message)] == ["s", "t"]
    assert [part.text for part in returned(message)] == ["", ""]


def test_who_sends_back_only_the_text_loses_the_seals() -> None:
    message = told(SIGNED)
    del message["reasoning_details"]
    assert returned(message) == [Reasoning("Hmm.")]


def test_a_text_that_was_changed_is_the_first_thought_s() -> None:
    message = {**told(SIGNED, AGAIN), "reasoning_content": "Something else entirely."}
    assert [part.text for part in returned(message)] == ["Something else entirely.", ""]


def test_a_thought_without_a_seal_has_no_details() -> None:
    assert "reasoning_details" not in told(Reasoning("Hmm."))


@pytest.mark.parametrize(
    "detail",
    [{"type": "reasoning.text", "text": "t", "signature": "s"}, 7, {"data": 7}, {"data": "x"}],
)
def test_details_of_others_stay_where_they_are(detail: object) -> None:
    message = told(SIGNED)
    message["reasoning_details"] += [detail]
    body = json.dumps({"model": "m", "messages": [message]}).encode()
    request = OPENAI_CHAT.decode_request(Members.parse(body))
    written = json.loads(OPENAI_CHAT.encode_request(request, Target("m")).encode())
    assert written["messages"][0]["reasoning_details"] == [detail]


def test_a_broken_seal_is_none() -> None:
    message = {**told(SIGNED), "reasoning_details": [{"data": "antiphon1.???"}]}
    assert returned(message) == [Reasoning("Hmm.")]


def test_a_seal_of_no_thought() -> None:
    details = [{"data": wrap(CLAUDE, "s")}]
    assert returned({"role": "assistant", "content": "a", "reasoning_details": details}) == [
        Reasoning(signature="s", origin=CLAUDE)
    ]
