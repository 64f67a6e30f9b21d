"""What the user said, read lightly, is what a whole reading says."""

from __future__ import annotations

import json

import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.registry import DIALECTS
from antiphon.model.parts import Author
from antiphon.pipeline.hearing import heard
from antiphon.wire.shallow import Members
from tests.server.spoken import DIALECTS as SPELLED
from tests.server.spoken import assistant, user

NAMES = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
    "gemini": "gemini",
    "ollama": "ollama",
}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PIXEL = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def payload(dialect: str, body: dict[str, object]) -> Payload:
    whole = {"model": "m", **body} if dialect != "gemini" else body
    if dialect == "gemini":
        whole = {"model": "m", "stream": False, **body}
    return Payload(DIALECTS[NAMES[dialect]], Members.parse(json.dumps(whole).encode()))


def in_full(asked: Payload) -> list[str]:
    """The same by way of the typed request."""
    turns = reversed(asked.request.turns)
    return [text for turn in turns if turn.author is Author.USER and (text := turn.text)]


@pytest.mark.parametrize("dialect", SPELLED)
@pytest.mark.parametrize(
    "turns",
    [
        [user("Hello")],
        [user("One"), assistant("Two"), user("三")],
        [user('a\n"b" \\ \u4f60 \U0001f600'), assistant(""), user("")],
        [user(str(number)) for number in range(5)],
    ],
    ids=["one", "three", "odd", "five"],
)
def test_conversations(dialect, turns):
    body = SPELLED[dialect][1]("m", turns)
    asked = payload(dialect, body)
    assert list(heard(asked)) == in_full(asked)


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages", "gemini"])
def test_attached_text_is_part_of_what_is_said(dialect):
    body = SPELLED[dialect][1]("m", [user("Read this", "附件"), assistant("Well"), user("Now")])
    assert list(heard(payload(dialect, body))) == ["Now", "附件\nRead this"]


@pytest.mark.parametrize(
    ("dialect", "body", "said"),
    [
        ("chat", {"messages": [{"role": "user", "content": [PIXEL, {"type": "text", "text": "What?"}]}]}, ["What?"]),
        (
            "chat",
            {
                "messages": [
                    {"role": "system", "content": "Be brief"},
                    {"role": "user", "content": "Look"},
                    {"role": "assistant", "content": None, "tool_calls": [CALL]},
                    {"role": "tool", "tool_call_id": "c", "content": "Seen"},
                ]
            },
            ["Look"],
        ),
        (
            "messages",
            {
                "max_tokens": 5,
                "system": "Be brief",
                "messages": [
                    {"role": "user", "content": "Look"},
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "c", "name": "look", "input": {}}],
                    },
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "c", "content": "Seen"}],
                    },
                ],
            },
            ["Look"],
        ),
        ("responses", {"input": "Just text"}, ["Just text"]),
        ("gemini", {"contents": [{"parts": [{"text": "No role"}]}]}, ["No role"]),
    ],
    ids=["a_picture", "a_tool", "a_tool_result", "text", "no_role"],
)  # fmt: skip
def test_what_else_stands_there(dialect, body, said):
    assert list(heard(payload(dialect, body))) == said


def test_a_long_conversation_is_heard_to_its_ninth_message():
    turns = [user(str(number)) for number in range(30)]
    body = SPELLED["chat"][1]("m", turns)
    assert list(heard(payload("chat", body))) == [str(number) for number in range(29, 20, -1)]


def test_a_rewritten_request_is_heard_too():
    asked = payload("chat", SPELLED["chat"][1]("m", [user("Hello")]))
    asked.rewrite(asked.request)
    assert list(heard(asked)) == ["Hello"]
