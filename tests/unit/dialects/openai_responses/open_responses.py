"""The compliance cases of Open Responses that need no storage, from its public specification.

A case is what a client asks and what must hold of the answer. `wrong_with` and `wrong_with_events`
hold a response, or the events of a stream, against the members and types that the specification
requires; whoever speaks HTTP can use them, too.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Json = dict[str, Any]
NUMBER = (int, float)
MAYBE_TEXT = (str, type(None))
MAYBE_NUMBER = (int, type(None))
MAYBE_OBJECT = (dict, type(None))

RESPONSE: Mapping[str, Any] = {
    "id": str,
    "object": str,
    "created_at": int,
    "completed_at": MAYBE_NUMBER,
    "status": str,
    "incomplete_details": MAYBE_OBJECT,
    "model": str,
    "previous_response_id": MAYBE_TEXT,
    "instructions": (str, list, type(None)),
    "output": list,
    "error": MAYBE_OBJECT,
    "tools": list,
    "tool_choice": (str, dict),
    "truncation": str,
    "parallel_tool_calls": bool,
    "text": dict,
    "top_p": NUMBER,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "top_logprobs": int,
    "temperature": NUMBER,
    "reasoning": MAYBE_OBJECT,
    "user": MAYBE_TEXT,
    "usage": MAYBE_OBJECT,
    "max_output_tokens": MAYBE_NUMBER,
    "max_tool_calls": MAYBE_NUMBER,
    "store": bool,
    "background": bool,
    "service_tier": str,
    "metadata": dict,
    "safety_identifier": MAYBE_TEXT,
    "prompt_cache_key": MAYBE_TEXT,
}
ITEMS: Mapping[str, Mapping[str, Any]] = {
    "message": {"id": str, "status": str, "role": str, "content": list},
    "function_call": {"id": str, "call_id": str, "name": str, "arguments": str, "status": str},
    "reasoning": {"id": str, "summary": list},
}
PARTS: Mapping[str, Mapping[str, Any]] = {
    "output_text": {"text": str, "annotations": list, "logprobs": list},
    "refusal": {"refusal": str},
    "reasoning_text": {"text": str},
    "summary_text": {"text": str},
}
TOOL = {
    "name": str,
    "description": MAYBE_TEXT,
    "parameters": MAYBE_OBJECT,
    "strict": (bool, type(None)),
}
USAGE = {
    "input_tokens": int,
    "output_tokens": int,
    "total_tokens": int,
    "input_tokens_details": dict,
    "output_tokens_details": dict,
}
_PLACE = {"item_id": str, "output_index": int}
_PART_PLACE = {**_PLACE, "content_index": int}
_SUMMARY_PLACE = {**_PLACE, "summary_index": int}
EVENTS: Mapping[str, Mapping[str, Any]] = {
    "response.created": {"response": dict},
    "response.in_progress": {"response": dict},
    "response.completed": {"response": dict},
    "response.incomplete": {"response": dict},
    "response.failed": {"response": dict},
    "response.output_item.added": {"output_index": int, "item": dict},
    "response.output_item.done": {"output_index": int, "item": dict},
    "response.content_part.added": {**_PART_PLACE, "part": dict},
    "response.content_part.done": {**_PART_PLACE, "part": dict},
    "response.output_text.delta": {**_PART_PLACE, "delta": str, "logprobs": list},
    "response.output_text.done": {**_PART_PLACE, "text": str, "logprobs": list},
    "response.refusal.delta": {**_PART_PLACE, "delta": str},
    "response.refusal.done": {**_PART_PLACE, "refusal": str},
    "response.function_call_arguments.delta": {**_PLACE, "delta": str},
    "response.function_call_arguments.done": {**_PLACE, "arguments": str},
    "response.reasoning_text.delta": {**_PART_PLACE, "delta": str},
    "response.reasoning_text.done": {**_PART_PLACE, "text": str},
    "response.reasoning_summary_part.added": {**_SUMMARY_PLACE, "part": dict},
    "response.reasoning_summary_part.done": {**_SUMMARY_PLACE, "part": dict},
    "response.reasoning_summary_text.delta": {**_SUMMARY_PLACE, "delta": str},
    "response.reasoning_summary_text.done": {**_SUMMARY_PLACE, "text": str},
}


def wrong_with(response: Json) -> list[str]:
    """What the specification would say of a response."""
    found = _wrong(response, RESPONSE, "response")
    if found:
        return found
    for at, item in enumerate(response["output"]):
        found += _wrong(item, ITEMS.get(item["type"], {}), f"output[{at}]")
        for part in (*item.get("content", ()), *item.get("summary", ())):
            found += _wrong(part, PARTS[part["type"]], f"output[{at}].{part['type']}")
    for at, tool in enumerate(response["tools"]):
        if tool["type"] == "function":
            found += _wrong(tool, TOOL, f"tools[{at}]")
    found += _wrong(response["text"], {"format": dict}, "text")
    if response["usage"] is not None:
        found += _wrong(response["usage"], USAGE, "usage")
    if response["reasoning"] is not None:
        asked = {"effort": MAYBE_TEXT, "summary": MAYBE_TEXT}
        found += _wrong(response["reasoning"], asked, "reasoning")
    return found


def wrong_with_events(events: list[Json]) -> list[str]:
    """What the specification would say of the events of a stream."""
    found: list[str] = []
    for at, event in enumerate(events):
        wanted = EVENTS.get(event["type"])
        if wanted is None:
            found.append(f"events[{at}]: {event['type']} is not in the specification")
            continue
        found += _wrong(event, {**wanted, "sequence_number": int}, f"events[{at}] {event['type']}")
        if isinstance(event.get("response"), dict):
            found += wrong_with(event["response"])
    if events[0]["type"] != "response.created":
        found.append("the first event is not response.created")
    return found


def _wrong(value: Json, wanted: Mapping[str, Any], path: str) -> list[str]:
    missing = [f"{path}.{name} is missing" for name in wanted if name not in value]
    odd = [
        f"{path}.{name} is {value[name]!r}"
        for name, kind in wanted.items()
        if name in value and not isinstance(value[name], kind)
    ]
    return missing + odd


# ------------------------------------------------------------------ the cases


class Case(msgspec.Struct, frozen=True):
    """One case.

    Attributes:
        asked: The body of the request, without `model` and `stream`.
        holds: What must hold of the response beside its form.
    """

    name: str
    asked: Json
    holds: Callable[[Json], bool]
    streamed: bool = False


def _completed(response: Json) -> bool:
    return response["status"] == "completed" and bool(response["output"])


def _calls(response: Json) -> bool:
    return any(item["type"] == "function_call" for item in response["output"])


def _user(content: object) -> Json:
    return {"type": "message", "role": "user", "content": content}


WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
_ASKED_WEATHER: Json = {"input": [_user("How is the weather in Graz?")], "tools": [WEATHER]}

CASES = (
    Case("basic text", {"input": [_user("Say hello in three words.")]}, _completed),
    Case("streaming", {"input": [_user("Count from 1 to 5.")]}, _completed, streamed=True),
    Case(
        "system prompt",
        {
            "input": [
                {"type": "message", "role": "system", "content": "Speak like a sailor."},
                _user("Say hello."),
            ]
        },
        _completed,
    ),
    Case("tool call", _ASKED_WEATHER, _calls),
    Case("tool call, streaming", _ASKED_WEATHER, _calls, streamed=True),
    Case(
        "image input",
        {
            "input": [
                _user(
                    [
                        {"type": "input_text", "text": "What do you see?"},
                        {"type": "input_image", "image_url": PICTURE},
                    ]
                )
            ]
        },
        _completed,
    ),
    Case(
        "several turns",
        {
            "input": [
                _user("My name is Ada."),
                {"type": "message", "role": "assistant", "content": "Hello Ada."},
                _user("What is my name?"),
            ]
        },
        _completed,
    ),
)
