"""What the body of a request says, by few lines that share nothing with the dialects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.corpus.gemini import spelled

Body = Mapping[str, Any]


def said(dialect: str, body: Body) -> list[str]:
    """Every text in a request that a person or a model wrote, the results of tools included."""
    return [text for text in _SAYING[dialect](body) if text.strip()]


def called(dialect: str, body: Body) -> list[tuple[str, Any]]:
    """Name and arguments of every call in a request."""
    return [(name, _parsed(arguments)) for name, arguments in _CALLING[dialect](body)]


_CALLERS_OWN = ("function", "custom", "bash_", "text_editor_", "memory_")
"""How the types of tools begin that the caller itself runs."""


def offered(body: Body) -> list[str]:
    """The names of the caller's own tools, each once, in any of the dialects."""
    named: list[Body] = []
    for tool in _tools(body):
        functions = tool.get("functionDeclarations", tool.get("function_declarations"))
        if functions is not None:
            named += functions
        elif tool.keys() & {"name", "function", "custom"} and _is_callers(tool):
            named.append(tool.get("function") or tool.get("custom") or tool)
    return [*dict.fromkeys(tool["name"] for tool in [*named, *(body.get("functions") or ())])]


def _is_callers(tool: Body) -> bool:
    return tool.get("type", "custom").startswith(_CALLERS_OWN)


def _tools(body: Body) -> Iterator[Body]:
    """All tools of a request, those in namespaces and in items of the input included."""
    given = body.get("tools") or ()
    lists = [[given] if isinstance(given, dict) else given]
    if isinstance(body.get("input"), list):
        lists += [item["tools"] for item in body["input"] if item.get("type") == "additional_tools"]
    for tools in lists:
        for tool in tools:
            if tool.get("type") != "namespace":
                yield tool
            else:
                # Those that have to be searched for are their provider's to find.
                yield from (each for each in tool["tools"] if not each.get("defer_loading"))


def allowed(body: Body) -> list[str]:
    """The tools that may be called, as the caller's choice among them says in any dialect."""
    names = offered(body)
    config = spelled(body).get("toolConfig", {}).get("functionCallingConfig", {})
    choice = body.get("tool_choice", config.get("mode", "auto"))
    match choice:
        case "none" | "NONE" | {"type": "none"}:
            return []
        case {"type": "allowed_tools"}:
            may = offered(choice.get("allowed_tools") or choice)
        case {"type": "function" | "custom" | "tool"} | {"function": _}:
            may = [(choice.get("function") or choice.get("custom") or choice).get("name")]
        case _:
            may = config.get("allowedFunctionNames") or names
    return [name for name in names if name in may]


def strings(value: Any) -> Iterator[str]:
    """Every string in a body, however deep."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)
        case _:
            pass


def _parsed(arguments: Any) -> object:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def _texts(content: Any) -> Iterator[str]:
    """The texts of a content, in any of the dialects."""
    match content:
        case str():
            yield content
        case list():
            for part in content:
                yield from _texts(part)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            yield text
        case {"type": "refusal", "refusal": str(text)}:
            yield text
        case {"type": "tool_result", "content": inner}:
            yield from _texts(inner)
        case _:
            pass


def _chat_says(body: Body) -> Iterator[str]:
    for message in body["messages"]:
        yield from _texts(message.get("content"))
        yield message.get("refusal") or ""


def _responses_say(body: Body) -> Iterator[str]:
    yield body.get("instructions") or ""
    items = body.get("input") or ""
    if isinstance(items, str):
        yield items
        return
    for item in items:
        if item.get("type", "message") == "message":
            yield from _texts(item["content"])
        elif item["type"] in {"function_call_output", "custom_tool_call_output"}:
            yield from _texts(item["output"])


def _messages_say(body: Body) -> Iterator[str]:
    yield from _texts(body.get("system"))
    for message in body["messages"]:
        yield from _texts(message["content"])


def _chat_calls(body: Body) -> Iterator[tuple[str, Any]]:
    for message in body["messages"]:
        for call in message.get("tool_calls") or ():
            if call.get("type") == "custom":
                yield call["custom"]["name"], call["custom"]["input"]
            else:
                yield call["function"]["name"], call["function"]["arguments"]
        if legacy := message.get("function_call"):
            yield legacy["name"], legacy["arguments"]


def _responses_call(body: Body) -> Iterator[tuple[str, Any]]:
    items = body.get("input")
    for item in items if isinstance(items, list) else ():
        if item.get("type") == "function_call":
            yield item["name"], item["arguments"]
        elif item.get("type") == "custom_tool_call":
            yield item["name"], item["input"]


def _messages_call(body: Body) -> Iterator[tuple[str, Any]]:
    for message in body["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else ():
            if block["type"] == "tool_use":
                yield block["name"], block["input"]


def _gemini_parts(body: Body) -> Iterator[Body]:
    """The parts of all contents that are no thought."""
    told = spelled(body)
    for content in (told.get("systemInstruction") or {}, *told["contents"]):
        for part in content.get("parts") or ():
            if not part.get("thought"):
                yield part


def _gemini_says(body: Body) -> Iterator[str]:
    for part in _gemini_parts(body):
        yield part.get("text") or ""
        yield from _gemini_result(part.get("functionResponse", {}).get("response") or {})


def _gemini_result(response: Body) -> Iterator[str]:
    """What a tool gave back: a text of its own, or the strings of an object as they are spelled."""
    for name, value in response.items():
        if isinstance(value, str):
            # The text of a tool stands in one of these; all else is a part of an object.
            own = name in {"output", "error"} and not isinstance(_parsed(value), dict)
            yield value if own else json.dumps(value, ensure_ascii=False)[1:-1]


def _gemini_calls(body: Body) -> Iterator[tuple[str, Any]]:
    for part in _gemini_parts(body):
        if call := part.get("functionCall"):
            yield call["name"], call.get("args") or {}


def _ollama_says(body: Body) -> Iterator[str]:
    yield from (body.get(name) or "" for name in ("system", "prompt"))
    for message in body.get("messages", ()):
        yield message.get("content") or ""


def _ollama_calls(body: Body) -> Iterator[tuple[str, Any]]:
    for message in body.get("messages", ()):
        for call in message.get("tool_calls") or ():
            yield call["function"]["name"], call["function"]["arguments"]


_SAYING: Final[Mapping[str, Callable[[Body], Iterator[str]]]] = {
    "openai_chat": _chat_says,
    "openai_responses": _responses_say,
    "anthropic_messages": _messages_say,
    "gemini": _gemini_says,
    "ollama": _ollama_says,
}
_CALLING: Final[Mapping[str, Callable[[Body], Iterator[tuple[str, Any]]]]] = {
    "openai_chat": _chat_calls,
    "openai_responses": _responses_call,
    "anthropic_messages": _messages_call,
    "gemini": _gemini_calls,
    "ollama": _ollama_calls,
}
