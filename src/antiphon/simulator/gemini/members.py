"""The members that a request may have, and in which of their two spellings they came.

Google reads JSON as protobuf does: a member may be written as `camelCase` or as `snake_case`, a
list of one may be written without its brackets, and a member that no message has is refused, in
words that name its place.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct


def _opaque(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "")


_MESSAGES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "GenerateContentRequest": {
            **_opaque("model", "safetySettings", "cachedContent", "labels", "serviceTier"),
            **_opaque("store", "continuationToken"),
            "contents": "[Content]",
            "systemInstruction": "Content",
            "tools": "[Tool]",
            "toolConfig": "ToolConfig",
            "generationConfig": "GenerationConfig",
        },
        "CountTokensRequest": {
            "contents": "[Content]",
            "generateContentRequest": "GenerateContentRequest",
        },
        "BatchEmbedContentsRequest": {"requests": "[EmbedContentRequest]"},
        "EmbedContentRequest": {
            **_opaque("model", "taskType", "title", "outputDimensionality", "embedContentConfig"),
            "content": "Content",
        },
        "Content": {"role": "", "parts": "[Part]"},
        "Part": {
            **_opaque("text", "thought", "thoughtSignature", "toolCall", "toolResponse"),
            **_opaque("executableCode", "codeExecutionResult", "videoMetadata"),
            **_opaque("mediaResolution", "partMetadata"),
            "inlineData": "Blob",
            "fileData": "FileData",
            "functionCall": "FunctionCall",
            "functionResponse": "FunctionResponse",
        },
        "Blob": _opaque("mimeType", "data", "displayName"),
        "FileData": _opaque("mimeType", "fileUri", "displayName"),
        "FunctionCall": _opaque("id", "name", "args", "partialArgs", "willContinue"),
        "FunctionResponse": {
            **_opaque("id", "name", "response", "willContinue", "scheduling"),
            "parts": "[Part]",
        },
        "Tool": {
            **_opaque("googleSearch", "googleSearchRetrieval", "urlContext", "codeExecution"),
            **_opaque("computerUse", "fileSearch", "googleMaps", "mcpServers", "retrieval"),
            "functionDeclarations": "[FunctionDeclaration]",
        },
        "FunctionDeclaration": {
            **_opaque("name", "description", "behavior"),
            **_opaque("parametersJsonSchema", "responseJsonSchema"),
            "parameters": "Schema",
            "response": "Schema",
        },
        "Schema": {
            **_opaque("type", "format", "title", "description", "nullable", "enum", "maxItems"),
            **_opaque("minItems", "required", "minProperties", "maxProperties", "minLength"),
            **_opaque("maxLength", "pattern", "example", "propertyOrdering", "default"),
            **_opaque("minimum", "maximum"),
            "properties": "{Schema}",
            "anyOf": "[Schema]",
            "items": "Schema",
        },
        "ToolConfig": {
            **_opaque("retrievalConfig", "includeServerSideToolInvocations"),
            "functionCallingConfig": "FunctionCallingConfig",
        },
        "FunctionCallingConfig": _opaque(
            "mode", "allowedFunctionNames", "streamFunctionCallArguments"
        ),
        "GenerationConfig": {
            **_opaque("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "seed"),
            **_opaque("stopSequences", "presencePenalty", "frequencyPenalty", "responseLogprobs"),
            **_opaque("logprobs", "responseMimeType", "responseJsonSchema", "responseModalities"),
            **_opaque(
                "mediaResolution", "speechConfig", "imageConfig", "enableEnhancedCivicAnswers"
            ),
            **_opaque("routingConfig", "audioTimestamp"),
            "responseSchema": "Schema",
            "thinkingConfig": "ThinkingConfig",
        },
        "ThinkingConfig": _opaque("includeThoughts", "thinkingBudget", "thinkingLevel"),
    }
)
"""Each message's members: `X` is a message, `[X]` a list of it, `{X}` a map to it."""

_SNAKE: Final = re.compile(r"_([a-z0-9])")
_HUMP: Final = re.compile(r"([A-Z])")


class Read(Struct, frozen=True):
    """A message with its members in one spelling."""

    members: dict[str, object]
    unknown: tuple[str, ...] = ()
    """What Google says of members that it does not know."""


def read(body: dict[str, object], message: str) -> Read:
    """A body as the members of a message; unknown ones are left out, and told."""
    unknown: list[str] = []
    members = _members(body, message, "", unknown)
    return Read(members, tuple(unknown))


def snake(name: str) -> str:
    """A member's name, or a path of them, as protobuf has it."""
    return _HUMP.sub(lambda found: f"_{found[1].lower()}", name)


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def entries_of(value: object) -> dict[str, object] | None:
    """The members of what is an object."""
    try:
        return msgspec.convert(value, dict[str, object])
    except msgspec.ValidationError:
        return None


def _message(value: object, message: str, place: str, unknown: list[str]) -> object:
    """The members of a message; what is none is returned as it is, for the shapes to refuse."""
    entries = entries_of(value)
    return value if entries is None else _members(entries, message, place, unknown)


def _members(
    entries: dict[str, object], message: str, place: str, unknown: list[str]
) -> dict[str, object]:
    known = _MESSAGES[message]
    members: dict[str, object] = {}
    for name, each in entries.items():
        own = _camel(name)
        if own in known:
            inside = ".".join(filter(None, (place, snake(own))))
            members[own] = _member(each, known[own], inside, unknown)
        else:
            at = f" at '{place}'" if place else ""
            told = f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
            unknown.append(told)
    return members


def _member(value: object, kind: str, place: str, unknown: list[str]) -> object:
    if kind.startswith("["):
        return [
            _message(each, kind[1:-1], f"{place}[{number}]", unknown)
            for number, each in _items(value)
        ]
    if kind.startswith("{"):
        entries = entries_of(value)
        if entries is None:
            return value
        return {
            name: _message(each, kind[1:-1], f"{place}[{number}].value", unknown)
            for number, (name, each) in enumerate(entries.items())
        }
    return _message(value, kind, place, unknown) if kind else value


def _items(value: object) -> Iterator[tuple[int, object]]:
    """The items of a list; one that stands alone is a list of one."""
    if value is None:
        return iter(())
    return enumerate(msgspec.convert(value, list[object]) if isinstance(value, list) else [value])
