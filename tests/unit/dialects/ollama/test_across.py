"""Requests of other dialects, fitted and written for Ollama; and its own, for others."""

import json

import pytest
from hypothesis import given, settings

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.model.parts import Text, ToolCall, ToolResult, Turn
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members
from tests.unit.dialects.anthropic_messages import strategies as messages
from tests.unit.dialects.ollama import strategies
from tests.unit.dialects.openai_chat import strategies as chat
from tests.unit.dialects.openai_responses import strategies as responses

OTHERS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES)


def translated(body: dict[str, object], spoken: Dialect, heard: Dialect) -> ChatRequest:
    """What a provider of another dialect reads of a request."""
    request = spoken.decode_request(Members.parse(json.dumps(body).encode()))
    target = Target("m")
    fitted = Fitting(request, heard.traits, target, spoken.traits).request
    if not fitted.turns:
        return fitted
    written = heard.encode_request(fitted, target).encode()
    again = heard.decode_request(Members.parse(written))
    whole = "".join(said(again.turns))
    assert all(text in whole for text in said(fitted.turns))
    assert called(again.turns) == called(fitted.turns)
    assert again.stream == request.stream
    return again


def said(turns: tuple[Turn, ...]) -> list[str]:
    """All texts, without white space: those of one message are joined."""
    return [
        "".join(part.text.split())
        for turn in turns
        for part in turn.parts
        if isinstance(part, Text)
    ]


def called(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    """Every call and every result: its id, and what it is of."""
    return [
        (part.call_id, part.name if isinstance(part, ToolCall) else "result")
        for turn in turns
        for part in turn.parts
        if isinstance(part, ToolCall | ToolResult)
    ]


@settings(max_examples=25)
@given(chat.REQUESTS)
def test_chat(body: dict[str, object]) -> None:
    translated(body, OPENAI_CHAT, OLLAMA)


@settings(max_examples=25)
@given(responses.REQUESTS)
def test_responses(body: dict[str, object]) -> None:
    translated(body, OPENAI_RESPONSES, OLLAMA)


@settings(max_examples=25)
@given(messages.REQUESTS)
def test_messages(body: dict[str, object]) -> None:
    translated(body, ANTHROPIC_MESSAGES, OLLAMA)


@pytest.mark.parametrize("heard", OTHERS, ids=lambda each: each.name)
@settings(max_examples=25)
@given(body=strategies.REQUESTS)
def test_its_own_for_others(heard: Dialect, body: dict[str, object]) -> None:
    translated(body, OLLAMA, heard)


@pytest.mark.parametrize("heard", OTHERS, ids=lambda each: each.name)
def test_a_client_that_drops_ids(heard: Dialect) -> None:
    """As the official one does: results still answer their calls, by name and by order."""
    calls = [{"function": {"name": name, "arguments": {}}} for name in "fgf"]
    body: dict[str, object] = {
        "model": "m",
        "messages": [
            {"role": "user", "content": "Go"},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": "of-g", "tool_name": "g"},
            {"role": "tool", "content": "of-f1", "tool_name": "f"},
            {"role": "tool", "content": "of-f2", "tool_name": "f"},
        ],
    }
    turns = translated(body, OLLAMA, heard).turns
    ids = [call.call_id for turn in turns for call in turn.tool_calls]
    results = [part for turn in turns for part in turn.parts if isinstance(part, ToolResult)]
    assert len(set(ids)) == 3
    assert [result.call_id for result in results] == ids
    assert [part.text for each in results for part in each.parts if isinstance(part, Text)] == [
        "of-f1",
        "of-g",
        "of-f2",
    ]


@settings(max_examples=25)
@given(strategies.PROMPTS)
def test_prompts(body: dict[str, object]) -> None:
    for heard in OTHERS:
        translated(body, OLLAMA_GENERATE, heard)
