"""How many tokens a text is, where no provider has said.

A tokenizer of each maker would be hundreds of megabytes, and the newest ones are not published.
But what a model says of real prompts tells how many bytes make a token of it. `Calibration` starts
where the model's family was measured (`models.toml`, tools/calibration.py) and follows what the
provider states. What is charged or told by it is marked as estimated, and leans to the high side:
a client that makes room too early loses less than one that makes it too late.

Hot path: `Calibration.learn` and `tokens` are a few operations on floats.
"""

from __future__ import annotations

import math

from antiphon.model.parts import (
    Audio,
    Blob,
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
from antiphon.model.request import ChatRequest, CustomTool, FunctionTool, ServerTool, Tool
from antiphon.providers.models import ModelFacts

UNKNOWN_OUTPUT = 32_768
"""Tokens that an answer is taken to have at most, where neither caller nor model says."""

USUAL = 4.0
"""Bytes of UTF-8 that make a token, where nothing is known of the model."""
MOST = 1 / 2
"""Tokens that a byte is at most: dense code and rare scripts have fewer."""
LEAST = 1 / 6
"""Tokens that a byte is at least: plain English has more."""
_BYTES_PER_TOKEN = 4
_SMALLEST = 400
"""Bytes under which the frame of a prompt hides what its text is."""
_WEIGHT = 1 / 16
"""Of the newest prompt, against all before it."""
_LEAN = 1.05
"""What is told stands so much above what is expected."""

TURN = 16
CALL = 120
TOOL = 16
ASK = 20
"""Bytes that the frame of a turn, a call with its result, a tool and a whole prompt is worth."""
IMAGE = 1_500
"""Tokens of a picture, whatever its size: the most that a usual one costs at most makers."""
_FILE_BYTES = 20
_AUDIO_BYTES = 500
"""Bytes of a document, and of a sound, that make a token: a page of 50 KB is 2,500 tokens."""


def tokens_of(size: int) -> int:
    """Tokens of a text of so many bytes, rounded up; right within a third for most tokenizers."""
    return -(-size // _BYTES_PER_TOKEN)


class Calibration:
    """Tokens by bytes, for one model; safe to share, since a lost update is a lost sample.

    Args:
        facts: What is known of the model; its family's figures are where it starts.

    Attributes:
        per_byte: Tokens that a byte is.
    """

    __slots__ = ("_more_with_tools", "per_byte")

    def __init__(self, facts: ModelFacts | None = None) -> None:
        known = None if facts is None else facts.bytes_per_token
        self.per_byte = min(MOST, max(LEAST, 1 / (known or USUAL)))
        self._more_with_tools = 0 if facts is None else facts.tool_prompt or 0

    @property
    def bytes_per_token(self) -> float:
        """As it is known now."""
        return 1 / self.per_byte

    def learn(self, size: int, tokens: int) -> None:
        """The provider has stated that a prompt whose text has so many bytes is so many tokens.

        Small prompts teach nothing: they are frame more than text. What cannot be, such as a
        prompt that a proxy has shortened, moves it no further than the bounds.
        """
        if size < _SMALLEST or tokens <= 0:
            return
        seen = tokens / size
        if seen > MOST:
            seen = MOST
        elif seen < LEAST:
            seen = LEAST
        self.per_byte += (seen - self.per_byte) * _WEIGHT

    def tokens(self, size: int) -> int:
        """Tokens of a text of so many bytes, rounded up, a little on the high side."""
        return math.ceil(size * self.per_byte * _LEAN) if size > 0 else 0

    def count(self, request: ChatRequest) -> int:
        """Tokens of a whole prompt: text, pictures and files, and what tools bring along."""
        return self.of(measure(request), tools=bool(request.tools))

    def of(self, measured: tuple[int, int], *, tools: bool) -> int:
        """The same of a prompt that was measured, and whether it offers tools."""
        size, media = measured
        return self.tokens(size) + media + (self._more_with_tools if tools else 0)


def measure(request: ChatRequest) -> tuple[int, int]:
    """Bytes of text of a prompt, as `text_size`, and tokens of what is not text."""
    size, media = ASK, 0
    for turn in request.turns:
        more, seen = _turn(turn)
        size += more
        media += seen
    size += sum(_tool(tool) for tool in request.tools)
    if request.output is not None:
        size += len(request.output.schema) + _length(request.output.name)
    return size, media


def text_size(request: ChatRequest) -> int:
    """Bytes of text of a prompt: what is said, calls and results, tools and their schemas.

    The frame that a provider puts around turns, calls and tools counts as bytes too. Pictures,
    sounds, documents and sealed thought are none.
    """
    return measure(request)[0]


def _turn(turn: Turn) -> tuple[int, int]:
    size, media = TURN + _length(turn.name), 0
    for part in turn.parts:
        more, seen = _part(part)
        size += more
        media += seen
    return size, media


def _part(part: Part) -> tuple[int, int]:
    size = media = 0
    match part:
        case Text() | Refusal():
            size = _length(part.text)
        case ToolCall():
            size = CALL + _length(part.name) + _length(part.arguments)
        case ToolResult():
            inner = [_part(each) for each in part.parts]
            size, media = sum(each for each, _ in inner), sum(each for _, each in inner)
        case Reasoning():
            size = _length(part.text) + sum(map(_length, part.summary))
        case Image():
            media = IMAGE
        case Audio():
            size, media = _length(part.transcript), _bytes(part.blob) // _AUDIO_BYTES
        case File():
            size = _length(part.title) + _length(part.context)
            media = max(IMAGE, _bytes(part.blob) // _FILE_BYTES)
        case Opaque():
            size = len(part.payload)
    return size, media


def _tool(tool: Tool) -> int:
    match tool:
        case FunctionTool():
            return TOOL + _length(tool.name) + _length(tool.description) + len(tool.parameters)
        case CustomTool():
            return TOOL + _length(tool.name) + _length(tool.description) + len(tool.format)
        case ServerTool():
            return TOOL + len(tool.payload)


def _length(text: str | None) -> int:
    """Bytes of UTF-8; what is ASCII, as most is, is not written out for it."""
    if not text:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _bytes(blob: Blob) -> int:
    """Of data that came as base64; 0 of what is elsewhere."""
    return len(blob.data) * 3 // 4 if blob.data else 0
