"""One canonical request for each need, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from antiphon.model.needs import Need
from antiphon.model.parts import (
    Audio,
    Author,
    Blob,
    CacheMark,
    Extra,
    File,
    Image,
    Opaque,
    Origin,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    Identity,
    Output,
    OutputForm,
    PromptCache,
    ReasoningAsk,
    Sampling,
    ServerTool,
    State,
    ToolChoice,
    ToolMode,
)

_ELSEWHERE: Final = "another_dialect"
_PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
_SCHEMA: Final = msgspec.Raw(
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],'
    b'"additionalProperties":false}'
)
_TOOL: Final = FunctionTool("weather", "Tells it", parameters=_SCHEMA)
_OTHER: Final = FunctionTool("time", "Tells it", parameters=_SCHEMA)
_CALL: Final = ToolCall("call_1", "weather", '{"city":"A"}')
_IMAGE: Final = Image(Blob(data=_PNG, media_type="image/png"))
_OPAQUE: Final = Opaque(_ELSEWHERE, msgspec.Raw(b'{"type":"hologram"}'))
_USER: Final = Turn(Author.USER, (Text("Hi é"),))
_PLAIN: Final = ChatRequest("m-1", (_USER,))


def _showing(*parts: Part) -> ChatRequest:
    return ChatRequest("m-1", (Turn(Author.USER, (Text("Look:"), *parts)),))


def _after(*parts: Part) -> ChatRequest:
    """A conversation in which an assistant has said this."""
    return ChatRequest("m-1", (_USER, Turn(Author.ASSISTANT, parts), _USER))


def _drawn(**settings: float | bool | msgspec.Raw) -> ChatRequest:
    return replace(_PLAIN, sampling=replace(Sampling(), **settings))


def _with_tools(*tools: FunctionTool | CustomTool | ServerTool) -> ChatRequest:
    return replace(_PLAIN, tools=tools)


def _chosen(mode: ToolMode, *names: str) -> ChatRequest:
    return replace(_with_tools(_TOOL, _OTHER), tool_choice=ToolChoice(mode, names))


def _given(*parts: Text | Image, failed: bool = False) -> ChatRequest:
    result = ToolResult("call_1", parts, name="weather", is_error=failed)
    turns = (_USER, Turn(Author.ASSISTANT, (_CALL,)), Turn(Author.TOOL, (result,)))
    return replace(_with_tools(_TOOL), turns=turns)


_SEALED: Final = Reasoning("I think.", signature="c2VhbA==", origin=Origin(_ELSEWHERE, "m", "s"))
_CITED: Final = Text(
    "As said.", annotations=(msgspec.Raw(b'{"type":"x"}'),), extra=Extra(_ELSEWHERE, {})
)
_SERVER: Final = ServerTool(_ELSEWHERE, msgspec.Raw(b'{"type":"search_web"}'))

ASKED: Final[Mapping[Need, ChatRequest]] = MappingProxyType(
    {
        Need.TEMPERATURE: _drawn(temperature=0.5),
        Need.TOP_P: _drawn(top_p=0.5),
        Need.TOP_K: _drawn(top_k=5),
        Need.MIN_P: _drawn(min_p=0.5),
        Need.PENALTIES: _drawn(frequency_penalty=0.5, presence_penalty=0.5),
        Need.REPETITION_PENALTY: _drawn(repetition_penalty=1.5),
        Need.SEED: _drawn(seed=7),
        Need.LOGIT_BIAS: _drawn(logit_bias=msgspec.Raw(b'{"50256":-100}')),
        Need.LOGPROBS: _drawn(logprobs=True, top_logprobs=2),
        Need.ANSWERS: replace(_PLAIN, n=2),
        Need.STOP: replace(_PLAIN, stop=("END",)),
        Need.IMAGES: _showing(_IMAGE),
        Need.IMAGE_URLS: _showing(Image(Blob(url="https://example.org/a.png"))),
        Need.AUDIO: _showing(Audio(Blob(data="UklGRg==", media_type="audio/wav"), format="wav")),
        Need.FILES: _showing(
            File(Blob(data="JVBERi0=", media_type="application/pdf"), filename="a.pdf")
        ),
        Need.FILE_URLS: _showing(
            File(Blob(url="https://example.org/a.pdf", media_type="application/pdf"))
        ),
        Need.FILE_IDS: _showing(File(Blob(file_id="file_1"))),
        Need.UNKNOWN_PARTS: _showing(_OPAQUE),
        Need.PAST_UNKNOWN_PARTS: _after(Text("Well."), _OPAQUE),
        Need.NAMES: ChatRequest("m-1", (replace(_USER, name="ada"),)),
        Need.LATER_SYSTEM: ChatRequest(
            "m-1", (_USER, Turn(Author.SYSTEM, (Text("Be brief."),)), _USER)
        ),
        Need.PREFILL: ChatRequest("m-1", (_USER, Turn(Author.ASSISTANT, (Text("{"),)))),
        Need.PAST_REFUSALS: _after(Refusal("No.")),
        Need.CITATIONS: _after(_CITED),
        Need.THOUGHT: _after(Reasoning("I think."), Text("So.")),
        Need.SEALED_THOUGHT: _after(_SEALED, Text("So.")),
        Need.TOOLS: _with_tools(_TOOL),
        Need.CUSTOM_TOOLS: _with_tools(CustomTool("shell", "Runs it")),
        Need.SERVER_TOOLS: _with_tools(_TOOL, _SERVER),
        Need.ONLY_SERVER_TOOLS: _with_tools(_SERVER),
        Need.STRICT_TOOLS: _with_tools(replace(_TOOL, strict=True)),
        Need.FORCED_TOOL: _chosen(ToolMode.NAMED, "weather"),
        Need.ALLOWED_TOOLS: _chosen(ToolMode.ALLOWED, "weather"),
        Need.PARALLEL_OFF: replace(_with_tools(_TOOL), parallel_tool_calls=False),
        Need.RESULT_MEDIA: _given(Text("See:"), _IMAGE),
        Need.RESULT_ERRORS: _given(Text("It broke."), failed=True),
        Need.JSON_MODE: replace(_PLAIN, output=Output(OutputForm.JSON)),
        Need.JSON_SCHEMA: replace(
            _PLAIN, output=Output(OutputForm.SCHEMA, name="place", schema=_SCHEMA, strict=True)
        ),
        Need.CHOICE: replace(_PLAIN, output=Output(schema=_SCHEMA, choice=True)),
        Need.AUDIO_OUT: replace(_PLAIN, modalities=("text", "audio")),
        Need.IMAGE_OUT: replace(_PLAIN, modalities=("text", "image")),
        Need.VERBOSITY: replace(_PLAIN, verbosity="low"),
        Need.EFFORT: replace(_PLAIN, reasoning=ReasoningAsk(effort="low")),
        Need.BUDGET: replace(_PLAIN, reasoning=ReasoningAsk(budget=2048), max_output_tokens=4096),
        Need.NO_THOUGHT: replace(_PLAIN, reasoning=ReasoningAsk(effort="none")),
        Need.SUMMARY: replace(_PLAIN, reasoning=ReasoningAsk(effort="low", summary="auto")),
        Need.USER: replace(_PLAIN, identity=Identity(user="u1")),
        Need.SAFETY_ID: replace(_PLAIN, identity=Identity(safety_id="s1")),
        Need.METADATA: replace(_PLAIN, identity=Identity(metadata=msgspec.Raw(b'{"a":"b"}'))),
        Need.TIER: replace(_PLAIN, service_tier="flex"),
        Need.CACHE_MARKS: ChatRequest(
            "m-1", (Turn(Author.USER, (Text("Hi", cache=CacheMark()),)), _USER)
        ),
        Need.CACHE_KEY: replace(_PLAIN, cache=PromptCache(key="k1")),
        Need.CACHED_PROMPT: replace(_PLAIN, cache=PromptCache(handle="cachedContents/c1")),
        Need.STATE: replace(_PLAIN, state=State(store=True)),
        Need.UNKNOWN_MEMBERS: replace(_PLAIN, extra=Extra(_ELSEWHERE, {"news": msgspec.Raw(b"1")})),
    }
)
"""Each asks for its need, and for no other that is not implied."""
