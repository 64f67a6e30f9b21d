"""A request and its answer without a word of theirs: counts, sizes, and words that are not theirs.

What a caller may write as it likes (texts, names of people, stop sequences, schemas) is never in
it. Names of tools are: they are part of a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from antiphon.errors import AntiphonError
from antiphon.model.parts import (
    Audio,
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import ChatRequest, CustomTool, FunctionTool, OutputForm
from antiphon.usage.captures.taking import Capture
from antiphon.wire.shallow import Members

_MOST = 200
"""Messages and tools that are listed; all are counted."""
_LONGEST_NAME = 64


def summary_of(capture: Capture) -> dict[str, object]:
    """What may be kept of a capture whatever was said."""
    answer: dict[str, object] = {"bytes": capture.size}
    if capture.stop is not None:
        answer["stop"] = capture.stop.value
    if capture.failure is not None:
        answer["failed"] = capture.failure.error_kind.value
    return {"request": _request(capture), "answer": answer}


def _request(capture: Capture) -> dict[str, object]:
    size: dict[str, object] = {"bytes": len(capture.body)}
    try:
        request = capture.dialect.decode_request(Members.parse(capture.body))
    except AntiphonError:
        # The provider will have said what is wrong with it.
        return {**size, "unreadable": True}
    messages = [_message(turn) for turn in request.turns]
    told: dict[str, object] = {
        **size,
        "model": request.model[:_LONGEST_NAME],
        "stream": request.stream,
        **_parameters(request),
        "messages": len(messages),
        "roles": messages[:_MOST],
        "images": _count(request.turns, Image),
        "files": _count(request.turns, File),
        "sounds": _count(request.turns, Audio),
    }
    if request.tools:
        told["tools"] = len(request.tools)
        told["tool_names"] = [
            tool.name[:_LONGEST_NAME]
            for tool in request.tools[:_MOST]
            if isinstance(tool, FunctionTool | CustomTool)
        ]
    return told


def _parameters(request: ChatRequest) -> Mapping[str, object]:
    sampling = request.sampling
    numbers: dict[str, float | int | bool | None] = {
        name: getattr(sampling, name)
        for name in (
            *("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty"),
            *("repetition_penalty", "seed", "logprobs", "top_logprobs"),
        )
    }
    numbers |= {
        "max_output_tokens": request.max_output_tokens,
        "n": request.n,
        "parallel_tool_calls": request.parallel_tool_calls,
        "stop_sequences": len(request.stop) or None,
    }
    told: dict[str, object] = {name: each for name, each in numbers.items() if each is not None}
    if request.tool_choice is not None:
        told["tool_choice"] = request.tool_choice.mode.value
    told["output"] = (request.output.form if request.output else OutputForm.TEXT).value
    return told


def _message(turn: Turn) -> dict[str, object]:
    return {"role": turn.author.value, "bytes": sum(map(_size, turn.parts))}


def _parts(turns: Iterable[Turn]) -> Iterable[Part]:
    for turn in turns:
        for part in turn.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def _count(turns: Iterable[Turn], kind: type[Image | File | Audio]) -> int:
    return sum(isinstance(part, kind) for part in _parts(turns))


def _size(part: Part) -> int:
    """Bytes of what a part says, its data included."""
    match part:
        case Text(text=text) | Reasoning(text=text) | Refusal(text=text):
            return _bytes(text)
        case ToolCall(arguments=text):
            return _bytes(text)
        case Image(blob=blob) | Audio(blob=blob) | File(blob=blob):
            return len(blob.data or blob.url or "")
        case ToolResult(parts=parts):
            return sum(map(_size, parts))
        case Opaque(payload=payload):
            return len(bytes(payload))


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
