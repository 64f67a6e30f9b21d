"""What a caller asks, in the canonical words."""

from __future__ import annotations

import enum

import msgspec

from antiphon.model.parts import ABSENT, CacheMark, CallKind, Extra, Turn


class FunctionTool(msgspec.Struct, frozen=True, tag="function", omit_defaults=True):
    """A tool whose input is JSON that fits a schema (`parameters`, raw JSON Schema)."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class CustomTool(msgspec.Struct, frozen=True, tag="custom", omit_defaults=True):
    """A tool whose input is free text; `format` is a raw grammar where one is set."""

    name: str
    description: str | None = None
    format: msgspec.Raw = ABSENT
    cache: CacheMark | None = None
    extra: Extra | None = None


class ServerTool(msgspec.Struct, frozen=True, tag="server"):
    """A tool that the provider runs itself; only its own dialect knows it."""

    dialect: str
    payload: msgspec.Raw


Tool = FunctionTool | CustomTool | ServerTool


class ToolMode(enum.StrEnum):
    """Whether a model may, must or must not call tools."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    NAMED = "named"
    ALLOWED = "allowed"


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which tools may be called.

    Attributes:
        mode: NAMED means exactly `names[0]`; ALLOWED means only `names`.
        names: The tools of NAMED and ALLOWED.
        required: For ALLOWED: one of them must be called.
        kind: Of the tool of NAMED.
        extra: A choice that only one dialect knows, whole.
    """

    mode: ToolMode
    names: tuple[str, ...] = ()
    required: bool = False
    kind: CallKind = CallKind.FUNCTION
    extra: Extra | None = None


class OutputForm(enum.StrEnum):
    """The form of the visible answer."""

    TEXT = "text"
    JSON = "json"
    SCHEMA = "schema"


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """The form asked for; `schema` is raw JSON Schema.

    Attributes:
        choice: The answer is one of the values of the schema, and nothing around it (`text`).
    """

    form: OutputForm = OutputForm.TEXT
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None
    choice: bool = False
    extra: Extra | None = None


class ReasoningAsk(msgspec.Struct, frozen=True, omit_defaults=True):
    """How hard to think.

    Attributes:
        effort: none, minimal, low, medium, high, xhigh, max.
        budget: Tokens of thought; 0 is off, -1 is the provider's choice.
        summary: auto, concise, detailed; or `omitted`.
        bound: A seal that is not valid shall be refused, not left out.
        extra: The dialect's own members.
    """

    effort: str | None = None
    budget: int | None = None
    summary: str | None = None
    bound: bool = False
    extra: Extra | None = None


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the next token is drawn; None leaves it to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    logit_bias: msgspec.Raw = ABSENT
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom the request is for, as the caller says it; never trusted for rights."""

    user: str | None = None
    safety_id: str | None = None
    metadata: msgspec.Raw = ABSENT


class PromptCache(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the caller says to the provider's prompt cache.

    Attributes:
        handle: The beginning of the conversation, which lies at the provider under this name.
    """

    handle: str | None = None
    key: str | None = None
    retention: str | None = None
    options: msgspec.Raw = ABSENT


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """Conversation kept by a server."""

    store: bool | None = None
    previous_id: str | None = None
    conversation: msgspec.Raw = ABSENT
    background: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question to a model.

    Attributes:
        model: The name that the caller uses.
        turns: The conversation; system and developer turns stand where they were said.
        max_output_tokens: Bound of the answer, thought included.
        legacy_max_tokens: The bound came in a member that some models refuse (`max_tokens`).
        legacy_functions: The tools came in members that know no call ids (`functions`).
        extra: Members that only the caller's dialect knows.
    """

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: Output | None = None
    reasoning: ReasoningAsk | None = None
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    max_output_tokens: int | None = None
    legacy_max_tokens: bool = False
    legacy_functions: bool = False
    n: int | None = None
    stop: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    service_tier: str | None = None
    verbosity: str | None = None
    cache: PromptCache | None = None
    identity: Identity | None = None
    state: State | None = None
    stream: bool = False
    include_usage: bool = False
    extra: Extra | None = None
