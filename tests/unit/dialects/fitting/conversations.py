"""What dialects demand, and conversations in short words."""

import re

import msgspec

from antiphon.dialects.contract import Target, Traits
from antiphon.dialects.fitting.fitting import Fitting
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.parts import Author, Opaque, Part, Text, ToolCall, ToolResult, Turn
from antiphon.model.request import ChatRequest

CHAT_TRAITS = OPENAI_CHAT.traits
ANTHROPIC_TRAITS = Traits(
    dialect="anthropic_messages",
    call_id=re.compile(r"[a-zA-Z0-9_-]+"),
    tool_name=re.compile(r"[a-zA-Z0-9_-]{1,128}"),
    tool_name_length=128,
    custom_tools=False,
    legacy_functions=False,
    stops=None,
    blanks=False,
    later_system=False,
    user_first=True,
    unsigned_thought=False,
)
RESPONSES_TRAITS = Traits(
    dialect="openai_responses",
    call_id=re.compile(r"[!-~]{1,64}"),
    tool_name=re.compile(r"[a-zA-Z0-9_-]{1,64}"),
    tool_name_length=64,
    custom_tools=True,
    legacy_functions=False,
    stops=0,
    blanks=True,
    later_system=True,
    user_first=False,
    unsigned_thought=False,
    titles=False,
)
ALL = (CHAT_TRAITS, ANTHROPIC_TRAITS, RESPONSES_TRAITS)

TARGET = Target("m", scope="here")
FOREIGN = Opaque("elsewhere", msgspec.Raw(b'{"type":"video"}'))


def fit(request: ChatRequest, traits: Traits = ANTHROPIC_TRAITS) -> Fitting:
    return Fitting(request, traits, TARGET)


def said(author: Author, *parts: Part | str) -> Turn:
    return Turn(author, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def user(*parts: Part | str) -> Turn:
    return said(Author.USER, *parts)


def assistant(*parts: Part | str) -> Turn:
    return said(Author.ASSISTANT, *parts)


def tool(*parts: Part) -> Turn:
    return said(Author.TOOL, *parts)


def call(call_id: str, name: str = "f", arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, name, arguments)


def result(call_id: str, text: str = "ok") -> ToolResult:
    return ToolResult(call_id, (Text(text),))
