"""The members of a request, as far as the simulator looks at them."""

from typing import Annotated

from msgspec import Meta, Struct

Object = dict[str, object]


class Blob(Struct, frozen=True, rename="camel"):
    """Bytes, or a file that lies elsewhere."""

    mime_type: str = ""
    data: str = ""
    file_uri: str = ""

    @property
    def modality(self) -> str:
        """What kind of content it is."""
        kind = self.mime_type.partition("/")[0].upper()
        return kind if kind in {"IMAGE", "AUDIO", "VIDEO"} else "DOCUMENT"


class Call(Struct, frozen=True):
    """A call that the model made."""

    name: str = ""
    id: str | None = None
    args: Object | None = None


class Response(Struct, frozen=True):
    """What a function gave back."""

    name: str = ""
    id: str | None = None
    response: Object | None = None
    parts: list["Part"] = []


class Part(Struct, frozen=True, rename="camel"):
    """A part of a turn; each kind uses one of the members."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: Blob | None = None
    function_call: Call | None = None
    function_response: Response | None = None
    executable_code: Object | None = None
    code_execution_result: Object | None = None
    tool_call: Object | None = None
    tool_response: Object | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing that a part is made of."""
        held = (self.inline_data, self.file_data, self.function_call, self.function_response)
        run = (self.executable_code, self.code_execution_result, self.tool_call)
        return all(each is None for each in (self.text, *held, *run, self.tool_response))


class Content(Struct, frozen=True):
    """A turn."""

    parts: list[Part] = []
    role: str | None = None

    @property
    def calls(self) -> list[Call]:
        """The calls in it."""
        return [part.function_call for part in self.parts if part.function_call is not None]

    @property
    def responses(self) -> list[Response]:
        """What functions gave back in it."""
        return [each.function_response for each in self.parts if each.function_response is not None]

    @property
    def is_model(self) -> bool:
        """Whether the model said it."""
        return self.role == "model"


class Declaration(Struct, frozen=True, rename="camel"):
    """A function that is offered."""

    name: str = ""
    description: str | None = None
    parameters: Object | None = None
    parameters_json_schema: object = None


class Tool(Struct, frozen=True, rename="camel"):
    """Functions that are offered together; those of Google's own are not run here."""

    function_declarations: list[Declaration] | None = None


class Calling(Struct, frozen=True, rename="camel"):
    """Whether functions are called, and which."""

    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(Struct, frozen=True, rename="camel"):
    """How tools are used."""

    function_calling_config: Calling | None = None


class Thinking(Struct, frozen=True, rename="camel"):
    """Whether and how much is thought."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Generation(Struct, frozen=True, rename="camel"):
    """How the answer shall be."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    response_logprobs: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    response_mime_type: str | None = None
    response_schema: Object | None = None
    response_json_schema: object = None
    thinking_config: Thinking | None = None


class Request(Struct, frozen=True, rename="camel"):
    """A request for content."""

    contents: list[Content] = []
    system_instruction: Content | None = None
    tools: list[Tool] = []
    tool_config: ToolConfig | None = None
    generation_config: Generation | None = None
    cached_content: str | None = None

    @property
    def declared(self) -> list[Declaration]:
        """All functions that are offered."""
        return [each for tool in self.tools for each in tool.function_declarations or ()]

    @property
    def generation(self) -> Generation:
        """How the answer shall be."""
        return self.generation_config or Generation()

    @property
    def calling(self) -> Calling:
        """Whether functions are called, and which."""
        config = self.tool_config
        return (config and config.function_calling_config) or Calling()


class Counted(Struct, frozen=True, rename="camel"):
    """A request for a count of tokens."""

    contents: list[Content] = []
    generate_content_request: Request | None = None


class Embedded(Struct, frozen=True, rename="camel"):
    """A request for a vector."""

    content: Content
    output_dimensionality: Annotated[int, Meta(ge=1, le=3072)] | None = None


class Batch(Struct, frozen=True):
    """Requests for vectors."""

    requests: list[Embedded] = []
