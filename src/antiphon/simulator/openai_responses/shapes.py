"""The members of a Responses request, as far as the simulator looks at them."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

NOTHING: Final = Raw(b"null")


class Part(Struct, frozen=True):
    """A part of a content."""

    type: str
    text: str = ""
    refusal: str = ""


class Item(Struct, frozen=True):
    """An item of the input; each type uses some of the members."""

    type: str = "message"
    role: str = ""
    content: Raw = NOTHING
    id: str | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    input: str = ""
    output: Raw = NOTHING
    summary: list[Part] = []
    encrypted_content: str | None = None
    status: str | None = None
    tools: Raw = NOTHING

    def parts(self) -> tuple[Part, ...]:
        """What a message or a result holds."""
        raw = bytes(self.output if self.type in RESULTS else self.content)
        if raw.startswith(b'"'):
            return (Part("text", msgspec.json.decode(raw, type=str)),)
        return _PARTS.decode(raw) if raw.startswith(b"[") else ()

    def text(self) -> str:
        """All that it says; a thought says nothing."""
        if self.type in CALLS:
            return f"{self.name}{self.arguments}{self.input}"
        return "\n".join(filter(None, (part.text or part.refusal for part in self.parts())))

    def attachments(self) -> int:
        """How many pictures or files it holds."""
        return sum(part.type in _ATTACHED for part in self.parts())


RESULTS: Final = {
    "function_call_output": "function_call",
    "custom_tool_call_output": "custom_tool_call",
}
"""Types of results, and the types of their calls."""
CALLS: Final = frozenset(RESULTS.values())
_PARTS: Final = msgspec.json.Decoder(tuple[Part, ...])
_ATTACHED: Final = frozenset({"input_image", "input_file", "input_audio"})


class Tool(Struct, frozen=True):
    """A tool that is offered; a namespace holds others."""

    type: str
    name: str = ""
    parameters: Raw = NOTHING
    strict: bool | None = None
    namespace: str = ""
    tools: "list[Tool]" = []

    def flat(self, path: str = "", namespace: str = "") -> "Iterator[tuple[str, Tool]]":
        """The functions and custom tools that it holds, or is, each with its place."""
        if self.type == "namespace":
            for number, tool in enumerate(self.tools):
                yield from tool.flat(f"{path}.tools[{number}]", self.name)
        elif self.type in {"function", "custom"}:
            yield path, replace(self, namespace=namespace)


_TOOLS: Final = msgspec.json.Decoder(list[Tool])


class Choice(Struct, frozen=True):
    """Which tool is called."""

    type: str
    name: str = ""
    namespace: str = ""
    mode: str = "auto"
    tools: list[Tool] = []


class Reasoning(Struct, frozen=True):
    """How much is thought, and whether it is told."""

    effort: str | None = None
    summary: str | None = None


class Format(Struct, frozen=True):
    """The form of the answer."""

    type: str = "text"
    name: str = ""
    schema: Raw = NOTHING
    strict: bool | None = None


class Text(Struct, frozen=True):
    """How the answer shall be."""

    format: Format | None = None


class StreamOptions(Struct, frozen=True):
    """How the answer is streamed."""

    include_obfuscation: bool | None = None


class Request(Struct, frozen=True):
    """A request for a response."""

    model: Annotated[str, Meta(min_length=1)]
    input: str | list[Item] = []
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    conversation: Raw = NOTHING
    max_output_tokens: int | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    include: list[str] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None

    def items(self) -> list[Item]:
        """The input as items."""
        if isinstance(self.input, str):
            return [Item(role="user", content=Raw(msgspec.json.encode(self.input)))]
        return self.input

    def offered(self) -> Iterator[tuple[str, Tool]]:
        """The functions and custom tools, wherever they stand, each with its place.

        Raises:
            msgspec.ValidationError: an item of the input holds what are no tools.
        """
        for number, tool in enumerate(self.tools or ()):
            yield from tool.flat(f"tools[{number}]")
        for at, item in enumerate(self.items()):
            if item.type == "additional_tools":
                for number, tool in enumerate(_TOOLS.decode(item.tools)):
                    yield from tool.flat(f"input[{at}].tools[{number}]")

    def includes(self, what: str) -> bool:
        """Whether something is asked for in `include`."""
        return what in (self.include or ())
