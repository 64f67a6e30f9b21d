"""What a request needs beyond text, and what becomes of it where it cannot be had.

A `Need` is one thing that a caller can ask for and that not every dialect or model can give.
`needs_of` finds them in a request. A dialect says as data which of them it loses
(`Dialect.losses`); a model says it by its facts. The pipeline compares both before it sends
anything, and what is lost is told to the caller. Text, tool names and arguments, total usage and
the class of a stop are no needs: they are never lost.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.model.parts import (
    ABSENT,
    Audio,
    Author,
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolResult,
    Turn,
)
from antiphon.model.request import (
    ChatRequest,
    CustomTool,
    FunctionTool,
    Identity,
    OutputForm,
    ReasoningAsk,
    Sampling,
    ServerTool,
    ToolMode,
)


class Need(enum.StrEnum):
    """One thing that a request may ask for."""

    # drawing
    TEMPERATURE = "temperature"
    TOP_P = "top_p"
    TOP_K = "top_k"
    MIN_P = "min_p"
    PENALTIES = "penalties"
    REPETITION_PENALTY = "repetition_penalty"
    SEED = "seed"
    LOGIT_BIAS = "logit_bias"
    LOGPROBS = "logprobs"
    ANSWERS = "answers"
    STOP = "stop"
    # what is shown
    IMAGES = "images"
    IMAGE_URLS = "image_urls"
    AUDIO = "audio"
    FILES = "files"
    FILE_URLS = "file_urls"
    FILE_IDS = "file_ids"
    UNKNOWN_PARTS = "unknown_parts"
    PAST_UNKNOWN_PARTS = "past_unknown_parts"
    # the conversation
    NAMES = "names"
    LATER_SYSTEM = "later_system"
    PREFILL = "prefill"
    PAST_REFUSALS = "past_refusals"
    CITATIONS = "citations"
    THOUGHT = "thought"
    SEALED_THOUGHT = "sealed_thought"
    # tools
    TOOLS = "tools"
    CUSTOM_TOOLS = "custom_tools"
    SERVER_TOOLS = "server_tools"
    ONLY_SERVER_TOOLS = "only_server_tools"
    STRICT_TOOLS = "strict_tools"
    FORCED_TOOL = "forced_tool"
    ALLOWED_TOOLS = "allowed_tools"
    PARALLEL_OFF = "parallel_off"
    RESULT_MEDIA = "result_media"
    RESULT_ERRORS = "result_errors"
    # the answer
    JSON_MODE = "json_mode"
    JSON_SCHEMA = "json_schema"
    AUDIO_OUT = "audio_out"
    VERBOSITY = "verbosity"
    # thought
    EFFORT = "effort"
    BUDGET = "budget"
    NO_THOUGHT = "no_thought"
    SUMMARY = "summary"
    # beside the question
    USER = "user"
    SAFETY_ID = "safety_id"
    METADATA = "metadata"
    TIER = "tier"
    CACHE_MARKS = "cache_marks"
    CACHE_KEY = "cache_key"
    STATE = "state"
    UNKNOWN_MEMBERS = "unknown_members"


class Severity(enum.StrEnum):
    """What it means that something is lost."""

    SAFE = "safe"
    """The answer means the same: nobody is told."""
    WARN = "warn"
    """The caller is told, and may have asked to be refused instead."""
    REFUSE = "refuse"
    """The answer would be another: never dropped."""


class Loss(msgspec.Struct, frozen=True):
    """What becomes of a need.

    Attributes:
        how: What is done instead, in a few words that docs and warnings show.
    """

    severity: Severity
    how: str


FORMS: Final = {OutputForm.JSON: Need.JSON_MODE, OutputForm.SCHEMA: Need.JSON_SCHEMA}
"""What each form of the answer is as a need."""
IN_WORDS: Final = Loss(Severity.WARN, "asked for by instruction, and checked")
"""Of a form that the target has no member for."""
SOME_RULES: Final = Loss(Severity.WARN, "some rules are told or left out, and checked")
"""Of a schema that the target takes in part."""


def needs_of(request: ChatRequest) -> frozenset[Need]:
    """All that a request needs."""
    return frozenset(
        (
            *_of_sampling(request),
            *_of_members(request),
            *_of_tools(request),
            *_of_turns(request.turns),
        )
    )


# ------------------------------------------------------------------ finding

_MEDIA: Final = {
    Image: (Need.IMAGES, Need.IMAGE_URLS),
    Audio: (Need.AUDIO, Need.FILE_URLS),
    File: (Need.FILES, Need.FILE_URLS),
}
DRAWN: Final = {
    Need.TEMPERATURE: ("temperature",),
    Need.TOP_P: ("top_p",),
    Need.TOP_K: ("top_k",),
    Need.MIN_P: ("min_p",),
    Need.PENALTIES: ("frequency_penalty", "presence_penalty"),
    Need.REPETITION_PENALTY: ("repetition_penalty",),
    Need.SEED: ("seed",),
    Need.LOGIT_BIAS: ("logit_bias",),
    Need.LOGPROBS: ("logprobs", "top_logprobs"),
}
_UNSAID: Final = (None, False, ABSENT)
_PLAIN: Final = Sampling()


def _of_sampling(request: ChatRequest) -> Iterator[Need]:
    drawn = request.sampling
    if drawn != _PLAIN:
        for need, names in DRAWN.items():
            if any(getattr(drawn, name) not in _UNSAID for name in names):
                yield need
    if request.n is not None and request.n > 1:
        yield Need.ANSWERS
    if request.stop:
        yield Need.STOP


def _of_members(request: ChatRequest) -> Iterator[Need]:
    if request.output is not None and request.output.form in FORMS:
        yield FORMS[request.output.form]
    if "audio" in request.modalities:
        yield Need.AUDIO_OUT
    if request.verbosity is not None:
        yield Need.VERBOSITY
    if request.service_tier not in {None, "auto"}:
        yield Need.TIER
    if request.cache is not None:
        yield Need.CACHE_KEY
    if request.extra is not None and request.extra.members:
        yield Need.UNKNOWN_MEMBERS
    if request.reasoning is not None:
        yield from _of_reasoning(request.reasoning)
    if request.identity is not None:
        yield from _of_identity(request.identity)
    state = request.state
    if state is not None and (
        state.store or state.previous_id or state.conversation or state.background
    ):
        yield Need.STATE


def _of_reasoning(asked: ReasoningAsk) -> Iterator[Need]:
    if asked.effort == "none" or asked.budget == 0:
        yield Need.NO_THOUGHT
    elif asked.effort is not None:
        yield Need.EFFORT
    elif asked.budget is not None and asked.budget > 0:
        yield Need.BUDGET
    if asked.summary is not None:
        yield Need.SUMMARY


def _of_identity(identity: Identity) -> Iterator[Need]:
    if identity.user is not None:
        yield Need.USER
    if identity.safety_id is not None:
        yield Need.SAFETY_ID
    if identity.metadata:
        yield Need.METADATA


def _of_tools(request: ChatRequest) -> Iterator[Need]:
    ours = 0
    for tool in request.tools:
        if not isinstance(tool, ServerTool):
            ours += 1
            yield from _of_tool(tool)
    if ours < len(request.tools):
        # A tool that is offered beside others can be taken away; the only one cannot.
        yield Need.SERVER_TOOLS if ours else Need.ONLY_SERVER_TOOLS
    choice = request.tool_choice
    if choice is not None:
        if choice.mode in {ToolMode.REQUIRED, ToolMode.NAMED} or choice.required:
            yield Need.FORCED_TOOL
        if choice.mode is ToolMode.ALLOWED:
            yield Need.ALLOWED_TOOLS
        if choice.extra is not None and choice.extra.members:
            whole = "tool_choice" in choice.extra.members
            yield Need.ONLY_SERVER_TOOLS if whole else Need.UNKNOWN_MEMBERS
    if request.parallel_tool_calls is False and request.tools:
        yield Need.PARALLEL_OFF


def _of_tool(tool: FunctionTool | CustomTool) -> Iterator[Need]:
    yield Need.TOOLS
    if tool.cache is not None:
        yield Need.CACHE_MARKS
    if isinstance(tool, CustomTool):
        yield Need.CUSTOM_TOOLS
    elif tool.strict:
        yield Need.STRICT_TOOLS


def _of_turns(turns: tuple[Turn, ...]) -> Iterator[Need]:
    began = False
    for turn in turns:
        if turn.author in {Author.SYSTEM, Author.DEVELOPER}:
            if began:
                yield Need.LATER_SYSTEM
        else:
            began = True
        if turn.name is not None and turn.author is not Author.TOOL:
            yield Need.NAMES
        said = turn.author is Author.ASSISTANT
        for part in turn.parts:
            if isinstance(part, Opaque):
                yield Need.PAST_UNKNOWN_PARTS if said else Need.UNKNOWN_PARTS
            else:
                yield from _of_part(part)
    if turns and turns[-1].author is Author.ASSISTANT and not turns[-1].tool_calls:
        yield Need.PREFILL


def _of_part(part: Part) -> Iterator[Need]:
    match part:
        case Text():
            if part.annotations:
                yield Need.CITATIONS
        case Image() | Audio() | File():
            yield from _of_medium(part)
        case Reasoning():
            if part.text or part.summary:
                yield Need.THOUGHT
            if part.signature is not None:
                yield Need.SEALED_THOUGHT
        case Refusal():
            yield Need.PAST_REFUSALS
        case ToolResult():
            yield from _of_result(part)
        case _:
            pass
    if not isinstance(part, Refusal | Opaque) and part.cache is not None:
        yield Need.CACHE_MARKS


def _of_result(result: ToolResult) -> Iterator[Need]:
    if result.is_error:
        yield Need.RESULT_ERRORS
    for inner in result.parts:
        if not isinstance(inner, Text | Opaque):
            yield Need.RESULT_MEDIA
        yield from _of_part(inner)


def _of_medium(part: Image | Audio | File) -> Iterator[Need]:
    of_kind, by_url = _MEDIA[type(part)]
    yield of_kind
    if part.blob.file_id is not None:
        yield Need.FILE_IDS
    elif part.blob.url is not None:
        yield by_url
