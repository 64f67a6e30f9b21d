"""What an SDK is asked to ask, and what it read: the same words for all of them.

The JavaScript clients take a `Job` as JSON and give a `Heard` back, see `tests/js/ask.mjs`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

Schema = dict[str, object]

PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
"""A picture of one pixel."""
PAGE: Final = base64.b64encode(
    b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
).decode()
"""A document of one empty page."""
SECONDS: Final = 20
"""How long an SDK waits."""


class Tool(Struct, frozen=True):
    """A tool that is offered, and what it says when it is called."""

    name: str
    description: str
    parameters: Schema
    result: str


class Ask(Struct, frozen=True, kw_only=True):
    """One conversation: a question, and the results of the tools that are called."""

    text: str
    system: str = "You are brief. Never mention the ledger."
    most: int = 4000
    """The most tokens of an answer."""
    stream: bool = False
    effort: str | None = None
    image: str | None = None
    pdf: str | None = None
    stops: tuple[str, ...] | None = None
    schema: Schema | None = None
    tools: tuple[Tool, ...] | None = None


class Job(Struct, frozen=True):
    """A conversation with a model at an address."""

    sdk: str
    base_url: str
    key: str
    model: str
    ask: Ask


class Call(Struct, frozen=True):
    """A call of a tool; the arguments are JSON."""

    name: str
    arguments: str


class Tokens(Struct, frozen=True):
    """All tokens of the input and of the output, whatever their kind."""

    input: int | None
    output: int | None


class Answer(Struct, frozen=True):
    """What was read of one turn of the model."""

    text: str
    thought: str
    tools: tuple[Call, ...]
    usage: Tokens
    stop: str | None
    """The SDK's own word."""


class Trouble(Struct, frozen=True):
    """What was raised."""

    name: str
    """The class."""
    status: int | None
    message: str
    retry_after: str | None = None
    """The header, where the SDK shows it."""


class Heard(Struct, frozen=True):
    """All answers of a conversation, and how it broke off if it did."""

    answers: tuple[Answer, ...]
    error: Trouble | None = None


def _only(**members: object) -> Schema:
    """The schema of one object: whoever makes something that fits it has no choice."""
    return {
        "type": "object",
        "properties": {name: _exactly(value) for name, value in members.items()},
        "required": list(members),
        "additionalProperties": False,
    }


def _exactly(value: object) -> Schema:
    return {"type": _TYPES[type(value)], "enum": [value]}


_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}

WEATHER: Final = Tool(
    "get_weather",
    "The weather of a place.",
    _only(place='Zürich "HB" \\ 1', days=3, wind=0.5),
    "21 degrees, no wind",
)
STOCK: Final = Tool("get_stock", "A share's price.", _only(symbol="ABB\n", now=True), "57.20 CHF")
TOOLS: Final = (WEATHER, STOCK)

_SAID: Final = '[say: Grüezi, "world" \\o/ 🎻 of < two > lines &amp; more\nand a second one]'
_BOTH: Final = "Ask get_weather and get_stock, both."

CASES: Final[Mapping[str, Ask]] = MappingProxyType(
    {
        "plain": Ask(text=_SAID),
        "stream": Ask(text=_SAID, stream=True),
        "long": Ask(text="[tokens: 700]", stream=True),
        "cut": Ask(text="[tokens: 700]", most=20),
        "tools": Ask(text=_BOTH, tools=TOOLS),
        "tools_stream": Ask(text=_BOTH, tools=TOOLS, stream=True),
        "image": Ask(text="[say: a dot]", image=PIXEL),
        "pdf": Ask(text="[say: a page]", pdf=PAGE),
        "stops": Ask(text="[say: one, two, STOP, three]", stops=("STOP", "HALT")),
        "stops_stream": Ask(
            text="[say: one, two, STOP, three]", stops=("STOP", "HALT"), stream=True
        ),
        "schema": Ask(text="Fill it in.", schema=_only(title="Ω", pages=7)),
        "thinking": Ask(text="[say: thought over]", effort="low"),
        "thinking_stream": Ask(text="[say: thought over]", effort="low", stream=True),
    }
)
"""Each conversation by name; one that thinks needs a model that does."""


def model_for(case: str) -> str:
    """A model of the simulator for a case, of its own: so its requests are known by the model."""
    # A name with "image" in it makes some clients ask for pictures in the answer.
    name = case.replace("image", "picture")
    return f"sim-reason-{name}" if CASES[case].effort else f"sim-{name}"


def declared(tool: Tool) -> dict[str, object]:
    """A tool as OpenAI's API declares it, and many after it."""
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def result(job: Job, name: str) -> str:
    """What a tool of a job says."""
    return next(tool.result for tool in job.ask.tools or () if tool.name == name)


def shown(data: str, mime: str = "image/png") -> str:
    """A picture, or another file, as an address."""
    return f"data:{mime};base64,{data}"
