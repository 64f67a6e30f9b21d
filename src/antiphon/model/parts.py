"""A turn is an author and ordered parts.

Parts keep the order in which they were said: reasoning before a call before text means something
to the models that sign it. An item of the Responses dialect is a part with an id of its own.
What one dialect knows and the model does not is kept beside it under that dialect's name
(`Extra`) or whole (`Opaque`), so that it survives between equal dialects.
"""

from __future__ import annotations

import enum

import msgspec

ABSENT = msgspec.Raw(b"")
"""No raw JSON at all: the default of raw members, false where it is tested.

`Raw | None` would read nothing but null back (msgspec), and replies are stored and read back.
"""


class Extra(msgspec.Struct, frozen=True):
    """Members that only one dialect knows, as raw JSON.

    Attributes:
        dialect: The dialect that may send them again.
        members: Name to raw JSON, in their order.
    """

    dialect: str
    members: dict[str, msgspec.Raw]


class CacheMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The prompt up to and including this part may be cached by the provider.

    Attributes:
        ttl: How long, in the provider's spelling (`5m`, `1h`, `30m`); None is its default.
        spelling: The member it came in, where a dialect has several (`cache_control`).
    """

    ttl: str | None = None
    spelling: str | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where an opaque payload is valid: signed reasoning is refused anywhere else.

    Attributes:
        dialect: The dialect that it was read from.
        model: The upstream model that wrote it; empty if unknown.
        scope: Organisation or key that it is bound to, as the deployment names it; empty if any.
    """

    dialect: str
    model: str = ""
    scope: str = ""


class Text(msgspec.Struct, frozen=True, tag="text", omit_defaults=True):
    """Plain text; `annotations` are citations, raw in the dialect of their `extra`."""

    text: str
    id: str | None = None
    annotations: tuple[msgspec.Raw, ...] = ()
    cache: CacheMark | None = None
    extra: Extra | None = None


class Blob(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of a picture, a sound or a file: exactly one of url, data, file_id.

    Attributes:
        url: An address; never fetched without a check.
        data: Base64 text, as it came.
        file_id: A handle at the provider; valid there only.
        media_type: Such as `image/png`; empty if not said.
    """

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    media_type: str = ""


class Image(msgspec.Struct, frozen=True, tag="image", omit_defaults=True):
    """A picture; `detail` as OpenAI spells it (`auto`, `low`, `high`, `original`)."""

    blob: Blob
    detail: str | None = None
    id: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class Audio(msgspec.Struct, frozen=True, tag="audio", omit_defaults=True):
    """A sound; `format` is `wav`, `mp3`…; `transcript` where a model spoke it."""

    blob: Blob
    format: str = ""
    transcript: str | None = None
    id: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class File(msgspec.Struct, frozen=True, tag="file", omit_defaults=True):
    """A document; `title` and `context` are Anthropic's."""

    blob: Blob
    filename: str | None = None
    title: str | None = None
    context: str | None = None
    id: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class CallKind(enum.StrEnum):
    """How a tool takes its input."""

    FUNCTION = "function"
    """JSON that fits a schema."""
    CUSTOM = "custom"
    """Free text, perhaps in a grammar."""
    LEGACY = "legacy"
    """A function, in the members that calls with ids replaced: its `call_id` is made up."""


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call", omit_defaults=True):
    """A model asks for a tool.

    Attributes:
        call_id: What the result answers to.
        name: The tool.
        arguments: The raw text that the model wrote; JSON for a function, not always valid.
        kind: Function or custom.
        id: The item's own id where the dialect has one beside the call's.
        signature: Opaque thought bound to the call (Gemini).
        origin: Where the signature is valid.
    """

    call_id: str
    name: str
    arguments: str
    kind: CallKind = CallKind.FUNCTION
    id: str | None = None
    signature: str | None = None
    origin: Origin | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class Reasoning(msgspec.Struct, frozen=True, tag="reasoning", omit_defaults=True):
    """Thought, shown or sealed.

    Attributes:
        text: The thought; empty where it is sealed.
        summary: Summaries in place of the thought (Responses).
        signature: Seal over the text, or the sealed thought itself; passed on byte for byte.
        sealed: The thought is inside `signature` (redacted, encrypted).
        origin: Where the signature is valid.
        spelling: The member it came in, where a dialect has several (`reasoning_content`).
    """

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: str | None = None
    sealed: bool = False
    origin: Origin | None = None
    spelling: str | None = None
    id: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class Refusal(msgspec.Struct, frozen=True, tag="refusal", omit_defaults=True):
    """A model says that it will not."""

    text: str
    id: str | None = None
    extra: Extra | None = None


class Opaque(msgspec.Struct, frozen=True, tag="opaque"):
    """A part that only one dialect knows, whole, as raw JSON."""

    dialect: str
    payload: msgspec.Raw


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result", omit_defaults=True):
    """What a tool gave back.

    Attributes:
        call_id: The call that it answers.
        parts: Text, pictures, files.
        name: The tool, where the dialect says it.
        is_error: The tool failed.
    """

    call_id: str
    parts: tuple[Text | Image | Audio | File | Opaque, ...]
    name: str | None = None
    is_error: bool = False
    kind: CallKind = CallKind.FUNCTION
    id: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


Part = Text | Image | Audio | File | ToolCall | ToolResult | Reasoning | Refusal | Opaque


class Author(enum.StrEnum):
    """Who speaks a turn."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One author's parts, in the order in which they were said.

    Attributes:
        name: The speaker's name, where the dialect allows one.
        id: The turn's own id, where the dialect has one.
        phase: `commentary` or `final_answer` (Responses); kept.
    """

    author: Author
    parts: tuple[Part, ...]
    name: str | None = None
    id: str | None = None
    phase: str | None = None
    extra: Extra | None = None

    @property
    def text(self) -> str:
        """All plain text of the turn, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that this turn asks for."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))
