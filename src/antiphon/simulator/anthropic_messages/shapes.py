"""The members of a Messages request, as far as the simulator looks at them."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

NOTHING: Final = Raw(b"null")


class Block(Struct, frozen=True):
    """A block of content; each type uses some of the members."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: Raw = NOTHING
    tool_use_id: str = ""
    content: Raw = NOTHING
    thinking: str = ""
    signature: str = ""
    data: str = ""
    cache_control: Raw = NOTHING

    def inside(self) -> tuple["Block", ...]:
        """The blocks of a tool's result.

        Raises:
            ValidationError: It is neither a text nor blocks; `Request` is not read then.
        """
        return blocks_in(_CONTENT.decode(self.content))

    def told(self) -> str:
        """Its text: what was said, thought, called or found."""
        match self.type:
            case "tool_use":
                return f"{self.name}{bytes(self.input).decode()}"
            case "tool_result":
                return "\n".join(filter(None, (block.told() for block in self.inside())))
            case _:
                return self.text

    def attachments(self) -> int:
        """How many pictures or files it holds."""
        if self.type == "tool_result":
            return sum(block.attachments() for block in self.inside())
        return self.type in _ATTACHED


_CONTENT: Final = msgspec.json.Decoder(str | list[Block] | None)
_ATTACHED: Final = frozenset({"image", "document"})


def blocks_in(content: str | list[Block] | None) -> tuple[Block, ...]:
    """A content as blocks, whichever way it was written."""
    if isinstance(content, str):
        return (Block("text", text=content),)
    return tuple(content or ())


class Message(Struct, frozen=True):
    """A turn."""

    role: str
    content: str | list[Block]

    def blocks(self) -> tuple[Block, ...]:
        """Its blocks."""
        return blocks_in(self.content)

    def text(self) -> str:
        """All that it says."""
        return "\n".join(filter(None, (block.told() for block in self.blocks())))


class Tool(Struct, frozen=True):
    """A tool that is offered; those with a type of their own run at the provider."""

    name: str
    type: str | None = None
    input_schema: Raw = NOTHING
    cache_control: Raw = NOTHING

    @property
    def is_custom(self) -> bool:
        """Whether the caller runs it."""
        return self.type in {None, "custom"}


class Choice(Struct, frozen=True):
    """Whether a tool is called, and which."""

    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class Thinking(Struct, frozen=True):
    """Whether thoughts are wanted."""

    type: str
    budget_tokens: int = 0
    display: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether there shall be thoughts."""
        return self.type != "disabled"


class Format(Struct, frozen=True):
    """The form of the answer."""

    type: str
    schema: Raw = NOTHING


class OutputConfig(Struct, frozen=True):
    """How the answer shall be."""

    effort: str | None = None
    format: Format | None = None


class Request(Struct, frozen=True):
    """A request for a message, or for the count of its tokens."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[Message], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
