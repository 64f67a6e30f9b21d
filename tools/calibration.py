"""How good the estimate of tokens is, and where it should start, from recorded traffic.

python tools/calibration.py FOLDER    prints both tables

FOLDER holds `*.jsonl` files of recorded exchanges, one a line: `wire`, `provider`, `request`,
`response`. Every exchange counts that says how many tokens its prompt was and whose prompt is all
there: none that goes on from a state of the server, none with tools that the server runs or with
pictures, sounds or documents.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.model.parts import Author, Reasoning, Text, ToolCall, ToolResult, Turn
from antiphon.model.request import ChatRequest, FunctionTool, Output, OutputForm
from antiphon.providers.estimate import Calibration, measure
from antiphon.providers.models import ModelTable

FAMILY = re.compile(
    r"claude-(?:opus|sonnet|haiku|fable)-\d(?:[-.]\d\b)?|claude-3-\d|claude-3"
    r"|gpt-oss|gpt-\d(?:\.\d)?o?|o\d|gemini-\d(?:\.\d)?|deepseek|glm-\d|kimi|grok|mistral|llama"
    r"|qwen|minimax|command"
)
LARGE = 400
"""Bytes from which a prompt is text more than frame."""
MEDIA = {
    *("image", "image_url", "input_image", "document", "file", "input_file", "input_audio"),
    *("audio", "video", "video_url"),
}
MEDIA_MEMBERS = ("inlineData", "inline_data", "fileData", "file_data")
WIRES = ("anthropic-messages", "openai-chat", "openai-responses", "gemini")
Json = Mapping[str, object]


class Unfit(Exception):
    """An exchange that says nothing of text: it holds more than text, or less than the prompt."""


class Sample(NamedTuple):
    """A prompt and what the provider said of it."""

    wire: str
    model: str
    request: ChatRequest
    size: int
    tokens: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    samples = list(read(parser.parse_args().folder))
    if not samples:
        print("there is nothing to measure", file=sys.stderr)
        return 1
    print(families(samples))
    print(errors(samples))
    return 0


def families(samples: Iterable[Sample]) -> str:
    """Bytes per token by family, of prompts that are text more than frame."""
    table, seen = ModelTable(), defaultdict[str, list[float]](list)
    for each in samples:
        facts = table.row(each.model)
        tokens = each.tokens - (facts.tool_prompt or 0 if each.request.tools else 0)
        if each.size >= LARGE and tokens > 0:
            seen[family(each.model)].append(each.size / tokens)
    lines = ["| family | prompts | bytes per token | middle half |", "| --- | --- | --- | --- |"]
    for name, ratios in sorted(seen.items()):
        if len(ratios) >= 3:
            low, _, high = statistics.quantiles(ratios, n=4)
            middle = f"{statistics.median(ratios):.2f} | {low:.2f} to {high:.2f}"
            lines.append(f"| {name} | {len(ratios)} | {middle} |")
    return "\n".join(lines) + "\n"


def errors(samples: Iterable[Sample]) -> str:
    """How far the estimate is off, by wire, before and after it has seen the model."""
    lines = [
        "| wire | prompts | median error | 90th percentile | too low by over a tenth | after |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    by_wire = defaultdict[str, list[Sample]](list)
    for each in samples:
        if each.size >= LARGE:
            by_wire[each.wire].append(each)
    lines += [
        f"| {wire} | {len(by_wire[wire])} | {cells(by_wire[wire])} |"
        for wire in WIRES
        if by_wire[wire]
    ]
    return "\n".join(lines) + "\n"


def cells(samples: list[Sample]) -> str:
    table = ModelTable()
    first = [Calibration(table.row(each.model)).count(each.request) for each in samples]
    off = [abs(told - each.tokens) / each.tokens for told, each in zip(first, samples, strict=True)]
    low = sum(told < 0.9 * each.tokens for told, each in zip(first, samples, strict=True))
    learned, later = dict[str, Calibration](), list[float]()
    for each in samples:
        facts = table.row(each.model)
        one = learned.setdefault(each.model, Calibration(facts))
        later.append(abs(one.count(each.request) - each.tokens) / each.tokens)
        one.learn(each.size, each.tokens - (facts.tool_prompt or 0 if each.request.tools else 0))
    found = (statistics.median(off), ninth(off), low / len(samples))
    after = (statistics.median(later), ninth(later))
    return f"{' | '.join(map(percent, found))} | {', '.join(map(percent, after))}"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def ninth(values: list[float]) -> float:
    return statistics.quantiles(values, n=10)[-1] if len(values) > 1 else values[0]


def family(model: str) -> str:
    found = FAMILY.search(model.lower().rpartition("/")[2])
    return found[0].replace(".", "-") if found else "others"


# ------------------------------------------------------------------ what was recorded


def read(folder: Path) -> Iterator[Sample]:
    seen: set[str] = set()
    for file in sorted(folder.glob("*.jsonl")):
        if file.name.endswith(".truth.jsonl"):
            continue
        for line in file.read_text("utf-8").splitlines():
            exchange = json.loads(line)
            if exchange["wire"] in WIRES and exchange["id"] not in seen:
                seen.add(exchange["id"])
                yield from sample(exchange)


def sample(exchange: dict) -> Iterator[Sample]:
    asked, wire = exchange["request"], exchange["wire"]
    if not asked or not isinstance(asked["body"], dict) or exchange["response"]["status"] >= 300:
        return
    tokens = stated(wire, exchange["response"]["body"])
    model = str(asked["body"].get("model") or exchange.get("model") or "")
    if wire == "gemini" and (named := re.search(r"models/([^:/]+)", asked["path"])):
        model = named[1]
    try:
        request = READERS[wire](asked["body"], model)
    except (Unfit, AttributeError, KeyError, TypeError):
        return
    size, media = measure(request)
    if tokens and not media:
        yield Sample(wire, model, request, size, tokens)


def stated(wire: str, body: object) -> int:
    """Tokens of the prompt, as the last word of the answer has it."""
    pieces = [body]
    if isinstance(body, str):
        datas = (line[5:] for line in body.splitlines() if line.startswith("data:"))
        pieces = [json.loads(data) for data in datas if data.strip().startswith("{")]
    elif isinstance(body, list):
        pieces = body
    usage: dict[str, object] = {}
    for piece in pieces:
        for holder in (piece, piece.get("message"), piece.get("response")):
            if isinstance(holder, dict):
                found = holder.get("usage") or holder.get("usageMetadata") or {}
                usage |= {name: value for name, value in found.items() if value is not None}
    names = {
        "anthropic-messages": (
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ),
        "openai-chat": ("prompt_tokens",),
        "openai-responses": ("input_tokens",),
        "gemini": ("promptTokenCount",),
    }[wire]
    return sum(int(usage.get(name) or 0) for name in names)


# ------------------------------------------------------------------ prompts that are text


def messages(body: dict, model: str) -> ChatRequest:
    turns = [Turn(Author.SYSTEM, said(body.get("system")))] if body.get("system") else []
    turns += [Turn(Author(each["role"]), said(each["content"])) for each in body["messages"]]
    tools = [function(each, each["input_schema"]) for each in body.get("tools") or []]
    form = (body.get("output_config") or {}).get("format") or body.get("output_format")
    return asked(model, turns, tools, form and form.get("schema"))


def chat(body: dict, model: str) -> ChatRequest:
    turns: list[Turn] = []
    for each in body["messages"]:
        parts = said(each.get("content"))
        parts += said(each.get("reasoning_content"))
        for call in each.get("tool_calls") or []:
            inner = call["function"]
            parts += (ToolCall(call["id"], inner["name"], inner["arguments"]),)
        turns.append(Turn(Author(each["role"].replace("function", "tool")), parts))
    offered = [each["function"] for each in body.get("tools") or []]
    tools = [function(each, each.get("parameters")) for each in offered]
    form = (body.get("response_format") or {}).get("json_schema") or {}
    return asked(model, turns, tools, form.get("schema"))


def responses(body: dict, model: str) -> ChatRequest:
    if body.get("previous_response_id") or body.get("conversation") or body.get("prompt"):
        raise Unfit
    turns = [Turn(Author.SYSTEM, said(body["instructions"]))] if body.get("instructions") else []
    given = body["input"]
    for each in [{"content": given}] if isinstance(given, str) else given:
        match each.get("type", "message"):
            case "message":
                parts = said(each["content"])
            case "function_call":
                parts = (ToolCall(each["call_id"], each["name"], each["arguments"]),)
            case "function_call_output":
                parts = (ToolResult(each["call_id"], said(each["output"])),)
            case "reasoning" if not each.get("encrypted_content"):
                parts = (Reasoning(summary=tuple(one["text"] for one in each["summary"])),)
            case _:
                raise Unfit
        turns.append(Turn(Author.USER, parts))
    if any(each["type"] != "function" for each in body.get("tools") or []):
        raise Unfit
    tools = [function(each, each.get("parameters")) for each in body.get("tools") or []]
    form = (body.get("text") or {}).get("format") or {}
    return asked(model, turns, tools, form.get("schema"))


def gemini(body: dict, model: str) -> ChatRequest:
    system = body.get("systemInstruction") or body.get("system_instruction")
    given = body["contents"]
    turns = [
        Turn(Author.USER, said(each.get("parts", [])))
        for each in [
            *([system] if system else []),
            *(given if isinstance(given, list) else [given]),
        ]
    ]
    tools: list[FunctionTool] = []
    for each in body.get("tools") or []:
        offered = each.get("functionDeclarations") or each.get("function_declarations")
        if offered is None:
            raise Unfit
        tools += [
            function(one, one.get("parameters") or one.get("parametersJsonSchema"))
            for one in offered
        ]
    settings = body.get("generationConfig") or {}
    return asked(model, turns, tools, settings.get("responseSchema"))


READERS = {
    "anthropic-messages": messages,
    "openai-chat": chat,
    "openai-responses": responses,
    "gemini": gemini,
}


def asked(model: str, turns: list[Turn], tools: list[FunctionTool], schema: object) -> ChatRequest:
    output = Output(OutputForm.SCHEMA, schema=raw(schema)) if schema else None
    return ChatRequest(model, tuple(turns), tuple(tools), output=output)


def function(tool: Json, schema: object) -> FunctionTool:
    parameters = raw(schema) if schema else msgspec.Raw(b"")
    return FunctionTool(str(tool["name"]), str(tool.get("description") or ""), parameters)


def said(content: object) -> tuple:
    """The text of a content in any of the four wires."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    return tuple(part for each in content for part in piece(each))


def piece(part: dict) -> tuple:
    if part.get("type") in MEDIA or any(name in part for name in MEDIA_MEMBERS):
        raise Unfit
    if part.get("signature") or part.get("thoughtSignature") or part.get("data"):
        raise Unfit  # sealed thought has tokens that nobody can see
    if (call := part.get("functionCall")) is not None:
        return (ToolCall("", call["name"], written(call.get("args", {}))),)
    if (result := part.get("functionResponse")) is not None:
        return (ToolResult("", (Text(written(result)),)),)
    match part.get("type", "text"):
        case "tool_use":
            return (ToolCall(part["id"], part["name"], written(part["input"])),)
        case "tool_result":
            return (ToolResult(part["tool_use_id"], said(part.get("content"))),)
        case "text" | "input_text" | "output_text" | "refusal" | "summary_text":
            return (Text(str(part.get("text") or part.get("refusal") or "")),)
        case _:
            raise Unfit


def written(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(written(value).encode())


if __name__ == "__main__":
    sys.exit(main())
