"""What the suite for providers asks."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.model.parts import Author, Text, ToolResult, Turn
from antiphon.model.reply import ChatReply
from antiphon.model.request import (
    ChatRequest,
    FunctionTool,
    Output,
    OutputForm,
    ToolChoice,
    ToolMode,
)

MOST: Final = 512
"""Tokens that an answer may have; models that think need some."""
FEW: Final = 16
"""The least bound that every provider takes."""
CHARACTERS: Final = "é 中 🌍 ‰"
_CITY: Final = msgspec.Raw(
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],'
    b'"additionalProperties":false}'
)
_PLACE: Final = msgspec.Raw(
    b'{"type":"object","properties":{"name":{"type":"string"},"people":{"type":"integer"}},'
    b'"required":["name","people"],"additionalProperties":false}'
)
TOOL: Final = FunctionTool("get_weather", "Tells the weather in a city.", parameters=_CITY)


OTHER: Final = FunctionTool("get_time", "Tells the time in a city.", parameters=_CITY)


def ask(model: str, text: str, *, most: int = MOST) -> ChatRequest:
    """A question."""
    return ChatRequest(model, (Turn(Author.USER, (Text(text),)),), max_output_tokens=most)


def with_tools(model: str, text: str, *tools: FunctionTool, forced: bool = False) -> ChatRequest:
    """A question and tools, of which the first must be called, or any may be."""
    choice = ToolChoice(ToolMode.NAMED, (tools[0].name,)) if forced else None
    return msgspec.structs.replace(ask(model, text), tools=tools, tool_choice=choice)


def with_results(asked: ChatRequest, reply: ChatReply, text: str) -> ChatRequest:
    """The conversation with what was called and what came of it."""
    said = reply.choices[0].turn
    results = tuple(
        ToolResult(call.call_id, (Text(text),), name=call.name) for call in said.tool_calls
    )
    turns = (*asked.turns, said, *(Turn(Author.TOOL, (result,)) for result in results))
    return msgspec.structs.replace(asked, turns=turns, tool_choice=None)


def for_a_place(model: str, form: OutputForm) -> ChatRequest:
    """A question whose answer is JSON, after a schema or just so."""
    text = (
        "Describe Rome as a JSON object with the members name (text) and people (a whole number)."
    )
    output = Output(form)
    if form is OutputForm.SCHEMA:
        output = Output(form, name="place", schema=_PLACE, strict=True)
    return msgspec.structs.replace(ask(model, text), output=output)


def conversation(model: str) -> ChatRequest:
    """Several turns, with instructions."""
    turns = (
        Turn(Author.SYSTEM, (Text("You answer in one word."),)),
        Turn(Author.USER, (Text("My name is Ada."),)),
        Turn(Author.ASSISTANT, (Text("Noted."),)),
        Turn(Author.USER, (Text("What is my name?"),)),
    )
    return ChatRequest(model, turns, max_output_tokens=MOST)


def large(model: str) -> ChatRequest:
    """A prompt of about 20 KB."""
    lines = (f"{number}. The quick brown fox jumps over the lazy dog." for number in range(400))
    return ask(model, "\n".join([*lines, "How many lines were that? Answer with a number."]))
